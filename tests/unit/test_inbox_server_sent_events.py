"""Tests what an open page is told (inbox/server_sent_events.py), without a server."""

from __future__ import annotations

import asyncio

import pytest
from inbox_page import PASSWORD, add_agents, services_of
from play import PSID

from handover_channel.inbox import routes, updates
from handover_channel.inbox.request import Request
from handover_channel.store import agents, page_updates, presence

BOUND = 10.0  # seconds, for what has to happen at some time


@pytest.fixture
def quick(monkeypatch):
    monkeypatch.setattr(updates, "LOOK_FOR_UPDATES_EVERY", 0.01)
    monkeypatch.setattr("handover_channel.inbox.server_sent_events.BEAT", 0.05)


@pytest.fixture
def services(play, quick):
    add_agents(play, "sara")
    return services_of(play)


@pytest.fixture(autouse=True)
async def ended(services):
    yield
    await services.updates.stop()
    services.pools.shutdown()


@pytest.fixture
def request_of_sara(services):
    cookie, you = services.auth.sign_in("sara", PASSWORD, address="")
    return Request(cookie=cookie, visitor=you, query=f"page=p1&thread={PSID}")


async def until(events, wanted):
    """Return what comes up to the event *wanted*."""
    heard = []

    async def listen():
        async for event in events:
            heard.append(event.partition("\n")[0])
            if heard[-1] == wanted:
                return

    await asyncio.wait_for(listen(), BOUND)
    return heard


async def test_an_open_page_hears_that_its_thread_has_changed_and_how_to_come_back(
    play, services, request_of_sara
):
    answer = await routes.follow(services, request_of_sara)
    assert (answer.type, answer.headers["X-Accel-Buffering"]) == ("text/event-stream", "no")

    assert await until(answer.events, "retry: 2000") == ["retry: 2000"]
    await until(answer.events, ":")
    with play.store.writing() as connection:
        page_updates.add(connection, PSID, now=play.clock())
    heard = await until(answer.events, "event: thread")

    assert "event: list" in heard
    await answer.events.aclose()


async def test_a_page_is_told_when_its_sign_in_has_ended_and_nothing_more(play, services, request_of_sara):
    answer = await routes.follow(services, request_of_sara)
    await until(answer.events, ":")

    with play.store.writing() as connection:
        agents.remove(connection, "sara", now=play.clock())

    assert (await until(answer.events, "no such event"))[-1] == "event: signed-out"


async def test_who_closes_the_page_looks_at_its_thread_no_more(play, services, request_of_sara):
    answer = await routes.follow(services, request_of_sara)
    await until(answer.events, ":")
    with play.store.reading() as connection:
        assert [each.thread for each in presence.present(connection, now=play.clock())] == [PSID]

    await answer.events.aclose()
    services.pools.database.shutdown()  # waits for what was left to do

    with play.store.reading() as connection:
        assert [each.thread for each in presence.present(connection, now=play.clock())] == [""]


async def test_where_the_server_stops_every_page_is_let_go(services, request_of_sara):
    answer = await routes.follow(services, request_of_sara)
    await until(answer.events, ":")

    await services.updates.stop()

    await until(answer.events, "no such event")
