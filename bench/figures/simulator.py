"""The simulator: webhooks a second that it delivers over HTTP, each signed, answered 200, and in its journal.

The acts come by the control API from 16 connections: one act a call, and 20 in a call (`acts`), of which the
figure is. Every act is a webhook to the bot, which is a bare sink in a process of its own, and an event to
the Page inbox, which is kept. The rate counts until the sink has the last one. *CPU* is what the simulator's
own process takes for each webhook, without sink and load; *alone* is what Meta's rules cost in it, without
HTTP: the same acts, in a process that serves nothing.
"""

from __future__ import annotations

import json
import time
from typing import List

from handover_channel.simulator import Simulator

from bench.outcome import NOT_MEASURED, Line, Outcome, Table, verdict
from bench.processes import Process, ask, free_port, running, until
from bench.samples import CELLS, Load
from bench.stage import FOLDER, Stage
from bench.wire import one_after_another, run

WANTED = 2000.0
CONNECTIONS = 16
WEBHOOKS = 16000
IN_ONE_CALL = 20


def measure(stage: Stage) -> Outcome:
    """Measure it."""
    rows, rates = [], []
    for acts in (1, IN_ONE_CALL):
        count = stage.count(WEBHOOKS, CONNECTIONS * IN_ONE_CALL) // (CONNECTIONS * IN_ONE_CALL)
        load, rate, cpu = _delivered(count * IN_ONE_CALL // acts, acts)
        name = "one act a call" if acts == 1 else f"{acts} acts a call"
        rows.append([name, f"{rate:,.0f}", f"{cpu:.3f}", *load.cells()])
        rates.append(rate)
    alone = _alone(stage.count(WEBHOOKS, 1000))
    rows.append(["alone, without HTTP", f"{1000 / alone:,.0f}", f"{alone:.3f}", *[NOT_MEASURED] * len(CELLS)])
    line = Line(
        "simulator: webhooks delivered over HTTP a second",
        NOT_MEASURED,
        NOT_MEASURED,
        f"{rates[-1]:,.0f}",
        f"{WANTED:,.0f}",
        verdict(rates[-1] >= WANTED),
    )
    heads = ["acts", "webhooks a second", "CPU of the simulator, ms a webhook", *CELLS]
    return Outcome([line], [Table("The simulator", heads, rows)])


def _delivered(calls: int, acts: int) -> tuple[Load, float, float]:
    """Return the load, webhooks a second, and the simulator's CPU for each in ms."""
    folder = FOLDER / "run" / f"simulator-{acts}"
    folder.mkdir(parents=True)
    sink_port, port = free_port(), free_port()
    address = f"http://127.0.0.1:{sink_port}/"
    sink = Process(["-m", "bench.sink", str(sink_port)], folder, "sink.log", address)
    command = ["-m", "handover_channel.simulator", "--port", str(port), "--callback", address]
    simulator = Process(command, folder, "simulator.log", f"http://127.0.0.1:{port}/health")
    senders = [
        [_call(f"77{sender:04d}", number, acts) for number in range(calls)] for sender in range(CONNECTIONS)
    ]
    webhooks = CONNECTIONS * calls * acts
    with running(sink), running(simulator):
        before, begun = simulator.cpu(), time.perf_counter()
        load = run(one_after_another(port, senders), within=300)
        until(lambda: ask("GET", address) >= webhooks, f"{webhooks} webhooks have arrived", 300)
        seconds = time.perf_counter() - begun
        cpu = (simulator.cpu() - before) / webhooks * 1000
    return load, webhooks / seconds, cpu


def _call(person: str, number: int, acts: int) -> bytes:
    texts = [f"message {number * acts + each}" for each in range(acts)]
    if acts == 1:
        return _post("say", {"person": person, "text": texts[0]})
    return _post("acts", {"acts": [{"call": "say", "person": person, "text": text} for text in texts]})


def _post(call: str, body: object) -> bytes:
    content = json.dumps(body).encode()
    head = (
        f"POST /simulator/v1/{call} HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n"
        f"Content-Length: {len(content)}\r\n\r\n"
    )
    return head.encode() + content


def _alone(count: int) -> float:
    """Return the CPU of one act without HTTP, in ms."""
    messenger = Simulator()
    people: List[str] = [f"77{number:04d}" for number in range(CONNECTIONS)]
    begun = time.process_time()
    for number in range(count):
        messenger.person(people[number % CONNECTIONS]).says(f"message {number}")
    return (time.process_time() - begun) / count * 1000
