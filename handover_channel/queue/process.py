"""The desk: a process of its own beside Rasa's, that stores what Meta sends and works it off.

A turn of Rasa holds Python's interpreter lock; whatever else that process does (a transaction, a signature)
waits for it again and again. Here nothing does: Rasa's process only passes the bodies on and runs the turns
that it is asked for (docs/decisions/0003-a-desk-beside-rasa.md).

Three lines lead to it:

- the counter: (signature, body) -> (HTTP status, text).
- the door: `begin`, `ping`, `figures`, `stop` (grace); the lines of our log go out there.
- turns, from the loop that runs them: the desk asks for `let_echoes_come`, `answer`, `returned`, `muted`; it
  is told `sent` (tag, and Meta's id of the message).

It ends when Rasa's process hangs up, however that ended, and as a whole if a part of it ends before: see
essential.py. Started by rasa/queue_client.py; knows no Rasa.
"""

from __future__ import annotations

import asyncio
import contextlib
import gc
import logging
import signal
import socket
import sys
import time
from dataclasses import dataclass
from typing import Any, Mapping, Optional, Tuple, Union

from handover_channel import essential, log, services
from handover_channel.errors import StoreUnavailable
from handover_channel.messenger.events import MessageReceived, PostbackReceived
from handover_channel.metrics import counters
from handover_channel.queue.event_handlers import EventHandlers
from handover_channel.queue.intake import Intake
from handover_channel.queue.ipc import Counter, Line, LineClosed
from handover_channel.queue.worker import Worker
from handover_channel.rules.return_reasons import ReturnReason
from handover_channel.rules.turn_outcome import Spoken
from handover_channel.settings.loader import Settings
from handover_channel.store import sent_messages
from handover_channel.store.deliveries import Delivery
from handover_channel.store.listener import Listener
from handover_channel.store.threads import Thread

#: Seconds after which Python takes the interpreter from a thread for another one that waits; else 0.005.
SWITCH = 0.0005

#: Seconds until a note that could not be written is tried again, and how often.
NOTE_AGAIN = 0.5
NOTE_TRIES = 60

logger = logging.getLogger("handover_channel.queue.process")  # it runs as __main__


@dataclass(frozen=True)
class Begin:
    """What the desk needs to begin: the first question at the door."""

    settings: Settings
    log_level: int


class RemoteBot:
    """Rasa's side of the conversations, in the process that has it."""

    def __init__(self, turns: Line) -> None:
        self._turns = turns

    async def let_echoes_come(self) -> None:
        """Return once what Meta could not deliver while we were down has had its time to come."""
        await self._turns.ask("let_echoes_come")

    async def answer(
        self,
        event: Union[MessageReceived, PostbackReceived],
        context: Mapping[str, Any],
        delivery: Delivery,
    ) -> Spoken:
        """Have the bot answer what the person said; return what became of its messages."""
        spoken: Spoken = await self._turns.ask("answer", event, dict(context), delivery)
        return spoken

    async def returned(
        self, row: Thread, reason: ReturnReason, note: Mapping[str, Any], delivery: Delivery
    ) -> Spoken:
        """Tell the bot that the thread is its own again."""
        spoken: Spoken = await self._turns.ask("returned", row, reason, dict(note), delivery)
        return spoken

    async def muted(self, row: Thread, target: str, until: Optional[float]) -> None:
        """Mirror the row in the bot's slots."""
        await self._turns.ask("muted", row, target, until)


