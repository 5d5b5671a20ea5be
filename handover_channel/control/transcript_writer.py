"""Writes down what people say in threads of the built-in inbox on other channels than Messenger.

The door of the server (turn_gate.py) waits for it. The second lock (rasa/policy.py), which sees what was said
while the thread was handed over, has no time: it hands the words over, and they are written on a thread of
their own, in order.
"""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from typing import Callable

from handover_channel import log
from handover_channel.errors import StoreUnavailable
from handover_channel.rules.control import Control
from handover_channel.store import Store, page_updates, thread_activity, threads, transcript
from handover_channel.store.transcript import PERSON, Line

logger = log.logger(__name__)

#: Seconds after which writing is tried again where the database is out of reach.
WRITE_AGAIN_AFTER = (0.5, 2.0, 5.0)


class TranscriptWriter:
    """Write for the agents. `write` may be called from any thread, also from an event loop."""

    def __init__(
        self,
        store: Store,
        clock: Callable[[], float] = time.time,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._store = store
        self._clock = clock
        self._sleep = sleep
        self._pool = ThreadPoolExecutor(max_workers=1, thread_name_prefix="handover-transcript")

    def write(self, thread: str, channel: str, mid: str, text: str, timestamp: int) -> None:
        """Have a message of the person written down, once for each *mid*. Returns at once. Times in ms.

        *channel*: on which one it came; in a thread of another one it is not the person's.
        """
        self._pool.submit(log.carried(self._write), thread, channel, Line(PERSON, text, timestamp, mid=mid))

    def keep(self, thread: str, channel: str, line: Line) -> None:
        """Write a message of the person down before returning. Raises StoreUnavailable."""
        self._try(thread, channel, line)

    def close(self) -> None:
        """Wait until everything is written."""
        self._pool.shutdown(wait=True)

    def _write(self, thread: str, channel: str, line: Line) -> None:
        for pause in WRITE_AGAIN_AFTER:
            try:
                return self._try(thread, channel, line)
            except StoreUnavailable:
                self._sleep(pause)
        try:
            return self._try(thread, channel, line)
        except StoreUnavailable as error:
            logger.error("thread %s: a message could not be kept for the agents: %s", thread, error)

    def _try(self, thread: str, channel: str, line: Line) -> None:
        now = self._clock()
        with self._store.writing() as connection:
            row = threads.get(connection, thread)
            if row is None or row.state.control is not Control.INBOX:
                return  # it is back with the bot, or never was here
            if row.channel != channel:
                logger.warning(
                    "thread %s is on %s: what came by %s is not kept -> let nobody choose a sender id "
                    "there (docs/deployment.md)",
                    thread,
                    row.channel,
                    channel,
                )
                return
            transcript.add(connection, thread, line)
            thread_activity.touch(connection, thread, page="", seen=0, now=now, person_at=line.timestamp)
            page_updates.add(connection, thread, now=now)
