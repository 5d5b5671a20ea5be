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
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Awaitable, Callable, Dict, Iterable, List, Mapping, Optional, Set, TypeVar

from sqlalchemy.engine import Connection

from handover_channel import essential, log
from handover_channel.control.thread_control import ThreadControl
from handover_channel.errors import NotReady, StoreUnavailable
from handover_channel.messenger.events import MessageReceived, PostbackReceived
from handover_channel.metrics import counters
from handover_channel.queue.bot_port import BotPort
from handover_channel.queue.claims import CLAIM, Begun, Claims, Job, counted
from handover_channel.queue.event_handlers import EventHandlers
from handover_channel.queue.handler_result import HandlerResult
from handover_channel.queue.transcript_lines import line_of
from handover_channel.rules import budget
from handover_channel.rules.control import bot_may_speak
from handover_channel.rules.return_reasons import ReturnReason
from handover_channel.rules.turn_outcome import Outcome, Spoken, outcome_of
from handover_channel.store import Store, deadlines, deliveries
from handover_channel.store.deadlines import Deadline
from handover_channel.store.queue_admin import GIVEN_UP

logger = log.logger(__name__)

_T = TypeVar("_T")

#: Seconds between two looks for work that nobody told us of: notes, deadlines, what others left.
LOOK = 0.5
#: Seconds between two times of tidying up in the store.
TIDY = 2.0
#: How often a delivery may fail before it is given up.
FAILURES = 3
#: How often it may be interrupted: it may be what kills the process, or only be hit by a few restarts.
INTERRUPTIONS = 10
#: From so many interruptions on deliveries are worked off one at a time: what kills the process is then found
#: out without the others being taken for it, however often the process ends.
SUSPECT = 3
#: Seconds in which a due deadline is worked off, or comes again.
DEADLINE_CLAIM = 120.0
#: Seconds for which a thread at most gives way to what comes in, before each of its deliveries: as long as
#: Meta waits for its 200.
GIVE_WAY = 5.0
#: Seconds for which what was begun as it came in waits for the first signs of a flood.
BREATH = 0.01
#: Threads (conversations) worked off at a time, and deadlines.
AT_ONCE = 64
DUE_AT_ONCE = 32
#: Seconds between being told of work and looking for it: who stored it begins with it, and what follows at
#: once is found by the same look.
MOMENT = 0.05


