"""Acknowledgement: how long Meta waits for its 200 while turns run; Graph 200 ms, 64 senders.

*At once*: everybody sends four messages, each as soon as the one before was acknowledged, in three bursts.
*Steady*: everybody sends a message every 2.5 seconds. *Long turn*: the same, while one more person, whose
conversation has 10,000 events, writes as fast as they are answered. The figure is the worst p99 of the
first four, and that of the last. Rasa's own channel gets one message from each: it answers one after the
other, and more of them only lengthen the same queue. The floor gets a stream from each. *The disk alone*: a
page and a flush, one after another, beside each burst: what nobody is faster than.
"""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import Any, Coroutine, List, Tuple

from bench import comparison, disk
from bench.bodies import chat, people
from bench.meta import Meta
from bench.outcome import NOT_MEASURED, Line, Outcome, Table, verdict
from bench.rasa_server import RasaServer
from bench.samples import CELLS, Load
from bench.stage import GRAPH, SENDERS, Stage
from bench.wire import Connection, one_after_another, paced, run

WANTED_MS = 50.0
EVERY = 2.5  #: seconds between two messages of one person in the steady phases
LONG = 10_000  #: events
BURSTS = 3
FLUSHES = 256

_Phase = Tuple[Load, int]  #: the load, and how many answers went out meanwhile


def measure(stage: Stage) -> Outcome:
    """Measure it."""
    stock, floor = comparison.stock(stage), comparison.floor(stage)
    with stage.meta("ack-meta") as graph, stage.rasa("ack", graph) as rasa:
        _warm_up(graph, rasa)
        at_once, flushes = [], []
        for burst in range(BURSTS):
            flushes.append(disk.flushes(rasa.database.parent, FLUSHES))
            bursts = [chat(person, 4) for person in people(f"21{burst}", SENDERS)]
            at_once.append(_phase(graph, one_after_another(rasa.port, bursts)))
            rasa.settled()
        turns = stage.count(8, 2)
        steady = _phase(graph, paced(rasa.port, [chat(each, turns) for each in people("22", SENDERS)], EVERY))
        rasa.settled()
        rasa.fill("230", count=LONG)
        others = [chat(each, turns) for each in people("24", SENDERS)]
        long = _phase(graph, _beside_long_turns(graph, rasa, others))
        long_turns = len(graph.texts()["230"])
    outcome = _outcome(stock, floor, at_once, steady, long, long_turns)
    rows = [["the disk alone, a page and a flush", *each.cells()[:-1]] for each in flushes]
    return replace(outcome, tables=[*outcome.tables, Table("The disk's flushes", ["", *CELLS[:-1]], rows)])


def _warm_up(graph: Meta, rasa: RasaServer) -> None:
    graph.set(delay=0.001)
    rasa.post(*chat("200", 10))
    rasa.settled()


def _phase(graph: Meta, load: Coroutine[Any, Any, Load]) -> _Phase:
    graph.set(delay=GRAPH)
    found = run(load, within=90)
    return found, len(graph.messages())


async def _beside_long_turns(graph: Meta, rasa: RasaServer, others: List[List[bytes]]) -> Load:
    """Keep one long conversation busy while the others write. Its own acknowledgements do not count."""
    ended = asyncio.Event()

    async def write() -> None:
        connection = Connection(rasa.port)
        while not ended.is_set():
            await connection.ask(chat("230", 1)[0])
            # Its turns follow one another: the next message is there before the turn of the last one ends.
            await asyncio.sleep(0.8)
        connection.close()

    writing = asyncio.ensure_future(write())
    load = await paced(rasa.port, others, EVERY)
    ended.set()
    await writing
    return load


def _outcome(
    stock: comparison.Queue,
    floor: Load,
    at_once: List[_Phase],
    steady: _Phase,
    long: _Phase,
    long_turns: int,
) -> Outcome:
    worst = max(load.ms(99) for load, _ in (*at_once, steady))
    beside = long[0].ms(99)
    rows = [
        ["Rasa's own, one message each", *stock.load.cells(), str(stock.answered)],
        ["floor, a stream each", *floor.cells(), NOT_MEASURED],
        *(["ours, four messages each at once", *load.cells(), str(sent)] for load, sent in at_once),
        [f"ours, one every {EVERY} s each", *steady[0].cells(), str(steady[1])],
        [
            f"ours, the same beside a {LONG:,}-event conversation",
            *long[0].cells(),
            f"{long[1]}, {long_turns} long",
        ],
    ]
    stock_cell, floor_cell, goal = (
        f"{stock.load.ms(99) / 1000:.1f} s",
        f"{floor.ms(99):.1f} ms",
        f"{WANTED_MS:.0f} ms",
    )
    name = "acknowledgement p99, 64 senders, Graph 200 ms, turns running"
    return Outcome(
        [
            Line(name, stock_cell, floor_cell, f"{worst:.1f} ms", goal, verdict(worst <= WANTED_MS)),
            Line(
                f"the same while a {LONG:,}-event turn runs",
                NOT_MEASURED,
                floor_cell,
                f"{beside:.1f} ms",
                goal,
                verdict(beside <= WANTED_MS and long_turns > 1),
            ),
        ],
        [Table("Acknowledgement", ["load", *CELLS, "answers sent meanwhile"], rows)],
    )
