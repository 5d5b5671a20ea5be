"""Answers every webhook with 200, and counts: `python -m bench.sink PORT`. GET gives the count.

It costs the machine as little as a server in Python can, since what is measured runs beside it.
"""

from __future__ import annotations

import asyncio
import sys
from typing import Any, Optional

import uvloop

_count = 0


class _Connection(asyncio.Protocol):
    """One keep-alive connection of somebody who waits for each answer."""

    def __init__(self) -> None:
        self._buffer = b""
        self._transport: Optional[Any] = None

    def connection_made(self, transport: Any) -> None:
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        while (end := self._buffer.find(b"\r\n\r\n")) >= 0:
            head = self._buffer[:end].lower()
            found = head.find(b"content-length:")
            length = int(head[found + 15 :].split(b"\r\n", 1)[0]) if found >= 0 else 0
            if len(self._buffer) < end + 4 + length:
                return
            self._buffer = self._buffer[end + 4 + length :]
            self._answer(head)

    def _answer(self, head: bytes) -> None:
        global _count
        if head.startswith(b"post"):
            _count += 1
        body = _challenge(head) if b"hub.challenge=" in head else str(_count).encode()
        if self._transport is not None:
            self._transport.write(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s" % (len(body), body))


def _challenge(head: bytes) -> bytes:
    return head.split(b"hub.challenge=", 1)[1].split(b" ", 1)[0].split(b"&", 1)[0]


async def _serve(port: int) -> None:
    server = await asyncio.get_running_loop().create_server(_Connection, "127.0.0.1", port)
    await server.serve_forever()


if __name__ == "__main__":
    uvloop.install()
    asyncio.run(_serve(int(sys.argv[1])))
