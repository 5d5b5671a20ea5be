"""Kills: 2,000 numbered messages of 64 people, `kill -9` at 20 moments (seeded), Graph 200 ms.

Between two kills about a hundred messages are sent. Each person's next one is sent when the one before
was acknowledged; what is not acknowledged within 5 seconds is delivered again, as Meta does. What the bot
sends comes back as an echo, with its metadata, delivered again every half second until it is
acknowledged. A kill comes 0.2 to 2.5 seconds after the server listens; it is started again at once. Each
answer names its message, and a repeated one is put down to the kill that interrupted the first. Rasa's own
channel, at the same time on a Graph API of its own: 200 messages of 4 people (with more, its queue alone
outlasts Meta's 5 seconds), 4 kills.
"""

from __future__ import annotations

import asyncio
import random
import time
from contextlib import ExitStack
from dataclasses import dataclass, field
from typing import Callable, Dict, List, TypeVar

from bench.bodies import message, people, post
from bench.meta import Meta
from bench.outcome import NOT_MEASURED, Line, Outcome, Table, verdict
from bench.processes import START_WITHIN, listens, running, until
from bench.rasa_server import OURS, STOCK, RasaServer
from bench.stage import GRAPH, SENDERS, Stage
from bench.tally import CELLS, Tally, shared_out, tally, text
from bench.wire import run, until_accepted

_T = TypeVar("_T")

MESSAGES, KILLS = 2_000, 20
STOCK_MESSAGES, STOCK_KILLS, STOCK_SENDERS = 200, 4, 4
SEED = 20

#: Seconds without any answer after which those still missing are taken for lost. Ours may wait for a claim to
#: run out, or for Meta's echoes, before it answers again.
QUIET = 30.0

#: Seconds after which sending is given up, and seconds after that in which the last answer has to come.
SENDING, ANSWERING = 900.0, 300.0


@dataclass
class Round:
    """One server, its messages and its kills."""

    rasa: RasaServer
    graph: Meta
    sent: Dict[str, List[int]]
    kills: int
    killed_at: List[float] = field(default_factory=list)

    async def play(self) -> Tally:
        """Send, kill and start again; then wait for the last answer and count."""
        total, begun = sum(map(len, self.sent.values())), time.monotonic()
        room = asyncio.Semaphore(0)
        sending = [asyncio.ensure_future(self._send(*each, room)) for each in self.sent.items()]
        chance = random.Random(SEED)
        share = -(-total // (self.kills + 1))
        for _ in range(self.kills):
            moment = chance.uniform(0.2, 2.5)
            await _release(room, share, min(moment, 1.5))
            await asyncio.sleep(max(0.0, moment - 1.5))
            self.killed_at.append(time.monotonic())
            await _aside(self.rasa.kill)
            self.rasa.start()
            await _aside(self._listening)
        await _release(room, total, 0.0)
        await asyncio.wait(sending, timeout=max(0.0, begun + SENDING - time.monotonic()))
        for each in sending:
            each.cancel()
        return await self._counted()

    def _listening(self) -> None:
        until(lambda: listens(self.rasa.port), "the server listens again", START_WITHIN)

    async def _send(self, person: str, numbers: List[int], room: asyncio.Semaphore) -> None:
        for number in numbers:
            await room.acquire()
            await until_accepted([self.rasa.port], post(message(person, text(number))))

    async def _counted(self) -> Tally:
        seen, begun = -1, time.monotonic()
        since = begun
        while True:
            found = tally(self.sent, await _aside(self.graph.messages), self.killed_at)
            now = found.messages - found.lost + found.repeated
            if now != seen:
                seen, since = now, time.monotonic()
            # Some seconds longer than until the last answer: a repeat may follow.
            waited, silent = time.monotonic() - begun, time.monotonic() - since
            if silent > (QUIET if found.lost else 5.0) or waited > ANSWERING:
                return found
            await asyncio.sleep(0.5)


def measure(stage: Stage) -> Outcome:
    """Measure it."""
    with ExitStack() as stack:
        rounds = [
            _round(stage, stack, OURS, SENDERS, stage.count(MESSAGES, 100), stage.count(KILLS, 2)),
            _round(
                stage, stack, STOCK, STOCK_SENDERS, stage.count(STOCK_MESSAGES, 30), stage.count(STOCK_KILLS)
            ),
        ]
        stack.enter_context(running(*(each.rasa for each in rounds)))
        ours, stock = run(_play(rounds), within=SENDING + 2 * ANSWERING)
    goal = "none lost, none out of order, repeats at most one for each kill"
    once = ours.repeated == sum(ours.by_kill) and max(ours.by_kill) <= 1
    reached = not ours.lost and not ours.disordered and once
    name = f"{ours.messages:,} messages, {len(ours.by_kill)} `kill -9` at random moments"
    line = Line(name, _said(stock), NOT_MEASURED, _said(ours), goal, verdict(reached))
    rows = [
        [channel, *found.cells(), str(len(found.by_kill)), ", ".join(map(str, found.by_kill))]
        for channel, found in (("Rasa's own", stock), ("ours", ours))
    ]
    return Outcome([line], [Table("Kills", ["channel", *CELLS, "kills", "repeated by each kill"], rows)])


async def _play(rounds: List[Round]) -> List[Tally]:
    return list(await asyncio.gather(*(each.play() for each in rounds)))


def _round(stage: Stage, stack: ExitStack, channel: str, senders: int, messages: int, kills: int) -> Round:
    name = "kills" if channel == OURS else "kills-stock"
    graph = stack.enter_context(stage.meta(f"{name}-meta"))
    rasa = stage.server(name, graph, channel=channel)
    graph.set(delay=GRAPH, callbacks=[rasa.port])
    return Round(rasa, graph, shared_out(messages, people("81", senders)), kills)


async def _release(room: asyncio.Semaphore, count: int, seconds: float) -> None:
    """Let *count* more messages be sent, in ten steps."""
    for step in range(10):
        for _ in range(count * (step + 1) // 10 - count * step // 10):
            room.release()
        await asyncio.sleep(seconds / 10)


async def _aside(work: Callable[[], _T]) -> _T:
    return await asyncio.get_running_loop().run_in_executor(None, work)


def _said(found: Tally) -> str:
    return (
        f"{found.lost} lost, {found.disordered} out of order, {found.repeated} repeated"
        f" ({found.messages} messages, {len(found.by_kill)} kills)"
    )