class QueueProcess:
    """Receive, store, work off."""

    def __init__(self, settings: Settings, counter: Counter, turns: Line) -> None:
        self._handover = given = services.build(settings)
        event_handlers = EventHandlers(settings, given.store, given.thread_control)
        self._worker = Worker(
            given.store,
            given.thread_control,
            event_handlers,
            RemoteBot(turns),
            pressed=lambda: self._intake.is_pressed(),
        )
        self._intake = Intake(given.store, settings.secret, counter, self._worker)
        self._listener = Listener(given.store, self._worker.look_now)
        self._working: Optional[asyncio.Task[None]] = None
        self._stopping = False

    def start(self) -> None:
        """Start storing and working."""
        self._intake.start()
        self._listener.start()
        working = asyncio.ensure_future(self._worker.run())
        self._working = essential.watched("the worker", working, lambda: self._stopping)

    async def note_sent(self, tag: str, mid: str) -> None:
        """Note that Meta has accepted a message of ours, as soon as something can be written."""
        for _ in range(NOTE_TRIES):
            try:
                return await asyncio.get_running_loop().run_in_executor(None, self._note_sent, tag, mid)
            except StoreUnavailable:
                await asyncio.sleep(NOTE_AGAIN)
        return None

    async def stop(self, grace: float) -> None:
        """Store what came in, let turns end within *grace* seconds, give the rest back to the queue."""
        self._stopping = True
        loop = asyncio.get_running_loop()
        await loop.run_in_executor(None, self._intake.stop)
        if self._working and not self._working.done():
            await self._worker.stop(grace)
            await self._working
        await loop.run_in_executor(None, self._listener.stop)
        self._handover.store.close()

    def _note_sent(self, tag: str, mid: str) -> None:
        with self._handover.store.writing(durable=False) as connection:
            sent_messages.add(connection, tag, now=time.time(), mid=mid)


async def serve(counter_end: socket.socket, door_end: socket.socket, turns_end: socket.socket) -> None:
    """Work until Rasa's process hangs up."""
    desk: Optional[QueueProcess] = None

    async def at_the_door(what: str, given: Tuple[Any, ...]) -> Any:
        nonlocal desk
        if what == "ping":
            return None
        if what == "begin":
            (begin,) = given
            _log_at(door, begin.log_level)
            desk = QueueProcess(begin.settings, Counter(counter_end), turns)
            desk.start()
            return None
        if desk is None:
            raise StoreUnavailable("the server is starting")
        return counters.counted() if what == "figures" else await getattr(desk, what)(*given)

    async def from_the_bot(what: str, given: Tuple[Any, ...]) -> Any:
        if desk is not None and what == "sent":
            await desk.note_sent(*given)

    door, turns = Line(at_the_door), Line(from_the_bot)
    await door.connect(door_end)
    await turns.connect(turns_end)
    answering = asyncio.ensure_future(turns.serve())
    await door.serve()
    await answering
    if desk is not None:
        await desk.stop(0.0)


def _log_at(door: Line, level: int) -> None:
    """Have Rasa's process log for us: there is one log, as its settings want it."""
    loop = asyncio.get_running_loop()

    def say(plain: Mapping[str, Any]) -> None:
        with contextlib.suppress(LineClosed):
            door.tell("log", plain)

    def send(plain: Mapping[str, Any]) -> None:
        if door.is_closed:
            raise LineClosed("Rasa's process has ended")
        loop.call_soon_threadsafe(say, plain)

    root = logging.getLogger()
    root.setLevel(level)
    root.handlers[:] = [log.Forward(send)]


def main() -> None:
    """Run as `python -m handover_channel.queue.process COUNTER DOOR TURNS`, file descriptors of sockets."""
    sys.setswitchinterval(SWITCH)
    # Ctrl-C, a stop of the whole group, the end of a terminal: for Rasa's process, which lets us end first.
    for name in ("SIGINT", "SIGTERM", "SIGHUP"):
        if hasattr(signal, name):  # Windows has no SIGHUP
            signal.signal(getattr(signal, name), signal.SIG_IGN)
    logging.basicConfig(format="%(asctime)s %(levelname)-8s %(name)s  - %(message)s")
    logging.getLogger("alembic").setLevel(logging.WARNING)
    gc.freeze()  # modules are no work for the collector
    counter, door, turns = (socket.socket(fileno=int(given)) for given in sys.argv[1:4])
    _quicker_loop()
    try:
        asyncio.run(serve(counter, door, turns))
    except BaseException as error:
        essential.end_process("the desk", error)


def _quicker_loop() -> None:
    """Take Sanic's own event loop, where there is one (not on Windows)."""
    with contextlib.suppress(ImportError):
        import uvloop

        uvloop.install()


if __name__ == "__main__":
    main()
