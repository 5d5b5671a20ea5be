"""Works off deliveries in order within each thread, different threads side by side, and what is due.

1. A thread is claimed (claims.py): one worker at a time, whichever machine it is on.
2. A delivery is done when its effect is: after a crash it comes again. One that fails three times, or was
   interrupted ten times, is given up and kept.
3. Everything synchronous (store, Graph API) runs in threads; nothing blocks the loop.
"""

from __future__ import annotations

import asyncio
import contextlib
import functools
import json
import logging
import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Callable, Dict, Iterable, List, Optional, Set, TypeVar

from handover_channel import metrics
from handover_channel.claims import CLAIM, Claims, Job
from handover_channel.control import bot_may_speak
from handover_channel.conversation import Conversation, NotReady
from handover_channel.errors import StoreUnavailable
from handover_channel.events import MessageReceived, PostbackReceived
from handover_channel.evidence import Evidence, Ruling
from handover_channel.returning import ReturnReason
from handover_channel.store import Store, deadlines, deliveries
from handover_channel.store.deadlines import Deadline
from handover_channel.switchboard import Switchboard

logger = logging.getLogger(__name__)

_T = TypeVar("_T")

#: Seconds between two looks for work that nobody told us of: notes, deadlines, what others left.
LOOK = 0.5
#: How often a delivery may fail before it is given up.
FAILURES = 3
#: How often it may be interrupted: it may be what kills the process, or only be hit by a few restarts.
INTERRUPTIONS = 10
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
        self._claims = Claims(store, clock)
        self._switchboard = switchboard
        self._evidence = evidence
        self._conversation = conversation
        self._clock = clock
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
        failed = False
        first: Optional[Callable[[], None]] = self._claims.free_the_dead
        renew_at = 0.0
        while not self._stopping:
            try:
                if first:
                    await self._in_thread(first)
                    first = None
                if self._running and self._loop.time() >= renew_at:
                    await self._in_thread(self._claims.renew)
                    renew_at = self._loop.time() + CLAIM / 3
                await self._do_due()
                self._start(await self._in_thread(self._claims.waiting, 4 * AT_ONCE))
                failed = False
            except StoreUnavailable as error:
                if not failed:
                    logger.error("the bot is silent until the database is back: %s", error)
                failed = True
            except Exception:
                if not self._stopping:  # then the pool closes under a look that is under way
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
            await self._in_thread(self._claims.give_back)
        self._pool.shutdown(wait=False)
        self._ended.set()

    def _start(self, found: Iterable[str]) -> None:
        for thread in found:
            if thread in self._running:
                self._running[thread] = True
            elif not self._stopping:
                self._running[thread] = False
                self._go(self._work_off(thread))

    def _go(self, work: Any) -> None:
        task = asyncio.ensure_future(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _work_off(self, thread: str) -> None:
        try:
            async with self._room:
                again = True
                while again and not self._stopping:
                    self._running[thread] = False
                    job = await self._in_thread(self._claims.begin, thread)
                    while job is not None:
                        job = await self._try(job)
                    again = self._running[thread]
        except (StoreUnavailable, NotReady) as error:
            logger.debug("thread %s waits: %s", thread, error)
        except Exception:
            logger.exception("thread %s: working off its deliveries failed", thread)
        finally:
            self._running.pop(thread, None)

    async def _try(self, job: Job) -> Optional[Job]:
        """Work one delivery off and return the next one."""
        delivery = job.delivery
        if delivery.failures >= FAILURES or delivery.attempts >= INTERRUPTIONS:
            logger.error(
                "thread %s: delivery %s given up: it failed %s times and was interrupted %s times",
                job.row.id,
                delivery.id,
                delivery.failures,
                delivery.attempts,
            )
            return await self._finish(job, Ruling("failed"))
        try:
            ruling = await self._work(job)
        except (StoreUnavailable, NotReady):
            await self._in_thread(self._claims.give_back, job.row.id)
            raise
        except Exception:
            logger.exception("thread %s: delivery %s failed, tried again", job.row.id, delivery.id)
            metrics.failed()
            await self._in_thread(functools.partial(self._claims.ended, job, started=False, failed=True))
            await asyncio.sleep(2**delivery.failures)
            return await self._in_thread(self._claims.begin, job.row.id)
        if not ruling.outcome:  # it is still to be worked off, after what comes before it now
            return await self._in_thread(self._claims.begin, job.row.id)
        return await self._finish(job, ruling)

    async def _finish(self, job: Job, ruling: Ruling) -> Optional[Job]:
        following = await self._in_thread(self._claims.finish, job, ruling.outcome, ruling.line)
        metrics.worked_off(ruling.outcome)
        if following is not None and self._stopping:
            await self._in_thread(self._claims.give_back, job.row.id)
            return None
        return following

    async def _work(self, job: Job) -> Ruling:
        """Give the delivery its effect."""
        if job.event is None:
            return await self._tell(job)
        ruling = await self._in_thread(self._evidence.weigh, job.event, job.row, job.delivery)
        if ruling.turn and isinstance(job.event, (MessageReceived, PostbackReceived)):
            answer = self._conversation.answer(job.event, ruling.context, job.delivery)
            await self._bot_works(job, answer)
        return ruling

    async def _tell(self, job: Job) -> Ruling:
        note, row, body = job.delivery, job.row, json.loads(job.delivery.body)
        if bot_may_speak(row.state.control) is not (note.kind == deliveries.RETURNED):
            return Ruling("overtaken")  # control has changed again since; a later note tells of that
        if note.kind == deliveries.RETURNED:
            told = self._conversation.returned(row, ReturnReason(body["reason"]), body, note)
        else:
            told = self._conversation.muted(row, body["target"], body["until"])
        await self._bot_works(job, told)
        return Ruling("told")

    async def _bot_works(self, job: Job, work: Any) -> None:
        await self._in_thread(self._claims.starting, job)
        try:
            with metrics.turn(job.delivery.kind, waits=(StoreUnavailable, NotReady)):
                await work
        except asyncio.CancelledError:
            raise  # interrupted: counted as such
        except Exception:
            await self._in_thread(functools.partial(self._claims.ended, job, started=True, failed=False))
            raise

    async def _do_due(self) -> None:
        for deadline in await self._in_thread(self._due):
            self._go(self._in_thread(self._do, deadline))

    def _due(self) -> List[Deadline]:
        with self._store.reading() as connection:
            return deadlines.due(connection, now=self._clock(), limit=500)

    def _do(self, deadline: Deadline) -> None:
        until = self._clock() + DEADLINE_CLAIM
        try:
            with self._store.writing() as connection:
                if not deadlines.claim(connection, deadline, until=until):
                    return
            self._switchboard.due(deadline)
            with self._store.writing() as connection:
                deadlines.settled(connection, deadline, moved_to=until)
            metrics.due_done(deadline.kind, self._clock() - deadline.due_at)
            self.wake([deadline.thread])
        except Exception:
            logger.exception("thread %s: its %s was due and failed", deadline.thread, deadline.kind)

    async def _in_thread(self, function: Callable[..., _T], *given: Any) -> _T:
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._pool, functools.partial(function, *given))
