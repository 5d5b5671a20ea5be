"""Starts the queue's process (queue/process.py) from Rasa's, starts it again when it ends, and calls it.

1. It is one thing: if the process ends, if one of its connections breaks, or if it does not answer for
   `KILLED_AFTER_SILENCE` seconds, all of it is ended and started anew. The new one takes up what it was at.
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
from typing import Any, List, Mapping, Optional, Set, Tuple

from handover_channel import log
from handover_channel.errors import NotReady, StoreUnavailable
from handover_channel.queue.bot_port import BotPort
from handover_channel.queue.calls import BOT_CALLS, CONTROL, DELIVERIES, LOG, SENT_CALLS, LogCalls, Start
from handover_channel.queue.ipc import NOTHING, CallFailed, Connection, ConnectionClosed, Nothing
from handover_channel.rasa.turns_loop import TurnsLoop
from handover_channel.rules import budget

logger = logging.getLogger(__name__)

#: Seconds until a process that ended is started again.
RESTART_AFTER = 1.0

#: Seconds between two questions whether it is alive, for an answer to one, and of silence until it is killed.
#: Several questions: one alone may be late because our own loop was busy.
PING_EVERY, QUEUE_ANSWERS_WITHIN, KILLED_AFTER_SILENCE = 2.5, 5.0, 15.0

#: Seconds that it may take to start, on a machine that is busy with other starts.
BEGIN = 60.0

#: Seconds in which it should have ended once its connections are closed, and the turns it had asked for, too.
GRACE = 10.0


class _Log:
    """Takes the lines of the log of the queue's process."""

    def log(self, record: Mapping[str, Any]) -> None:
        """Log a record of it."""
        log.received(record)


