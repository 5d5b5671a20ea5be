"""Loads of the other two."""

from __future__ import annotations

import time
from dataclasses import dataclass
from functools import cache

from bench.bodies import chat, people
from bench.rasa_server import STOCK
from bench.samples import Load
from bench.stage import GRAPH, SENDERS, Stage
from bench.wire import one_after_another, run


@dataclass(frozen=True)
class Queue:
    """64 people write once to Rasa's own channel: what its single queue makes of it."""

    load: Load
    answered: int
    seconds: float  #: from the first webhook to the last reply


@cache
def stock(stage: Stage) -> Queue:
    """Measure Rasa's own channel, Graph 200 ms, once a run: several figures use it.

    More than one message each only lengthens the same queue.
    """
    with stage.meta("stock-queue-meta") as graph, stage.rasa("stock-queue", graph, channel=STOCK) as rasa:
        graph.set(delay=0.001)
        rasa.post(*chat("100", 5))
        graph.set(delay=GRAPH)
        senders = [chat(person, 1) for person in people("11", stage.count(SENDERS, 8))]
        begun = time.monotonic()
        load = run(one_after_another(rasa.port, senders), within=180)
        sent = graph.messages()
    return Queue(load, len(sent), sent[-1].at - begun)


def floor(stage: Stage) -> Load:
    """Measure the floor."""
    with stage.floor("floor") as port:
        run(one_after_another(port, [chat("120", 200)]), within=30)
        senders = [chat(person, stage.count(300)) for person in people("12", SENDERS)]
        return run(one_after_another(port, senders), within=60)
