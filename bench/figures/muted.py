"""A muted message: what it costs in CPU, by the length of the conversation; one person, one message after
another.

CPU time of the whole process from the first webhook until all are processed, over the number of
messages; our lengths are taken in turns, three rounds. Muted: for us, somebody in the Page inbox has
written; for Rasa's own channel, the conversation is paused. *64 at a time*: the same from 64 people at
once, short conversations.
"""

from __future__ import annotations

from typing import List

from bench import muted_messages
from bench.bodies import message, people, post
from bench.muted_messages import cpu_ms
from bench.outcome import NOT_MEASURED, Outcome
from bench.stage import SENDERS, Stage

WANTED_MS = 1.0


def measure(stage: Stage) -> Outcome:
    """Measure it."""
    with stage.meta("muted-meta") as graph, stage.both("muted", graph) as (rasa, stock):
        graph.set(delay=0.001)
        paused = muted_messages.stock(stage, stock, "53", _said)
        stock.kill()
        graph.set(delay=0.001)
        persons = muted_messages.filled(rasa, "51")
        crowd, (warm,) = people("52", SENDERS), people("54", 1)
        rasa.mute(*persons.values(), *crowd, warm)
        cpu_ms(rasa, [_said(warm, 50)])
        rounds = muted_messages.ours(stage, rasa, persons, _said)
        together = f"{cpu_ms(rasa, [_said(person, stage.count(20)) for person in crowd]):.2f}"
        spoken = len(graph.messages())
    more = [["10, 64 people at a time", NOT_MEASURED, together, together]]
    return Outcome(
        muted_messages.lines("", WANTED_MS, paused, rounds, silent=not spoken),
        [muted_messages.table("", paused, rounds, more)],
        [f"Messages sent in muted threads: {spoken}."],
    )


def _said(person: str, count: int) -> List[bytes]:
    return [post(message(person, "are you still there")) for _ in range(count)]
