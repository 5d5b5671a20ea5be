"""Serves the channel's routes in Rasa's process: passes on what Meta sends, and runs the turns asked for.

Turns run on a thread and an event loop of their own (turns_loop.py): however long one is, the server's loop
stays free to pass on what Meta sends. Storing and processing have a process of their own (queue_client.py).
"""

from __future__ import annotations

import asyncio
import contextlib
import functools
import logging
import os
import signal
import sys
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Callable, Collection, Dict, List, Optional, Tuple

from rasa.core.channels.channel import OutputChannel
from sanic import Sanic

from handover_channel.errors import NotReady, StoreUnavailable
from handover_channel.queue.calls import Start
from handover_channel.rasa.cheaper_turns import make_turns_cheaper
from handover_channel.rasa.claimed_channels import keep_apart
from handover_channel.rasa.gates import close_the_gates
from handover_channel.rasa.output import MessengerOutput
from handover_channel.rasa.queue_client import QueueClient
from handover_channel.rasa.running_bot import found_at_start, look_once_started
from handover_channel.rasa.store_checks import mend_sessions
from handover_channel.rasa.turns import NO_MODEL, OnNewMessage, RasaBot
from handover_channel.rasa.turns_loop import TurnsLoop
from handover_channel.services import Services
from handover_channel.store import deliveries, findings, statistics
from handover_channel.store.findings import Finding

logger = logging.getLogger(__name__)

#: Seconds that turns get to end when the server stops. Sanic gives 15 in all.
GRACE = 10.0

#: Seconds after which a delivery that waits is worth a word in the health check.
LATE = 60.0

#: Seconds until a delivery has its answer, whatever the queue's process and the database do: Meta allows 5.
#: A look at the health gets as many.
ANSWERED_WITHIN = 4.0
_HEALTH = "health"

#: Graph calls at a time.
CALLS_AT_ONCE = 64

#: Seconds after which Python takes the interpreter from a turn for whoever waits for it; by default 0.005.
#: Passing a delivery on needs it a few times.
SWITCH_FROM_TURN_AFTER = 0.001


def state_of(findings: Collection[str]) -> Dict[str, Any]:
    """Return what a health check says where nothing keeps the channel from working: `status`, `findings`."""
    return {"status": "degraded", "findings": list(findings)} if findings else {"status": "ok"}


