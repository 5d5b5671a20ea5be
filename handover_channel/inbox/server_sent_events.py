"""The stream by which an open page hears that something is new, and we hear that it is open."""

from __future__ import annotations

import asyncio
import functools
import logging

from sanic.request import Request

from handover_channel.errors import StoreUnavailable
from handover_channel.inbox import http
from handover_channel.inbox.auth import Visitor
from handover_channel.inbox.http import HEADERS
from handover_channel.inbox.page_services import PageServices

logger = logging.getLogger(__name__)

#: Seconds between two signs of life of an open page.
BEAT = 15.0
#: Seconds between two looks at a list for what it hardly shows: a busy bot had every page ask all the time.
SELDOM = 5.0


async def tell(room: PageServices, request: Request, visitor: Visitor) -> None:
    """Stream server-sent events until the page, the sign-in or the server ends."""
    front, acts = room.front, room.acts
    page, thread = http.argument(request, "page"), http.argument(request, "thread")
    clock = asyncio.get_running_loop().time
    headers = {**HEADERS, "X-Accel-Buffering": "no"}
    answer = await request.respond(content_type="text/event-stream", headers=headers)
    listener = room.live.open()
    try:
        await answer.send("retry: 2000\n\n")
        here = functools.partial(acts.is_here, page, agent=visitor.name, thread=thread)
        await front.call(here, arrived=True)
        beat, seldom, owed = clock() + BEAT, 0.0, False
        while not listener.is_over:
            until = min(beat, seldom) if owed else beat
            changed = await listener.changed(max(until - clock(), 0.0))
            owed = owed or bool(changed.threads)
            if clock() >= beat:  # also where there is always something new
                beat = clock() + BEAT
                if await front.call(front.entrance.who, http.cookie_of(request), renew=False) is None:
                    await answer.send("event: signed-out\ndata:\n\n")
                    return
                await answer.send(":\n\n")
                await front.call(here)
            if changed.lists or (owed and clock() >= seldom):
                seldom, owed = clock() + SELDOM, False
                await answer.send("event: list\ndata:\n\n")
            if thread in changed.threads:
                await answer.send("event: thread\ndata:\n\n")
    except StoreUnavailable as error:
        logger.debug("the stream of a page ends, it asks for another one: %s", error)
    finally:
        room.live.close(listener)
        front.soon(acts.is_gone, page, thread)
