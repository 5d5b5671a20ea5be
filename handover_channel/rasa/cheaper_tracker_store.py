"""Reads and saves conversations in SQL as Rasa does, for less.

How many events of a conversation are stored is known from reading them. Rasa counts them again when it saves.
The conversation's lock is held from one to the other.
"""

from __future__ import annotations

import itertools
from typing import Any, Awaitable, Callable, Iterator

from rasa.shared.core.events import Event

from handover_channel.rasa.rasa_versions import sql_tracker_store
from handover_channel.rasa.savings import Saving

SQLTrackerStore: Any = sql_tracker_store()

#: On a tracker: how many of its events are stored.
_EVENTS_READ = "_handover_stored_events"

_Method = Callable[..., Any]


def _noting_how_many(retrieve: Callable[..., Awaitable[Any]]) -> _Method:
    async def _retrieve(store: SQLTrackerStore, sender_id: str, fetch_events_from_all_sessions: bool) -> Any:
        tracker = await retrieve(store, sender_id, fetch_events_from_all_sessions)
        if tracker is not None and not fetch_events_from_all_sessions:
            setattr(tracker, _EVENTS_READ, len(tracker.events))
        return tracker

    return _retrieve


def _known_from_reading(additional: Callable[..., Iterator[Event]]) -> _Method:
    def _additional_events(store: SQLTrackerStore, session: Any, tracker: Any) -> Iterator[Event]:
        # Once: a session that began meanwhile has a count of its own.
        stored = tracker.__dict__.pop(_EVENTS_READ, None)
        if stored is None:
            return additional(store, session, tracker)
        return itertools.islice(tracker.events, stored, len(tracker.events))

    return _additional_events


OF_THE_STORE = Saving(
    "counting the events of a conversation",
    SQLTrackerStore,
    {"_retrieve": _noting_how_many, "_additional_events": _known_from_reading},
    written_for={
        "_retrieve": "097d43e4a023761d",
        "_additional_events": "e6d9422d39295e29",
        "save": "40c85e53007d9a74",
        "_event_query": "6926faba1493084e",
    },
)
