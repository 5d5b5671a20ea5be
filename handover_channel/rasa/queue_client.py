"""Rasa's end of the desk (queue/process.py): its process, the three lines to it, and who starts it again.

1. It is one thing: if its process ends, if one of its lines breaks, or if it does not answer for `SILENCE`
   seconds, all of it is ended and started anew. What it was at is taken up by the new one.
2. What cannot be ended in order is killed: nothing here waits without a limit.
"""

from __future__ import annotations

import asyncio
import functools
import logging
import socket
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import Any, List, Optional, Set, Tuple

from handover_channel import log
from handover_channel.errors import NotReady, StoreUnavailable
from handover_channel.queue.ipc import Answer, AnswerFailed, Line, LineClosed
from handover_channel.queue.process import Begin
from handover_channel.rasa.turns_loop import TurnsLoop

logger = logging.getLogger(__name__)

#: Seconds until a desk that ended is started again.
PAUSE = 1.0

#: Seconds between two questions whether it is alive, for an answer to one, and of silence until it is killed.
#: Several questions: one alone may be late because our own loop was busy.
LOOK, ANSWER, SILENCE = 2.5, 5.0, 15.0

#: Seconds that it may take to begin, on a machine that is busy with other starts.
BEGIN = 60.0

#: Seconds in which it should have ended once it was hung up on, and turns that it had asked for, too.
GRACE = 10.0


