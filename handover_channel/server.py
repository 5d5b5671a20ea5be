"""What runs behind the channel's routes: the intake that stores, and the worker on a thread of its own."""

from __future__ import annotations

import asyncio
import logging
import threading
import time
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any, Dict, List, Optional

from rasa.core.channels.channel import OutputChannel
from sanic import Sanic

from handover_channel.errors import StoreUnavailable
from handover_channel.evidence import Evidence
from handover_channel.intake import Intake
from handover_channel.output import MessengerOutput
from handover_channel.rasa_conversation import OnNewMessage, RasaConversation
from handover_channel.store import figures
from handover_channel.store.listener import Listener
from handover_channel.wiring import Handover
from handover_channel.worker import Worker

logger = logging.getLogger(__name__)

#: Seconds that turns get to end when the server stops. Sanic gives 15 in all.
GRACE = 10.0

#: Seconds after which a delivery that waits is worth a word in the health check.
LATE = 60.0

#: Graph calls at a time.
CALLS_AT_ONCE = 64


class Server:
    """The channel's machinery in one Rasa process."""

    def __init__(self, handover: Handover, on_new_message: OnNewMessage) -> None:
        self._handover = handover
        self._on_new_message = on_new_message
        self._calls = ThreadPoolExecutor(max_workers=CALLS_AT_ONCE, thread_name_prefix="handover-graph")
        self._intake: Optional[Intake] = None
        self._listener: Optional[Listener] = None
        self._worker: Optional[Worker] = None
        self._conversation: Optional[RasaConversation] = None
        self._loop: Optional[asyncio.AbstractEventLoop] = None
        self._thread: Optional[threading.Thread] = None

    def start(self, app: Sanic) -> None:
        """Start storing and working."""
        given = self._handover
        self._conversation = RasaConversation(
            app, self._on_new_message, given.switchboard, given.graph, self._calls, given.store
        )
        evidence = Evidence(given.settings, given.store, given.switchboard)
        worker = Worker(given.store, given.switchboard, evidence, self._conversation)
        self._worker = worker
        self._intake = Intake(given.store, worker.wake)
        self._intake.start()
        self._listener = Listener(given.store, worker.look_now)
        self._listener.start()
        self._loop = asyncio.new_event_loop()
        work = (self._loop, worker)
        self._thread = threading.Thread(target=_run, args=work, name="handover", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Store what came in, let turns end, give the rest back to the queue. Blocks."""
        if not (self._intake and self._worker and self._loop and self._thread):
            return
        intake, self._intake = self._intake, None  # from here on Meta gets 503, and sends it again
        intake.stop()
        asyncio.run_coroutine_threadsafe(self._worker.stop(GRACE), self._loop).result()
        self._thread.join(timeout=5)
        if self._listener:
            self._listener.stop()
        self._calls.shutdown(wait=False)
        self._handover.store.close()

    def store(self, rows: List[Dict[str, Any]]) -> Future[None]:
        """Store rows; done once they are on disk. Raises StoreUnavailable before the start."""
        if self._intake is None:
            refused: Future[None] = Future()
            refused.set_exception(StoreUnavailable("the server is starting or stopping"))
            return refused
        return self._intake.put(rows)

    def output(self) -> OutputChannel:
        """Return an output for what the bot says unasked."""
        return MessengerOutput(self._handover.switchboard, self._handover.graph, self._calls)

    async def problem(self) -> str:
        """Return why the channel cannot work now, "" where it can."""
        if self._conversation is None or not self._conversation.is_ready():
            return "no model is loaded"
        try:
            await asyncio.get_running_loop().run_in_executor(None, self._touch_store)
        except StoreUnavailable as error:
            return f"the store is out of reach: {error}"
        return ""

    async def backlog(self) -> Dict[str, float]:
        """Return `oldest_seconds` where a delivery has waited longer than `LATE`, else nothing."""
        try:
            oldest = await asyncio.get_running_loop().run_in_executor(None, self._oldest)
        except StoreUnavailable:
            return {}
        return {"oldest_seconds": round(oldest, 1)} if oldest > LATE else {}

    def _touch_store(self) -> None:
        self._handover.switchboard.may_speak("")

    def _oldest(self) -> float:
        with self._handover.store.reading() as connection:
            received_at = figures.oldest_at(connection)
        return 0.0 if received_at is None else time.time() - received_at


def _run(loop: asyncio.AbstractEventLoop, worker: Worker) -> None:
    asyncio.set_event_loop(loop)
    loop.run_until_complete(worker.run())
    loop.close()
