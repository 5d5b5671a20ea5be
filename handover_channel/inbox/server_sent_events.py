"""Tells an open page that something is new, and notes that it is open, by a stream of server-sent events."""

from __future__ import annotations

import asyncio
import functools
import logging
from typing import AsyncGenerator

from handover_channel.errors import StoreUnavailable
from handover_channel.inbox.answer import HEADERS, Answer
from handover_channel.inbox.page_services import PageServices
from handover_channel.inbox.request import Request

logger = logging.getLogger(__name__)

#: Seconds between two signs of life of an open page.
BEAT = 15.0
#: Seconds between two looks at a list for what it hardly shows: a busy bot had every page ask all the time.
SELDOM = 5.0


def stream(services: PageServices, request: Request, *, page: str, thread: str) -> Answer:
    """Return the events for one open *page*, which shows *thread* ("" for none)."""
    headers = {**HEADERS, "X-Accel-Buffering": "no"}
    events = _events(services, request, page, thread)
    return Answer(headers=headers, type="text/event-stream", events=events)


async def _events(
    services: PageServices, request: Request, page: str, thread: str
) -> AsyncGenerator[str, None]:
    """Give server-sent events until the page, the sign-in or the server ends."""
    clock = asyncio.get_running_loop().time
    listener = services.updates.open()
    here = functools.partial(services.commands.note_page_open, page, agent=request.you.name, thread=thread)
    try:
        yield "retry: 2000\n\n"
        await services.call(here, arrived=True)
        beat, seldom, owed = clock() + BEAT, 0.0, False
        while not listener.is_over:
            until = min(beat, seldom) if owed else beat
            changed = await listener.changed(max(until - clock(), 0.0))
            owed = owed or bool(changed.threads)
            if clock() >= beat:  # also where there is always something new
                beat = clock() + BEAT
                if await services.call(services.auth.who, request.cookie, renew=False) is None:
                    yield "event: signed-out\ndata:\n\n"
                    return
                yield ":\n\n"
                await services.call(here)
            if changed.lists or (owed and clock() >= seldom):
                seldom, owed = clock() + SELDOM, False
                yield "event: list\ndata:\n\n"
            if thread in changed.threads:
                yield "event: thread\ndata:\n\n"
    except StoreUnavailable as error:
        logger.debug("the stream of a page ends, it asks for another one: %s", error)
    finally:
        services.updates.close(listener)
        services.soon(services.commands.note_page_closed, page, thread)
