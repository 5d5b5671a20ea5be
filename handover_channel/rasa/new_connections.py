"""Lets everybody in who knocks, before what those who are in already send is passed on.

Sanic's event loop accepts one connection each time round (libuv: https://github.com/libuv/libuv/pull/3696).
In a burst a time round is long, as it passes on what has come; who knocked last waited behind the fourth
message of others. A time round with nothing else in it is short.
"""

from __future__ import annotations

import asyncio
from typing import Any, Optional, Sized

#: Seconds for which a delivery waits for others at most: a hundred connections, which is Sanic's backlog, are
#: in after ten to twenty milliseconds, and who opens more of them without end does not hold Meta up.
LET_IN = 0.02


class NewConnections:
    """What was seen of the *connections* of a server. For one event loop."""

    def __init__(self) -> None:
        self._seen = 0
        self._looking: Optional[asyncio.Task[None]] = None

    async def let_in(self, connections: Sized) -> None:
        """Wait until the loop has gone round without a new connection; return at once if none is new."""
        if self._looking is None:
            if len(connections) <= self._seen:
                self._seen = len(connections)
                return
            self._looking = asyncio.ensure_future(self._look(connections))
        await asyncio.shield(self._looking)  # one looks for all: who hangs up does not end it

    async def _look(self, connections: Sized) -> None:
        now = asyncio.get_running_loop().time
        until = now() + LET_IN
        while len(connections) > self._seen and now() < until:
            self._seen = len(connections)
            await asyncio.sleep(0)
        self._seen, self._looking = len(connections), None


def connections_of(request: Any) -> Sized:
    """Return the connections of the server that *request* came to, each from its first moment."""
    return getattr(request.protocol, "connections", ())
