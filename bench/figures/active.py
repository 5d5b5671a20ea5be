"""An active turn: what it costs in CPU, ours to Rasa's own; Graph 1 ms, conversations of five messages,
one at a time.

Both servers run side by side and are asked in turns; the next message is sent when the one before was
answered and processed. CPU time of the whole process over the number of messages. Same bot and training
data; our model has `HandoverPolicy` besides, as a bot with handover has.
"""

from __future__ import annotations

from contextlib import ExitStack
from typing import Dict, List

from bench.bodies import chat
from bench.meta import Meta
from bench.outcome import NOT_MEASURED, Line, Outcome, Table, verdict
from bench.rasa_server import OURS, STOCK, RasaServer
from bench.stage import Stage

WANTED = 1.1
ROUNDS, PEOPLE, EACH = 5, 12, 5


def measure(stage: Stage) -> Outcome:
    """Measure it."""
    rounds: Dict[str, List[float]] = {OURS: [], STOCK: []}
    with ExitStack() as stack:
        graph = stack.enter_context(stage.meta("active-meta"))
        servers = [
            stack.enter_context(stage.rasa(name, graph, channel=channel))
            for name, channel in (("active", OURS), ("active-stock", STOCK))
        ]
        for rasa in servers:
            _cpu_ms(graph, rasa, "60", 4)
        for number in range(ROUNDS):
            for rasa in servers:
                rounds[rasa.channel].append(_cpu_ms(graph, rasa, f"61{number}", stage.count(PEOPLE, 2)))
    means = {channel: sum(found) / len(found) for channel, found in rounds.items()}
    ratio = means[OURS] / means[STOCK]
    line = Line(
        "CPU of an active turn",
        "100 %",
        NOT_MEASURED,
        f"{ratio:.0%}".replace("%", " %"),
        f"at most {WANTED * 100:.0f} %",
        verdict(ratio <= WANTED),
    )
    rows = [
        [name, f"{means[channel]:.1f}", ", ".join(f"{one:.1f}" for one in rounds[channel])]
        for name, channel in (("Rasa's own", STOCK), ("ours", OURS))
    ]
    return Outcome([line], [Table("An active turn, CPU", ["channel", "ms a message", "each round"], rows)])


def _cpu_ms(graph: Meta, rasa: RasaServer, prefix: str, count: int) -> float:
    before, sent = rasa.cpu(), 0
    graph.set(delay=0.001)
    for person in range(count):
        for request in chat(f"{prefix}{person:04d}", EACH):
            rasa.post(request)
            sent += 1
            if graph.wait(sent, within=20) != sent:
                raise RuntimeError("a message was not answered with one")
            rasa.settled()
    return (rasa.cpu() - before) / sent * 1000
