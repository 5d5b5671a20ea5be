"""Works off deliveries in order within each thread, different threads side by side, and what is due.

1. A thread is claimed in the store: one worker at a time, whichever machine it is on. A claim that is not
   renewed runs out, so that what a dead worker left is taken up by another.
2. A delivery is done when its effect is: after a crash it comes again, and is given up after three attempts.
3. Everything synchronous (store, Graph API) runs in threads; nothing blocks the loop.
"""

from __future__ import annotations

import asyncio
import contextlib
import functools
import json
import logging
import os
import socket
import time
import uuid
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any, Callable, Dict, Iterable, Optional, Set, Tuple, TypeVar

from handover_channel import webhook
from handover_channel.control import bot_may_speak
from handover_channel.conversation import Conversation, NotReady
from handover_channel.errors import StoreUnavailable
from handover_channel.events import Event, MessageReceived, PostbackReceived
from handover_channel.evidence import Evidence
from handover_channel.returning import ReturnReason
from handover_channel.store import Store, deadlines, deliveries, threads
from handover_channel.store.deliveries import Delivery
from handover_channel.store.threads import Thread
from handover_channel.switchboard import MESSENGER, Switchboard

logger = logging.getLogger(__name__)

_T = TypeVar("_T")

#: Seconds a claim lasts without being renewed.
CLAIM = 15.0
#: Seconds between two looks for work that nobody told us of: notes, deadlines, what others left.
LOOK = 0.5
#: How often a delivery may fail before it is given up.
FAILURES = 3
#: How often it may be interrupted: it may be what kills the process, or only be hit by a few restarts.
INTERRUPTIONS = 10
#: How far ahead of our clock Meta's may be, in ms: one event from the future must not make all others old.
AHEAD = 24 * 3600 * 1000
#: Seconds in which a due deadline is worked off, or comes again.
DEADLINE_CLAIM = 120.0
#: Threads (conversations) worked off at a time.
AT_ONCE = 64


