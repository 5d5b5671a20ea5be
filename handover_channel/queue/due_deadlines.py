"""Fires deadlines that are due (a time limit, a reminder), each by one worker."""

from __future__ import annotations

import threading
from typing import Callable, List, NamedTuple

from handover_channel import log
from handover_channel.control.deadlines import act_on
from handover_channel.control.thread_control import ThreadControl
from handover_channel.metrics import counters
from handover_channel.queue.executors import Executors
from handover_channel.store import Store, deadlines
from handover_channel.store.deadlines import Deadline

logger = log.logger(__name__)

#: Seconds in which a due deadline is processed, or comes again.
DEADLINE_CLAIM = 120.0
#: Deadlines processed at a time.
DUE_AT_ONCE = 32


class Due(NamedTuple):
    """A deadline that this worker has claimed."""

    deadline: Deadline
    until: float  #: seconds since the epoch


class DueDeadlines:
    """Claims deadlines and fires them. Used on one event loop, but for `claim`."""

    def __init__(
        self,
        store: Store,
        thread_control: ThreadControl,
        executors: Executors,
        clock: Callable[[], float],
    ) -> None:
        self._store = store
        self._thread_control = thread_control
        self._executors = executors
        self._clock = clock
        self._under_way = 0
        self._counting = threading.Lock()
        self.more_wait = False  #: the last claim has left some

    def claim(self) -> List[Due]:
        """Claim as many as there is room for; each is to be given to `fire`. Raises StoreUnavailable.

        Synchronous, one call at a time.
        """
        room = DUE_AT_ONCE - self._under_way
        found = self._claim(room) if room > 0 else []
        self.more_wait = len(found) == room
        with self._counting:
            self._under_way += len(found)
        return found

    async def fire(self, due: Due) -> bool:
        """Do what is due; return whether that succeeded. It comes again where it did not."""
        deadline = due.deadline
        try:
            await self._executors.graph(self._settle, due)
        except Exception as error:
            where = log.trace(error)
            logger.error("thread %s: its %s was due and failed: %s", deadline.thread, deadline.kind, where)
            return False
        finally:
            with self._counting:
                self._under_way -= 1
        return True

    def _claim(self, limit: int) -> List[Due]:
        now = self._clock()
        with self._store.glancing() as connection:
            if not deadlines.is_anything_due(connection, now=now):
                return []
        until = now + DEADLINE_CLAIM
        with self._store.writing() as connection:
            found = deadlines.claim_due(connection, now=now, until=until, limit=limit)
        return [Due(deadline, until) for deadline in found]

    def _settle(self, due: Due) -> None:
        with log.about(due.deadline.thread):
            act_on(self._thread_control, due.deadline)
        with self._store.writing() as connection:
            deadlines.settled(connection, due.deadline, moved_to=due.until)
        counters.due_done(due.deadline.kind, self._clock() - due.deadline.due_at)