class Worker:
    """Give each delivery its effect. Runs on one event loop; `wake` may be called from any thread."""

    def __init__(
        self,
        store: Store,
        thread_control: ThreadControl,
        event_handlers: EventHandlers,
        conversation: BotPort,
        clock: Callable[[], float] = time.time,
        pressed: Callable[[], bool] = lambda: False,
    ) -> None:
        self._store = store
        self._claims = Claims(store, clock, event_handlers.at_once)
        self._thread_control = thread_control
        self._event_handlers = event_handlers
        self._conversation = conversation
        self._pressed = pressed
        self._clock = clock
        self._pool = ThreadPoolExecutor(max_workers=4, thread_name_prefix="handover-store")
        # Of its own: where Meta is slow, claims are still renewed and other threads go on.
        self._asking = ThreadPoolExecutor(max_workers=AT_ONCE, thread_name_prefix="handover-asking")
        # Thread -> new work came while it was worked off. Looked into and written in one go, under the lock.
        self._running: Dict[str, bool] = {}
        self._lock = threading.Lock()
        self._held: Set[str] = set()  # threads with a delivery under way
        self._more_waits = False  # the last look left some
        self._at_due, self._more_due = 0, False  # the same for deadlines
        self._tasks: Set[asyncio.Task[Any]] = set()
        self._loop: Optional[asyncio.AbstractEventLoop] = None
        self._stopping = False

    def wake(self, found: Iterable[str]) -> None:
        """Say that there is work in these threads. From any thread; forgetting it costs half a second."""
        loop = self._loop
        if loop is not None and not self._stopping:
            with contextlib.suppress(RuntimeError):  # the loop has closed: the next start takes it up
                loop.call_soon_threadsafe(self._start, list(found))

    def reserve(self, found: Iterable[str]) -> List[str]:
        """Keep those of these threads for the caller that nobody here is at, none where there is no room.

        From any thread. `go_on` takes them back.
        """
        with self._lock:
            free = [thread for thread in found if thread not in self._running]
            if self._loop is None or self._stopping or len(self._running) + len(free) > AT_ONCE:
                return []
            self._running.update(dict.fromkeys(free, False))
            return free

    def begin(self, connection: Connection, reserved: Iterable[str]) -> Dict[str, Begun]:
        """Begin with what waits in reserved threads: see `Claims.begin`."""
        return {thread: self._claims.begin_in(connection, thread) for thread in reserved}

    def go_on(self, begun: Mapping[str, Begun]) -> None:
        """Take reserved threads back, with what was begun in them, once that is committed."""
        found = {thread: counted(each) for thread, each in begun.items()}
        jobs = [job for job in found.values() if job is not None]
        with self._lock:
            more = [thread for thread, job in found.items() if job is None and self._running.pop(thread)]
        loop = self._loop
        if loop is not None and (jobs or more):
            with contextlib.suppress(RuntimeError):
                loop.call_soon_threadsafe(self._resume, jobs, more)

    def look_now(self) -> None:
        """Say that there may be work somewhere. From any thread; forgetting it costs half a second."""
        loop = self._loop
        if loop is not None and not self._stopping:
            with contextlib.suppress(RuntimeError):
                loop.call_soon_threadsafe(self._look.set)

    async def run(self) -> None:
        """Work until `stop`."""
        # Made here: before Python 3.10 they belong to the loop they are made on.
        self._room = asyncio.Semaphore(AT_ONCE)
        self._suspects = asyncio.Semaphore(1)
        self._look, self._ended = asyncio.Event(), asyncio.Event()
        self._loop = asyncio.get_running_loop()
        failed = False
        first: Optional[Callable[[], None]] = self._claims.free_the_dead
        renew_at = tidy_at = 0.0
        while not self._stopping:
            try:
                if first:
                    await self._in_thread(first)
                    first = None
                if self._held and self._loop.time() >= renew_at:
                    await self._in_thread(self._claims.renew, list(self._held))
                    renew_at = self._loop.time() + CLAIM / 3
                if self._loop.time() >= tidy_at:
                    self._go(self._tidy_up())
                    tidy_at = self._loop.time() + TIDY
                await self._do_due()
                room = max(AT_ONCE - len(self._running), 0)
                found = await self._in_thread(self._claims.waiting, room) if room else []
                self._more_waits = len(found) == room
                self._start(found)
                failed = False
            except StoreUnavailable as error:
                if not failed:
                    logger.error("the bot is silent until the database is back: %s", error)
                failed = True
            except Exception as error:
                logger.error("looking for work failed: %s", log.trace(error))
            with contextlib.suppress(asyncio.TimeoutError):
                await asyncio.wait_for(self._look.wait(), LOOK)
                await asyncio.sleep(MOMENT)
            self._look.clear()
        await self._ended.wait()
        # Here, after the last look: it may have claimed something yet.
        with contextlib.suppress(StoreUnavailable):  # the claims run out by themselves
            await self._in_thread(self._claims.give_back)
        self._pool.shutdown(wait=False)
        self._asking.shutdown(wait=False)

    async def stop(self, grace: float) -> None:
        """Take up nothing new, let what runs end within *grace* seconds, give back the rest."""
        self._stopping = True
        self._look.set()
        if self._tasks:
            await asyncio.wait(self._tasks, timeout=grace)
        for task in self._tasks:
            task.cancel()
        self._ended.set()

    def _start(self, found: Iterable[str]) -> None:
        for thread in found:
            with self._lock:
                is_new = thread not in self._running
                if not (is_new and self._stopping):
                    self._running[thread] = not is_new
            if is_new and not self._stopping:
                self._go(self._work_off(thread))

    def _resume(self, jobs: List[Job], more: List[str]) -> None:
        for job in jobs:
            self._go(self._work_off(job.row.id, job))
        self._start(more)

    def _go(self, work: Any) -> None:
        task = asyncio.ensure_future(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _work_off(self, thread: str, job: Optional[Job] = None) -> None:
        try:
            if job is not None:
                self._held.add(thread)  # it is claimed already, and may have to wait for room
                await asyncio.sleep(BREATH)
            await self._give_way()
            async with self._room:
                self._held.add(thread)
                again = True
                while job or (again and not self._stopping):
                    if job is None:
                        self._running[thread] = False
                        job = await self._in_thread(self._claims.begin, thread)
                    while job is not None:
                        job = await self._try(job)
                        await self._give_way()
                    again = self._running[thread]
        except (StoreUnavailable, NotReady) as error:
            logger.debug("thread %s waits: %s", thread, error)
        except Exception as error:
            logger.error("thread %s: working off its deliveries failed: %s", thread, log.trace(error))
        finally:
            self._held.discard(thread)
            self._running.pop(thread, None)
            if self._more_waits:
                self._look.set()

    async def _give_way(self) -> None:
        """Wait, for a bounded time, while so much comes in that working it off would keep Meta waiting."""
        loop = asyncio.get_running_loop()
        until = loop.time() + GIVE_WAY
        while self._pressed() and loop.time() < until:  # noqa: ASYNC110  (another thread tells, and only if asked)
            await asyncio.sleep(GIVE_WAY / 50)

    async def _try(self, job: Job) -> Optional[Job]:
        """Work one delivery off and return the next one."""
        with log.about(job.row.id, job.delivery.id):
            return await self._try_it(job)

    async def _try_it(self, job: Job) -> Optional[Job]:
        delivery = job.delivery
        if delivery.failures >= FAILURES or delivery.attempts >= INTERRUPTIONS:
            logger.error(
                "thread %s: delivery %s given up: it failed %s times and was interrupted %s times",
                job.row.id,
                delivery.id,
                delivery.failures,
                delivery.attempts,
            )
            said = job.event if isinstance(job.event, (MessageReceived, PostbackReceived)) else None
            return await self._finish(job, HandlerResult("failed", line=line_of(said) if said else None))
        try:
            result = await self._work(job)
        except (StoreUnavailable, NotReady):
            await self._in_thread(self._claims.give_back, job.row.id)
            raise
        except Exception as error:
            logger.error(
                "thread %s: delivery %s failed, tried again: %s", job.row.id, delivery.id, log.trace(error)
            )
            counters.failed()
            await self._in_thread(functools.partial(self._claims.ended, job, started=False, failed=True))
            await asyncio.sleep(2**delivery.failures)
            return await self._in_thread(self._claims.begin, job.row.id)
        if not result.outcome:  # it is still to be processed, after what comes before it now
            return await self._in_thread(self._claims.again, job)
        return await self._finish(job, result)

    async def _finish(self, job: Job, result: HandlerResult) -> Optional[Job]:
        following = await self._in_thread(self._claims.finish, job, result.outcome, result.line)
        if following is not None and self._stopping:
            if following.started:
                await self._in_thread(
                    functools.partial(self._claims.ended, following, started=True, failed=False)
                )
            await self._in_thread(self._claims.give_back, job.row.id)
            return None
        return following

    async def _work(self, job: Job) -> HandlerResult:
        """Give the delivery its effect, within its budget."""
        with budget.of_a_delivery():
            if job.event is None:
                return await self._tell(job)
            result = job.result
            if result is None:
                handle = functools.partial(self._event_handlers.handle, job.event, job.row, job.delivery)
                result = await self._in_thread(handle, pool=self._asking)
            if not (result.turn and isinstance(job.event, (MessageReceived, PostbackReceived))):
                return result
            given = (job.event, result.context, job.delivery)
            spoken = await self._bot_works(job, functools.partial(self._conversation.answer, *given))
            outcome = await self._came_of(job, spoken)
            return HandlerResult(outcome.name, line=line_of(job.event) if outcome.keep else None)

    async def _came_of(self, job: Job, spoken: Spoken) -> Outcome:
        """Return what came of a turn."""
        muted = not spoken.sent and await self._in_thread(self._claims.is_muted, job.row.id)
        return outcome_of(spoken, muted=muted)

    async def _tell(self, job: Job) -> HandlerResult:
        note, row, body = job.delivery, job.row, json.loads(job.delivery.body)
        if note.kind == deliveries.MUTED:  # as the row stands, whatever has happened since
            mirror = functools.partial(self._conversation.muted, row, row.state.target, row.until)
            await self._bot_works(job, mirror)
            return HandlerResult("told")
        if not bot_may_speak(row.state.control):
            return HandlerResult("overtaken")  # control has changed again since; a later note tells of that
        reason = ReturnReason(body["reason"])
        spoken = await self._bot_works(
            job, functools.partial(self._conversation.returned, row, reason, body, note)
        )
        outcome = await self._came_of(job, spoken)
        return HandlerResult(outcome.name if outcome.name in GIVEN_UP else "told")

    async def _bot_works(self, job: Job, work: Callable[[], Awaitable[_T]]) -> _T:
        if job.delivery.attempts < SUSPECT:
            return await self._attempt(job, work)
        async with self._suspects:
            return await self._attempt(job, work)

    async def _attempt(self, job: Job, work: Callable[[], Awaitable[_T]]) -> _T:
        if job.delivery.attempts:
            # Not counted: who is interrupted while it waits has done nothing that kills a process.
            await self._conversation.let_echoes_come()
        if not job.started:
            await self._in_thread(self._claims.starting, job)
        try:
            with counters.turn(job.delivery.kind, waits=(StoreUnavailable, NotReady)):
                return await work()
        except (asyncio.CancelledError, StoreUnavailable):
            raise  # interrupted: counted as such
        except Exception:
            await self._in_thread(functools.partial(self._claims.ended, job, started=True, failed=False))
            raise

    async def _tidy_up(self) -> None:
        with contextlib.suppress(StoreUnavailable):  # who looks for work says so
            await self._in_thread(self._store.tidy_up)

    async def _do_due(self) -> None:
        room = DUE_AT_ONCE - self._at_due
        until = self._clock() + DEADLINE_CLAIM
        found = await self._in_thread(self._claim_due, room, until) if room > 0 else []
        self._more_due = len(found) == room
        for deadline in found:
            self._at_due += 1
            self._go(self._do(deadline, until))

    def _claim_due(self, limit: int, until: float) -> List[Deadline]:
        now = self._clock()
        with self._store.glancing() as connection:
            if not deadlines.is_anything_due(connection, now=now):
                return []
        with self._store.writing() as connection:
            return deadlines.claim_due(connection, now=now, until=until, limit=limit)

    async def _do(self, deadline: Deadline, until: float) -> None:
        try:
            await self._in_thread(self._settle, deadline, until, pool=self._asking)
            self._start([deadline.thread])
        except Exception as error:
            where = log.trace(error)
            logger.error("thread %s: its %s was due and failed: %s", deadline.thread, deadline.kind, where)
        finally:
            self._at_due -= 1
            if self._more_due:
                self._look.set()

    def _settle(self, deadline: Deadline, until: float) -> None:
        with log.about(deadline.thread):
            self._thread_control.due(deadline)
        with self._store.writing() as connection:
            deadlines.settled(connection, deadline, moved_to=until)
        counters.due_done(deadline.kind, self._clock() - deadline.due_at)

    async def _in_thread(
        self, function: Callable[..., _T], *given: Any, pool: Optional[ThreadPoolExecutor] = None
    ) -> _T:
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(
            pool or self._pool, essential.as_errors, log.carried(function), *given
        )
