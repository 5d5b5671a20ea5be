"""Accepted: webhooks answered 200 a second, each of them on disk before; Graph 200 ms, 64 keep-alive
connections.

Three kinds: *plain* messages, which the bot has control to answer and does answer meanwhile; messages of
*muted* threads, which go to the transcript; events of an *unknown* kind. The figure is that of plain
messages. The floor is measured right before them and right after them, half each, since a machine that
others share is faster in one second than in another. Rasa's own channel accepts as many as it answers. After
each load the rows in the store are counted.
"""

from __future__ import annotations

from typing import Callable, List, Tuple

from bench import comparison, our_store
from bench.bodies import Item, chat, message, people, post, unknown
from bench.outcome import NOT_MEASURED, Line, Outcome, Table, verdict
from bench.rasa_server import RasaServer
from bench.samples import CELLS, Load
from bench.stage import GRAPH, SENDERS, Stage
from bench.wire import one_after_another, run

WANTED = 3000.0
SHARE = 0.75  #: of what the floor accepts
EACH = 100  #: requests of one connection
EACH_PLAIN, EACH_OF_THE_FLOOR = 200, 150  #: the same of plain messages, and of the floor each time


def measure(stage: Stage) -> Outcome:
    """Measure it."""
    stock, each = comparison.stock(stage), stage.count(EACH, 10)
    with stage.meta("accept-meta") as graph, stage.rasa("accept", graph) as rasa:
        graph.set(delay=GRAPH)
        silent = people("32", SENDERS)
        rasa.mute(*silent)
        rows = [_row("Rasa's own, plain", stock.load, None)]
        for name, threads, item in (
            ("unknown kind", people("31", SENDERS), unknown),
            ("muted", silent, lambda thread: message(thread, "are you still there")),
        ):
            load, stored = _accepted(rasa, _requests(threads, item, each))
            rows.append(_row(f"ours, {name}", load, stored))
            rasa.settled(within=90)
        # Last: what plain messages leave behind would take minutes to answer.
        floor, plain, stored = _between_floors(stage, rasa)
        rasa.kill()  # with its queue
    rows += [_row("floor, plain", floor, None), _row("ours, plain", plain, stored)]
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


def _between_floors(stage: Stage, rasa: RasaServer) -> Tuple[Load, Load, int]:
    """Return loads of plain messages, of the floor and of ours, and how many rows ours has added."""
    floor, around = Load(), stage.count(EACH_OF_THE_FLOOR, 10)
    before, plain, after = (
        _requests(people(prefix, SENDERS), lambda thread: message(thread, "how much is it"), each)
        for prefix, each in (("33", around), ("34", stage.count(EACH_PLAIN, 10)), ("35", around))
    )
    with stage.floor("accept-floor") as port:
        run(one_after_another(port, [chat("120", 200)]), within=30)
        with rasa.stopped():
            floor.join(run(one_after_another(port, before), within=60))
        load, stored = _accepted(rasa, plain)
        with rasa.stopped():  # its turns would run beside the floor
            floor.join(run(one_after_another(port, after), within=60))
    return floor, load, stored


def _accepted(rasa: RasaServer, requests: List[List[bytes]]) -> Tuple[Load, int]:
    """Return what came back for these requests, and how many rows they have added."""
    before = our_store.stored(rasa.database)
    load = run(one_after_another(rasa.port, requests), within=120)
    # What the bot sends meanwhile adds no row: there are no echoes here.
    return load, our_store.stored(rasa.database) - before


def _requests(threads: List[str], item: Callable[[str], Item], each: int) -> List[List[bytes]]:
    return [[post(item(thread)) for _ in range(each)] for thread in threads]


def _row(name: str, load: Load, stored: int | None) -> List[str]:
    return [name, f"{load.rate:,.1f}", NOT_MEASURED if stored is None else str(stored), *load.cells()]
