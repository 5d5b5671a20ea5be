"""Several workers: 4 Rasa processes on PostgreSQL and Redis's lock store, as two machines would have;
then one.

64 people, numbered messages sent to the processes in turn, the next of a person when the one before was
acknowledged; a fifth of them is delivered to a second process too. Echoes on. Meanwhile 20 muted threads
return by keyword (each delivered to two processes at the same moment) and 20 by a time limit that all
processes see. Graph 200 ms.

*Where the CPU went*: from the first webhook to the last answer, each process with its children; *everything
else* is what `/proc/stat` has besides. *While work waited*: until fewer than 16 people have something
unanswered. A person's messages are answered one after the other, and each waits 200 ms for the Graph API: a
turn of some 30 ms leaves a core to seven others, and fewer than eight people a core cannot fill it.
Full cores count only where everything else took less than a tenth of them.
"""

from __future__ import annotations

import asyncio
import os
import random
import time
from collections import Counter
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Any, Dict, List, Sequence

from bench import cpu_shares, databases, our_store
from bench.bodies import OTHER_APP_ID, echo, message, people, post
from bench.meta import Meta
from bench.outcome import NOT_MEASURED, Line, Outcome, Table, skipped, verdict
from bench.processes import running
from bench.rasa_server import SOON_APP_ID, Backing, RasaServer
from bench.stage import GRAPH, SENDERS, Stage
from bench.tally import CELLS, Tally, shared_out, tally, text, when_few_are_left
from bench.wire import run, until_accepted

PROCESSES = 4
EACH = 10  #: messages of one person
MUTED = 20  #: threads that return, each way
SEED = 8
FEW = 16  #: people with something unanswered, below which the cores cannot be full
WANTED_RATE, WANTED_RATIO, WANTED_BUSY, MOST_ELSE = 35.0, 1.3, 0.9, 0.1

GOAL = "nothing twice, in order, each return once, more a second than one process"
NAME = f"{PROCESSES} processes, PostgreSQL, Redis, same load"
ONE = "answered a second, one process, PostgreSQL and Redis, a bot with a custom action"
MORE = f"{PROCESSES} processes on {os.cpu_count()} cores to one process, the same load"
MORE_GOAL = (
    f"at least {WANTED_RATIO} times, or every core over {WANTED_BUSY * 100:.0f} % busy while work waited"
)
ELSE, ALL = "everything else", "together"


@dataclass(frozen=True)
class Span:
    """How busy each core was for some seconds."""

    seconds: float
    busy: List[float]

    @property
    def said(self) -> str:
        """A cell of the summary."""
        return ", ".join(f"{share * 100:.0f} %" for share in self.busy)


@dataclass(frozen=True)
class Round:
    """What some number of processes made of the load."""

    processes: int
    found: Tally
    rate: float
    returns: int  #: threads that returned, and were told so once
    returns_wanted: int
    returns_told: int
    used: Dict[str, float]  #: seconds of CPU during the load, by process
    load: Span  #: from the first webhook to the last answer
    waiting: Span  #: as long as work for all cores waited

    def cells(self) -> List[str]:
        """Return the row of the table."""
        returns = f"{self.returns} of {self.returns_wanted} once, {self.returns_told} told"
        return [str(self.processes), *self.found.cells(), f"{self.rate:.1f}", returns]

    @property
    def together(self) -> float:
        """The seconds of CPU that all cores gave during the load."""
        return sum(self.load.busy) * self.load.seconds

    @property
    def elsewhere(self) -> float:
        """Those of them that none of our processes took."""
        return max(0.0, self.together - sum(self.used.values()))

    @property
    def full(self) -> bool:
        """Whether every core was busy while work waited, and not with the work of others."""
        others = self.elsewhere / (self.load.seconds * len(self.load.busy))
        return min(self.waiting.busy) > WANTED_BUSY and others < MOST_ELSE

    @property
    def sound(self) -> bool:
        """Whether everything happened once and in order."""
        once = self.returns == self.returns_wanted == self.returns_told
        return once and not (self.found.lost or self.found.repeated or self.found.disordered)


