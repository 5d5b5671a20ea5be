"""The simulator's way to a callback over plain HTTP, and what it makes of all kinds of answers."""

from __future__ import annotations

import asyncio
import socket
import threading
from contextlib import contextmanager
from typing import Iterator, List, Sequence
from urllib.parse import urlsplit

import pytest

pytest.importorskip("aiohttp", reason="the simulator's server needs the extra 'simulator'")

from handover_channel.simulator.webhook_client import NoAnswer, WebhookClient  # noqa: E402

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"


class Server:
    """Answers the nth request of all with the nth answer, in the given pieces, and counts connections."""

    def __init__(self, answers: Sequence[Sequence[bytes]], hang_up: bool) -> None:
        self.answers, self.hang_up = list(answers), hang_up
        self.requests: List[bytes] = []
        self.connections = 0
        self._socket = socket.create_server(("127.0.0.1", 0))
        self.port = self._socket.getsockname()[1]

    def serve(self) -> None:
        while self.answers:
            connection, _ = self._socket.accept()
            self.connections += 1
            with connection:
                while self.answers and (request := connection.recv(65536)):
                    self.requests.append(request)
                    for piece in self.answers.pop(0):
                        connection.sendall(piece)
                    if self.hang_up:
                        break

    def close(self) -> None:
        self._socket.close()


@contextmanager
def answering(*answers: Sequence[bytes], hang_up: bool = False) -> Iterator[Server]:
    server = Server(answers, hang_up)
    thread = threading.Thread(target=server.serve, daemon=True)
    thread.start()
    try:
        yield server
    finally:
        thread.join(10)
        server.close()


async def post(server: Server, times: int = 1, path: str = "/webhook?a=1", within: float = 10) -> List[int]:
    client = WebhookClient(urlsplit(f"http://127.0.0.1:{server.port}{path}"))
    try:
        return [await client.post(b'{"n":1}', {"X-Test": "yes"}, within) for _ in range(times)]
    finally:
        client.close()


async def test_a_body_goes_out_in_one_request_and_the_connection_is_kept():
    with answering([OK], [OK]) as server:
        assert await post(server, times=2) == [200, 200]

    assert server.connections == 1
    head, body = server.requests[0].split(b"\r\n\r\n")
    assert body == b'{"n":1}'
    assert head.startswith(b"POST /webhook?a=1 HTTP/1.1\r\nHost: 127.0.0.1:")
    assert b"\r\nContent-Length: 7\r\nX-Test: yes" in head


OF_1_0 = OK.replace(b"1.1", b"1.0")


@pytest.mark.parametrize(
    ("answer", "connections"),
    [
        (OF_1_0, 2),
        (OF_1_0.replace(b"OK", b"OK\r\nConnection: Keep-Alive"), 1),
        (OK.replace(b"OK", b"OK\r\nConnection: close"), 2),
        (OK.replace(b"OK", b"OK\r\nConnection: keep-alive"), 1),
    ],
    ids=["1.0", "1.0 keep-alive", "1.1 close", "1.1 keep-alive"],
)
async def test_no_body_goes_out_on_a_connection_that_the_bot_is_about_to_end(answer, connections):
    with answering([answer], [OK]) as server:
        assert await post(server, times=2) == [200, 200]

    assert server.connections == connections


@pytest.mark.parametrize(
    ("answer", "status"),
    [
        ([b"HTTP/1.1 500 Oh\r\nContent-Le", b"ngth: 3\r\n\r", b"\nab", b"c"], 500),
        ([b"HTTP/1.1 204 No Content\r\n\r\n"], 204),
        ([b"HTTP/1.1 100 Continue\r\n\r\n" + OK], 200),
        ([b"HTTP/1.1 100 Continue\r\n\r\n", OK], 200),
    ],
)
async def test_an_answer_is_read_whole_however_it_comes(answer, status):
    with answering(answer, [OK]) as server:
        assert await post(server, times=2) == [status, 200]

    assert server.connections == 1


@pytest.mark.parametrize(
    "answer",
    [
        [b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n"],
        [b"HTTP/1.1 200 OK\r\n\r\nuntil I hang up"],
        [b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\nok"],
    ],
)
async def test_an_answer_whose_end_is_not_known_ends_the_connection_and_its_status_counts(answer):
    with answering(answer, [OK], hang_up=True) as server:
        assert await post(server, times=2) == [200, 200]

    assert server.connections == 2


@pytest.mark.parametrize(
    "answer", [[b""], [b"SSH-2.0-hello\r\n\r\n"], [b"HTTP/1.1 what\r\n\r\n"], [b"x" * 70000]]
)
async def test_what_is_no_answer_is_an_error(answer):
    with answering(answer, hang_up=True) as server, pytest.raises(NoAnswer):
        await post(server)


async def test_an_answer_that_does_not_come_in_time_is_not_waited_for():
    with answering([], [OK]) as server:
        with pytest.raises(asyncio.TimeoutError):
            await post(server, within=0.2)
        assert await post(server) == [200]


async def test_nobody_there_is_an_error():
    with answering() as server:
        server.close()
        with pytest.raises(ConnectionRefusedError):
            await post(server)