class QueueClient:
    """The desk, as Rasa's process has it. Used on one event loop, but for `note_sent`."""

    def __init__(self, begin: Begin, turns_loop: TurnsLoop, turn: Answer) -> None:
        self._begin = begin
        self._turns_loop = turns_loop
        self._turn = turn
        self._starter = ThreadPoolExecutor(max_workers=1, thread_name_prefix="handover-desk")
        self._door, self._counter = Line(_take), Line(_take)
        self._process: Optional[subprocess.Popen[bytes]] = None
        self._turns: Optional[Line] = None
        self._stopping = False

    def start(self) -> None:
        """Start it, and again whenever it ends. Returns at once."""
        self._opened = asyncio.Event()
        self._keeping = asyncio.ensure_future(self._keep())

    async def stop(self, grace: float) -> None:
        """End it: what came in is stored, turns get *grace* seconds, the rest goes back to the queue."""
        self._stopping = True
        try:
            await asyncio.wait_for(self._opened.wait(), ANSWER)
            await self._door.ask("stop", grace, within=grace + PAUSE)
        except (StoreUnavailable, AnswerFailed, asyncio.TimeoutError):
            logger.error("the desk did not stop in order: what it was at is taken up at the next start")
            if self._process:
                self._process.kill()
        self._counter.close()
        self._door.close()
        await self._keeping
        self._starter.shutdown(wait=False)

    async def receive(self, signature: str, body: bytes, within: float) -> Tuple[int, str]:
        """Pass a delivery on; return HTTP status and text. Raises asyncio.TimeoutError, StoreUnavailable."""
        begun = time.monotonic()
        if not self._opened.is_set():
            await asyncio.wait_for(self._opened.wait(), within)
        left = within - (time.monotonic() - begun)
        status, text = await self._counter.ask("receive", signature, body, within=max(left, 0.01))
        return int(status), str(text)

    async def figures(self) -> List[Any]:
        """Return what it has counted, as Prometheus' metrics; nothing while there is none."""
        try:
            found: List[Any] = await self._door.ask("figures", within=ANSWER)
        except (StoreUnavailable, AnswerFailed, asyncio.TimeoutError):
            return []
        return found

    async def problem(self, within: float) -> str:
        """Return why it cannot work now, "" if it answers within so many seconds."""
        if not self._opened.is_set():
            return "the desk is starting"
        try:
            await self._door.ask("ping", within=within)
        except asyncio.TimeoutError:
            return f"the desk did not answer within {within:g} seconds"
        except (StoreUnavailable, AnswerFailed):
            return "the desk is starting"
        return ""

    def note_sent(self, tag: str, mid: str) -> None:
        """From any thread: have the desk note that Meta has accepted a message of ours."""
        if self._turns is not None:
            self._turns_loop.soon(_tell, self._turns, tag, mid)

    async def _keep(self) -> None:
        while not self._stopping:
            try:
                await self._run()
            except Exception as error:
                logger.error("the desk could not be started: %s", log.trace(error))
            if not self._stopping:
                logger.error("the desk has ended, it is started again in %s s", PAUSE)
                await asyncio.sleep(PAUSE)

    async def _run(self) -> None:
        """Start the desk, and return once it has ended, in whatever way."""
        ours, theirs = zip(*(socket.socketpair() for _ in range(3)))
        starting = asyncio.get_running_loop().run_in_executor(self._starter, _start, *theirs)
        self._process = process = await starting
        if self._stopping:  # meanwhile: nobody will ask it to
            process.kill()
        for end in theirs:
            end.close()
        counter, door, turns = Line(_take), Line(_take), Line(self._turn)
        self._turns = turns
        serving = asyncio.wrap_future(self._turns_loop.run(_serve(turns, ours[2])))
        watching: Set[asyncio.Future[Any]] = {serving}
        try:
            await counter.connect(ours[0])
            await door.connect(ours[1])
            begun = asyncio.ensure_future(door.ask("begin", self._begin))
            begun.add_done_callback(functools.partial(self._begun, process, counter, door))
            watching |= {asyncio.ensure_future(each) for each in (counter.lost(), door.lost())}
            watching |= {asyncio.ensure_future(self._watch(process, door, begun))}
            await asyncio.wait(watching, return_when=asyncio.FIRST_COMPLETED)
        finally:
            self._opened.clear()
            for line in (counter, door):
                line.close()
            for each in watching - {serving}:
                each.cancel()
            await self._hang_up(turns, serving)
            await _end(process)

    def _begun(
        self, process: subprocess.Popen[bytes], counter: Line, door: Line, begun: asyncio.Future[Any]
    ) -> None:
        if begun.cancelled() or begun.exception():
            process.kill()  # it has ended, or said in its log why it cannot begin: the next one may
            return
        self._counter, self._door = counter, door
        self._opened.set()

    async def _watch(self, process: subprocess.Popen[bytes], door: Line, begun: asyncio.Future[Any]) -> None:
        """Kill the desk once it has been silent for too long."""
        await asyncio.wait({begun}, timeout=BEGIN)
        missed = 0.0 if begun.done() else SILENCE
        while missed < SILENCE:
            try:
                await door.ask("ping", within=ANSWER)
                missed = 0.0
                await asyncio.sleep(LOOK)
            except asyncio.TimeoutError:
                missed += ANSWER
            except (StoreUnavailable, AnswerFailed):
                return  # it has hung up
        logger.error("the desk has not answered for %g s: it is killed, and started again", missed)
        process.kill()

    async def _hang_up(self, turns: Line, serving: asyncio.Future[Any]) -> None:
        # What was told on this line before is read to its end; then the desk has heard all, and ends.
        with suppress(NotReady):
            closing = asyncio.wrap_future(self._turns_loop.run(_close(turns)))
            await asyncio.wait({closing, serving}, timeout=GRACE)


async def _serve(turns: Line, end: socket.socket) -> None:
    await turns.connect(end)
    await turns.serve()


async def _close(line: Line) -> None:
    line.close()


async def _end(process: subprocess.Popen[bytes]) -> None:
    """Wait until it has ended, and kill it if it takes too long."""
    until = time.monotonic() + GRACE
    while process.poll() is None:
        if time.monotonic() > until:
            process.kill()
        await asyncio.sleep(0.02)


def _start(*ends: socket.socket) -> subprocess.Popen[bytes]:
    numbers = [end.fileno() for end in ends]
    command = [sys.executable, "-m", "handover_channel.queue.process", *map(str, numbers)]
    return subprocess.Popen(command, pass_fds=numbers, stdin=subprocess.DEVNULL)  # noqa: S603  (our own module)


async def _take(what: str, given: Tuple[Any, ...]) -> None:
    """Take what the desk says at the door: the lines of its log."""
    if what == "log":
        log.received(*given)


def _tell(turns: Line, tag: str, mid: str) -> None:
    try:
        turns.tell("sent", tag, mid)
    except LineClosed:
        logger.warning("%s was sent, and could not be noted: the desk is gone", tag)
