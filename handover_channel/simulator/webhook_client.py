"""Posts webhooks over plain HTTP with one write and one connection: what a test's bot on this machine needs.

Where an answer is not simply a head and as many bytes as it says, its status counts and the connection is
given up: nothing is guessed. Nothing is sent twice either: that is for who counts the attempts
(webhook_sender.py, which also sends over TLS, by aiohttp).
"""

from __future__ import annotations

import asyncio
from typing import Any, Mapping, Optional, Tuple
from urllib.parse import SplitResult

#: Bytes of an answer's head; a longer one is no answer.
LONGEST_HEAD = 64 * 1024


class NoAnswer(ConnectionError):
    """The other side has hung up, or said something that is no HTTP."""


class WebhookClient(asyncio.Protocol):
    """One keep-alive connection to a callback, one request at a time."""

    def __init__(self, url: SplitResult) -> None:
        self._host, self._port = url.hostname or "", url.port or 80
        target = (url.path or "/") + (f"?{url.query}" if url.query else "")
        self._first_lines = f"POST {target} HTTP/1.1\r\nHost: {url.netloc.rpartition('@')[2]}"
        self._transport: Optional[Any] = None
        self._buffer = b""
        self._answer: Optional[asyncio.Future[int]] = None

    async def post(self, body: bytes, headers: Mapping[str, str], within: float) -> int:
        """Send *body*, and return the status.

        Raises OSError, `NoAnswer` where none came, asyncio.TimeoutError where none came *within* seconds.
        """
        loop = asyncio.get_running_loop()
        if self._transport is None or self._transport.is_closing():
            await asyncio.wait_for(loop.create_connection(lambda: self, self._host, self._port), within)
        lines = [self._first_lines, f"Content-Length: {len(body)}"]
        lines += [f"{name}: {value}" for name, value in headers.items()]
        self._buffer, self._answer = b"", loop.create_future()
        timer = loop.call_later(within, self._too_late)  # cheaper than a task of wait_for's
        assert self._transport is not None  # noqa: S101 (for mypy: connection_made has set it)
        self._transport.write("\r\n".join(lines).encode("latin-1") + b"\r\n\r\n" + body)
        try:
            return await self._answer
        finally:
            timer.cancel()
            if not self._answer.done() or self._answer.cancelled():
                self.close()  # nobody waits for what comes now

    def close(self) -> None:
        """Hang up."""
        if self._transport is not None:
            self._transport.abort()
            self._transport = None

    # --- asyncio's side ---------------------------------------------------------------------------

    def connection_made(self, transport: Any) -> None:
        """Keep the transport."""
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        """Read the status, once the whole answer is there or cannot be followed."""
        if self._answer is None or self._answer.done():
            self.close()  # nobody has asked
            return
        self._buffer += data
        end = self._buffer.find(b"\r\n\r\n")
        if end < 0:
            if len(self._buffer) > LONGEST_HEAD:
                self._give_up("the head of its answer does not end")
            return
        status, length = _read(self._buffer[:end])
        if status is None:
            self._give_up("its answer is no HTTP")
        elif 100 <= status < 200:
            self._buffer = self._buffer[end + 4 :]
            self.data_received(b"")
        elif length is None:  # chunked, or until it hangs up
            self.close()
            self._answer.set_result(status)
        elif len(self._buffer) >= end + 4 + length:
            if not _is_kept(self._buffer[:end]):
                self.close()
            self._answer.set_result(status)

    def connection_lost(self, error: Optional[Exception]) -> None:
        """Stop waiting."""
        self._transport = None
        self._give_up(str(error) if error else "it hung up without an answer")

    def _too_late(self) -> None:
        if self._answer is not None and not self._answer.done():
            self._answer.set_exception(asyncio.TimeoutError())
        self.close()

    def _give_up(self, why: str) -> None:
        if self._answer is not None and not self._answer.done():
            self._answer.set_exception(NoAnswer(why))
        self.close()


def _is_kept(head: bytes) -> bool:
    """Whether the connection outlives the answer: that of HTTP/1.0 only where it says so (RFC 9112, 9.3)."""
    said = head.lower()
    if said.startswith(b"http/1.0"):
        return b"\nconnection: keep-alive" in said
    return b"\nconnection: close" not in said


def _read(head: bytes) -> Tuple[Optional[int], Optional[int]]:
    """Return the status, None where that is no answer, and the body's length, None where it is not said."""
    first, *lines = head.split(b"\r\n")
    parts = first.split(None, 2)
    if len(parts) < 2 or not parts[0].startswith(b"HTTP/1.") or not parts[1].isdigit():
        return None, None
    status = int(parts[1])
    fields = {
        name.strip().lower(): value.strip() for name, _, value in (line.partition(b":") for line in lines)
    }
    if status in (204, 304):
        return status, 0
    length = fields.get(b"content-length", b"")
    return status, int(length) if length.isdigit() and b"transfer-encoding" not in fields else None
