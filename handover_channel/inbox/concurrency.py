"""Runs what is synchronous in threads, and lets a few at a time do something. For one event loop."""

from __future__ import annotations

import asyncio
import functools
from collections import Counter
from concurrent.futures import Executor
from typing import Any, Awaitable, Callable, Dict, TypeVar

from handover_channel import log

_T = TypeVar("_T")


async def call_in(pool: Executor, function: Callable[..., _T], *given: Any, **named: Any) -> _T:
    """Run what is synchronous in a thread of *pool*."""
    loop = asyncio.get_running_loop()
    return await loop.run_in_executor(pool, log.carried(functools.partial(function, *given, **named)))


class Limiter:
    """Turns at something, *most* of one name at a time; the others wait for theirs."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._semaphores: Dict[str, asyncio.Semaphore] = {}
        self._users: Counter[str] = Counter()

    async def at(self, name: str, work: Any) -> Any:
        """Run *work* when fewer than *most* of this name run, and return its result.

        If the caller is cancelled, the work still runs to its end, and keeps its turn until then.
        """
        self._users[name] += 1
        try:
            semaphore = self._semaphores.setdefault(name, asyncio.Semaphore(self._most))
            await semaphore.acquire()
        except BaseException:
            self._left(name)
            raise

        def ended(done: asyncio.Future[Any]) -> None:
            semaphore.release()
            self._left(name)
            if not done.cancelled():
                done.exception()  # told to whoever still waits

        doing = asyncio.ensure_future(_done(work()))
        doing.add_done_callback(ended)
        return await asyncio.shield(doing)

    def _left(self, name: str) -> None:
        self._users[name] -= 1
        if not self._users[name]:
            del self._users[name]
            self._semaphores.pop(name, None)


async def _done(work: Awaitable[_T]) -> _T:
    return await work
