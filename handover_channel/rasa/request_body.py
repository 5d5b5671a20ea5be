"""Reads a request's body within its limits (rules/limits.py): from the head alone where that says enough.

1. For routes with `stream=True`: Sanic hands them a request before its body is read.
   https://sanic.dev/en/guide/advanced/streaming.html
2. What is refused is answered before it is read; then the connection ends. What is not too much is read off
   and thrown away first, or no browser would show the answer.
3. A body without Content-Length (`Transfer-Encoding: chunked`) is counted while it comes.
4. Large bodies wait for nobody: where `Places` are taken they are refused, small ones never.
"""

from __future__ import annotations

import asyncio
import re
from contextlib import contextmanager
from typing import Any, Dict, Iterator

from handover_channel.errors import InputRefused
from handover_channel.rules.limits import CHUNKS, KB, LARGE, MB, SMALL, THROWN_AWAY, Body
from handover_channel.sentences import Sentence

NO_LENGTH = Sentence("Content-Length is no number of bytes -> send what it is")
TWO_LENGTHS = Sentence("Content-Length and Transfer-Encoding contradict each other -> send one")
REQUEST_TOO_SLOW = Sentence("the request took too long to come -> send it again")
TOO_MUCH = Sentence("too much is being sent at this moment -> send it again in a moment")

_CONTENT_LENGTH = re.compile(r"[0-9]{1,18}", re.ASCII)


class Places:
    """Counts who is at something, by a name; not more than *most* of each at a time. For one event loop."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._taken: Dict[str, int] = {}

    def take(self, name: str) -> bool:
        """Take a place; False where all are taken."""
        taken = self._taken.get(name, 0)
        if taken >= self._most:
            return False
        self._taken[name] = taken + 1
        return True

    def leave(self, name: str) -> None:
        """Leave it to the next."""
        left = self._taken.pop(name) - 1
        if left:
            self._taken[name] = left


class Reading:
    """One body, on its way in. The place that a large one takes is its own until `end`."""

    def __init__(self, request: Any, limits: Body, places: Places, whose: str = "") -> None:
        self._request = request
        self._stream = request.stream
        self._limits = limits
        self._places = places
        self._whose = whose
        self._has_place = False
        self._announced = -1  # bytes, as the head says; 0 where it does not, -1 before it was checked

    def check_head(self) -> None:
        """Raise InputRefused where the request's head says that its body may not be read."""
        headers = self._request.headers
        length, coding = headers.get("content-length"), headers.get("transfer-encoding")
        if length is not None and not _CONTENT_LENGTH.fullmatch(length.strip()):
            # Sanic takes a negative one for endless.
            raise self.refused(400, NO_LENGTH, read_off=-1)
        if length is not None and coding is not None:
            raise self.refused(400, TWO_LENGTHS)
        self._announced = int(length or 0)
        if self._announced > self._limits.size.value:
            raise self._too_large()

    async def read(self) -> bytes:
        """Return the body. Raises InputRefused: 400, 408, 413, or 503 where large ones are being read."""
        if self._announced < 0:
            self.check_head()
        if not self._stream.request_body:
            return b""
        # Sanic's own limit, for what is announced: it counts a chunk before it reads it.
        self._stream.request_max_size = self._limits.size.value
        is_here = 0 < self._announced <= len(self._stream.recv_buffer)
        if is_here and not self._stream.expecting_continue:  # to say "continue" may take its time
            return await self._read_at_once()
        taken, chunks = bytearray(), 0
        counted = "content-length" not in self._request.headers
        try:
            with _within(self._limits.time.value):
                self._take_place(self._announced)
                async for part in self._stream:
                    taken += part
                    chunks += counted and len(part) < SMALL.value
                    if len(taken) > self._limits.size.value or chunks > CHUNKS.value:
                        raise self._too_large()
                    self._take_place(len(taken))
        except asyncio.TimeoutError:
            raise self.refused(408, REQUEST_TOO_SLOW) from None
        except InputRefused:
            raise
        except Exception as error:
            # Sanic's PayloadTooLarge and InvalidUsage: for a chunk that is announced too large, or is none.
            status = getattr(error, "status_code", 500)
            if status == 413:
                raise self._too_large() from None
            self.forgo()
            raise
        return bytes(taken)

    async def _read_at_once(self) -> bytes:
        """Return a body that has come along with its head, as a small one does: there is no wait."""
        self._take_place(self._announced)
        body = await self._stream.read()
        await self._stream.read()  # Sanic wants the end read, too
        return bytes(body)

    def refused(self, status: int, text: str, read_off: int = THROWN_AWAY.value) -> InputRefused:
        """Return what to raise. *read_off*: bytes of the rest that are thrown away."""
        self.forgo(read_off)
        return InputRefused(text, status=status)

    def forgo(self, read_off: int = THROWN_AWAY.value) -> None:
        """Want no more of the body: the connection ends after the answer."""
        self._stream.keep_alive = False
        self._stream.expecting_continue = False
        self._stream.request_max_size = read_off if read_off >= 0 else float("-inf")

    def end(self) -> None:
        """Leave the place that a large body took."""
        if self._has_place:
            self._has_place = False
            self._places.leave(self._whose)

    def _take_place(self, size: int) -> None:
        if size <= LARGE.value or self._has_place:
            return
        if not self._places.take(self._whose):
            raise self.refused(503, TOO_MUCH)
        self._has_place = True

    def _too_large(self) -> InputRefused:
        most = self._limits.size.value
        shown = (
            Sentence("%(size)s MB", size=most // MB)
            if most >= MB
            else Sentence("%(size)s kB", size=most // KB)
        )
        return self.refused(
            413, Sentence("this is larger than %(most)s, the most that is taken -> send less", most=shown)
        )


@contextmanager
def _within(seconds: float) -> Iterator[None]:
    """Raise asyncio.TimeoutError where it takes longer (asyncio.timeout came with Python 3.11)."""
    task, late = asyncio.current_task(), False

    def end() -> None:
        nonlocal late
        late = True
        if task is not None:
            task.cancel()

    timer = asyncio.get_running_loop().call_later(seconds, end)
    try:
        yield
    except asyncio.CancelledError:
        if late:
            getattr(task, "uncancel", bool)()  # from Python 3.11 on it counts
            raise asyncio.TimeoutError from None
        raise
    finally:
        timer.cancel()
