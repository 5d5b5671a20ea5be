from __future__ import annotations

import asyncio

import pytest

from handover_channel.inbox.concurrency import Limiter


async def test_a_few_of_one_name_have_their_turn_and_the_others_wait():
    turns, begun, free = Limiter(2), [], asyncio.Event()

    async def work():
        begun.append(1)
        await free.wait()
        return len(begun)

    asking = [asyncio.ensure_future(turns.at("a", work)) for _ in range(5)]
    await asyncio.sleep(0)
    await asyncio.sleep(0.01)
    assert len(begun) == 2
    assert await turns.at("b", lambda: asyncio.sleep(0, "of another name")) == "of another name"

    free.set()
    assert len(await asyncio.gather(*asking)) == len(begun) == 5
    assert not turns._turns


async def test_who_stops_waiting_leaves_its_turn_taken_until_the_work_ends():
    turns, free = Limiter(1), asyncio.Event()
    impatient = asyncio.ensure_future(turns.at("a", free.wait))
    await asyncio.sleep(0.01)
    impatient.cancel()
    await asyncio.gather(impatient, return_exceptions=True)

    following = asyncio.ensure_future(turns.at("a", lambda: asyncio.sleep(0, "mine")))
    await asyncio.sleep(0.01)
    assert not following.done()

    free.set()
    assert await following == "mine"
    assert not turns._turns


async def test_who_stops_waiting_for_a_turn_takes_none():
    turns, free = Limiter(1), asyncio.Event()
    first = asyncio.ensure_future(turns.at("a", free.wait))
    await asyncio.sleep(0.01)
    waiting = asyncio.ensure_future(turns.at("a", free.wait))
    await asyncio.sleep(0.01)
    waiting.cancel()
    await asyncio.gather(waiting, return_exceptions=True)

    free.set()
    await first
    assert not turns._turns


async def test_work_that_fails_gives_its_turn_back():
    turns = Limiter(1)

    async def fail():
        raise RuntimeError("no")

    for _ in range(3):
        with pytest.raises(RuntimeError):
            await turns.at("a", fail)
    assert not turns._turns
