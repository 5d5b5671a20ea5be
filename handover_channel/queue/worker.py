"""Processes deliveries in order within each thread, different threads side by side, and what is due.

1. A thread is claimed (claims.py): one worker at a time, whichever machine it is on.
2. There is one way in, `_enter`, with the delivery that was begun already where there is one; the life of a
   delivery from there on is drawn in delivery_life.py.
3. A delivery is done when its effect is: after a crash it comes again.
4. Everything synchronous (store, Graph API) runs in threads; nothing blocks the loop.
"""

from __future__ import annotations

import asyncio
import contextlib
import functools
import time
from typing import Any, Callable, Coroutine, Dict, Iterable, List, Mapping, Optional, Set, Tuple

from sqlalchemy.engine import Connection

from handover_channel import log
from handover_channel.control.thread_control import ThreadControl
from handover_channel.errors import NotReady, StoreUnavailable
from handover_channel.messenger.events import Event
from handover_channel.queue import backpressure
from handover_channel.queue.bot_port import BotPort
from handover_channel.queue.claims import CLAIM_SECONDS, Begun, Claims, Job, counted
from handover_channel.queue.delivery_life import Step
from handover_channel.queue.due_deadlines import Due, DueDeadlines
from handover_channel.queue.event_handlers import EventHandlers
from handover_channel.queue.executors import Executors
from handover_channel.queue.processing import Processing
from handover_channel.queue.retries import Retries
from handover_channel.queue.threads_in_progress import ThreadsInProgress
from handover_channel.store import Store

logger = log.logger(__name__)

#: Seconds between two looks for work that nobody told us of: notes, deadlines, what others left.
LOOK_FOR_WORK_EVERY = 0.5
#: Seconds between two times of tidying up in the store, and for which it waits for the end of a burst: both
#: flush, and Meta waits for one of them.
TIDY_STORE_EVERY = TIDY_LATER = 2.0
#: Threads (conversations) processed at a time.
THREADS_AT_ONCE = 64
#: Threads taken in one look: the others that look at this moment get theirs, and nobody all that waits.
THREADS_A_LOOK = 8
#: With fewer threads than this a worker that finds nothing asks the other processes for work. Who is asked
#: leaves one in so many of those that it has beyond them, between two deliveries.
FEW, LEFT_OF = 4, 4
#: Seconds between being told of work and looking for it: who stored it begins with it, and what follows at
#: once is found by the same look.
MOMENT = 0.05


