"""One process with a worker and a bot that notes what it is told, on the test's database."""

from __future__ import annotations

import asyncio
import json
from collections import defaultdict

import pytest
import sqlalchemy as sa
from play import OURS, SALES_BOT, START, Meta, settings_with

from handover_channel.control.thread_control import ThreadControl
from handover_channel.graph_api.client import GraphApi
from handover_channel.graph_api.retries import Retries
from handover_channel.messenger.webhook import parse
from handover_channel.queue import worker as worker_module
from handover_channel.queue.event_handlers import EventHandlers
from handover_channel.queue.worker import Worker
from handover_channel.rules.turn_outcome import Spoken
from handover_channel.simulator import Simulator
from handover_channel.store import deliveries

SOON = 20  #: seconds that nothing here should ever take
PSID = "7001"

real_sleep = asyncio.sleep


async def eventually(condition):
    """Wait until *condition* holds, as long as a slow machine may need."""
    for _ in range(int(SOON / 0.005)):
        if condition():
            return
        await real_sleep(0.005)
    raise AssertionError("it never happened")


class Bot:
    """The bot's side: notes what it is told. `during` is awaited in the middle of every turn."""

    def __init__(self):
        self.begun, self.said = [], defaultdict(list)
        self.mirrored = defaultdict(list)  #: what the slots were set to
        self.spoken = Spoken(sent=1)  #: what becomes of what it says
        self.echoes = asyncio.Event()  #: they had their time to come
        self.echoes.set()

    async def let_echoes_come(self):
        await self.echoes.wait()

    async def during(self, thread, text):
        await real_sleep(0)

    async def answer(self, event, context, delivery):
        await self._turn(event.thread, event.text)
        return self.spoken

    async def returned(self, row, reason, note, delivery):
        await self._turn(row.id, f"<returned: {reason.value}>")
        return self.spoken

    async def muted(self, row, target, until):
        self.begun.append((row.id, f"<muted: {target}>"))
        self.mirrored[row.id].append(target)

    async def _turn(self, thread, text):
        self.begun.append((thread, text))
        await self.during(thread, text)
        self.said[thread].append(text)

    @property
    def count(self):
        return sum(map(len, self.said.values()))


def failing(times, error=RuntimeError):
    """What happens during a turn: the first *times* of "bad" fail."""
    left = iter([error("no")] * times)

    async def during(thread, text):
        for problem in left:
            if text == "bad":
                raise problem
            return

    return during


class Place:
    """One process with a worker, on the test's database."""

    def __init__(self, store, clock):
        self.store, self.clock, self.bot = store, clock, Bot()
        self.meta = Meta(Simulator(app_id=OURS, apps={SALES_BOT: "sales_bot"}, now=clock))
        graph = GraphApi("http://127.0.0.1", "v27.0", pools=self.meta, retries=Retries(attempts=1))
        settings = settings_with()
        self.thread_control = ThreadControl(settings, store, graph, clock)
        event_handlers = EventHandlers(settings, store, self.thread_control)
        self.pressed = False
        self.worker = Worker(
            store, self.thread_control, event_handlers, self.bot, clock, lambda: self.pressed
        )

    def start(self):
        self.task = asyncio.ensure_future(self.worker.run())
        return self

    async def stop(self, grace=SOON):
        await self.worker.stop(grace)
        await asyncio.wait_for(self.task, SOON)


@pytest.fixture
def impatient(monkeypatch):
    """Pauses of seconds take milliseconds here."""
    monkeypatch.setattr(worker_module, "LOOK_FOR_WORK_EVERY", 0.01)
    monkeypatch.setattr(asyncio, "sleep", lambda delay, *more: real_sleep(delay / 1000))


@pytest.fixture
async def place(open_store, clock, impatient):
    """Make a process; what was started is stopped."""
    places = []

    def make(store=None):
        places.append(Place(store or open_store(), clock))
        return places[-1]

    yield make
    for each in places:
        if hasattr(each, "task") and not each.task.done():
            each.bot.during = Bot().during
            await each.stop(grace=1)


def receive(store, *texts, thread=PSID, at=START, channel="messaging"):
    items = [
        {
            "sender": {"id": thread},
            "recipient": {"id": "1717"},
            "timestamp": int(at * 1000) + number,
            "message": {"mid": f"m:{thread}:{text}", "text": text},
        }
        for number, text in enumerate(texts)
    ]
    body = json.dumps({"entry": [{"id": "1717", channel: items}]}).encode()
    with store.writing() as connection:
        deliveries.add(connection, deliveries.rows(parse(body), at))


def rows(store):
    """(thread, outcome, attempts, failures) of every delivery, by arrival."""
    query = sa.text("SELECT thread, outcome, attempts, failures FROM deliveries ORDER BY id")
    with store.reading() as connection:
        return [tuple(row) for row in connection.execute(query)]


def outcomes(store):
    return [outcome for _, outcome, _, _ in rows(store)]


def is_done(store):
    return lambda: all(outcomes(store))


def claimants(store):
    with store.reading() as connection:
        return deliveries.claiming_workers(connection)


def claimed_until(store):
    with store.reading() as connection:
        return connection.execute(sa.text("SELECT max(until) FROM claims")).scalar()
