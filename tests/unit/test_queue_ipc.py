from __future__ import annotations

import asyncio
import contextlib
import pickle
import socket
import struct
import threading
from typing import Protocol

import pytest

from handover_channel.queue.calls import BOT_CALLS, CONTROL, DELIVERIES, LOG, SENT_CALLS
from handover_channel.queue.ipc import (
    NOTHING,
    BatchServer,
    CallFailed,
    Connection,
    ConnectionClosed,
    FrameTooLong,
    Interface,
    Nothing,
)
from handover_channel.rules.limits import FRAME

SOON = 10  #: seconds that nothing here should ever take


def framed(number, *given, method="receive"):
    """A request, as `Connection.request` writes it."""
    frame = pickle.dumps((number, 0, (method, given, {})))
    return struct.pack("!I", len(frame)) + frame


@pytest.fixture
def ends():
    """Both ends of a connection: the one that calls, and the one that is called."""
    pair = socket.socketpair()
    for each in pair:
        each.settimeout(SOON)
    yield pair
    for each in pair:
        each.close()


def test_all_requests_that_have_come_meanwhile_are_taken_at_a_time_in_order(ends):
    asking, other = ends
    asking.sendall(framed(1, "sha256=", b"one") + framed(2, "", b"two"))
    asking.sendall(framed(3, "", b""))

    assert BatchServer(other, DELIVERIES).requests() == [
        (1, ("sha256=", b"one")),
        (2, ("", b"two")),
        (3, ("", b"")),
    ]


async def test_nobody_is_at_the_other_end_before_there_is_one():
    with pytest.raises(ConnectionClosed):
        await CONTROL.remote(Connection(NOTHING, Nothing()), SOON).ping()


def test_a_request_that_comes_in_pieces_is_put_together(ends):
    asking, other = ends
    first, second = framed(1, b"one"), framed(2, b"two")
    server = BatchServer(other, DELIVERIES)

    asking.sendall(first + second[:2])
    assert server.requests() == [(1, (b"one",))]
    asking.sendall(second[2:])
    assert server.requests() == [(2, (b"two",))]


def test_a_request_larger_than_a_block_comes_through(ends, monkeypatch):
    monkeypatch.setattr("handover_channel.queue.ipc._READ_AT_A_TIME", 100)
    asking, other = ends
    body = bytes(range(256)) * 20
    asking.sendall(framed(1, body) + framed(2, b"next"))
    server, found = BatchServer(other, DELIVERIES), []

    while len(found) < 2:
        found += server.requests()

    assert found == [(1, (body,)), (2, (b"next",))]


@pytest.mark.parametrize("last", [b"", framed(7, b"cut off")[:-1]])
def test_no_request_comes_once_the_other_side_is_gone(ends, last):
    asking, other = ends
    asking.sendall(framed(1, b"one") + last)
    asking.close()
    server = BatchServer(other, DELIVERIES)

    assert server.requests() == [(1, (b"one",))]
    assert server.requests() == []
    assert server.requests() == []


def test_a_side_that_goes_with_responses_unread_is_gone_like_any_other(ends):
    asking, other = ends
    asking.sendall(framed(1, b"one"))
    server = BatchServer(other, DELIVERIES)
    server.respond([(number, (200, "success")) for number, _ in server.requests()])
    asking.close()  # what is unread resets the connection

    assert server.requests() == []


def test_a_response_to_nobody_is_no_error(ends):
    asking, other = ends
    asking.close()

    BatchServer(other, DELIVERIES).respond([(1, (200, "success"))])


def test_a_request_that_says_it_is_endless_ends_the_connection(ends, caplog):
    asking, other = ends
    asking.sendall(framed(1, b"one") + struct.pack("!I", FRAME.value + 1) + b"x" * 100)
    server = BatchServer(other, DELIVERIES)

    assert server.requests() == []
    assert "the connection is closed" in caplog.text


class Echoing(Protocol):
    """What the tests call."""

    async def echo(self, text: str, times: int = 1) -> str:
        """Return *text* so often."""

    async def wait(self) -> None:
        """Return never."""

    def note(self, text: str) -> object:
        """Note *text*."""


ECHOING = Interface(Echoing)


class Echo:
    """Implements it, and has a method that nobody else may call."""

    def __init__(self):
        self.noted, self.secret_was_called = [], False

    async def echo(self, text, times=1):
        return text * times

    async def wait(self):
        await asyncio.Event().wait()

    async def note(self, text):
        await asyncio.sleep(0)
        self.noted.append(text)

    async def secret(self):
        self.secret_was_called = True


@contextlib.asynccontextmanager
async def connected(ends, echo, **options):
    """Give our end of a connection to *echo*."""
    ours, theirs = Connection(NOTHING, Nothing()), Connection(ECHOING, echo, **options)
    await ours.connect(ends[0])
    await theirs.connect(ends[1])
    try:
        yield ours
    finally:
        ours.close()
        await ours.serve()
        await asyncio.wait_for(theirs.serve(), SOON)


async def test_a_request_is_answered_however_its_arguments_are_given(ends):
    async with connected(ends, Echo()) as connection:
        remote = ECHOING.remote(connection, within=SOON)

        assert await remote.echo("a") == "a"
        assert await remote.echo("a", 2) == "aa"
        assert await remote.echo(times=3, text="b") == "bbb"