def measure(stage: Stage) -> Outcome:
    """Measure it."""
    reason = databases.missing()
    if reason:
        goals = {ONE: f"{WANTED_RATE:.0f}", MORE: MORE_GOAL, NAME: GOAL}
        return Outcome([_line(name, NOT_MEASURED, goal, skipped(reason)) for name, goal in goals.items()])
    one, several = _round(stage, 1), _round(stage, PROCESSES)
    said = (
        f"{several.found.repeated} twice, {several.found.lost} lost, "
        f"{several.found.disordered} out of order, "
        f"{several.returns} of {several.returns_wanted} returns once, "
        f"{several.rate:.1f} a second (one process: {one.rate:.1f})"
    )
    lines = [
        _line(ONE, f"{one.rate:.1f}", f"{WANTED_RATE:.0f}", verdict(one.sound and one.rate >= WANTED_RATE)),
        _compared(one, several),
        _line(NAME, said, GOAL, verdict(several.sound and several.rate > one.rate)),
    ]
    heads = ["processes", *CELLS, "answered a second", "returns"]
    workers = Table("Several workers", heads, [one.cells(), several.cells()])
    return Outcome(lines, [workers, _where([one, several]), _cores([one, several])])


def _line(name: str, ours: str, goal: str, said: str) -> Line:
    return Line(name, NOT_MEASURED, NOT_MEASURED, ours, goal, said)


def _compared(one: Round, several: Round) -> Line:
    ratio = several.rate / one.rate
    reached = one.sound and several.sound and (ratio >= WANTED_RATIO or several.full)
    return _line(MORE, f"{ratio:.2f} times, cores {several.waiting.said} busy", MORE_GOAL, verdict(reached))


def _where(rounds: Sequence[Round]) -> Table:
    """Return how many seconds of CPU each process took, and which share of all cores."""
    columns: List[Dict[str, float]] = []
    heads = ["CPU of"]
    for each in rounds:
        columns.append({**each.used, ELSE: each.elsewhere, ALL: each.together})
        heads += [f"{each.processes} running: s", "of all cores"]
    rows = []
    for name in columns[0]:
        rows.append([name])
        for each, column in zip(rounds, columns):
            share = column[name] / (each.load.seconds * len(each.load.busy))
            rows[-1] += [f"{column[name]:.1f}", f"{share * 100:.0f} %"]
    return Table("Where the CPU went during the load", heads, rows)


def _cores(rounds: Sequence[Round]) -> Table:
    rows = [
        [str(each.processes), name, f"{span.seconds:.1f}", *(f"{share * 100:.0f} %" for share in span.busy)]
        for each in rounds
        for name, span in (("first webhook to last answer", each.load), ("while work waited", each.waiting))
    ]
    cores = [f"core {number} busy" for number in range(len(rounds[0].load.busy))]
    return Table("The cores", ["processes", "span", "seconds", *cores], rows)


def _round(stage: Stage, processes: int) -> Round:
    with ExitStack() as stack:
        postgresql = stack.enter_context(databases.postgresql())
        redis = stack.enter_context(databases.redis())
        backing, url = _backing(postgresql.port, redis.port)
        graph = stack.enter_context(stage.meta(f"machines-{processes}-meta"))
        servers = [
            stage.server(f"machines-{processes}-{number}", graph, backing=backing)
            for number in range(processes)
        ]
        stack.enter_context(running(*servers))
        named = {
            **_named(servers),
            postgresql.pid: "PostgreSQL",
            redis.pid: "Redis",
            graph.pid: "the fake Meta, with its action server",
            os.getpid(): "the bench itself",
        }
        return _measured(stage, graph, servers, url, named)


def _named(servers: Sequence[RasaServer]) -> Dict[int, str]:
    """Return what the processes of the servers are: Rasa, and below it its queue."""
    pids = [server.pids() for server in servers]
    rasa = {own: "Rasa" for own, *_ in pids}
    return {**rasa, **{child: "its queue process" for _, *children in pids for child in children}}


def _measured(
    stage: Stage, graph: Meta, servers: Sequence[RasaServer], url: str, named: Dict[int, str]
) -> Round:
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
    with cpu_shares.watched(named) as watch:
        begun = time.monotonic()
        run(_load(ports, sent, back), within=120)
        graph.wait(sum(map(len, sent.values())) + len(back) + len(soon), within=120)
    _settled(url)
    time.sleep(3)  # what comes twice comes late
    calls = graph.messages()
    answers = [call for call in calls if call.thread in sent]
    last, few = max(call.at for call in answers), when_few_are_left(answers, FEW)
    told = Counter(call.thread for call in calls if call.thread in {*back, *soon})
    return Round(
        processes=len(ports),
        found=tally(sent, calls),
        rate=len(answers) / (last - begun),
        returns=sum(count == 1 for count in told.values()),
        returns_wanted=len(back) + len(soon),
        returns_told=sum(told.values()),
        used=watch.used,
        load=Span(last - begun, cpu_shares.busy(watch.looks, begun, last)),
        waiting=Span(few - begun, cpu_shares.busy(watch.looks, begun, few)),
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
