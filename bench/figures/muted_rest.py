"""A muted message on Rasa's REST channel: what it costs in CPU, by the length of the conversation.

CPU time of the whole process over the number of messages, one person, one message after another; our lengths
are taken in turns, three rounds. Muted: for us, the conversation is in the built-in inbox; for Rasa with its
own channels, it is paused.
"""

from __future__ import annotations

import json
import time
from typing import Dict, List, Tuple

from handover_channel.rules.control import Control, State
from handover_channel.store import Store, threads

from bench.bodies import people
from bench.outcome import NOT_MEASURED, Line, Outcome, Table, verdict
from bench.rasa_server import STOCK, RasaServer
from bench.stage import Stage
from bench.wire import one_after_another, run

LENGTHS = (10, 1_000, 10_000)
WANTED_MS, WANTED_RATIO = 2.0, 1.1
ROUNDS, EACH = 3, 340

#: Rasa's own: length -> (conversations, messages in each); few in each, so that it keeps its length.
STOCK_LOAD: Dict[int, Tuple[int, int]] = {10: (60, 5), 1_000: (10, 30), 10_000: (2, 10)}


def measure(stage: Stage) -> Outcome:
    """Measure it."""
    stock = _stock(stage)
    rounds: Dict[int, List[float]] = {length: [] for length in LENGTHS}
    with stage.meta("muted-rest-meta") as graph, stage.rasa("muted-rest", graph) as rasa:
        persons = dict(zip(LENGTHS, people("55", len(LENGTHS))))
        for length, person in persons.items():
            rasa.fill(person, length)
        (warm,) = people("56", 1)
        _mute(rasa, [*persons.values(), warm])
        _cpu_ms(rasa, _said(warm, 50))
        for _ in range(ROUNDS):
            for length, person in persons.items():
                rounds[length].append(_cpu_ms(rasa, _said(person, stage.count(EACH, 30))))
    return _outcome(stock, rounds)


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


def _cpu_ms(rasa: RasaServer, requests: List[bytes]) -> float:
    before = rasa.cpu()
    load = run(one_after_another(rasa.port, [requests]), within=120)
    if load.accepted != load.count:
        raise RuntimeError(f"not all were answered: {load.statuses}")
    return (rasa.cpu() - before) / load.count * 1000


def _stock(stage: Stage) -> Dict[int, float]:
    found = {}
    with (
        stage.meta("muted-rest-stock-meta") as graph,
        stage.rasa("muted-rest-stock", graph, channel=STOCK) as rasa,
    ):
        for length, (conversations, each) in STOCK_LOAD.items():
            persons = people(f"57{length}", stage.count(conversations, 2))
            for person in persons:
                rasa.fill(person, length, paused=True)
            requests = [request for person in persons for request in _said(person, each)]
            found[length] = _cpu_ms(rasa, requests)
    return found


def _outcome(stock: Dict[int, float], rounds: Dict[int, List[float]]) -> Outcome:
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
    lines = [
        Line(
            "CPU of a muted message on REST, 1,000 events in the tracker",
            f"{stock[1_000]:.0f} ms (paused)",
            NOT_MEASURED,
            f"{ours[1_000]:.2f} ms",
            f"under {WANTED_MS:g} ms",
            verdict(ours[1_000] < WANTED_MS),
        ),
        Line(
            "the same on REST, 10,000 events to 10 events",
            f"{stock[10_000] / stock[10]:.1f} times",
            NOT_MEASURED,
            f"{ratio:.2f} times",
            f"at most {WANTED_RATIO} times",
            verdict(ratio <= WANTED_RATIO),
        ),
    ]
    heads = ["events in the tracker", "Rasa's own, paused: ms", "ours: ms", "ours, each round: ms"]
    return Outcome(lines, [Table("A muted message on REST, CPU", heads, rows)], [])