async def test_a_notification_has_its_effect_before_the_connection_ends(ends):
    echo = Echo()
    async with connected(ends, echo) as connection:
        ECHOING.remote(connection).note("one")
        ECHOING.remote(connection).note(text="two")

    assert echo.noted == ["one", "two"]


async def test_what_takes_too_long_is_a_timeout_of_the_caller(ends):
    ours = Connection(NOTHING, Nothing())
    await ours.connect(ends[0])  # nobody reads at the other end

    with pytest.raises(asyncio.TimeoutError):
        await ECHOING.remote(ours, within=0.01).wait()

    ours.close()
    await ours.serve()


@pytest.mark.parametrize("method", ["secret", "__init__", "noted", "note", "", "_callable", 7])
async def test_a_request_for_what_is_not_in_the_table_is_refused(ends, method, caplog):
    echo = Echo()
    async with connected(ends, echo) as connection:
        with pytest.raises(CallFailed, match="NotCallable"):
            await connection.request(method, (), within=SOON)
        assert await ECHOING.remote(connection, SOON).echo("still there") == "still there"

    assert not echo.secret_was_called
    assert f"{method!r} is not in the table" in caplog.text


@pytest.mark.parametrize("method", ["secret", "echo", "__init__"])
async def test_a_notification_that_is_not_in_the_table_is_refused(ends, method, caplog):
    echo = Echo()
    async with connected(ends, echo) as connection:
        connection.notify(method, ())

    assert not echo.secret_was_called
    assert f"{method!r} is not in the table" in caplog.text


async def test_an_end_that_only_calls_cannot_be_called(ends):
    async with connected(ends, Echo()):
        pass
    pair = socket.socketpair()
    ours, theirs = Connection(NOTHING, Nothing()), Connection(NOTHING, Nothing())
    await ours.connect(pair[0])
    await theirs.connect(pair[1])

    with pytest.raises(CallFailed, match="NotCallable"):
        await ours.request("remote", (), within=SOON)

    ours.close()
    await ours.serve()
    await theirs.serve()


async def test_each_call_is_answered_in_a_context_of_its_own(ends):
    entered = []

    @contextlib.contextmanager
    def around():
        entered.append("in")
        yield
        entered.append("out")

    async with connected(ends, Echo(), around=around) as connection:
        await ECHOING.remote(connection, SOON).echo("a")
        await ECHOING.remote(connection, SOON).echo("b")

    assert entered == ["in", "out"] * 2


def test_the_tables_hold_what_the_two_processes_call_and_no_more():
    assert DELIVERIES.requests == {"receive"}
    assert CONTROL.requests == {"start", "ping", "counted", "stop"}
    assert BOT_CALLS.requests == {"let_echoes_come", "answer", "returned", "muted"}
    assert DELIVERIES.notifications == CONTROL.notifications == BOT_CALLS.notifications == frozenset()
    assert (SENT_CALLS.requests, SENT_CALLS.notifications) == (frozenset(), {"note_sent"})
    assert (LOG.requests, LOG.notifications) == (frozenset(), {"log"})


def test_a_request_for_what_is_not_in_the_table_is_refused_among_deliveries_too(ends, caplog):
    asking, other = ends
    asking.sendall(framed(1, "", b"one", method="stop") + framed(2, "", b"two"))

    assert BatchServer(other, DELIVERIES).requests() == [(2, ("", b"two"))]

    (length,) = struct.unpack("!I", asking.recv(4))
    number, _, (error, _) = pickle.loads(asking.recv(length))  # noqa: S301
    assert (number, error) == (1, "NotCallable")
    assert "'stop' is not in the table" in caplog.text


async def test_a_request_of_the_most_bytes_is_made_and_none_that_is_longer(ends, monkeypatch):
    monkeypatch.setattr("handover_channel.queue.ipc.FRAME", FRAME.__class__("", "", 1000, "bytes", "", ""))
    async with connected(ends, Echo()) as connection:
        remote = ECHOING.remote(connection, within=SOON)

        assert await remote.echo("x" * 800) == "x" * 800
        with pytest.raises(FrameTooLong):
            await remote.echo("x" * 1001)
        with pytest.raises(CallFailed, match="FrameTooLong"):  # the response is longer than the request
            await remote.echo("x" * 800, 2)


async def test_a_side_that_announces_an_endless_frame_is_hung_up_on(ends):
    asking, other = ends
    connection = Connection(NOTHING, Nothing())
    await connection.connect(asking)

    other.sendall(struct.pack("!I", FRAME.value + 1))

    await connection.serve()
    assert connection.is_closed


async def test_who_calls_gets_the_response_to_its_own_request(ends):
    asking, other = ends
    other.settimeout(None)
    server = BatchServer(other, DELIVERIES)

    def answer_backwards():
        while requests := server.requests():
            server.respond([(number, given) for number, given in reversed(requests)])

    answering = threading.Thread(target=answer_backwards)
    answering.start()

    connection = Connection(NOTHING, Nothing())
    await connection.connect(asking)
    remote = DELIVERIES.remote(connection, within=SOON)
    both = await asyncio.gather(remote.receive("one", b"1"), remote.receive("two", b"2"))
    assert both == [("one", b"1"), ("two", b"2")]

    connection.close()
    await connection.serve()
    answering.join(SOON)
    assert not answering.is_alive()
