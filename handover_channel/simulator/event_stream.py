"""Tells open pages that something has changed, as server-sent events. Lives in one event loop."""

from __future__ import annotations

import asyncio
import contextlib
from typing import Set

from aiohttp import web

from handover_channel.simulator.journal import Journal

HEARTBEAT = 15.0  #: seconds between two events to the page when nothing changes


class EventStream:
    """The stream of changes that *journal* tells of: ``change``, with its revision."""

    def __init__(self, journal: Journal) -> None:
        self._journal = journal
        self._streams: Set[asyncio.Event] = set()
        self._closed = False

    async def handle(self, request: web.Request) -> web.StreamResponse:
        """Answer with the stream, until either side ends it."""
        headers = {"Content-Type": "text/event-stream", "Cache-Control": "no-cache"}
        stream = web.StreamResponse(headers=headers)
        await stream.prepare(request)
        changed, loop = asyncio.Event(), asyncio.get_running_loop()
        changed.set()
        unlisten = self._journal.listen(lambda: loop.call_soon_threadsafe(changed.set))
        self._streams.add(changed)
        try:
            with contextlib.suppress(ConnectionError):
                await self._tell(stream, changed)
        finally:
            unlisten()
            self._streams.discard(changed)
        return stream

    async def _tell(self, stream: web.StreamResponse, changed: asyncio.Event) -> None:
        sent = -1
        while not self._closed:
            try:
                await asyncio.wait_for(changed.wait(), HEARTBEAT)
            except asyncio.TimeoutError:
                sent = -1  # a heartbeat
            changed.clear()
            if sent != self._journal.revision:
                sent = self._journal.revision
                await stream.write(f"event: change\ndata: {sent}\n\n".encode())

    @property
    def is_looked_at(self) -> bool:
        """Whether a page is open."""
        return bool(self._streams)

    def close(self) -> None:
        """End the streams, so that the server can stop."""
        self._closed = True
        for changed in self._streams:
            changed.set()
