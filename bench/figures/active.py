"""An active turn: what it costs in CPU, ours to Rasa's own; Graph 1 ms, conversations of five messages,
one at a time.

Both servers run side by side and are asked in turns; the next message is sent when the one before was
answered and processed. CPU time of the whole process over the number of messages. Same bot and training
data; our model has `HandoverPolicy` besides, as a bot with handover has. Twice: with responses alone, and
with one custom action in each turn, on the same action server.
"""

from __future__ import annotations

from contextlib import ExitStack
from typing import Callable, Dict, List, NamedTuple

from bench.bodies import chat, message, post
from bench.meta import Meta
from bench.outcome import NOT_MEASURED, Line, Outcome, Table, verdict
from bench.rasa_server import OURS, STOCK, RasaServer
from bench.stage import Stage

ROUNDS, PEOPLE, EACH = 5, 12, 5
_NAMES = {STOCK: "Rasa's own", OURS: "ours"}


class _Kind(NamedTuple):
    """A kind of turn."""

    name: str
    digit: int  #: in the ids of its people
    said: Callable[[str], List[bytes]]  #: person -> what they write
    wanted: float  #: ours to Rasa's own


_KINDS = (
    _Kind("an active turn", 1, lambda person: chat(person, EACH), 1.05),
    _Kind("an active turn with one custom action", 2, lambda person: _for_the_action(person), 0.6),
)


def measure(stage: Stage) -> Outcome:
    """Measure it."""
    rounds: Dict[str, Dict[str, List[float]]] = {kind.name: {STOCK: [], OURS: []} for kind in _KINDS}
    with ExitStack() as stack:
        graph = stack.enter_context(stage.meta("active-meta"))
        servers = stack.enter_context(stage.both("active", graph))
        for number in range(-1, ROUNDS):
            for kind in _KINDS:
                for rasa in servers:
                    count = 4 if number < 0 else stage.count(PEOPLE, 2)
                    found = _cpu_ms(graph, rasa, kind, f"6{kind.digit}{number + 1}", count)
                    if number >= 0:  # the first is to warm up
                        rounds[kind.name][rasa.channel].append(found)
    return Outcome([_line(kind, rounds[kind.name]) for kind in _KINDS], [_table(rounds)])


def _line(kind: _Kind, found: Dict[str, List[float]]) -> Line:
    ratio = _mean(found[OURS]) / _mean(found[STOCK])
    return Line(
        f"CPU of {kind.name}",
        "100 %",
        NOT_MEASURED,
        f"{ratio * 100:.0f} %",
        f"at most {kind.wanted * 100:.0f} %",
        verdict(ratio <= kind.wanted),
    )


def _table(rounds: Dict[str, Dict[str, List[float]]]) -> Table:
    rows = [
        [kind, _NAMES[channel], f"{_mean(each):.1f}", ", ".join(f"{one:.1f}" for one in each)]
        for kind, found in rounds.items()
        for channel, each in found.items()
    ]
    return Table("An active turn, CPU", ["turn", "channel", "ms a message", "each round"], rows)


def _mean(found: List[float]) -> float:
    return sum(found) / len(found)


def _for_the_action(person: str) -> List[bytes]:
    return [post(message(person, f"repeat {number}")) for number in range(EACH)]


def _cpu_ms(graph: Meta, rasa: RasaServer, kind: _Kind, prefix: str, count: int) -> float:
    before, sent = rasa.cpu(), 0
    graph.set(delay=0.001)
    for person in range(count):
        for request in kind.said(f"{prefix}{person:04d}"):
            rasa.post(request)
            sent += 1
            if graph.wait(sent, within=20) != sent:
                raise RuntimeError("a message was not answered with one")
            rasa.settled()
    return (rasa.cpu() - before) / sent * 1000
