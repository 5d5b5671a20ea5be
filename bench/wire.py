"""A lean HTTP client: keep-alive connections, requests made beforehand, nothing but the status read.

The load must cost the machine little, since what is measured runs beside it.
"""

from __future__ import annotations

import asyncio
import time
from typing import Any, Coroutine, List, Optional, Sequence, TypeVar

from bench.samples import Load

_T = TypeVar("_T")

#: Meta's patience with a webhook, in seconds.
#: https://developers.facebook.com/documentation/business-messaging/messenger-platform/webhooks
PATIENCE = 5.0


class Connection(asyncio.Protocol):
    """One connection, one request at a time."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._transport: Optional[asyncio.Transport] = None
        self._buffer = b""
        self._answer: Optional[asyncio.Future[int]] = None

    async def ask(self, request: bytes) -> int:
        """Send *request* and return the status; 0 where no answer came."""
        loop = asyncio.get_running_loop()
        if self._transport is None or self._transport.is_closing():
            try:
                await loop.create_connection(lambda: self, "127.0.0.1", self._port)
            except OSError:
                return 0
        assert self._transport is not None  # noqa: S101 (for mypy: connection_made has set it)
        self._buffer, self._answer = b"", loop.create_future()
        self._transport.write(request)
        return await self._answer

    def close(self) -> None:
        """Hang up."""
        if self._transport is not None:
            self._transport.close()

    def connection_made(self, transport: Any) -> None:
        """Keep the transport."""
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        """Read the status once the whole answer is there."""
        self._buffer += data
        end = self._buffer.find(b"\r\n\r\n")
        if end < 0 or self._answer is None or self._answer.done():
            return
        head = self._buffer[:end].lower()
        found = head.find(b"content-length:")
        length = int(head[found + 15 :].split(b"\r\n", 1)[0]) if found >= 0 else 0
        if len(self._buffer) >= end + 4 + length:
            self._answer.set_result(int(head[9:12]))

    def connection_lost(self, error: Optional[Exception]) -> None:
        """Give up waiting."""
        self._transport = None
        if self._answer is not None and not self._answer.done():
            self._answer.set_result(0)


def run(work: Coroutine[Any, Any, _T], within: float) -> _T:
    """Run *work* on an event loop of its own; raises TimeoutError after *within* seconds."""

    async def bounded() -> _T:
        try:
            return await asyncio.wait_for(work, within)
        except asyncio.TimeoutError:
            raise TimeoutError(f"not done within {within:g} s") from None

    return asyncio.run(bounded())


async def one_after_another(port: int, senders: Sequence[Sequence[bytes]]) -> Load:
    """Let each sender, on a connection of its own, send its requests one after another, as fast as it can."""
    load = Load()

    async def send(requests: Sequence[bytes]) -> None:
        connection = Connection(port)
        for request in requests:
            begun = time.perf_counter()
            load.add(await connection.ask(request), time.perf_counter() - begun)
        connection.close()

    begun = time.perf_counter()
    await asyncio.gather(*(send(requests) for requests in senders))
    load.wall = time.perf_counter() - begun
    return load


async def paced(port: int, senders: Sequence[Sequence[bytes]], every: float) -> Load:
    """Let each sender send a request every so many seconds, the senders spread evenly over that time.

    The time counts from when a request was due: one that had to wait for the answer before it is slow too,
    and whatever keeps the client itself waiting counts as well.
    """
    load = Load()
    begun = time.perf_counter()

    async def send(number: int, requests: Sequence[bytes]) -> None:
        connection = Connection(port)
        for turn, request in enumerate(requests):
            due = begun + every * (turn + number / len(senders))
            await asyncio.sleep(max(0.0, due - time.perf_counter()))
            load.add(await connection.ask(request), time.perf_counter() - due)
        connection.close()

    await asyncio.gather(*(send(number, requests) for number, requests in enumerate(senders)))
    load.wall = time.perf_counter() - begun
    return load


async def until_accepted(ports: List[int], request: bytes, *, pause: float = 0.2) -> int:
    """Deliver as Meta does: again and again, until one of *ports* (in turn) answers 200.

    Returns the number of attempts.
    """
    attempt = 0
    while True:
        connection = Connection(ports[attempt % len(ports)])
        attempt += 1
        try:
            if await asyncio.wait_for(connection.ask(request), PATIENCE) == 200:
                return attempt
        except asyncio.TimeoutError:
            pass
        finally:
            connection.close()
        await asyncio.sleep(pause)
