"""Makes processing wait, for a bounded time, while so much comes in that it would keep Meta waiting."""

from __future__ import annotations

import asyncio
from typing import Callable

#: Seconds for which a thread at most gives way to what comes in, before each of its deliveries: as long as
#: Meta waits for its 200.
GIVE_WAY = 5.0
#: Seconds for which a delivery that was begun as it was stored waits for the first signs of a flood.
BREATH = 0.01


async def give_way(is_pressed: Callable[[], bool]) -> None:
    """Wait until *is_pressed* no longer says so, at most `GIVE_WAY` seconds."""
    loop = asyncio.get_running_loop()
    until = loop.time() + GIVE_WAY
    while is_pressed() and loop.time() < until:  # noqa: ASYNC110  (another thread tells, and only if asked)
        await asyncio.sleep(GIVE_WAY / 50)


async def breathe() -> None:
    """Wait for the first signs of a flood."""
    await asyncio.sleep(BREATH)
