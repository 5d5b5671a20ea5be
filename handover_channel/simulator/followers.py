"""Tells a bot's processes the time, and knows which of them have moved along. Lives in one event loop.

A process follows by asking again and again, each time with the revision that it knows: the answer comes once
the clock has moved on. With its next question it has moved along. Whoever has hung up, or has not asked for
`GONE_AFTER`, is gone.
"""

from __future__ import annotations

import asyncio
import contextlib
from typing import Any, Callable, Dict, List, NamedTuple

from handover_channel.simulator.clock import Clock

ASKED_FOR = 20.0  #: seconds that a question waits at most
GONE_AFTER = 30.0  #: seconds
MOVED_WITHIN = 2.0  #: seconds that a move waits for those who follow


class _Asked(NamedTuple):
    """What a process has asked last."""

    revision: int
    at: float
    is_there: Callable[[], bool]


class Followers:
    """The processes that follow *clock*."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._loop = asyncio.get_running_loop()
        self._known: Dict[str, _Asked] = {}
        self._waiting: List[asyncio.Event] = []
        self.is_closed = False  #: the server is stopping
        self.revision = 1
        self._unlisten: Callable[[], None] = clock.on_moved(self._moved)

    def time(self) -> Dict[str, Any]:
        """Return the time, as those who follow get it."""
        return {"now": self._clock.now(), "ahead": self._clock.offset, "revision": self.revision}

    async def next(self, after: int, name: str, is_there: Callable[[], bool]) -> Dict[str, Any]:
        """Return the time once the clock has moved since the revision *after*.

        *name*: who asks, "" for nobody who follows. *is_there*: whether they have not hung up.
        """
        if name:
            self._known[name] = _Asked(after, self._loop.time(), is_there)
            self._wake()
        until = self._loop.time() + ASKED_FOR
        while self.revision <= after and not self.is_closed and self._loop.time() < until:
            await self._change(until - self._loop.time())
        return self.time()

    async def moved_along(self) -> int:
        """Wait until all who follow have moved along; return how many have."""
        wanted, until = self.revision, self._loop.time() + MOVED_WITHIN
        while self._behind(wanted) and self._loop.time() < until:
            await self._change(until - self._loop.time())
        return sum(each.revision >= wanted for each in self._known.values())

    def close(self) -> None:
        """Answer everybody, and follow the clock no more."""
        self.is_closed = True
        self._unlisten()
        self._wake()

    def _behind(self, wanted: int) -> List[str]:
        gone = self._loop.time() - GONE_AFTER
        still = {name: each for name, each in self._known.items() if each.at > gone and each.is_there()}
        self._known = still
        return [name for name, each in still.items() if each.revision < wanted]

    def _moved(self) -> List[str]:
        self.revision += 1
        self._loop.call_soon_threadsafe(self._wake)
        return []

    async def _change(self, within: float) -> None:
        changed = asyncio.Event()
        self._waiting.append(changed)
        with contextlib.suppress(asyncio.TimeoutError):
            await asyncio.wait_for(changed.wait(), within)
        with contextlib.suppress(ValueError):
            self._waiting.remove(changed)

    def _wake(self) -> None:
        waiting, self._waiting = self._waiting, []
        for changed in waiting:
            changed.set()
