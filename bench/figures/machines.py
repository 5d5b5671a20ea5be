"""Several workers: 4 Rasa processes on PostgreSQL and Redis's lock store, as two machines would have;
then one.

64 people, numbered messages sent to the processes in turn, the next of a person when the one before was
acknowledged; a fifth of them is delivered to a second process too. Echoes on. Meanwhile 20 muted threads
return by keyword (each delivered to two processes at the same moment) and 20 by a time limit that all
processes see. Graph 200 ms.
"""

from __future__ import annotations

import asyncio
import random
import time
from collections import Counter
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Any, Dict, List, Sequence

from bench import databases, our_store
from bench.bodies import OTHER_APP_ID, echo, message, people, post
from bench.meta import Meta
from bench.outcome import NOT_MEASURED, Line, Outcome, Table, skipped, verdict
from bench.rasa_server import SOON_APP_ID, Backing, RasaServer
from bench.stage import GRAPH, SENDERS, Stage
from bench.tally import CELLS, Tally, shared_out, tally, text
from bench.wire import run, until_accepted

PROCESSES = 4
EACH = 10  #: messages of one person
MUTED = 20  #: threads that return, each way
SEED = 8

GOAL = "nothing twice, in order, each return once, more a second than one process"
NAME = f"{PROCESSES} processes, PostgreSQL, Redis, same load"


@dataclass(frozen=True)
class Round:
    """What some number of processes made of the load."""

    processes: int
    found: Tally
    rate: float
    returns: int  #: threads that returned, and were told so once
    returns_wanted: int
    returns_told: int

    def cells(self) -> List[str]:
        """Return the row of the table."""
        returns = f"{self.returns} of {self.returns_wanted} once, {self.returns_told} told"
        return [str(self.processes), *self.found.cells(), f"{self.rate:.1f}", returns]

    @property
    def sound(self) -> bool:
        """Whether everything happened once and in order."""
        once = self.returns == self.returns_wanted == self.returns_told
        return once and not (self.found.lost or self.found.repeated or self.found.disordered)


def measure(stage: Stage) -> Outcome:
    """Measure it."""
    reason = databases.missing()
    if reason:
        return Outcome([Line(NAME, NOT_MEASURED, NOT_MEASURED, NOT_MEASURED, GOAL, skipped(reason))])
    one, several = _round(stage, 1), _round(stage, PROCESSES)
    said = (
        f"{several.found.repeated} twice, {several.found.lost} lost, "
        f"{several.found.disordered} out of order, "
        f"{several.returns} of {several.returns_wanted} returns once, "
        f"{several.rate:.1f} a second (one process: {one.rate:.1f})"
    )
    line = Line(
        NAME, NOT_MEASURED, NOT_MEASURED, said, GOAL, verdict(several.sound and several.rate > one.rate)
    )
    heads = ["processes", *CELLS, "answered a second", "returns"]
    return Outcome([line], [Table("Several workers", heads, [one.cells(), several.cells()])])


def _round(stage: Stage, processes: int) -> Round:
    with ExitStack() as stack:
        backing, url = _backing(
            stack.enter_context(databases.postgresql()), stack.enter_context(databases.redis())
        )
        graph = stack.enter_context(stage.meta(f"machines-{processes}-meta"))
        servers = [
            stage.server(f"machines-{processes}-{number}", graph, backing=backing)
            for number in range(processes)
        ]
        for server in servers:
            stack.callback(server.stop)
            server.start()
        for server in servers:
            server.ready()
        return _measured(stage, graph, servers, url)


def _measured(stage: Stage, graph: Meta, servers: Sequence[RasaServer], url: str) -> Round:
    ports = [server.port for server in servers]
    back, soon = people("92", stage.count(MUTED, 4)), people("93", stage.count(MUTED, 4))
    graph.set(delay=GRAPH)
    for server in servers:
        server.post(*(post(message(f"90{server.port}", "hello there")) for _ in range(3)))
    servers[0].post(*(post(message(thread, "hello there")) for thread in (*back, *soon)))
    _settled(url)
    servers[0].post(*(post(echo(thread, "I am on it", app_id=OTHER_APP_ID)) for thread in back))
    _settled(url)
    graph.set(delay=GRAPH, callbacks=ports)
    servers[-1].post(*(post(echo(thread, "I am on it", app_id=SOON_APP_ID)) for thread in soon))
    sent = shared_out(SENDERS * stage.count(EACH, 2), people("91", SENDERS))
    begun = time.monotonic()
    run(_load(ports, sent, back), within=120)
    graph.wait(sum(map(len, sent.values())) + len(back) + len(soon), within=120)
    _settled(url)
    time.sleep(3)  # what comes twice comes late
    calls = graph.messages()
    answers = [call for call in calls if call.thread in sent]
    told = Counter(call.thread for call in calls if call.thread in {*back, *soon})
    return Round(
        processes=len(ports),
        found=tally(sent, calls),
        rate=len(answers) / (max(call.at for call in answers) - begun),
        returns=sum(count == 1 for count in told.values()),
        returns_wanted=len(back) + len(soon),
        returns_told=sum(told.values()),
    )


async def _load(ports: List[int], sent: Dict[str, List[int]], back: List[str]) -> None:
    chance = random.Random(SEED)

    async def talk(person: str, numbers: List[int]) -> None:
        for number in numbers:
            request = post(message(person, text(number)))
            twice = chance.random() < 0.2
            await asyncio.gather(*(_delivered(ports, request, chance) for _ in range(1 + twice)))

    async def come_back(thread: str) -> None:
        await asyncio.sleep(chance.uniform(0.0, 5.0))
        request = post(message(thread, "back to bot"))
        await asyncio.gather(*(_delivered(ports, request, chance) for _ in range(2)))

    await asyncio.gather(*(talk(*each) for each in sent.items()), *(come_back(thread) for thread in back))


async def _delivered(ports: List[int], request: bytes, chance: random.Random) -> None:
    await until_accepted(chance.sample(ports, len(ports)), request)


def _settled(url: str, within: float = 60.0) -> None:
    deadline = time.monotonic() + within
    while our_store.waiting_at(url) and time.monotonic() < deadline:
        time.sleep(0.2)


def _backing(postgresql: int, redis: int) -> tuple[Backing, str]:
    url = f"postgresql://postgres@127.0.0.1:{postgresql}/handover"
    tracker: Dict[str, Any] = {
        "type": "SQL",
        "dialect": "postgresql",
        "url": "127.0.0.1",
        "port": postgresql,
        "db": "rasa",
        "username": "postgres",
        "password": "none",
    }
    return Backing(url, tracker, {"type": "redis", "url": "127.0.0.1", "port": redis, "db": 0}), url
