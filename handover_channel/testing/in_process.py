"""Runs a bot of Rasa's with this package in the process of the test: no server, no socket, no waiting.

The real parts are: the model with Rasa's agent, the bot's actions, the turns, the queue's processing, the
store (SQLite, in a folder that is thrown away), thread control and the Graph API client. Instead of sockets:
signed webhook bodies are handed to the intake, and the simulator answers the client's calls (network.py).

1. Time stands still but for one second with each act, and for what `move_clock` adds; where targets have
   business hours each test begins at the first of a week at which they are open: it is the same each time.
   Rasa's own clock (session expiry, timestamps in its tracker) is the machine's.
2. One at a time in a process: custom actions and policies ask for *the* services (services.from_config).
"""

from __future__ import annotations

import asyncio
import sys
import tempfile
import threading
import time
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any, Awaitable, Collection, Optional, Sequence, TypeVar

from handover_channel import services
from handover_channel.simulator.clock import Clock
from handover_channel.store import deadlines, schema, sent_messages
from handover_channel.testing import own_bot
from handover_channel.testing.bot_under_test import HTTP, PagesAtFirst
from handover_channel.testing.in_process_queue import InPlace, InProcessQueue
from handover_channel.testing.in_process_rasa import load_agent, newest_model
from handover_channel.testing.network import SimulatedNetwork
from handover_channel.testing.own_inbox import OwnInbox

_T = TypeVar("_T")

#: Seconds that an act takes.
ACT_TAKES = 1.0

_WEEK, _A_MONDAY = 7 * 86400, 4 * 86400

_MEMORY = Path("/dev/shm")  # noqa: S108  (where the machine has it; the folder in it is made by tempfile)


class InProcess(OwnInbox):
    """The bot in *folder*, as `BotUnderTest`. *model*: the newest of its models, if none is given.

    *actions*: the module that `rasa run actions` would load. Raises HandoverError with everything that keeps
    it from running. To be closed.
    """

    kind = "in process"

    def __init__(self, folder: Path, model: Optional[Path] = None, actions: str = "actions") -> None:
        self._settings = settings = own_bot.settings_of(folder)
        self.places = own_bot.places_of(settings)
        self._passed = 0.0
        began = time.time()
        self.clock = Clock(lambda: began + self._passed)
        if str(folder) not in sys.path:
            sys.path.insert(0, str(folder))  # as `rasa run actions` finds the bot's own modules
        self._folder = tempfile.TemporaryDirectory(
            prefix="handover-test-", dir=str(_MEMORY) if _MEMORY.is_dir() else None
        )
        self.page = own_bot.page_of(settings, callback="in this process", now=self.clock)
        database = f"sqlite:///{Path(self._folder.name) / 'handover.db'}"
        self._services = services.build(
            replace(settings, database=database), self.clock, pools=SimulatedNetwork(self.page)
        )
        services.process.stands_in = self._services
        self._loop = _Loop()
        try:
            self._agent = load_agent(model or newest_model(folder), actions)
        except BaseException:
            self.close()
            raise
        self._queue = InProcessQueue(self.page, self._services, self._bot())
        self.page.send_webhook = self._queue.accept
        self.clock.on_moved(self._moved, next_stop=self._next_deadline)
        self._first = PagesAtFirst(self.page)

    def close(self) -> None:
        """Stop, and throw away what was kept."""
        if services.process.stands_in is self._services:
            services.process.stands_in = None
        self._loop.close()
        self._services.store.close()
        self._folder.cleanup()

    def begin(self) -> None:
        """See `BotUnderTest`."""
        with self._services.store.writing() as connection:
            for table in reversed(schema.metadata.sorted_tables):
                connection.execute(table.delete())
        self.page.reset()
        self._first.restore()
        now = self.clock()
        ahead = own_bot.until_all_are_there(self._services.settings, now, since=_next_week(now))
        if ahead:
            self.clock.jump(ahead)

    def cannot(self, needs: Collection[str]) -> str:
        """See `BotUnderTest`."""
        return "only over HTTP" if HTTP in needs else ""

    def settle(self, psid: str) -> None:
        """See `BotUnderTest`."""
        self._passed += ACT_TAKES
        self._loop.run(self._queue.settle())

    def move_clock(self, by: str, *, stopping: bool) -> None:
        """See `BotUnderTest`."""
        (self.clock.run if stopping else self.clock.jump)(by)

    def _moved(self) -> Sequence[str]:
        self._loop.run(self._queue.settle())
        return ()

    def _next_deadline(self) -> Optional[float]:
        with self._services.store.reading() as connection:
            return deadlines.next_at(connection)

    def _bot(self) -> Any:
        from handover_channel.rasa.turns import RasaBot

        app: Any = SimpleNamespace(ctx=SimpleNamespace(agent=self._agent, input_channels=()))
        given = self._services
        return RasaBot(
            app,
            self._agent.handle_message,
            given.thread_control,
            given.graph,
            InPlace(),
            given.store,
            self._note_sent,
            nlu_limit=given.settings.nlu_limit,
        )

    def _note_sent(self, tag: str, mid: str) -> None:
        with self._services.store.writing(durable=False) as connection:
            sent_messages.add(connection, tag, now=self.clock(), mid=mid)


def _next_week(now: float) -> float:
    """Return when the next week begins: at the same hour of the same day a test is the same each time."""
    return (now - _A_MONDAY) // _WEEK * _WEEK + _WEEK + _A_MONDAY


class _Loop:
    """An event loop on a thread of its own: the test may have one on its thread, or none."""

    def __init__(self) -> None:
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="bot-under-test", daemon=True)
        self._thread.start()

    def run(self, work: Awaitable[_T]) -> _T:
        return asyncio.run_coroutine_threadsafe(_awaited(work), self._loop).result()

    def close(self) -> None:
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.run_until_complete(self._loop.shutdown_default_executor())
        self._loop.close()


async def _awaited(work: Awaitable[_T]) -> _T:
    return await work