class Worker:
    """Gives each delivery its effect. Runs on one event loop; `wake` may be called from any thread."""

    def __init__(
        self,
        store: Store,
        thread_control: ThreadControl,
        event_handlers: EventHandlers,
        bot: BotPort,
        clock: Callable[[], float] = time.time,
        pressed: Callable[[], bool] = lambda: False,
    ) -> None:
        self._store = store
        self._pressed = pressed
        self._claims = claims = Claims(store, clock, event_handlers.at_once)
        self._executors = executors = Executors(THREADS_AT_ONCE)
        self._process = Retries(
            claims, executors, Processing(claims, event_handlers, bot, executors).process
        ).process
        self._deadlines = DueDeadlines(store, thread_control, executors, clock)
        self._in_progress = ThreadsInProgress(THREADS_AT_ONCE)
        self._held: Set[str] = set()  # threads with a delivery under way: their claims are renewed
        self._clock = clock
        self._to_leave, self._leave_until = 0, 0.0  # so many threads to other processes, until then
        self._can_answer = False  # the last delivery that was begun here came to its end
        self._more_wait = False  # the last look has left some
        self._renew_at = self._tidy_at = 0.0
        self._tasks: Set[asyncio.Task[Any]] = set()
        self._loop: Optional[asyncio.AbstractEventLoop] = None
        self._stopping = False

    @property
    def is_idle(self) -> bool:
        """Tell whether no thread is in progress here."""
        return not self._in_progress

    # --- from any thread --------------------------------------------------------------------------

    def wake(self, threads: Iterable[str]) -> None:
        """Process what waits in these threads. Forgetting it costs half a second."""
        # Word of those in progress is enough: in a flood no other thread is woken for it.
        if not self._stopping and (
            new := [each for each in threads if not self._in_progress.hear_more(each)]
        ):
            self._soon(self._enter, dict.fromkeys(new))

    def look_now(self) -> None:
        """Look for work, which may be anywhere. Forgetting it costs half a second."""
        if not self._stopping and self._loop is not None:
            self._soon(self._look.set)

    def leave_some(self) -> None:
        """Leave some threads to another process, which has little to do and asks again while that is so."""
        self._to_leave = max(len(self._in_progress) - FEW, 0) // LEFT_OF
        self._leave_until = self._clock() + 2 * LOOK_FOR_WORK_EVERY

    def reserve(self, threads: Iterable[str]) -> List[str]:
        """Reserve those of these threads that nobody here is at for the caller, none where there is no room.

        `go_on` takes them back.
        """
        if self._loop is None or self._stopping:
            return []
        return self._in_progress.reserve(threads)

    def begin(
        self, connection: Connection, reserved: Iterable[str], known: Mapping[str, Event]
    ) -> Dict[str, Begun]:
        """Begin with what waits in reserved threads: see `Claims.begin_in`."""
        return self._claims.begin_in(connection, list(reserved), known)

    def finish_at_once(self, connection: Connection, new: Mapping[str, Any], event: Event) -> Optional[Begun]:
        """Store what comes alone in a reserved thread as done, if it can be: `Claims.finish_at_once`."""
        return self._claims.finish_at_once(connection, new, event)

    def go_on(self, begun: Mapping[str, Begun]) -> None:
        """Take reserved threads back, with what was begun in them, once that is committed."""
        found = {thread: counted(each) for thread, each in begun.items()}
        entering = {
            thread: job for thread, job in found.items() if job is not None or self._in_progress.leave(thread)
        }
        if entering:
            self._soon(self._enter, entering)

    # --- on the loop ------------------------------------------------------------------------------

    async def run(self) -> None:
        """Work until `stop`."""
        # Made here: before Python 3.10 they belong to the loop they are made on.
        self._room = asyncio.Semaphore(THREADS_AT_ONCE)
        self._look, self._ended = asyncio.Event(), asyncio.Event()
        self._loop = asyncio.get_running_loop()
        is_first, failed = True, False
        while not self._stopping:
            try:
                if is_first:
                    await self._executors.store(self._claims.free_the_dead)
                    is_first = False
                await self._look_for_work()
                failed = False
            except StoreUnavailable as error:
                if not failed:
                    logger.error("the bot is silent until the database is back: %s", error)
                failed = True
            except Exception as error:
                logger.error("looking for work failed: %s", log.trace(error))
            with contextlib.suppress(asyncio.TimeoutError):
                await asyncio.wait_for(self._look.wait(), LOOK_FOR_WORK_EVERY)
                await asyncio.sleep(MOMENT)
            self._look.clear()
        await self._ended.wait()
        # Here, after the last look: it may have claimed something yet.
        with contextlib.suppress(StoreUnavailable):  # the claims run out by themselves
            await self._executors.store(self._claims.give_all_back)
        self._executors.shutdown()

    async def stop(self, grace: float) -> None:
        """Take up nothing new, let what runs end within *grace* seconds, give back the rest.

        The claims are given back last, so that no other worker takes up what still runs here.
        """
        self._stopping = True
        self._look.set()
        loop = asyncio.get_running_loop()
        until = loop.time() + grace
        while self._tasks and loop.time() < until:  # again: what was handed over meanwhile may end, too
            await asyncio.wait(self._tasks, timeout=until - loop.time())
        for task in self._tasks:
            task.cancel()
        self._ended.set()

    async def _look_for_work(self) -> None:
        """Renew claims, fire what is due, and enter the threads that wait. Raises StoreUnavailable."""
        now = asyncio.get_running_loop().time
        if self._held and now() >= self._renew_at:
            await self._executors.store(self._claims.renew, list(self._held))
            self._renew_at = now() + CLAIM_SECONDS / 3
        if now() >= self._tidy_at + (TIDY_LATER if self._pressed() else 0.0):
            self._go(self._tidy_up())
            self._tidy_at = now() + TIDY_STORE_EVERY
        room = min(self._in_progress.room, THREADS_A_LOOK)
        due, found, error = await self._executors.store(self._looked, room)
        for each in due:
            self._go(self._fire(each))
        if error is not None:
            raise error
        self._more_wait = len(found) == room
        self._enter(dict.fromkeys(found))
        if self._more_wait and self._in_progress.room:
            self._look.set()

    def _looked(self, room: int) -> Tuple[List[Due], List[str], Optional[StoreUnavailable]]:
        """Claim what is due and what waits: one thread is woken for both. What is due already stays ours."""
        due = self._deadlines.claim()
        try:
            found = self._claims.waiting(room)
            if not found and self._can_answer and len(self._in_progress) < FEW:
                self._claims.ask_for_work()
            return due, found, None
        except StoreUnavailable as error:
            return due, [], error

    def _enter(self, found: Mapping[str, Optional[Job]]) -> None:
        """Process these threads, beginning with the job that was begun already where there is one."""
        for thread, job in found.items():
            if job is not None:
                self._go(self._process_thread(thread, job))
            elif not self._stopping and self._in_progress.hear(thread):
                self._go(self._process_thread(thread))

    async def _process_thread(self, thread: str, job: Optional[Job] = None) -> None:
        try:
            if job is not None:
                self._held.add(thread)  # it is claimed already, and may have to wait for room
                await backpressure.breathe()
            await backpressure.give_way(self._pressed)
            async with self._room:
                self._held.add(thread)
                await self._process_jobs(thread, job)
        except (StoreUnavailable, NotReady) as error:
            self._can_answer = False
            logger.debug("thread %s waits: %s", thread, error)
        except Exception as error:
            logger.error("thread %s: processing its deliveries failed: %s", thread, log.trace(error))
        finally:
            self._held.discard(thread)
            if self._in_progress.leave(thread):  # word came at the last moment, from another thread
                self._enter({thread: None})
            if self._more_wait:
                self._look.set()

    async def _process_jobs(self, thread: str, job: Optional[Job]) -> None:
        while job is not None or (self._in_progress.take_word(thread) and not self._stopping):
            if job is None:
                job = await self._executors.store(self._claims.begin, thread)
            while job is not None:
                job = await self._next_after(job)
                await backpressure.give_way(self._pressed)

    async def _next_after(self, job: Job) -> Optional[Job]:
        """Process *job*; return what is next in its thread, None where nothing is, or the worker stops."""
        with log.about(job.row.id, job.delivery.id):
            following = await self._process(job)
        self._can_answer = True
        if following is not None and self._stopping:
            await self._executors.store(self._claims.give_back, following, Step.GIVE_BACK)
            return None
        if following is not None and self._is_to_leave_one():
            self._to_leave -= 1
            await self._executors.store(
                functools.partial(self._claims.give_back, following, Step.GIVE_BACK, telling=True)
            )
            self._in_progress.take_word(job.row.id)  # of what is left, too
            return None
        return following

    def _is_to_leave_one(self) -> bool:
        is_asked = self._to_leave > 0 and self._clock() < self._leave_until
        return is_asked and len(self._in_progress) > FEW

    async def _fire(self, due: Due) -> None:
        if await self._deadlines.fire(due):
            self._enter({due.deadline.thread: None})
        if self._deadlines.more_wait:
            self._look.set()

    async def _tidy_up(self) -> None:
        with contextlib.suppress(StoreUnavailable):  # who looks for work says so
            await self._executors.store(self._store.tidy_up)

    def _go(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.ensure_future(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def _soon(self, function: Callable[..., None], *given: Any) -> None:
        if self._loop is not None:
            with contextlib.suppress(RuntimeError):  # it has closed: the next start takes it up
                self._loop.call_soon_threadsafe(function, *given)
