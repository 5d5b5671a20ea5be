"""Time limits: 100,000 open handovers, 1,000 of them due within one real minute, nobody writing; Graph
200 ms.

Late is from the deadline until the bot has control again, as our log of changes says; half of them are
with the built-in inbox, half with another app, from which control is taken first. The person's answer
comes with the turn after it: told apart. *Scan*: the query for what is due, 20 due of 1,000 and of
1,000,000 open, in turns, median. The open handovers are copies, in the store, of two that were really
made.
"""

from __future__ import annotations

import time
from contextlib import ExitStack
from pathlib import Path
from typing import Dict, List, Tuple

from handover_channel.store import Store, deadlines

from bench import our_store
from bench.meta import Meta
from bench.outcome import NOT_MEASURED, Line, Outcome, Table, verdict
from bench.processes import running
from bench.rasa_server import RasaServer
from bench.samples import percentile
from bench.stage import GRAPH, Stage

WANTED_S, WANTED_RATIO = 1.0, 1.2
OPEN, DUE, MINUTE = 100_000, 1_000, 60.0
SMALL, LARGE, SCANS = 1_000, 1_000_000, 300


def measure(stage: Stage) -> Outcome:
    """Measure it."""
    with stage.meta("limits-meta") as graph:
        late, told = _lateness(stage, graph)
        small, large = _scans(stage, graph)
    ratio = percentile(large, 50) / percentile(small, 50)
    due = stage.count(DUE, 40)
    lines = [
        Line(
            "lateness of a time limit, 100,000 open, 1,000 due in one minute, p99",
            NOT_MEASURED,
            NOT_MEASURED,
            f"{percentile(late, 99):.2f} s",
            f"under {WANTED_S:.0f} s",
            verdict(percentile(late, 99) < WANTED_S and len(late) == len(told) == due),
        ),
        Line(
            "the scan for what is due, 1,000,000 open to 1,000 open",
            NOT_MEASURED,
            NOT_MEASURED,
            f"{ratio:.2f} times",
            f"at most {WANTED_RATIO} times",
            verdict(ratio <= WANTED_RATIO),
        ),
    ]
    rows = [_row("control is back", late, due), _row("the person is told", told, due)]
    scans = [
        [f"{count:,}", *(f"{percentile(found, at) * 1000:.3f}" for at in (50, 95, 99))]
        for count, found in ((stage.count(SMALL), small), (stage.count(LARGE), large))
    ]
    return Outcome(
        lines,
        [
            Table(
                "Lateness of a time limit",
                ["until", "due", "done", "p50 s", "p95 s", "p99 s", "latest s"],
                rows,
            ),
            Table("The scan", ["open", "p50 ms", "p95 ms", "p99 ms"], scans),
        ],
    )


def _row(name: str, late: List[float], due: int) -> List[str]:
    return [name, str(due), str(len(late)), *(f"{percentile(late, at):.2f}" for at in (50, 95, 99, 100))]


def _open(rasa: RasaServer, half: int) -> None:
    """Put two real handovers and *half* as many copies of each into the store."""
    made = {"710": "inbox", "720": "page_inbox"}
    our_store.hand_over(rasa.config, made)
    for thread in made:
        our_store.copy_open(rasa.database, thread, thread, half)


def _lateness(stage: Stage, graph: Meta) -> Tuple[List[float], List[float]]:
    rasa = stage.server("limits", graph)
    graph.set(delay=GRAPH)
    _open(rasa, stage.count(OPEN, 2_000) // 2)
    with running(rasa):
        half = stage.count(DUE, 40) // 2
        threads = [f"{prefix}{number:07d}" for number in range(half) for prefix in ("710", "720")]
        begin, minute = time.time() + 3, MINUTE * min(1.0, max(stage.scale, 0.1))
        due = {thread: begin + minute * place / len(threads) for place, thread in enumerate(threads)}
        our_store.set_due(rasa.database, due)
        time.sleep(3 + minute)
        # Each is told with one message.
        graph.wait(len(due), within=60)
        since = time.time() - time.monotonic()
        told = {call.thread: call.at + since - due[call.thread] for call in graph.messages()}
        returned = our_store.returned_by_clock(rasa.database)
    return [at - due[thread] for thread, at in returned], list(told.values())


def _scans(stage: Stage, graph: Meta) -> Tuple[List[float], List[float]]:
    stores: Dict[int, Store] = {}
    found: Dict[int, List[float]] = {}
    with ExitStack() as closing:
        for count in (SMALL, LARGE):
            stores[count] = _filled(stage, graph, stage.count(count, 100))
            closing.callback(stores[count].close)
            found[count] = []
        for _ in range(SCANS):
            for count, store in stores.items():
                found[count].append(_scan(store))
    return found[SMALL], found[LARGE]


def _filled(stage: Stage, graph: Meta, count: int) -> Store:
    rasa = stage.server(f"limits-scan-{count}", graph)  # for its folder: it is not started
    graph.set(delay=0.0)
    _open(rasa, count // 2)
    our_store.set_due(rasa.database, {f"710{number:07d}": time.time() - 1 for number in range(20)})
    return Store(f"sqlite:///{Path(rasa.database)}")


def _scan(store: Store) -> float:
    with store.reading() as connection:
        begun = time.perf_counter()
        found = deadlines.due(connection, now=time.time(), limit=500)
        seconds = time.perf_counter() - begun
    if len(found) != 20:
        raise RuntimeError(f"20 are due, {len(found)} were found")
    return seconds
