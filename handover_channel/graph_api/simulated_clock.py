"""Follows the clock of the Messenger simulator in tests, so that a time limit of two days passes at once.

A bot in production cannot come here by accident. All of this has to be so, or real time counts:

1. HANDOVER_TEST_CLOCK is set in the environment of the process,
2. to an http:// address of this very machine,
3. which is the one that `graph_api.url` names: the bot calls no Meta, and nobody real hears it.

Where the variable is set and the rest is not so, an error is logged and nothing else happens. Where all is
so a warning is logged at the start and at every move. The clock only goes forward.

The simulator's side: `GET /simulator/v1/clock`.
"""

from __future__ import annotations

import os
import threading
import time
from functools import cache
from typing import Any, Callable, Dict, Optional
from urllib.parse import urlsplit

import urllib3

from handover_channel import log
from handover_channel.settings.loader import Settings
from handover_channel.settings.locations import LOOPBACK

logger = log.logger(__name__)

#: Seconds that one question may wait for the clock to be moved; the simulator answers after 20.
ANSWERED_IN = 40.0
#: Seconds that the first question may take, which the start of the process waits for.
FIRST_ANSWER_IN = 2.0
#: Seconds until the simulator is asked again where it cannot be reached.
ASKED_AGAIN_IN = 0.5


def clock_of(settings: Settings) -> Callable[[], float]:
    """Return the clock that a process with these settings goes by: real time, but for tests (see above)."""
    if not settings.test_clock:
        return time.time
    problem = _problem(settings.test_clock, settings.graph_api.url)
    if problem:
        logger.error("HANDOVER_TEST_CLOCK is set and is ignored, real time counts: %s", problem)
        return time.time
    return _following(settings.test_clock.rstrip("/"))


@cache
def _following(address: str) -> SimulatedClock:
    return SimulatedClock(address)


def _problem(address: str, graph_url: str) -> str:
    """Return why that address is not the clock of a bot with this Graph API, "" where it is."""
    try:
        given, meta = urlsplit(address), urlsplit(graph_url)
        same = (given.hostname, given.port) == (meta.hostname, meta.port)
    except ValueError:
        return "it is no address"
    if meta.scheme != "http" or meta.hostname not in LOOPBACK:
        return f"graph_api.url is {graph_url}, which is not a simulator on this machine"
    if given.scheme != "http" or not same:
        return f"it is {log.printable(address)}, and graph_api.url is {graph_url} -> write the same"
    return ""


class SimulatedClock:
    """Real time, and as much more as the simulator is ahead. May be called from any thread."""

    def __init__(self, address: str) -> None:
        self._url = f"{address}/simulator/v1/clock"
        self._ahead = 0.0
        self._revision: Optional[int] = None
        self._pid = 0
        logger.warning(
            "TEST CLOCK: this process goes by the time of the simulator at %s, which can be moved", address
        )
        self._ask(urllib3.PoolManager(), within=FIRST_ANSWER_IN)

    def __call__(self) -> float:
        """Return the time, in seconds since the epoch."""
        if self._pid != os.getpid():  # it has just begun, or was forked
            self._pid = os.getpid()
            threading.Thread(target=self._follow, name="handover-test-clock", daemon=True).start()
        return time.time() + self._ahead

    def _follow(self) -> None:
        http = urllib3.PoolManager()
        while True:
            if not self._ask(http, within=ANSWERED_IN):
                time.sleep(ASKED_AGAIN_IN)

    def _ask(self, http: urllib3.PoolManager, *, within: float) -> bool:
        """Ask for the time once, and move there; return whether there was an answer."""
        query: Dict[str, Any] = {}
        if self._revision is not None:
            query = {"after": str(self._revision), "follower": f"process {self._pid}"}
        try:
            answer = http.request("GET", self._url, fields=query, timeout=within, retries=False)
            told = answer.json()
            ahead, revision = float(told["ahead"]), int(told["revision"])
        except (urllib3.exceptions.HTTPError, ValueError, KeyError, TypeError):
            self._revision = None  # another simulator may come, which counts anew
            return False
        if ahead > self._ahead:
            logger.warning("TEST CLOCK: moved by %d seconds", ahead - self._ahead)
            self._ahead = ahead
        self._revision = revision
        return True
