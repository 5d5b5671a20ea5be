"""Works off what the simulator sends a bot in the same process: in order, and without threads of its own.

Nothing comes by itself: `settle` delivers, stores and processes until nothing is left to do now. So a test
sees every effect of an act before it goes on, and the same one each time. What the worker does beside (claims
of dead workers, floods, restarts) has no place here: that is what the same tests over HTTP are for.
"""

from __future__ import annotations

from collections import deque
from concurrent.futures import Executor, Future
from typing import Any, Callable, Deque, Dict, Iterable, List, Mapping, Optional, Tuple, TypeVar

from sqlalchemy.engine import Connection

from handover_channel.messenger.events import Event
from handover_channel.queue.bot_port import BotPort
from handover_channel.queue.claims import Begun, Claims, Job
from handover_channel.queue.due_deadlines import DueDeadlines
from handover_channel.queue.event_handlers import EventHandlers
from handover_channel.queue.executors import Executors
from handover_channel.queue.intake import Intake, Requests
from handover_channel.queue.processing import Processing
from handover_channel.queue.retries import Retries
from handover_channel.services import Services
from handover_channel.simulator.page import SimulatedPage
from handover_channel.simulator.webhooks import WebhookDelivery

_T = TypeVar("_T")

#: Threads taken up at a time.
_AT_A_TIME = 20


class InPlace(Executor):
    """Runs in the caller's thread what it is given. One that is called `pool` by others."""

    def submit(self, function: Callable[..., _T], /, *given: Any, **named: Any) -> Future[_T]:
        """Return a future that is done."""
        future: Future[_T] = Future()
        try:
            future.set_result(function(*given, **named))
        except Exception as error:
            future.set_exception(error)
        return future


class _InPlaceExecutors(Executors):
    """The worker's executors without threads."""

    def __init__(self) -> None:
        """Start nothing."""

    async def store(self, function: Callable[..., _T], *given: Any) -> _T:
        return function(*given)

    async def graph(self, function: Callable[..., _T], *given: Any) -> _T:
        return function(*given)

    def shutdown(self) -> None:
        """Have nothing to end."""


class _Meta:
    """The other end of the intake: remembers what it answers, and leaves the work to `settle`."""

    def __init__(self) -> None:
        self.answers: Dict[int, Tuple[int, str]] = {}

    def requests(self) -> Requests:
        return []

    def respond(self, answers: Iterable[Tuple[int, Any]]) -> None:
        self.answers = dict(answers)

    def reserve(self, threads: Iterable[str]) -> List[str]:
        return []

    def begin(
        self, connection: Connection, threads: Iterable[str], known: Mapping[str, Event]
    ) -> Dict[str, Begun]:
        return {}

    def finish_at_once(self, connection: Connection, new: Mapping[str, Any], event: Event) -> Optional[Begun]:
        return None

    def go_on(self, begun: Mapping[str, Begun]) -> None:
        pass

    def wake(self, threads: Iterable[str]) -> None:
        pass


async def _at_once(seconds: float) -> None:
    """Wait for nothing: what failed is tried again, and nobody has to sit through the pause."""


class InProcessQueue:
    """The queue of one bot. `accept` may be called from any thread, all else on one event loop."""

    def __init__(self, page: SimulatedPage, services: Services, bot: BotPort) -> None:
        self._page = page
        settings, store, clock = services.settings, services.store, services.thread_control.clock
        handlers = EventHandlers(settings, store, services.thread_control, sleep=lambda seconds: None)
        executors = _InPlaceExecutors()
        self._claims = Claims(store, clock, handlers.at_once)
        process = Processing(self._claims, handlers, bot, executors).process
        self._process = Retries(self._claims, executors, process, sleep=_at_once).process
        self._deadlines = DueDeadlines(store, services.thread_control, executors, clock)
        self._meta = _Meta()
        self._intake = Intake(store, settings.secret, self._meta, self._meta, clock)
        self._arrived: Deque[WebhookDelivery] = deque()

    def accept(self, delivery: WebhookDelivery) -> None:
        """Take a webhook that the simulator sends: it is delivered by the next `settle`."""
        self._arrived.append(delivery)

    async def settle(self) -> None:
        """Deliver and process until nothing is left to do now."""
        while await self._step():
            pass

    async def _step(self) -> bool:
        if self._arrived:
            self._deliver(self._arrived.popleft())
            return True
        due = self._deadlines.claim()
        for each in due:
            await self._deadlines.fire(each)
        waiting = self._claims.waiting(_AT_A_TIME)
        for thread in waiting:
            await self._work_off(thread)
        return bool(due or waiting or self._arrived)

    def _deliver(self, delivery: WebhookDelivery) -> None:
        """Hand over the bytes with their signature, as Meta sends them; note the answer in the journal."""
        self._intake.take([(0, (delivery.headers["X-Hub-Signature-256"], delivery.body))])
        status, text = self._meta.answers[0]
        for entry in delivery.entries:
            self._page.journal.amend(entry, status=status, attempts=1, error="" if status == 200 else text)
        with self._page.lock:
            if status == 200:
                self._page.deliveries.succeeded(delivery.app)
            else:
                self._page.deliveries.failed(delivery.app)

    async def _work_off(self, thread: str) -> None:
        job: Optional[Job] = self._claims.begin(thread)
        while job is not None:
            job = await self._process(job)
