"""Lets deliveries that were interrupted often be processed one at a time.

So the one that crashes the process is identified, and no other is blamed, however often the process ends.
"""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from typing import AsyncIterator, Optional

from handover_channel.store.deliveries import SUSPECT, Delivery


class Suspects:
    """Those under way in this process. Used on one event loop."""

    def __init__(self) -> None:
        self._one: Optional[asyncio.Semaphore] = None

    @asynccontextmanager
    async def alone(self, delivery: Delivery) -> AsyncIterator[None]:
        """Wait, if *delivery* is a suspect, until no other one is processed."""
        if delivery.attempts < SUSPECT:
            yield
            return
        if self._one is None:  # made here: before Python 3.10 it belongs to the loop it is made on
            self._one = asyncio.Semaphore(1)
        async with self._one:
            yield
