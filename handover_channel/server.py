"""What runs behind the channel's routes in Rasa's process: the desk's other end, and the turns it asks for.

Turns run on a thread and an event loop of their own: however long one is, the server's loop stays free to
pass on what Meta sends. The desk is a process of its own (desk.py); should it end, it is started again.
"""

from __future__ import annotations

import asyncio
import functools
import logging
import socket
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Dict, List, Optional, Tuple

from rasa.core.channels.channel import OutputChannel
from sanic import Sanic

from handover_channel import log
from handover_channel.desk import Begin
from handover_channel.errors import NotReady, StoreUnavailable
from handover_channel.line import Line, LineClosed
from handover_channel.output import MessengerOutput
from handover_channel.rasa_conversation import OnNewMessage, RasaConversation
from handover_channel.store import deliveries, figures, findings
from handover_channel.store.findings import Finding
from handover_channel.wiring import Handover

logger = logging.getLogger(__name__)

#: Seconds that turns get to end when the server stops. Sanic gives 15 in all.
GRACE = 10.0

#: Seconds until a desk that ended is started again.
PAUSE = 1.0

#: Seconds after which a delivery that waits is worth a word in the health check.
LATE = 60.0

#: Seconds until a delivery has its answer, whatever desk and database do: Meta allows 5. A look at the
#: health gets as many.
PATIENCE = 4.0
_HEALTH = "health"

#: Graph calls at a time.
CALLS_AT_ONCE = 64

#: Seconds after which Python takes the interpreter from a turn for whoever waits for it; by default 0.005.
#: Passing a delivery on needs it a few times.
SWITCH = 0.001


