"""Accepted: webhooks answered 200 a second, each of them on disk before; Graph 200 ms, 64 keep-alive
connections.

Three kinds: *plain* messages, which the bot has control to answer and does answer meanwhile; messages of
*muted* threads, which go to the transcript; events of an *unknown* kind. The figure is that of plain
messages. Rasa's own channel accepts as many as it answers. After each load the rows in the store are
counted.
"""

from __future__ import annotations

from typing import Callable, List

from bench import comparison, our_store
from bench.bodies import Item, message, people, post, unknown
from bench.outcome import NOT_MEASURED, Line, Outcome, Table, verdict
from bench.rasa_server import RasaServer
from bench.samples import CELLS, Load
from bench.stage import GRAPH, SENDERS, Stage
from bench.wire import one_after_another, run

WANTED = 3000.0
SHARE = 0.75  #: of what the floor accepts
EACH = 100  #: requests of one connection


def measure(stage: Stage) -> Outcome:
    """Measure it."""
    stock, floor = comparison.stock(stage), comparison.floor(stage)
    each = stage.count(EACH, 10)
    with stage.meta("accept-meta") as graph, stage.rasa("accept", graph) as rasa:
        graph.set(delay=GRAPH)
        silent = people("32", SENDERS)
        rasa.mute(*silent)
        rows = []
        for name, threads, item in (
            ("unknown kind", people("31", SENDERS), unknown),
            ("muted", silent, lambda thread: message(thread, "are you still there")),
            # Last: what it leaves behind would take minutes to answer.
            ("plain", people("33", SENDERS), lambda thread: message(thread, "how much is it")),
        ):
            before = our_store.stored(rasa.database)
            load = run(one_after_another(rasa.port, _requests(threads, item, each)), within=120)
            # What the bot sends meanwhile adds no row: there are no echoes here.
            rows.append(_row(f"ours, {name}", load, our_store.stored(rasa.database) - before))
            plain = load
            _let_settle(rasa, name)
        rasa.kill()  # with its queue
    rows = [
        _row("Rasa's own, plain", stock.load, None),
        _row("floor, plain", floor, None),
        *rows,
    ]
    line = Line(
        "webhooks accepted per second, durable (plain messages)",
        f"{stock.load.rate:.1f}",
        f"{floor.rate:,.0f}",
        f"{plain.rate:,.0f}",
        f"{WANTED:,.0f}",
        verdict(plain.rate >= WANTED and plain.accepted == plain.count),
    )
    share = plain.rate / floor.rate
    beside = Line(
        "the same, beside the floor",
        NOT_MEASURED,
        "100 %",
        f"{share * 100:.0f} %",
        f"{SHARE * 100:.0f} %",
        verdict(share >= SHARE),
    )
    return Outcome([line, beside], [Table("Accepted", ["load", "a second", "rows stored", *CELLS], rows)])


def _requests(threads: List[str], item: Callable[[str], Item], each: int) -> List[List[bytes]]:
    return [[post(item(thread)) for _ in range(each)] for thread in threads]


def _let_settle(rasa: RasaServer, name: str) -> None:
    if name != "plain":
        rasa.settled(within=90)


def _row(name: str, load: Load, stored: int | None) -> List[str]:
    return [name, f"{load.rate:,.1f}", NOT_MEASURED if stored is None else str(stored), *load.cells()]
