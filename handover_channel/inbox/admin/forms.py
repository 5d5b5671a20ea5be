"""Answers the forms of the pages for admins, which work without the page's script.

What was done sends the browser on, so that nothing is sent twice by a reload. What was refused is the page
again, with the reason above it and what was typed in its fields.
"""

from __future__ import annotations

from typing import Any, Awaitable, Callable, Mapping, Optional

from handover_channel.errors import HandoverError, InputRefused, Refused
from handover_channel.inbox import answer
from handover_channel.inbox.answer import Answer
from handover_channel.inbox.page_services import PageServices
from handover_channel.inbox.refusals import status_of
from handover_channel.inbox.request import BASE, Request

#: Draws a page of admins, 200, with what its template needs; *shown*: `error`, `given`, `said` (see `frame`).
Drawing = Callable[..., Awaitable[Answer]]


async def attempt(
    services: PageServices, request: Request, act: Callable[[], Any], draw: Drawing, *, then: str
) -> Answer:
    """Do *act* in a thread, and send the browser to *then*, below BASE; where it failed, *draw* the page."""
    try:
        await services.call(act)
    except (Refused, InputRefused) as error:
        return await draw(services, request, error=error)
    return answer.redirect(f"{BASE}{then}")


async def frame(
    services: PageServices,
    request: Request,
    template: str,
    page: str,
    error: Optional[HandoverError] = None,
    **shown: Any,
) -> Answer:
    """Return a page of admins: with what stopped *error*, or what was done, if anything."""
    given: Mapping[str, str] = request.form.fields if error else {}
    return await services.draw(
        template,
        request,
        status_of(error) if error else 200,
        page=page,
        error=error.text if error else "",
        said=request.argument("said"),
        given=given,
        **shown,
    )
