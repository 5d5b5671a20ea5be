"""A Graph API that lies, for ten minutes: 64 people, each with something new every six seconds or so.

What it lies about is in bench/lies.py. Then it is honest, everybody says "back to bot", and it is counted:
Graph calls for each event, and the most about one thread in a minute; what was said while somebody else had
control (half a second of grace for what was on its way); words that were neither answered nor are in the
transcript; handovers that did not end; deliveries that never came to an end. Alone: nothing of Rasa's own
would compare, as its channel has no handover.
"""

from __future__ import annotations

import asyncio
import random
import time
from collections import Counter
from typing import Dict, List, Tuple

from bench import our_store
from bench.bodies import delivery, encode, message, people, post, request
from bench.lies import Liar
from bench.meta import Call
from bench.outcome import NOT_MEASURED, Line, Outcome, Table, verdict
from bench.rasa_server import OURS, RasaServer
from bench.stage import SENDERS, Stage
from bench.wire import run, until_accepted

MINUTES = 10.0
#: Seconds between two events of one person, on average.
EVERY = 6.0
SEED = 27
#: Graph calls for one event: owner, take and owner again, a turn of three calls, the turn of a return, and
#: what is transient is tried four times.
CALLS_OF_ONE = 10.0
#: About one thread in a minute: rules/budget.py.
CALLS_A_MINUTE = 300
#: Seconds in which what was said just before control changed arrives.
ON_ITS_WAY = 0.5


def measure(stage: Stage) -> Outcome:
    """Measure it."""
    seconds, who = MINUTES * 60 * stage.scale, people("91", SENDERS)
    with stage.meta("liar-meta") as graph, stage.rasa("liar", graph, channel=OURS) as rasa:
        graph.set(delay=0.02, callbacks=[rasa.port], lies=SEED)
        words, count = run(_live(rasa, who, seconds), within=seconds + 300)
        ended = rasa.settled(within=180)
        calls = graph.calls()
        graph.set(delay=0.02, callbacks=[rasa.port])
        back = _come_back(rasa, who)
        found = _found(rasa, calls, words, count)
    found["handovers that did not end"] = float(back)
    found["deliveries that did not end"] = 0.0 if ended else float(our_store.waiting(rasa.database))
    return _outcome(found, len(words), count)


def _outcome(found: Dict[str, float], words: int, count: int) -> Outcome:
    nothing = [name for name in found if not name.startswith("Graph calls")]
    bounded = found["Graph calls an event"] <= CALLS_OF_ONE
    bounded = bounded and found["Graph calls about one thread in a minute, at most"] <= CALLS_A_MINUTE
    said = f"{count:,} events, {found['Graph calls an event']:.1f} calls an event; " + ", ".join(
        f"{found[name]:.0f} {name}" for name in nothing
    )
    line = Line(
        f"a Graph API that lies, events of {SENDERS} people",
        NOT_MEASURED,
        NOT_MEASURED,
        said,
        f"at most {CALLS_OF_ONE:.0f} calls an event, and nothing else",
        verdict(bounded and not any(found[name] for name in nothing)),
    )
    rows = [[name, f"{value:.1f}"] for name, value in found.items()]
    return Outcome([line], [Table(f"A Graph API that lies, {words:,} words", ["what", "how much"], rows)])


async def _live(rasa: RasaServer, who: List[str], seconds: float) -> Tuple[List[str], int]:
    """Have everybody live for so long; return the ids of what people said, and how many events there were."""
    lives = (_life(rasa, person, number, seconds) for number, person in enumerate(who))
    found = await asyncio.gather(*lives)
    return [mid for words, _ in found for mid in words], sum(count for _, count in found)


async def _life(rasa: RasaServer, person: str, number: int, seconds: float) -> Tuple[List[str], int]:
    liar, chance = Liar(SEED * 1000 + number), random.Random(number)
    words, count, until = [], 0, time.monotonic() + seconds
    while time.monotonic() < until:
        await asyncio.sleep(chance.expovariate(1 / EVERY))
        event, standby = liar.happens(person, f"hello there, for the {count}. time")
        said = event.get("message") or {}
        if said and not said.get("is_echo"):
            words.append(str(said["mid"]))
        await until_accepted([rasa.port], request(encode(delivery(event, standby=standby))))
        count += 1
    return words, count


def _come_back(rasa: RasaServer, who: List[str]) -> int:
    """Have everybody ask for the bot; return how many threads it does not have then."""
    left = who
    for _ in range(5):
        rasa.post(*(post(message(person, "back to bot")) for person in left))
        rasa.settled()
        left = our_store.muted(rasa.database)
        if not left:
            break
    return len(left)


def _found(rasa: RasaServer, calls: List[Call], words: List[str], count: int) -> Dict[str, float]:
    minutes = Counter((call.thread, int(call.at // 60)) for call in calls)
    control = our_store.controls(rasa.database)
    out_of_turn = [
        call for call in calls if call.kind == "message" and call.accepted and not _may(control, call)
    ]
    return {
        "Graph calls an event": len(calls) / max(count, 1),
        "Graph calls about one thread in a minute, at most": float(max(minutes.values(), default=0)),
        "messages out of turn": float(len(out_of_turn)),
        "words lost": float(len(set(words) - our_store.answered_or_kept(rasa.database))),
    }


def _may(control: Dict[str, List[Tuple[float, str]]], call: Call) -> bool:
    """Tell whether the bot had control of the thread at some time just before the call."""
    before = "bot"
    for at, after in control.get(call.thread, ()):
        if at >= call.wall:
            break
        if at > call.wall - ON_ITS_WAY and "bot" in (before, after):
            return True
        before = after
    return before == "bot"