class Worker:
    """Give each delivery its effect. Runs on one event loop; `wake` may be called from any thread."""

    def __init__(
        self,
        store: Store,
        switchboard: Switchboard,
        evidence: Evidence,
        conversation: Conversation,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._store = store
        self._switchboard = switchboard
        self._evidence = evidence
        self._conversation = conversation
        self._clock = clock
        self.name = f"{socket.gethostname()}:{os.getpid()}:{uuid.uuid4().hex[:8]}"
        self._pool = ThreadPoolExecutor(max_workers=16, thread_name_prefix="handover-worker")
        self._running: Dict[str, bool] = {}  # thread -> new work came while it was worked off
        self._tasks: Set[asyncio.Task[Any]] = set()
        self._loop: Optional[asyncio.AbstractEventLoop] = None
        self._stopping = False

    def wake(self, found: Iterable[str]) -> None:
        """Say that there is work in these threads. From any thread; forgetting it costs half a second."""
        loop = self._loop
        if loop is not None and not self._stopping:
            with contextlib.suppress(RuntimeError):  # the loop has closed: the next start takes it up
                loop.call_soon_threadsafe(self._start, list(found))

    async def run(self) -> None:
        """Work until `stop`."""
        self._loop = asyncio.get_running_loop()
        # Made here: before Python 3.10 they belong to the loop they are made on.
        self._room = asyncio.Semaphore(AT_ONCE)
        self._stop_looking, self._ended = asyncio.Event(), asyncio.Event()
        failed = released = False
        while not self._stopping:
            try:
                if not released:
                    await self._in_thread(self._release_dead)
                    released = True
                await self._do_due()
                self._start(await self._in_thread(self._look))
                failed = False
            except StoreUnavailable as error:
                if not failed:
                    logger.error("the bot is silent until the database is back: %s", error)
                failed = True
            except Exception:
                logger.exception("looking for work failed")
            with contextlib.suppress(asyncio.TimeoutError):
                await asyncio.wait_for(self._stop_looking.wait(), LOOK)
        await self._ended.wait()

    async def stop(self, grace: float) -> None:
        """Take up nothing new, let what runs end within *grace* seconds, give back the rest."""
        self._stopping = True
        self._stop_looking.set()
        if self._tasks:
            await asyncio.wait(self._tasks, timeout=grace)
        for task in self._tasks:
            task.cancel()
        with contextlib.suppress(StoreUnavailable):  # the claims run out by themselves
            await self._in_thread(self._release_all)
        self._pool.shutdown(wait=False)
        self._ended.set()

    def _start(self, found: Iterable[str]) -> None:
        for thread in found:
            if thread in self._running:
                self._running[thread] = True
            elif not self._stopping:
                self._running[thread] = False
                task = asyncio.ensure_future(self._work_off(thread))
                self._tasks.add(task)
                task.add_done_callback(self._tasks.discard)

    async def _work_off(self, thread: str) -> None:
        try:
            async with self._room:
                again = True
                while again and not self._stopping:
                    self._running[thread] = False
                    await self._work_off_claimed(thread)
                    again = self._running[thread]
        except (StoreUnavailable, NotReady) as error:
            logger.debug("thread %s waits: %s", thread, error)
        except Exception:
            logger.exception("thread %s: working off its deliveries failed", thread)
        finally:
            self._running.pop(thread, None)

    async def _work_off_claimed(self, thread: str) -> None:
        try:
            while not self._stopping:
                found = await self._in_thread(self._next, thread)
                if found is None:
                    return
                await self._try(*found)
        finally:
            await self._in_thread(self._release, thread)

    async def _try(self, delivery: Delivery, row: Thread, event: Optional[Event]) -> None:
        if delivery.failures >= FAILURES or delivery.attempts >= INTERRUPTIONS:
            logger.error(
                "thread %s: delivery %s given up: it failed %s times and was interrupted %s times",
                row.id,
                delivery.id,
                delivery.failures,
                delivery.attempts,
            )
            await self._in_thread(self._done, delivery, "failed")
            return
        keeping = asyncio.ensure_future(self._keep_claim(row.id))
        try:
            outcome = await self._work(delivery, row, event)
        except (StoreUnavailable, NotReady):
            await self._in_thread(self._ended_early, delivery, False)
            raise
        except Exception:
            logger.exception("thread %s: delivery %s failed, tried again", row.id, delivery.id)
            await self._in_thread(self._ended_early, delivery, True)
            await asyncio.sleep(2**delivery.failures)
            return
        finally:
            keeping.cancel()
        if outcome:
            await self._in_thread(self._done, delivery, outcome)

    async def _work(self, delivery: Delivery, row: Thread, event: Optional[Event]) -> str:
        """Give the delivery its effect. "": it is still to be worked off, after what comes before it now."""
        if event is None:
            return await self._tell(delivery, row)
        ruling = await self._in_thread(self._evidence.weigh, event, row, delivery)
        if ruling.turn and isinstance(event, (MessageReceived, PostbackReceived)):
            await self._conversation.answer(event, ruling.context, delivery.id)
        return ruling.outcome

    async def _tell(self, note: Delivery, row: Thread) -> str:
        body = json.loads(note.body)
        if bot_may_speak(row.state.control) is not (note.kind == deliveries.RETURNED):
            return "overtaken"  # control has changed again since; a later note tells of that
        if note.kind == deliveries.RETURNED:
            await self._conversation.returned(row, ReturnReason(body["reason"]), body, note.id)
        else:
            await self._conversation.muted(row, body["target"], body["until"])
        return "told"

    async def _do_due(self) -> None:
        for deadline in await self._in_thread(self._due):
            task = asyncio.ensure_future(self._in_thread(self._do, deadline))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    def _due(self) -> Any:
        with self._store.reading() as connection:
            return deadlines.due(connection, now=self._clock(), limit=500)

    def _do(self, deadline: deadlines.Deadline) -> None:
        until = self._clock() + DEADLINE_CLAIM
        try:
            with self._store.writing() as connection:
                if not deadlines.claim(connection, deadline, until=until):
                    return
            self._switchboard.due(deadline)
            with self._store.writing() as connection:
                deadlines.settled(connection, deadline, moved_to=until)
            self.wake([deadline.thread])
        except Exception:
            logger.exception("thread %s: its %s was due and failed", deadline.thread, deadline.kind)

    def _look(self) -> Any:
        with self._store.reading() as connection:
            return deliveries.waiting_threads(connection, now=self._clock(), limit=4 * AT_ONCE)

    def _next(self, thread: str) -> Optional[Tuple[Delivery, Thread, Optional[Event]]]:
        now = self._clock()
        with self._store.writing() as connection:
            if not deliveries.claim(connection, thread, worker=self.name, now=now, until=now + CLAIM):
                return None
            delivery = deliveries.next_of(connection, thread)
            if delivery is None:
                return None
            deliveries.started(connection, delivery.id)
            event = _event_of(delivery)
            page = event.page if event else ""
            row = threads.get_or_add(connection, thread, channel=MESSENGER, page=page, now=now)
            if event:
                said = isinstance(event, (MessageReceived, PostbackReceived))
                threads.touch(
                    connection,
                    thread,
                    page=page,
                    seen=event.timestamp,
                    now=delivery.received_at,
                    person_at=event.timestamp if said else 0,
                )
            return delivery, row, event

    def _done(self, delivery: Delivery, outcome: str) -> None:
        with self._store.writing() as connection:
            deliveries.done(connection, delivery.id, outcome=outcome, now=self._clock())

    def _ended_early(self, delivery: Delivery, failed: bool) -> None:
        with self._store.writing() as connection:
            deliveries.ended(connection, delivery.id, failed=failed)

    def _release(self, thread: str) -> None:
        with self._store.writing() as connection:
            deliveries.release(connection, worker=self.name, thread=thread)

    def _release_all(self) -> None:
        with self._store.writing() as connection:
            deliveries.release(connection, worker=self.name)

    def _release_dead(self) -> None:
        """Give up at once what workers that are no more had claimed; by themselves the claims run out later.

        On SQLite alone, where every worker is on this machine: elsewhere a process id says nothing.
        """
        if self._store.dialect != "sqlite":
            return
        here = f"{socket.gethostname()}:"
        with self._store.writing() as connection:
            for worker in deliveries.claiming_workers(connection):
                if worker.startswith(here) and not _is_alive(int(worker.split(":")[1])):
                    deliveries.release(connection, worker=worker)

    async def _keep_claim(self, thread: str) -> None:
        while True:
            await asyncio.sleep(CLAIM / 3)
            await self._in_thread(self._renew, thread)

    def _renew(self, thread: str) -> None:
        now = self._clock()
        with self._store.writing() as connection:
            deliveries.claim(connection, thread, worker=self.name, now=now, until=now + CLAIM)

    async def _in_thread(self, function: Callable[..., _T], *given: Any) -> _T:
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._pool, functools.partial(function, *given))


def _event_of(delivery: Delivery) -> Optional[Event]:
    if delivery.kind != deliveries.EVENT:
        return None
    event = webhook.unmarshal(delivery.body)
    return replace(event, timestamp=min(event.timestamp, int(delivery.received_at * 1000) + AHEAD))


def _is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
