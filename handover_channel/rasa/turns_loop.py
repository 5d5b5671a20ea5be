"""Runs the bot's turns on an event loop and a thread of their own: however long one is, Sanic's stays free.

Whatever happens in a turn, the loop goes on: see essential.py.
"""

from __future__ import annotations

import asyncio
import concurrent.futures
from contextlib import suppress
from typing import Any, Callable, Coroutine

from handover_channel import essential
from handover_channel.errors import NotReady

THREAD_NAME = "handover-turns"


class TurnsLoop:
    """Runs what is given to it. To be used from other threads."""

    def __init__(self) -> None:
        self._stopping = False
        self._loop: asyncio.AbstractEventLoop

    def start(self) -> None:
        """Start the thread."""
        self._loop = asyncio.new_event_loop()
        essential.run_again(THREAD_NAME, self._run, lambda: self._stopping)

    def stop(self) -> None:
        """End the thread, after what it is at. Returns at once."""
        self._stopping = True
        with suppress(RuntimeError):  # it is closed
            self._loop.call_soon_threadsafe(self._loop.stop)

    def run(self, work: Coroutine[Any, Any, Any]) -> concurrent.futures.Future[Any]:
        """Begin with *work*; return the future of its result. Raises NotReady after `stop`."""
        try:
            return asyncio.run_coroutine_threadsafe(work, self._loop)
        except RuntimeError:  # it is closed
            work.close()
            raise NotReady("the server is stopping -> wait: Meta sends it again") from None

    def soon(self, function: Callable[..., None], *given: Any) -> None:
        """Call *function* there. Raises RuntimeError after `stop`."""
        self._loop.call_soon_threadsafe(function, *given)

    async def answers(self, within: float) -> bool:
        """Tell whether it does anything within so many seconds. Awaited on another loop."""
        try:
            await asyncio.wait_for(asyncio.wrap_future(self.run(_nothing())), within)
        except (asyncio.TimeoutError, NotReady):
            return False
        return True

    def _run(self) -> None:
        asyncio.set_event_loop(self._loop)
        self._loop.run_forever()
        if self._stopping:
            self._loop.run_until_complete(_cancel_the_rest())
            self._loop.close()


async def _cancel_the_rest() -> None:
    left = asyncio.all_tasks() - {asyncio.current_task()}
    for task in left:
        task.cancel()
    if left:
        await asyncio.wait(left, timeout=1.0)


async def _nothing() -> None:
    pass
