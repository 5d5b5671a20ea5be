"""Measures how long a person waits for the first response after a handover, for the metrics alone.

Our clock times the handover, Meta's what another app says: a few seconds do not matter here.
"""

from __future__ import annotations

import contextlib
from typing import Optional

from sqlalchemy.engine import Connection

from handover_channel.errors import StoreUnavailable
from handover_channel.metrics import counters
from handover_channel.rules.control import HANDED_OVER
from handover_channel.settings.loader import Settings
from handover_channel.store import Store, changes, transcript
from handover_channel.store.threads import Thread


def note(settings: Settings, store: Store, row: Thread, *, now: float) -> None:
    """Count an answer in *row*'s thread, where it is the first; before it is written into the transcript."""
    with contextlib.suppress(StoreUnavailable):
        with store.reading() as connection:
            seconds = waited(connection, row, now=now)
        count(settings, row, seconds)


def waited(connection: Connection, row: Thread, *, now: float) -> Optional[float]:
    """Return after how many seconds the first answer comes, if one that is sent *now* is that; else None."""
    handover = changes.left_bot(connection, row.id)
    if handover is None or handover.reason != HANDED_OVER:
        return None  # nobody was promised an answer: somebody came by himself
    is_first = transcript.answered_at(connection, row.id) / 1000 < handover.at
    return now - handover.at if is_first else None


def count(settings: Settings, row: Thread, seconds: Optional[float]) -> None:
    """Count what `waited` has returned."""
    if seconds is not None:
        counters.first_answered(counters.label_of(row.state.target, settings.targets), seconds)