class Server:
    """The channel's machinery in one Rasa process."""

    def __init__(self, handover: Handover, on_new_message: OnNewMessage) -> None:
        self._handover = handover
        self._on_new_message = on_new_message
        self._calls = ThreadPoolExecutor(max_workers=CALLS_AT_ONCE, thread_name_prefix="handover-graph")
        self._conversation: Optional[RasaConversation] = None
        self._door, self._counter = Line(_take), Line(_take)
        self._desk: Optional[subprocess.Popen[bytes]] = None
        self._turns: Optional[Line] = None
        self._turns_loop: Optional[asyncio.AbstractEventLoop] = None
        self._keeping: Optional[asyncio.Task[None]] = None
        self._stopping = False

    async def start(self, app: Sanic) -> None:
        """Start the desk, and the loop that runs turns. Returns at once."""
        given = self._handover
        self._conversation = RasaConversation(
            app,
            self._on_new_message,
            given.switchboard,
            given.graph,
            self._calls,
            given.store,
            self._note_sent,
            asyncio.get_running_loop(),
            given.settings.nlu_limit,
        )
        self._opened = asyncio.Event()
        sys.setswitchinterval(min(sys.getswitchinterval(), SWITCH))
        self._turns_loop = asyncio.new_event_loop()
        threading.Thread(target=_run, args=(self._turns_loop,), name="handover-turns", daemon=True).start()
        self._keeping = asyncio.ensure_future(self._keep_desk())

    async def stop(self) -> None:
        """Store what came in, let turns end, give the rest back to the queue."""
        self._stopping = True
        if self._keeping is None or self._turns_loop is None:
            return
        try:
            await asyncio.wait_for(self._opened.wait(), PATIENCE)
            await self._door.ask("stop", GRACE, within=GRACE + PAUSE)
        except (StoreUnavailable, asyncio.TimeoutError):
            logger.error("the desk did not stop in order: what it was at is taken up at the next start")
            if self._desk:
                self._desk.kill()
        self._counter.close()
        self._door.close()
        await self._keeping
        self._turns_loop.call_soon_threadsafe(self._turns_loop.stop)
        self._calls.shutdown(wait=False)
        self._handover.store.close()

    async def receive(self, signature: str, body: bytes) -> Tuple[int, str]:
        """Pass a delivery on; return what Meta is to be answered: HTTP status and text."""
        try:
            if self._keeping is None or self._stopping:
                raise NotReady("the server is starting or stopping")
            return await self._pass_on(signature, body)
        except asyncio.TimeoutError:
            # It may be stored yet; then what Meta sends again is known.
            logger.error("a delivery was not stored within %g s, Meta will send it again", PATIENCE)
            return 503, "the database is too slow"
        except (StoreUnavailable, NotReady):
            return 503, "the server is starting or stopping"

    def output(self) -> OutputChannel:
        """Return an output for what the bot says unasked."""
        return MessengerOutput(self._handover.switchboard, self._handover.graph, self._calls)

    async def figures(self) -> List[Any]:
        """Return what the desk has counted, as Prometheus' metrics."""
        try:
            found: List[Any] = await self._door.ask("figures")
        except StoreUnavailable:
            return []
        return found

    async def problem(self) -> str:
        """Return why the channel cannot work now, "" where it can."""
        if self._conversation is not None and not self._conversation.has_model():
            return "no model is loaded"
        if self._conversation is None or self._door.is_closed:
            return "the desk is starting"
        check = asyncio.get_running_loop().run_in_executor(None, self._check, self._conversation)
        try:
            return await asyncio.wait_for(asyncio.shield(check), PATIENCE)
        except asyncio.TimeoutError:
            return f"a store did not answer within {PATIENCE:g} seconds"

    async def state(self) -> Dict[str, Any]:
        """Return what is worth a word in the health check of a channel that works.

        `status`: "ok", or "degraded" if something is wrong with the set-up, then with `findings`, a sentence
        each; `oldest_seconds` if a delivery has waited longer than `LATE`.
        """
        try:
            oldest, found = await asyncio.get_running_loop().run_in_executor(None, self._look)
        except StoreUnavailable:
            return {"status": "ok"}
        late = {"oldest_seconds": round(oldest, 1)} if oldest > LATE else {}
        wrong = {"findings": [each.text for each in found]} if found else {}
        return {"status": "degraded" if found else "ok", **late, **wrong}

    async def _keep_desk(self) -> None:
        while not self._stopping:
            try:
                await self._run_desk()
            except Exception as error:
                logger.error("the desk could not be started: %s", log.trace(error))
            if not self._stopping:
                logger.error("the desk has ended, it is started again in %s s", PAUSE)
                await asyncio.sleep(PAUSE)

    async def _run_desk(self) -> None:
        """Start the desk and serve it until it ends."""
        (counter, door, turns), desks = zip(*(socket.socketpair() for _ in range(3)))
        desk = await asyncio.get_running_loop().run_in_executor(None, _start_desk, *desks)
        self._desk = desk
        for end in desks:
            end.close()
        serving = asyncio.wrap_future(self._on_turns_loop(self._serve_turns(turns)))
        counter_line, door_line = Line(_take), Line(_take)
        await counter_line.connect(counter)
        await door_line.connect(door)
        begun = asyncio.ensure_future(
            door_line.ask("begin", Begin(self._handover.settings, logging.getLogger().getEffectiveLevel()))
        )
        begun.add_done_callback(functools.partial(self._begun, counter_line, door_line))
        await door_line.serve()
        self._opened.clear()
        counter_line.close()
        door_line.close()
        # What was told at the other line before is read to its end; then the desk has heard all, and ends.
        await asyncio.wrap_future(self._on_turns_loop(self._hang_up()))
        await serving
        await asyncio.get_running_loop().run_in_executor(None, desk.wait)

    def _begun(self, counter: Line, door: Line, begun: asyncio.Future[Any]) -> None:
        if begun.cancelled() or begun.exception():
            return  # the desk has ended, or said in its log why it cannot begin
        self._counter, self._door = counter, door
        self._opened.set()

    async def _serve_turns(self, end: socket.socket) -> None:
        """On the loop of the turns: run what the desk asks for, until it is gone."""
        self._turns = Line(self._turn)
        await self._turns.connect(end)
        await self._turns.serve()
        self._turns.close()

    async def _hang_up(self) -> None:
        if self._turns is not None:
            self._turns.close()

    async def _turn(self, what: str, given: Tuple[Any, ...]) -> None:
        conversation = self._conversation
        if conversation is None:
            raise NotReady("the server is starting")
        await getattr(conversation, what)(*given)

    def _note_sent(self, tag: str) -> None:
        """From any thread: have the desk note that Meta has accepted a message of ours."""
        loop, turns = self._turns_loop, self._turns
        if loop is not None and turns is not None:
            loop.call_soon_threadsafe(_tell, turns, tag)

    def _on_turns_loop(self, work: Any) -> Any:
        if self._turns_loop is None:
            raise NotReady("the server is starting")
        return asyncio.run_coroutine_threadsafe(work, self._turns_loop)

    async def _pass_on(self, signature: str, body: bytes) -> Tuple[int, str]:
        begun = time.monotonic()
        if not self._opened.is_set():
            await asyncio.wait_for(self._opened.wait(), PATIENCE)
        left = PATIENCE - (time.monotonic() - begun)
        status, text = await self._counter.ask("receive", signature, body, within=max(left, 0.01))
        return int(status), str(text)

    def _check(self, conversation: RasaConversation) -> str:
        try:
            # Written, as an event would be: a full disk, or a file that somebody has locked, can be read.
            with self._handover.store.writing() as connection:
                deliveries.claim(connection, "", worker=_HEALTH, now=0, until=0)
                deliveries.release(connection, worker=_HEALTH, thread="")
        except StoreUnavailable as error:
            return f"the store is out of reach: {error}"
        return conversation.problem()

    def _look(self) -> Tuple[float, List[Finding]]:
        now = time.time()
        with self._handover.store.reading() as connection:
            received_at, found = figures.oldest_at(connection), findings.current(connection, now=now)
        return 0.0 if received_at is None else now - received_at, found


def _start_desk(*ends: socket.socket) -> subprocess.Popen[bytes]:
    numbers = [end.fileno() for end in ends]
    command = [sys.executable, "-m", "handover_channel.desk", *map(str, numbers)]
    return subprocess.Popen(command, pass_fds=numbers, stdin=subprocess.DEVNULL)  # noqa: S603  (our own module)


async def _take(what: str, given: Tuple[Any, ...]) -> None:
    """Take what the desk says at the door: the lines of its log."""
    if what == "log":
        log.received(*given)


def _tell(turns: Line, tag: str) -> None:
    try:
        turns.tell("sent", tag)
    except LineClosed:
        logger.warning("%s was sent, and could not be noted: the desk is gone", tag)


def _run(loop: asyncio.AbstractEventLoop) -> None:
    asyncio.set_event_loop(loop)
    loop.run_forever()
    loop.close()
