from __future__ import annotations

import asyncio

import pytest

from handover_channel.inbox.concurrency import Limiter


async def test_a_few_of_one_name_have_their_turn_and_the_others_wait():
    limiter, begun, free = Limiter(2), [], asyncio.Event()

    async def work():
        begun.append(1)
        await free.wait()
        return len(begun)

    asking = [asyncio.ensure_future(limiter.at("a", work)) for _ in range(5)]
    await asyncio.sleep(0)
    await asyncio.sleep(0.01)
    assert len(begun) == 2
    assert await limiter.at("b", lambda: asyncio.sleep(0, "of another name")) == "of another name"

    free.set()
    assert len(await asyncio.gather(*asking)) == len(begun) == 5
    assert not limiter._semaphores


async def test_who_stops_waiting_leaves_its_turn_taken_until_the_work_ends():
    limiter, free = Limiter(1), asyncio.Event()
    impatient = asyncio.ensure_future(limiter.at("a", free.wait))
    await asyncio.sleep(0.01)
    impatient.cancel()
    await asyncio.gather(impatient, return_exceptions=True)

    following = asyncio.ensure_future(limiter.at("a", lambda: asyncio.sleep(0, "mine")))
    await asyncio.sleep(0.01)
    assert not following.done()

    free.set()
    assert await following == "mine"
    assert not limiter._semaphores


async def test_who_stops_waiting_for_a_turn_takes_none():
    limiter, free = Limiter(1), asyncio.Event()
    first = asyncio.ensure_future(limiter.at("a", free.wait))
    await asyncio.sleep(0.01)
    waiting = asyncio.ensure_future(limiter.at("a", free.wait))
    await asyncio.sleep(0.01)
    waiting.cancel()
    await asyncio.gather(waiting, return_exceptions=True)

    free.set()
    await first
    assert not limiter._semaphores


async def test_work_that_fails_gives_its_turn_back():
    limiter = Limiter(1)

    async def fail():
        raise RuntimeError("no")

    for _ in range(3):
        with pytest.raises(RuntimeError):
            await limiter.at("a", fail)
    assert not limiter._semaphores
