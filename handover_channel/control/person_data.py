"""Deletes and hands out all that is kept about one person, in our database and in Rasa's tracker.

1. Whoever asks says how Rasa's conversation is reached (`Conversations`): the command by endpoints.yml, the
   inbox as its server does.
2. No worker is at the thread meanwhile.
3. The log of acts says who did it. After a deletion it does not say whose data it was: that would be kept.
4. Not reached from here: backups, logs (they hold the id), and what Meta keeps.

Takes the database, and waits for a worker: call it in a thread.
"""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from datetime import datetime, timezone
from typing import Any, Callable, Dict, List, Protocol, Sequence

from handover_channel.errors import HandoverError, Refused
from handover_channel.store import Store, acts, personal_data, search_sources

#: Of the JSON that `export` returns.
SCHEMA = 1

#: Seconds that a worker which is at the thread gets to end, and for which workers are kept off it then.
WORKER_ENDS_WITHIN, HELD_SECONDS = 20.0, 120.0


class Conversations(Protocol):
    """Rasa's conversations. What cannot be reached raises HandoverError, which says what to do by hand."""

    def events(self, thread: str) -> List[Dict[str, Any]]:
        """Return the events of a conversation, of all its sessions."""

    def delete(self, thread: str) -> int:
        """Delete a conversation, and return how many events, or records."""


@dataclass(frozen=True)
class Forgotten:
    """What was deleted."""

    rows: Dict[str, int]  #: table -> how many
    in_tracker: int = 0  #: events, or records
    left: Sequence[str] = field(default_factory=list)  #: what was not deleted, and what to do


class PersonData:
    """Deletes and hands out the data of a person. *by*: who does it."""

    def __init__(
        self,
        store: Store,
        conversations: Conversations,
        clock: Callable[[], float] = time.time,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._store = store
        self._conversations = conversations
        self._clock = clock
        self._sleep = sleep

    def held(self, thread: str) -> Dict[str, int]:
        """Return how many rows each of our tables holds about the person."""
        with self._store.reading() as connection:
            return personal_data.held(connection, thread)

    def export(self, thread: str, *, by: str) -> Dict[str, Any]:
        """Return all that is kept, to be written as JSON; `tracker` says where Rasa's is not reached."""
        with self._store.writing() as connection:
            found = personal_data.export(connection, thread)
            if found:
                acts.add(connection, acts.Done.EXPORTED, thread=thread, agent=by, now=self._clock())
        at = datetime.now(timezone.utc).isoformat(timespec="seconds")
        everything = {"schema": SCHEMA, "thread": thread, "exported_at": at, "tables": found}
        return {**everything, "tracker": self._tracker(thread)}

    def forget(self, thread: str, *, by: str) -> Forgotten:
        """Delete all of it, for good. Raises Refused where a worker does not end its work at the thread."""
        self._claim(thread)
        in_tracker, left = 0, []
        try:
            try:
                in_tracker = self._conversations.delete(thread)
            except HandoverError as error:
                left.append(str(error))
            with self._store.writing() as connection:
                rows = personal_data.forget(connection, thread, now=self._clock())
                acts.add(connection, acts.Done.FORGOTTEN, agent=by, now=self._clock())
            search_sources.leave_out_deleted(self._store)
            self._store.tidy_up(wholly=True)  # out of SQLite's log, too
        finally:
            with self._store.writing() as connection:
                personal_data.give_back(connection, thread)
        rows.pop("claims", None)  # our own
        return Forgotten(rows, in_tracker, left)

    def _tracker(self, thread: str) -> Dict[str, Any]:
        try:
            return {"events": self._conversations.events(thread)}
        except HandoverError as error:
            return {"not_reached": str(error)}

    def _claim(self, thread: str) -> None:
        until = time.monotonic() + WORKER_ENDS_WITHIN
        while True:
            now = self._clock()
            with self._store.writing() as connection:
                if personal_data.claim(connection, thread, now=now, until=now + HELD_SECONDS):
                    return
            if time.monotonic() > until:
                raise Refused(
                    "the bot is at work in conversation %(thread)s -> try again in a minute, or stop Rasa",
                    thread=thread,
                )
            self._sleep(0.2)