class QueueClient:
    """The queue's process, as Rasa's has it. Used on one event loop, but for `note_sent`."""

    def __init__(self, start: Start, turns_loop: TurnsLoop) -> None:
        self._start_with = start
        self._turns_loop = turns_loop
        self._bot: BotPort
        self._starter = ThreadPoolExecutor(max_workers=1, thread_name_prefix="handover-queue")
        self._control, self._deliveries = _connections()
        self._process: Optional[subprocess.Popen[bytes]] = None
        self._turns: Optional[Connection[BotPort]] = None
        self._stopping = False

    def start(self, bot: BotPort) -> None:
        """Start the process, again whenever it ends. *bot* runs the turns it asks for. Returns at once."""
        self._bot = bot
        self._opened = asyncio.Event()
        self._keeping = asyncio.ensure_future(self._keep())

    async def stop(self, grace: float) -> None:
        """End it: what came in is stored, turns get *grace* seconds, the rest goes back to the queue."""
        self._stopping = True
        try:
            await asyncio.wait_for(self._opened.wait(), QUEUE_ANSWERS_WITHIN)
            await CONTROL.remote(self._control, grace + RESTART_AFTER).stop(grace)
        except (StoreUnavailable, CallFailed, asyncio.TimeoutError):
            logger.error(
                "the queue's process did not stop in order: what it was at is taken up at the next start"
            )
            if self._process:
                self._process.kill()
        self._deliveries.close()
        self._control.close()
        await self._keeping
        self._starter.shutdown(wait=False)

    async def receive(self, signature: str, body: bytes, within: float) -> Tuple[int, str]:
        """Pass a webhook call on; return HTTP status and text.

        Raises asyncio.TimeoutError after *within* seconds, StoreUnavailable where the process ends meanwhile,
        and CallFailed where it fails.
        """
        begun = time.monotonic()
        if not self._opened.is_set():
            await asyncio.wait_for(self._opened.wait(), within)
        left = max(within - (time.monotonic() - begun), 0.01)
        return await DELIVERIES.remote(self._deliveries, left).receive(signature, body)

    async def counted(self) -> List[Any]:
        """Return what it has counted, as Prometheus' metrics; nothing while there is none."""
        try:
            return await CONTROL.remote(self._control, QUEUE_ANSWERS_WITHIN).counted()
        except (StoreUnavailable, CallFailed, asyncio.TimeoutError):
            return []

    async def problem(self, within: float) -> str:
        """Return why it cannot work now, "" if it answers within so many seconds."""
        if not self._opened.is_set():
            return "the queue's process is starting"
        try:
            await CONTROL.remote(self._control, within).ping()
        except asyncio.TimeoutError:
            return f"the queue's process did not answer within {within:g} seconds"
        except (StoreUnavailable, CallFailed):
            return "the queue's process is starting"
        return ""

    def note_sent(self, tag: str, mid: str) -> None:
        """From any thread: have it note that Meta has accepted a message of ours."""
        if self._turns is not None:
            self._turns_loop.soon(_note_sent, self._turns, tag, mid)

    async def _keep(self) -> None:
        while not self._stopping:
            try:
                await self._run()
            except Exception as error:
                logger.error("the queue's process could not be started: %s", log.trace(error))
            if not self._stopping:
                logger.error("the queue's process has ended, it is started again in %s s", RESTART_AFTER)
                await asyncio.sleep(RESTART_AFTER)

    async def _run(self) -> None:
        """Start the process, and return once it has ended, in whatever way."""
        ours, theirs = zip(*(socket.socketpair() for _ in range(3)))
        starting = asyncio.get_running_loop().run_in_executor(self._starter, _start, *theirs)
        self._process = process = await starting
        if self._stopping:  # meanwhile: nobody will ask it to
            process.kill()
        for end in theirs:
            end.close()
        control, deliveries = _connections()
        self._turns = turns = Connection(BOT_CALLS, self._bot, budget.of_a_delivery)
        serving = asyncio.wrap_future(self._turns_loop.run(_serve(turns, ours[2])))
        watching: Set[asyncio.Future[Any]] = {serving}
        try:
            await deliveries.connect(ours[0])
            await control.connect(ours[1])
            started = asyncio.ensure_future(CONTROL.remote(control).start(self._start_with))
            started.add_done_callback(functools.partial(self._started, process, control, deliveries))
            watching |= {asyncio.ensure_future(each) for each in (deliveries.lost(), control.lost())}
            watching |= {asyncio.ensure_future(self._watch(process, control, started))}
            await asyncio.wait(watching, return_when=asyncio.FIRST_COMPLETED)
        finally:
            self._opened.clear()
            deliveries.close()
            control.close()
            for each in watching - {serving}:
                each.cancel()
            await self._close_turns(turns, serving)
            await _end(process)

    def _started(
        self,
        process: subprocess.Popen[bytes],
        control: Connection[LogCalls],
        deliveries: Connection[Nothing],
        started: asyncio.Future[Any],
    ) -> None:
        if started.cancelled() or started.exception():
            process.kill()  # it has ended, or said in its log why it cannot start: the next one may
            return
        self._control, self._deliveries = control, deliveries
        self._opened.set()

    async def _watch(
        self, process: subprocess.Popen[bytes], control: Connection[LogCalls], started: asyncio.Future[Any]
    ) -> None:
        """Kill the process once it has been silent for too long."""
        await asyncio.wait({started}, timeout=BEGIN)
        missed = 0.0 if started.done() else KILLED_AFTER_SILENCE
        while missed < KILLED_AFTER_SILENCE:
            try:
                await CONTROL.remote(control, QUEUE_ANSWERS_WITHIN).ping()
                missed = 0.0
                await asyncio.sleep(PING_EVERY)
            except asyncio.TimeoutError:
                missed += QUEUE_ANSWERS_WITHIN
            except (StoreUnavailable, CallFailed):
                return  # it has closed the connection
        logger.error("the queue's process has not answered for %g s: it is killed, and started again", missed)
        process.kill()

    async def _close_turns(self, turns: Connection[BotPort], serving: asyncio.Future[Any]) -> None:
        # What was sent on it before is read to its end; then the process has heard all, and ends.
        with suppress(NotReady):
            closing = asyncio.wrap_future(self._turns_loop.run(_close(turns)))
            await asyncio.wait({closing, serving}, timeout=GRACE)


def _connections() -> Tuple[Connection[LogCalls], Connection[Nothing]]:
    """Return our ends of the control connection and of that of the deliveries."""
    return Connection(LOG, _Log()), Connection(NOTHING, Nothing())


async def _serve(turns: Connection[BotPort], end: socket.socket) -> None:
    await turns.connect(end)
    await turns.serve()


async def _close(connection: Connection[Any]) -> None:
    connection.close()


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


def _note_sent(turns: Connection[BotPort], tag: str, mid: str) -> None:
    try:
        SENT_CALLS.remote(turns).note_sent(tag, mid)
    except ConnectionClosed:
        logger.warning("%s was sent, and could not be noted: the queue's process is gone", tag)
