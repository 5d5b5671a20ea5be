"""Runs the queue's process, beside Rasa's: it stores what Meta sends, and processes it.

A turn of Rasa holds Python's interpreter lock; whatever else that process does (a transaction, a signature)
waits for it again and again. Here nothing does: Rasa's process only passes the bodies on and runs the turns
that it is asked for (docs/decisions/0003-a-desk-beside-rasa.md).

Three connections lead to Rasa's process; calls.py lists what is called on each:

- deliveries: what Meta sends, answered once it is stored.
- control: start, stop, health and metrics; the lines of our log go out there.
- turns, from the loop that runs them.

The process ends when Rasa's closes the connections, however that ended, and as a whole if a part of it ends
before: see essential.py. Started by rasa/queue_client.py; knows no Rasa.
"""

from __future__ import annotations

import asyncio
import contextlib
import gc
import logging
import signal
import socket
import sys
from typing import Any, List, Mapping, Optional

from handover_channel import essential, log, services
from handover_channel.errors import StoreUnavailable
from handover_channel.metrics import counters
from handover_channel.queue.bot_port import BotPort
from handover_channel.queue.calls import BOT_CALLS, CONTROL, DELIVERIES, LOG, SENT_CALLS, ControlCalls, Start
from handover_channel.queue.event_handlers import EventHandlers
from handover_channel.queue.intake import Intake
from handover_channel.queue.ipc import BatchServer, Connection, ConnectionClosed
from handover_channel.queue.sent_notes import SentNotes
from handover_channel.queue.worker import Worker
from handover_channel.settings.loader import Settings
from handover_channel.store.listener import Listener

#: Seconds after which Python takes the interpreter from a thread for another one that waits; else 0.005.
SWITCH_AFTER = 0.0005

logger = logging.getLogger("handover_channel.queue.process")  # it runs as __main__


class QueueProcess:
    """Receives, stores and processes deliveries."""

    def __init__(self, settings: Settings, deliveries: BatchServer, bot: BotPort) -> None:
        self._handover = given = services.build(settings)
        event_handlers = EventHandlers(settings, given.store, given.thread_control)
        self._worker = Worker(
            given.store,
            given.thread_control,
            event_handlers,
            bot,
            clock=given.thread_control.clock,
            pressed=lambda: self._intake.is_pressed(),
        )
        clock = given.thread_control.clock
        self._intake = Intake(given.store, settings.secret, deliveries, self._worker, clock)
        self._listener = Listener(given.store, self._worker.look_now, self._worker.leave_some)
        self.sent_notes = SentNotes(given.store, clock)
        self._working: Optional[asyncio.Task[None]] = None
        self._stopping = False

    def start(self) -> None:
        """Start storing and processing."""
        self._intake.start()
        self._listener.start()
        working = asyncio.ensure_future(self._worker.run())
        self._working = essential.watched("the worker", working, lambda: self._stopping)

    async def stop(self, grace: float) -> None:
        """Store what came in, let turns end within *grace* seconds, give the rest back to the queue."""
        self._stopping = True
        loop = asyncio.get_running_loop()
        await loop.run_in_executor(None, self._intake.stop)
        if self._working and not self._working.done():
            await self._worker.stop(grace)
            await self._working
        await loop.run_in_executor(None, self._listener.stop)
        await loop.run_in_executor(None, self.sent_notes.stop)
        self._handover.store.close()


class CalledByRasa:
    """Answers what Rasa's process calls: on the control connection, and `note_sent` on that of the turns."""

    def __init__(self, deliveries_end: socket.socket) -> None:
        self.control: Connection[ControlCalls] = Connection(CONTROL, self)
        self.turns = Connection(SENT_CALLS, self)
        self._deliveries_end = deliveries_end
        self._process: Optional[QueueProcess] = None

    async def start(self, start: Start) -> None:
        """Begin to store and to process."""
        _log_to(self.control, start.log_level)
        deliveries = BatchServer(self._deliveries_end, DELIVERIES)
        self._process = QueueProcess(start.settings, deliveries, BOT_CALLS.remote(self.turns))
        self._process.start()

    async def ping(self) -> None:
        """Return at once."""

    async def counted(self) -> List[Any]:
        """Return what is counted here. Raises StoreUnavailable before `start`."""
        self._started()
        return counters.counted()

    async def stop(self, grace: float) -> None:
        """See `QueueProcess.stop`. Raises StoreUnavailable before `start`."""
        await self._started().stop(grace)

    def note_sent(self, tag: str, mid: str) -> None:
        """See `SentNotes.add`."""
        self._started().sent_notes.add(tag, mid)

    async def end(self) -> None:
        """Stop at once, if it was started."""
        if self._process is not None:
            await self._process.stop(0.0)

    def _started(self) -> QueueProcess:
        if self._process is None:
            raise StoreUnavailable("the server is starting -> wait: Meta sends it again")
        return self._process


async def serve(deliveries_end: socket.socket, control_end: socket.socket, turns_end: socket.socket) -> None:
    """Work until Rasa's process closes the connections."""
    called = CalledByRasa(deliveries_end)
    await called.control.connect(control_end)
    await called.turns.connect(turns_end)
    answering = asyncio.ensure_future(called.turns.serve())
    await called.control.serve()
    await answering
    await called.end()


def _log_to(control: Connection[Any], level: int) -> None:
    """Have Rasa's process log for us: there is one log, as its settings want it."""
    loop, remote = asyncio.get_running_loop(), LOG.remote(control)

    def notify(record: Mapping[str, Any]) -> None:
        with contextlib.suppress(ConnectionClosed):
            remote.log(record)

    def send(record: Mapping[str, Any]) -> None:
        if control.is_closed:
            raise ConnectionClosed("Rasa's process has ended")
        loop.call_soon_threadsafe(notify, record)

    root = logging.getLogger()
    root.setLevel(level)
    root.handlers[:] = [log.Forward(send)]


def main() -> None:
    """Run as `python -m handover_channel.queue.process DELIVERIES CONTROL TURNS`, descriptors of sockets."""
    sys.setswitchinterval(SWITCH_AFTER)
    # Ctrl-C, a stop of the whole group, the end of a terminal: for Rasa's process, which lets us end first.
    for name in ("SIGINT", "SIGTERM", "SIGHUP"):
        if hasattr(signal, name):  # Windows has no SIGHUP
            signal.signal(getattr(signal, name), signal.SIG_IGN)
    logging.basicConfig(format="%(asctime)s %(levelname)-8s %(name)s  - %(message)s")
    gc.freeze()  # modules are no work for the collector
    deliveries, control, turns = (socket.socket(fileno=int(given)) for given in sys.argv[1:4])
    _quicker_loop()
    try:
        asyncio.run(serve(deliveries, control, turns))
    except BaseException as error:
        essential.end_process("the queue's process", error)


def _quicker_loop() -> None:
    """Take Sanic's own event loop, where there is one (not on Windows)."""
    with contextlib.suppress(ImportError):
        import uvloop

        uvloop.install()


if __name__ == "__main__":
    main()
