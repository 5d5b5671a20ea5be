from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor

import pytest
import sqlalchemy as sa

from handover_channel.errors import StoreUnavailable
from handover_channel.inbox import updates as updates_module
from handover_channel.inbox.updates import Updates
from handover_channel.rules.control import Control
from handover_channel.store import page_updates, schema, threads

BOUND = 10.0  # seconds, for what has to happen at some time


@pytest.fixture
def pool():
    with ThreadPoolExecutor(2) as pool:
        yield pool


@pytest.fixture(autouse=True)
def quick(monkeypatch):
    monkeypatch.setattr(updates_module, "LOOK_FOR_UPDATES_EVERY", 0.01)


async def has_looked(updates):
    async def look():
        while updates._newest is None:  # noqa: ASYNC110  (it looks on a thread, and tells nobody)
            await asyncio.sleep(0.001)

    await asyncio.wait_for(look(), BOUND)


def add(store, thread, **given):
    with store.writing() as connection:
        page_updates.add(connection, thread, now=1000.0, **given)


def done(store, thread, control):
    """Somebody has written in a thread, and it was processed."""
    values = {"key": thread, "timestamp": 1, "kind": "event", "body": "", "received_at": 999.0}
    counts = {"outcome": "", "attempts": 1, "failures": 0, "rounds": 0}
    with store.writing() as connection:
        threads.get_or_add(connection, thread, channel="facebook", page="", now=1.0)
        it = schema.threads.c.id == thread
        connection.execute(sa.update(schema.threads).where(it).values(control=control.value))
        connection.execute(
            sa.insert(schema.deliveries).values(thread=thread, done_at=1000.0, **values, **counts)
        )


async def test_every_open_page_hears_of_what_is_new(store, pool):
    updates = Updates(store, pool, lambda: 1000.0)
    pages = [updates.open(), updates.open()]
    await has_looked(updates)  # what was before is on the page

    add(store, "24680")

    assert [(await page.changed(BOUND)).threads for page in pages] == [{"24680"}, {"24680"}]
    await updates.stop()


async def test_nothing_is_told_twice(store, pool):
    updates = Updates(store, pool, lambda: 1000.0)
    page = updates.open()
    await has_looked(updates)
    add(store, "24680")
    await page.changed(BOUND)

    add(store, "13579")

    assert (await page.changed(BOUND)).threads == {"13579"}
    await updates.stop()


async def test_who_types_and_what_the_bot_answers_is_nothing_that_every_list_is_asked_for(store, pool):
    updates = Updates(store, pool, lambda: 1000.0)
    page = updates.open()
    await has_looked(updates)

    add(store, "24680", kind=page_updates.LOOK)
    assert await page.changed(BOUND) == ({"24680"}, False)

    done(store, "13579", Control.BOT)
    assert await page.changed(BOUND) == ({"13579"}, False)

    done(store, "12345", Control.INBOX)
    assert await page.changed(BOUND) == ({"12345"}, True)

    add(store, "24680")
    assert await page.changed(BOUND) == ({"24680"}, True)
    await updates.stop()


async def test_what_happens_while_a_page_is_busy_is_kept_for_it(store, pool):
    updates = Updates(store, pool, lambda: 1000.0)
    page, other = updates.open(), updates.open()
    await has_looked(updates)

    for thread in ("24680", "13579"):
        add(store, thread)
        await other.changed(BOUND)

    assert (await page.changed(BOUND)).threads == {"24680", "13579"}
    await updates.stop()


async def test_after_a_quiet_time_pages_hear_of_what_is_new(store, pool):
    updates = Updates(store, pool, lambda: 1000.0)
    page = updates.open()
    await has_looked(updates)
    for number in range(page_updates.ROWS_BACK + 10):
        add(store, str(number))
    while (await page.changed(0.5)).threads:
        pass

    with store.writing() as connection:
        page_updates.tidy(connection, before=2000.0)
    add(store, "24680")

    assert (await page.changed(BOUND)).threads == {"24680"}
    await updates.stop()


async def test_without_an_open_page_nobody_looks(store, pool):
    updates = Updates(store, pool, lambda: 1000.0)
    updates.close(updates.open())

    await asyncio.wait_for(asyncio.shield(updates._looking), BOUND)


async def test_a_page_lets_go_at_once_when_the_server_stops(store, pool):
    updates = Updates(store, pool, lambda: 1000.0)
    page = updates.open()
    waiting = asyncio.ensure_future(page.changed(BOUND))
    await asyncio.sleep(0)

    await updates.stop()

    assert (await waiting).threads == set()
    assert page.is_over


@pytest.mark.parametrize("error", [StoreUnavailable("gone"), ValueError("a fault of ours")])
async def test_what_goes_wrong_is_only_a_pause(store, pool, monkeypatch, error):
    updates = Updates(store, pool, lambda: 1000.0)
    page = updates.open()
    await has_looked(updates)
    looked, real = [], page_updates.since

    def fails_once(*given, **named):
        looked.append(1)
        if len(looked) == 1:
            raise error
        return real(*given, **named)

    monkeypatch.setattr(page_updates, "since", fails_once)
    add(store, "24680")

    assert (await page.changed(BOUND)).threads == {"24680"}
    await updates.stop()
