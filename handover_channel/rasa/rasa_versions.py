"""Finds in Rasa Open Source 3.6 and in Rasa Pro 3.2x what the two have in different places.

All else of this room works with both as it is. Looked up by what is there, never by a version's number.
"""

from __future__ import annotations

from typing import Any, Optional

from rasa.core.channels.channel import CollectingOutputChannel
from rasa.core.channels.rest import QueueOutputChannel


def rasas_facebook() -> Optional[Any]:
    """Return Rasa's own channel for Facebook, None where it cannot run.

    Its library fbmessenger comes with Open Source, in Pro with the extra `channels` alone.
    """
    try:
        from rasa.core.channels.facebook import FacebookInput
    except ImportError:
        return None
    return FacebookInput


def sql_tracker_store() -> Any:
    """Return the class of Rasa's SQL tracker store: `rasa.core.tracker_store` is a package in Pro."""
    try:
        from rasa.core.tracker_stores.sql_tracker_store import SQLTrackerStore
    except ImportError:
        from rasa.core.tracker_store import SQLTrackerStore
    return SQLTrackerStore


def is_of_rest(output: Any) -> bool:
    """Tell whether Rasa's REST channel, or a caller without a channel, answers with what *output* collects.

    Pro's REST channel has a class of its own for it.
    """
    kind = type(output)
    is_rasas_own = kind.__module__ == QueueOutputChannel.__module__ and issubclass(
        kind, CollectingOutputChannel
    )
    return is_rasas_own or kind is CollectingOutputChannel
