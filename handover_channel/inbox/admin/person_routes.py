"""Answers at the addresses where admins export and delete the data of one person."""

from __future__ import annotations

import functools
import json
from typing import Any, Dict, Optional, Sequence

from handover_channel.control.person_data import Forgotten
from handover_channel.errors import HandoverError, InputRefused, NotUsable, Refused
from handover_channel.inbox import answer
from handover_channel.inbox.admin.forms import frame
from handover_channel.inbox.answer import HEADERS, Answer
from handover_channel.inbox.concurrency import call_in
from handover_channel.inbox.page_services import PageServices
from handover_channel.inbox.request import Request
from handover_channel.inbox.route import Route, Who


async def show_person_data(
    services: PageServices,
    request: Request,
    error: Optional[HandoverError] = None,
    forgotten: Optional[Forgotten] = None,
) -> Answer:
    """Show how much is kept about a person, and ask before it is deleted."""
    held = await services.call(services.admin.person_data.held, request.thread)
    name = await services.call(services.admin.name_of, request.thread)
    shown: Dict[str, Any] = {"thread": request.thread, "name": name, "held": held, "forgotten": forgotten}
    return await frame(services, request, "person_data.html", "people", error, **shown)


async def export_person(services: PageServices, request: Request) -> Answer:
    """Hand out all that is kept about a person, as a file."""
    export = functools.partial(services.admin.person_data.export, request.thread, by=request.you.name)
    found = await call_in(services.pools.meta, export)
    named = {**HEADERS, "Content-Disposition": 'attachment; filename="person.json"'}
    return answer.content(json.dumps(found, indent=2).encode(), "application/json", named)


async def forget_person(services: PageServices, request: Request) -> Answer:
    """Delete all that is kept about a person, once it was said that this is meant."""
    try:
        if not request.field("sure"):
            raise NotUsable("nothing is deleted yet -> tick that you know it cannot be undone")
        forget = functools.partial(services.admin.person_data.forget, request.thread, by=request.you.name)
        done = await call_in(services.pools.meta, forget)
    except (Refused, InputRefused) as error:
        return await show_person_data(services, request, error)
    return await show_person_data(services, request, forgotten=done)


ROUTES: Sequence[Route] = (
    Route("GET", "/admin/people/<thread>", show_person_data, Who.ADMIN),
    Route("POST", "/admin/people/<thread>/export", export_person, Who.ADMIN),
    Route("POST", "/admin/people/<thread>/forget", forget_person, Who.ADMIN),
)
