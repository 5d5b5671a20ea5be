"""Writes down which messages of the bot Meta has accepted, in one transaction all that has gathered.

Nobody waits for it, so it costs one wake-up of one thread. Until it is written, the end of both processes
would have the turn say the message again: it is written at once, and tried again while the store refuses.
"""

from __future__ import annotations

import threading
from collections import deque
from concurrent.futures import ThreadPoolExecutor
from typing import Callable, Deque, List, NamedTuple

from handover_channel import log
from handover_channel.errors import StoreUnavailable
from handover_channel.store import Store, sent_messages

logger = log.logger(__name__)

#: Seconds until a note that could not be written is tried again, and how often.
AGAIN_AFTER = 0.5
TRIES = 60


class _Note(NamedTuple):
    tag: str
    mid: str
    at: float  #: seconds since the epoch


class SentNotes:
    """The notes of one process. From any thread."""

    def __init__(self, store: Store, clock: Callable[[], float]) -> None:
        self._store = store
        self._clock = clock
        self._waiting: Deque[_Note] = deque()
        self._writer = ThreadPoolExecutor(max_workers=1, thread_name_prefix="handover-notes")
        self._stopped = threading.Event()

    def add(self, tag: str, mid: str) -> None:
        """Have it written that Meta has accepted the message with *tag* as *mid*. Returns at once."""
        self._waiting.append(_Note(tag, mid, self._clock()))
        try:
            self._writer.submit(self._write)
        except RuntimeError:  # it has stopped, and a turn that nobody waits for has sent something yet
            self._write()

    def stop(self) -> None:
        """Write what waits, but do not wait for a database that is out of reach."""
        self._stopped.set()
        self._writer.shutdown()

    def _write(self) -> None:
        notes = self._taken()
        for _ in range(TRIES):
            try:
                return self._put(notes)
            except StoreUnavailable:
                if self._stopped.wait(AGAIN_AFTER):
                    break
            except Exception as error:
                logger.error("sent messages could not be noted: %s", log.trace(error))
                return None
        return None

    def _taken(self) -> List[_Note]:
        return [self._waiting.popleft() for _ in range(len(self._waiting))]

    def _put(self, notes: List[_Note]) -> None:
        if notes:
            with self._store.writing(durable=False) as connection:
                for tag, mid, at in notes:
                    sent_messages.add(connection, tag, now=at, mid=mid)
