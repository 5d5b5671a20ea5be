"""A muted message: what it costs in CPU, by the length of the conversation; one person, one message after
another.

CPU time of the whole process from the first webhook until all are processed, over the number of
messages; our lengths are taken in turns, three rounds. Muted: for us, somebody in the Page inbox has
written; for Rasa's own channel, the conversation is paused. *64 at a time*: the same from 64 people at
once, short conversations.
"""

from __future__ import annotations

from typing import Dict, List, Tuple

from bench.bodies import message, people, post
from bench.outcome import NOT_MEASURED, Line, Outcome, Table, verdict
from bench.rasa_server import STOCK, RasaServer
from bench.stage import SENDERS, Stage
from bench.wire import one_after_another, run

LENGTHS = (10, 1_000, 10_000)
WANTED_MS, WANTED_RATIO = 1.5, 1.1
ROUNDS, EACH = 3, 340

#: Rasa's own: length -> (conversations, messages in each); few in each, so that it keeps its length.
STOCK_LOAD: Dict[int, Tuple[int, int]] = {10: (60, 5), 1_000: (10, 30), 10_000: (2, 10)}


def measure(stage: Stage) -> Outcome:
    """Measure it."""
    stock = _stock(stage)
    with stage.meta("muted-meta") as graph, stage.rasa("muted", graph) as rasa:
        graph.set(delay=0.001)
        persons = dict(zip(LENGTHS, people("51", len(LENGTHS))))
        for length, person in persons.items():
            rasa.fill(person, length)
        crowd, (warm,) = people("52", SENDERS), people("54", 1)
        rasa.mute(*persons.values(), *crowd, warm)
        _cpu_ms(rasa, [_said(warm, 50)])
        rounds: Dict[int, List[float]] = {length: [] for length in LENGTHS}
        for _ in range(ROUNDS):
            for length, person in persons.items():
                rounds[length].append(_cpu_ms(rasa, [_said(person, stage.count(EACH, 30))]))
        together = _cpu_ms(rasa, [_said(person, stage.count(20)) for person in crowd])
        spoken = len(graph.messages())
    return _outcome(stock, rounds, together, spoken)


def _said(person: str, count: int) -> List[bytes]:
    return [post(message(person, "are you still there")) for _ in range(count)]


def _cpu_ms(rasa: RasaServer, senders: List[List[bytes]]) -> float:
    before = rasa.cpu()
    load = run(one_after_another(rasa.port, senders), within=120)
    if load.accepted != load.count or not rasa.settled():
        raise RuntimeError(f"not all were processed: {load.statuses}")
    return (rasa.cpu() - before) / load.count * 1000


def _stock(stage: Stage) -> Dict[int, float]:
    found = {}
    with stage.meta("muted-stock-meta") as graph, stage.rasa("muted-stock", graph, channel=STOCK) as rasa:
        graph.set(delay=0.001)
        for length, (conversations, each) in STOCK_LOAD.items():
            persons = people(f"53{length}", stage.count(conversations, 2))
            for person in persons:
                rasa.fill(person, length, paused=True)
            requests = [request for person in persons for request in _said(person, each)]
            found[length] = _cpu_ms(rasa, [requests])
    return found


def _outcome(
    stock: Dict[int, float], rounds: Dict[int, List[float]], together: float, spoken: int
) -> Outcome:
    ours = {length: sum(found) / len(found) for length, found in rounds.items()}
    ratio = ours[10_000] / ours[10]
    rows = [
        [
            f"{length:,}",
            f"{stock[length]:.1f}",
            f"{ours[length]:.2f}",
            ", ".join(f"{one:.2f}" for one in rounds[length]),
        ]
        for length in LENGTHS
    ]
    rows.append(["10, 64 people at a time", NOT_MEASURED, f"{together:.2f}", f"{together:.2f}"])
    lines = [
        Line(
            "CPU of a muted message, 1,000 events in the tracker",
            f"{stock[1_000]:.0f} ms (paused)",
            NOT_MEASURED,
            f"{ours[1_000]:.2f} ms",
            f"under {WANTED_MS} ms",
            verdict(ours[1_000] < WANTED_MS and not spoken),
        ),
        Line(
            "the same, 10,000 events to 10 events",
            f"{stock[10_000] / stock[10]:.1f} times",
            NOT_MEASURED,
            f"{ratio:.2f} times",
            f"at most {WANTED_RATIO} times",
            verdict(ratio <= WANTED_RATIO),
        ),
    ]
    heads = ["events in the tracker", "Rasa's own, paused: ms", "ours: ms", "ours, each round: ms"]
    return Outcome(
        lines, [Table("A muted message, CPU", heads, rows)], [f"Messages sent in muted threads: {spoken}."]
    )
