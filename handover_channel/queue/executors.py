"""Runs what is synchronous (store, Graph API) in threads, so that nothing blocks the event loop."""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Callable, TypeVar

from handover_channel import essential, log

_T = TypeVar("_T")

#: Threads for the store: it has few writers at a time.
STORE_THREADS = 4


class Executors:
    """Two thread pools: where Meta is slow, claims are still renewed and other threads go on.

    *graph_threads*: calls of the Graph API at a time.
    """

    def __init__(self, graph_threads: int) -> None:
        self._store = ThreadPoolExecutor(STORE_THREADS, thread_name_prefix="handover-store")
        self._graph = ThreadPoolExecutor(graph_threads, thread_name_prefix="handover-asking")

    async def store(self, function: Callable[..., _T], *given: Any) -> _T:
        """Return what *function* returns, which asks the store alone. Raises what it raises."""
        return await _run(self._store, function, *given)

    async def graph(self, function: Callable[..., _T], *given: Any) -> _T:
        """Return what *function* returns, which may ask Meta. Raises what it raises."""
        return await _run(self._graph, function, *given)

    def shutdown(self) -> None:
        """End the threads once they have nothing to do. Returns at once."""
        self._store.shutdown(wait=False)
        self._graph.shutdown(wait=False)


async def _run(pool: ThreadPoolExecutor, function: Callable[..., _T], *given: Any) -> _T:
    loop = asyncio.get_running_loop()
    return await loop.run_in_executor(pool, essential.as_errors, log.carried(function), *given)
