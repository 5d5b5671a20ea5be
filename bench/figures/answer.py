"""Answered: messages answered a second, from the first webhook to the last reply at the Graph API (200
ms).

64 senders, eight messages each, sent as fast as they are acknowledged; one process. Rasa's own channel:
64 senders, one message each.
"""

from __future__ import annotations

import time

from bench import comparison
from bench.bodies import chat, people
from bench.outcome import NOT_MEASURED, Line, Outcome, Table, verdict
from bench.stage import GRAPH, SENDERS, Stage
from bench.wire import one_after_another, run

WANTED = 30.0
EACH = 8


def measure(stage: Stage) -> Outcome:
    """Measure it."""
    stock = comparison.stock(stage)
    with stage.meta("answer-meta") as graph, stage.rasa("answer", graph) as rasa:
        graph.set(delay=0.001)
        rasa.post(*chat("400", 10))
        rasa.settled()
        graph.set(delay=GRAPH)
        senders = [chat(person, stage.count(EACH)) for person in people("41", SENDERS)]
        wanted = sum(len(requests) for requests in senders)
        before, begun = rasa.cpu(), time.monotonic()
        run(one_after_another(rasa.port, senders), within=60)
        graph.wait(wanted, within=180)
        rasa.settled()
        cpu, sent = rasa.cpu() - before, graph.messages()
    seconds = sent[-1].at - begun
    rate, stock_rate = len(sent) / seconds, stock.answered / stock.seconds
    rows = [
        ["Rasa's own", str(stock.load.count), str(stock.answered), f"{stock.seconds:.1f}", NOT_MEASURED],
        ["ours", str(wanted), str(len(sent)), f"{seconds:.1f}", f"{cpu / seconds:.0%}"],
    ]
    line = Line(
        "messages answered per second, 64 senders, Graph 200 ms, one process",
        f"{stock_rate:.1f}",
        NOT_MEASURED,
        f"{rate:.1f}",
        f"{WANTED:.0f}",
        verdict(rate >= WANTED and len(sent) == wanted),
    )
    return Outcome([line], [Table("Answered", ["channel", "messages", "replies", "seconds", "CPU"], rows)])
