"""Attacks: how long Meta waits for its 200 while somebody wants the bot to stop, and what that costs in
memory. The example bot with the inbox; a signed message every 0.25 s beside each attack; Graph 1 ms.

*Fields, forms, parts, name*: what anybody can send to the sign-in of the inbox, 28 MB at once or 2 MB from
six at a time. *Letters*: five people write 20,000 letters each. *Pictures*: an agent's page loads eight that
come at one byte in 3 s; meanwhile another agent asks for one that is there. *Unsigned*: four deliveries of
95 MB that Meta never sent. Memory is what a process has resident at most beside an attack, less what it had
before.
"""

from __future__ import annotations

import asyncio
import html
import re
import subprocess
import sys
import time
from contextlib import closing
from dataclasses import dataclass, field
from typing import Dict, List, Sequence

import requests
from handover_channel.inbox.auth import Auth
from handover_channel.store import Store

from bench import our_store
from bench.attackers import ATTACKS, MB
from bench.bodies import chat, message, post
from bench.meta import Meta
from bench.outcome import NOT_MEASURED, Line, Outcome, Table, verdict
from bench.processes import ROOT, resident, running
from bench.rasa_server import RasaServer
from bench.samples import CELLS, Load
from bench.stage import Stage
from bench.wire import paced, run

WANTED_MS, WANTED_MB = 1000.0, 100.0
EVERY, COUNT = 0.25, 40  #: seconds between two messages, and how many there are beside each attack
QUIET = "none"
THREAD = "980"
HEADS = ("attack", *CELLS, "Rasa + MB", "queue + MB", "picture ms", "")


@dataclass
class Found:
    """What was found beside an attack."""

    load: Load = field(default_factory=Load)
    rasa_mb: float = 0.0
    queue_mb: float = 0.0
    picture_ms: float = 0.0  #: of another agent; 0.0: nobody asked

    @property
    def reached(self) -> bool:
        """Tell whether the bot went on as if nothing were."""
        answered = self.load.accepted == self.load.count
        return answered and self.most_mb < WANTED_MB and max(self.load.ms(100), self.picture_ms) < WANTED_MS

    @property
    def most_mb(self) -> float:
        """What it took of either process."""
        return max(self.rasa_mb, self.queue_mb)

    def cells(self) -> List[str]:
        """Return the row of a table, behind the attack's name; heads: `HEADS`."""
        picture = f"{self.picture_ms:.0f}" if self.picture_ms else NOT_MEASURED
        reached = "reached" if self.reached else "NOT reached"
        return [*self.load.cells(), f"{self.rasa_mb:.0f}", f"{self.queue_mb:.0f}", picture, reached]


def measure(stage: Stage) -> Outcome:
    """Measure it."""
    with stage.meta("attacks-meta") as graph:
        rasa = stage.server("attacks", graph, inbox=True, model=stage.example_model())
        our_store.hand_over(rasa.config, {THREAD: "inbox"})
        with running(rasa):
            graph.set(delay=0.001)
            browsers = [_agent(rasa) for _ in range(2)]
            _warm_up(rasa, browsers[1], graph)
            found = {
                name: _beside(stage, rasa, name, _given(rasa, browsers[0], graph, name), browsers[1], graph)
                for name in (QUIET, *ATTACKS)
            }
    return _outcome(found)


def _agent(rasa: RasaServer) -> requests.Session:
    """Return the browser of somebody who is signed in."""
    browser = requests.Session()
    browser.trust_env = False
    with closing(Store(f"sqlite:///{rasa.database}")) as store:
        link = Auth(store).one_time_link(f"{rasa.url}/webhooks/inbox")
    browser.get(link, timeout=30).raise_for_status()
    return browser


def _warm_up(rasa: RasaServer, browser: requests.Session, graph: Meta) -> None:
    rasa.post(*chat("981", 10))
    files = [{"type": "image", "payload": {"url": f"{graph.url}/bench/slow/{at}"}} for at in range(8)]
    files.append({"type": "image", "payload": {"url": f"{graph.url}/bench/picture"}})
    item = message(THREAD, "look")
    item["message"]["attachments"] = files
    rasa.post(post(item))
    rasa.settled()
    for _ in range(3):
        _pictures(rasa, browser)
        requests.post(f"{rasa.url}/webhooks/inbox/sign-in", data={"name": "x"}, timeout=30)


def _pictures(rasa: RasaServer, browser: requests.Session) -> List[str]:
    """Return the addresses of the pictures on the page of the thread: eight slow ones, and a quick one."""
    page = browser.get(f"{rasa.url}/webhooks/inbox/thread/{THREAD}", timeout=30).text
    found = re.findall(r'<img[^>]* src="(/webhooks/inbox/file\?of=[^"]+)"', page)
    if len(set(found)) < 9:
        raise RuntimeError(f"the page has {len(set(found))} pictures of 9")
    return [html.unescape(each) for each in dict.fromkeys(found)]