class Runtime:
    """The channel's machinery in one Rasa process."""

    def __init__(self, handover: Services, on_new_message: OnNewMessage) -> None:
        self._handover = handover
        self._on_new_message = on_new_message
        self._calls = ThreadPoolExecutor(max_workers=CALLS_AT_ONCE, thread_name_prefix="handover-graph")
        # Looks at the store, for the health check: one at a time, as one that hangs must not take threads
        # from others, however often it is asked.
        self._looks = ThreadPoolExecutor(max_workers=1, thread_name_prefix="handover-health")
        self._looking: Dict[str, asyncio.Future[Any]] = {}
        self._bot: Optional[RasaBot] = None
        self._turns = TurnsLoop()
        self._queue: Optional[QueueClient] = None
        self._app: Optional[Sanic] = None
        self._stopping = False

    async def start(self, app: Sanic) -> None:
        """Start the queue's process, and the loop that runs turns. Returns at once."""
        given = self._handover
        start = Start(given.settings, logging.getLogger().getEffectiveLevel())
        self._queue = queue = QueueClient(start, self._turns)
        self._bot = bot = RasaBot(
            app,
            self._on_new_message,
            given.thread_control,
            given.graph,
            self._calls,
            given.store,
            queue.note_sent,
            asyncio.get_running_loop(),
            given.settings.nlu_limit,
        )
        sys.setswitchinterval(min(sys.getswitchinterval(), SWITCH_FROM_TURN_AFTER))
        _heed_hangups()
        mend_sessions()
        keep_apart()
        close_the_gates()
        if given.settings.cheaper_turns:
            make_turns_cheaper()
            _drop_unheard_lines(app)
        self._turns.start()
        queue.start(bot)
        self._app = app
        look_once_started(app)

    async def stop(self) -> None:
        """Store what came in, let turns end, give the rest back to the queue."""
        self._stopping = True
        if self._queue is None:
            return
        await self._queue.stop(GRACE)
        self._turns.stop()
        self._calls.shutdown(wait=False)
        self._looks.shutdown(wait=False)

    async def receive(self, signature: str, body: bytes) -> Tuple[int, str]:
        """Pass a delivery on; return what Meta is to be answered: HTTP status and text."""
        try:
            if self._queue is None or self._stopping:
                raise NotReady("the server is starting or stopping -> wait: Meta sends it again")
            return await self._queue.receive(signature, body, ANSWERED_WITHIN)
        except asyncio.TimeoutError:
            # It may be stored yet; then what Meta sends again is known.
            logger.error("a delivery was not stored within %g s, Meta will send it again", ANSWERED_WITHIN)
            return 503, "the database is too slow"
        except (StoreUnavailable, NotReady):
            return 503, "the server is starting or stopping -> wait: Meta sends it again"

    def output(self) -> OutputChannel:
        """Return an output for what the bot says unasked."""
        given = self._handover
        return MessengerOutput(given.thread_control, given.graph, self._calls, note=self._note_sent)

    def _note_sent(self, tag: str, mid: str) -> None:
        if self._queue is not None:
            self._queue.note_sent(tag, mid)

    async def counted(self) -> List[Any]:
        """Return what the queue's process has counted, as Prometheus' metrics."""
        return await self._queue.counted() if self._queue else []

    async def problem(self) -> str:
        """Return why the channel cannot work now, "" where it can."""
        bot, queue = self._bot, self._queue
        if bot is None or queue is None:
            return "the server is starting"
        if not bot.has_model():
            return NO_MODEL
        found = await asyncio.gather(
            queue.problem(ANSWERED_WITHIN), self._problem_of_turns(), self._problem_of_stores(bot)
        )
        return next(filter(None, found), "")

    async def state(self) -> Dict[str, Any]:
        """Return what is worth a word in the health check of a channel that works.

        `status`: "ok", or "degraded" if something is wrong with the set-up, then with `findings`, a sentence
        each; `oldest_seconds` if a delivery has waited longer than `LATE`.
        """
        try:
            oldest, found = await self._looked("state", self._look)
        except (StoreUnavailable, asyncio.TimeoutError):
            return {"status": "ok"}
        late = {"oldest_seconds": round(oldest, 1)} if oldest > LATE else {}
        at_start = found_at_start(self._app) if self._app is not None else ()
        return {**state_of((*at_start, *(each.text for each in found))), **late}

    async def _problem_of_turns(self) -> str:
        if await self._turns.answers(ANSWERED_WITHIN):
            return ""
        return (
            f"no turn can run: something in the bot has held their event loop for {ANSWERED_WITHIN:g} seconds"
        )

    async def _problem_of_stores(self, bot: RasaBot) -> str:
        try:
            return str(await self._looked("stores", self._check, bot))
        except asyncio.TimeoutError:
            return f"a store did not answer within {ANSWERED_WITHIN:g} seconds"

    async def _looked(self, what: str, look: Callable[..., Any], *given: Any) -> Any:
        """Return what *look* finds; the one that is under way counts. Raises asyncio.TimeoutError."""
        looking = self._looking.get(what)
        if looking is None or looking.done():
            looking = asyncio.get_running_loop().run_in_executor(self._looks, look, *given)
            self._looking[what] = looking
        return await asyncio.wait_for(asyncio.shield(looking), ANSWERED_WITHIN)

    def _check(self, bot: RasaBot) -> str:
        try:
            # Written, as an event would be: a full disk, or a file that somebody has locked, can be read.
            with self._handover.store.writing() as connection:
                deliveries.claim(connection, "", worker=_HEALTH, now=0, until=0)
                deliveries.release(connection, worker=_HEALTH, thread="")
        except StoreUnavailable as error:
            return f"the store is out of reach: {error}"
        return bot.problem()

    def _look(self) -> Tuple[float, List[Finding]]:
        now = self._handover.thread_control.clock()
        with self._handover.store.reading() as connection:
            received_at, found = statistics.oldest_at(connection), findings.current(connection, now=now)
        return 0.0 if received_at is None else now - received_at, found


def _drop_unheard_lines(app: Sanic) -> None:
    """Have Sanic put no line together for each request where its access log drops them, as Rasa has it do."""
    if not logging.getLogger("sanic.access").isEnabledFor(logging.INFO):
        app.config.ACCESS_LOG = False  # connections ask when they are opened


def _heed_hangups() -> None:
    """Have the end of a terminal (SIGHUP) stop the server in order, as SIGTERM does."""
    # What nohup has it ignore stays ignored. Only the main thread may ask; Windows has no such signal.
    with contextlib.suppress(AttributeError, NotImplementedError, RuntimeError, ValueError):
        if signal.getsignal(signal.SIGHUP) is signal.SIG_DFL:
            stop = functools.partial(os.kill, os.getpid(), signal.SIGTERM)
            asyncio.get_running_loop().add_signal_handler(signal.SIGHUP, stop)
