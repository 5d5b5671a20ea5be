"""A muted message on Rasa's REST channel: what it costs in CPU, by the length of the conversation.

CPU time of the whole process over the number of messages, one person, one message after another; our lengths
are taken in turns, three rounds. Muted: for us, the conversation is in the built-in inbox; for Rasa with its
own channels, it is paused.
"""

from __future__ import annotations

import json
import time
from typing import List

from handover_channel.rules.control import Control, State
from handover_channel.store import Store, threads

from bench import muted_messages
from bench.bodies import people
from bench.outcome import Outcome
from bench.rasa_server import RasaServer
from bench.stage import Stage

WHERE, WANTED_MS = " on REST", 2.0


def measure(stage: Stage) -> Outcome:
    """Measure it."""
    with stage.meta("muted-rest-meta") as graph, stage.both("muted-rest", graph) as (rasa, stock):
        graph.set(delay=0.001)
        paused = muted_messages.stock(stage, stock, "57", _said)
        stock.kill()
        persons = muted_messages.filled(rasa, "55")
        (warm,) = people("56", 1)
        _mute(rasa, [*persons.values(), warm])
        muted_messages.cpu_ms(rasa, [_said(warm, 50)])
        rounds = muted_messages.ours(stage, rasa, persons, _said)
    return Outcome(
        muted_messages.lines(WHERE, WANTED_MS, paused, rounds),
        [muted_messages.table(WHERE, paused, rounds)],
    )


def _mute(rasa: RasaServer, conversations: List[str]) -> None:
    store, now = Store(f"sqlite:///{rasa.database}"), time.time()
    with store.writing() as connection:
        for each in conversations:
            row = threads.get_or_add(connection, each, channel="rest", page="", now=now)
            state = State(Control.INBOX, target="inbox")
            threads.change(connection, row, state, reason="handed_over", who="bench", now=now, until=None)
    store.close()


def _said(person: str, count: int) -> List[bytes]:
    body = json.dumps({"sender": person, "message": "are you still there"}).encode()
    head = (
        "POST /webhooks/rest/webhook HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n"
        f"Content-Length: {len(body)}\r\n\r\n"
    )
    return [head.encode() + body] * count