def _given(rasa: RasaServer, browser: requests.Session, graph: Meta, name: str) -> Sequence[str]:
    if name != "pictures":
        return ()
    cookie = "; ".join(f"{each.name}={each.value}" for each in browser.cookies)
    return (cookie, *_pictures(rasa, browser)[:8])


def _beside(
    stage: Stage, rasa: RasaServer, name: str, given: Sequence[str], other: requests.Session, graph: Meta
) -> Found:
    """Time the acknowledgements beside an attack."""
    graph.set(delay=0.001)
    rasa.settled(within=120)
    time.sleep(1)
    turns = chat(f"99{[QUIET, *ATTACKS].index(name)}", stage.count(COUNT, 20))
    return run(_timed(rasa, name, given, turns, other), within=240)


async def _timed(
    rasa: RasaServer, name: str, given: Sequence[str], turns: List[bytes], other: requests.Session
) -> Found:
    found, ended = Found(), asyncio.Event()
    watching = asyncio.ensure_future(_watch(rasa, found, ended))
    beginning = asyncio.ensure_future(_attack(rasa, name, given, other, found))
    found.load = await paced(rasa.port, [turns], EVERY)
    attack = await beginning
    if attack is not None:
        attack.terminate()
        attack.wait(10)
    ended.set()
    await watching
    return found


async def _attack(
    rasa: RasaServer, name: str, given: Sequence[str], other: requests.Session, found: Found
) -> subprocess.Popen[bytes] | None:
    await asyncio.sleep(1)
    if name == QUIET:
        return None
    command = [sys.executable, "-m", "bench.attackers", name, str(rasa.port), *given]
    attack = subprocess.Popen(command, cwd=ROOT, stdin=subprocess.DEVNULL)  # noqa: ASYNC220
    if name == "pictures":
        await asyncio.sleep(2)
        loop = asyncio.get_running_loop()
        found.picture_ms = await loop.run_in_executor(None, _picture, rasa, other) * 1000
    return attack


def _picture(rasa: RasaServer, browser: requests.Session) -> float:
    """Return the seconds that another agent waits for a picture that is there; as long as it takes."""
    address = f"{rasa.url}{_pictures(rasa, browser)[8]}"
    begun = time.perf_counter()
    try:
        browser.get(address, timeout=20).raise_for_status()
    except requests.Timeout:
        return 20.0
    return time.perf_counter() - begun


async def _watch(rasa: RasaServer, found: Found, ended: asyncio.Event) -> None:
    own, *children = rasa.pids()
    before = resident(own), sum(map(resident, children))
    while not ended.is_set():
        found.rasa_mb = max(found.rasa_mb, (resident(own) - before[0]) / MB)
        found.queue_mb = max(found.queue_mb, (sum(map(resident, children)) - before[1]) / MB)
        await asyncio.sleep(0.05)


def _outcome(found: Dict[str, Found]) -> Outcome:
    attacks = {name: each for name, each in found.items() if name != QUIET}
    slowest = max(attacks, key=lambda name: attacks[name].load.ms(100))
    largest = max(attacks, key=lambda name: attacks[name].most_mb)
    worst, most, picture = (
        attacks[slowest].load.ms(100),
        attacks[largest].most_mb,
        attacks["pictures"].picture_ms,
    )
    answered = all(each.load.accepted == each.load.count for each in attacks.values())
    quiet = f"{found[QUIET].load.ms(100):.0f} ms"
    return Outcome(
        [
            _line(
                f"slowest acknowledgement beside {len(attacks)} attacks",
                f"{worst:.0f} ms ({slowest}; {quiet} without)",
                "under 1 s, all answered 200",
                worst < WANTED_MS and answered,
            ),
            _line(
                "memory that an attack takes, of Rasa's process or the queue's",
                f"{most:.0f} MB ({largest})",
                f"under {WANTED_MB:.0f} MB",
                most < WANTED_MB,
            ),
            _line(
                "a picture for another agent while eight never end",
                f"{picture:.0f} ms",
                "under 1 s",
                picture < WANTED_MS,
            ),
        ],
        [Table("Attacks", HEADS, [[name, *each.cells()] for name, each in found.items()])],
    )


def _line(figure: str, ours: str, to_reach: str, reached: bool) -> Line:
    return Line(figure, NOT_MEASURED, NOT_MEASURED, ours, to_reach, verdict(reached))
