"""Hostile bodies: 10,000 mutated deliveries with a right signature, one after another on eight
connections.

Damaged in shape (parts lost, doubled, or replaced by junk of every type) or in bytes; the same ones in
every run. Tracebacks are counted in the server's log, after all that was accepted has been processed;
then a good message has to be answered. Rasa's own channel gets the first 1,000 of them. Graph 1 ms. The
times are those beside another figure, and say nothing.
"""

from __future__ import annotations

from typing import List, NamedTuple

from bench.bodies import message, post, request
from bench.mutations import bodies
from bench.outcome import NOT_MEASURED, Line, Outcome, Table, verdict
from bench.rasa_server import OURS, STOCK
from bench.samples import CELLS, Load
from bench.stage import Stage
from bench.wire import one_after_another, run

COUNT, STOCK_COUNT, CONNECTIONS = 10_000, 1_000, 8
SEED = 95


class Found(NamedTuple):
    """What a server made of them."""

    load: Load
    tracebacks: int
    alive: bool

    @property
    def failed(self) -> int:
        """How many were answered 5xx, or not at all."""
        return sum(count for status, count in self.load.statuses.items() if status >= 500 or status == 0)

    @property
    def said(self) -> str:
        """A cell of the summary."""
        return f"{self.failed / self.load.count:.0%} 5xx, {self.tracebacks:,} tracebacks".replace("%", " %")


def measure(stage: Stage) -> Outcome:
    """Measure it."""
    stock = _throw(stage, STOCK, stage.count(STOCK_COUNT, 100))
    ours = _throw(stage, OURS, stage.count(COUNT, 500))
    line = Line(
        f"{ours.load.count:,} mutated signed bodies",
        stock.said,
        NOT_MEASURED,
        ours.said,
        "no 5xx, no traceback",
        verdict(not ours.failed and not ours.tracebacks and ours.alive),
    )
    rows = [
        [name, *found.load.cells(), str(found.tracebacks), "yes" if found.alive else "no"]
        for name, found in (("Rasa's own", stock), ("ours", ours))
    ]
    return Outcome(
        [line], [Table("Hostile bodies", ["channel", *CELLS, "tracebacks", "answers afterwards"], rows)]
    )


def _throw(stage: Stage, channel: str, count: int) -> Found:
    name = "hostile" if channel == OURS else "hostile-stock"
    with stage.meta(f"{name}-meta") as graph, stage.rasa(name, graph, channel=channel) as rasa:
        graph.set(delay=0.001)
        requests: List[bytes] = [request(body) for body in bodies(count, SEED)]
        senders = [requests[number::CONNECTIONS] for number in range(CONNECTIONS)]
        load = run(one_after_another(rasa.port, senders), within=600)
        rasa.settled(within=400)
        graph.set(delay=0.001)
        rasa.post(post(message("960001", "hello there")))
        rasa.settled()
        alive = bool(graph.texts().get("960001"))
        return Found(load, rasa.tracebacks(), alive)
