"""Lets all new connections in before passing on what others send."""

from __future__ import annotations

import asyncio

from handover_channel.rasa import new_connections
from handover_channel.rasa.new_connections import NewConnections

SOON = 10  #: seconds that nothing here should ever take


class Server:
    """A server that accepts one connection each time round its event loop, and notes what happens."""

    def __init__(self, knocking):
        self.knocking = knocking
        self.connections = set()
        self.events = []
        self.new = NewConnections()

    async def accept(self):
        while self.knocking:
            self.knocking -= 1
            self.connections.add(object())
            self.events.append("let in")
            await asyncio.sleep(0)

    async def pass_on(self):
        await asyncio.wait_for(self.new.let_in(self.connections), SOON)
        self.events.append("passed on")


async def test_a_delivery_is_passed_on_once_everybody_is_in_who_knocks():
    server = Server(knocking=64)
    accepting = asyncio.ensure_future(server.accept())
    await asyncio.sleep(0)

    await asyncio.gather(*(server.pass_on() for _ in range(3)))

    assert server.events == ["let in"] * 64 + ["passed on"] * 3
    await accepting


async def test_a_delivery_waits_for_nothing_where_no_connection_is_new():
    server = Server(knocking=1)
    await server.accept()
    await server.pass_on()
    asyncio.get_running_loop().call_soon(server.events.append, "the loop went round")

    await server.new.let_in(server.connections)

    assert server.events == ["let in", "passed on"]


async def test_who_opens_connections_without_end_does_not_hold_up_a_delivery(monkeypatch):
    monkeypatch.setattr(new_connections, "LET_IN", 0.0)
    server = Server(knocking=1_000_000)
    accepting = asyncio.ensure_future(server.accept())
    await asyncio.sleep(0)

    await server.pass_on()

    assert server.knocking
    accepting.cancel()


async def test_who_hangs_up_meanwhile_does_not_keep_the_others_waiting():
    server = Server(knocking=64)
    accepting = asyncio.ensure_future(server.accept())
    await asyncio.sleep(0)
    first, second = asyncio.ensure_future(server.pass_on()), asyncio.ensure_future(server.pass_on())
    await asyncio.sleep(0)
    first.cancel()

    await second

    assert server.events == ["let in"] * 64 + ["passed on"]
    await accepting


async def test_connections_that_were_closed_are_not_missed_when_others_come():
    server = Server(knocking=10)
    await server.accept()
    await server.pass_on()
    server.connections.clear()
    await server.pass_on()
    server.events.clear()
    server.knocking = 5
    accepting = asyncio.ensure_future(server.accept())
    await asyncio.sleep(0)

    await server.pass_on()

    assert server.events == ["let in"] * 5 + ["passed on"]
    await accepting
