"""Answers at the addresses of canned replies: everybody saves one, admins look after all of them."""

from __future__ import annotations

from typing import Any, Optional, Sequence
from urllib.parse import quote

from handover_channel.errors import HandoverError, InputRefused, Refused
from handover_channel.inbox import answer
from handover_channel.inbox.admin.forms import attempt, frame
from handover_channel.inbox.answer import Answer
from handover_channel.inbox.page_services import PageServices
from handover_channel.inbox.refusals import status_of
from handover_channel.inbox.request import BASE, Request
from handover_channel.inbox.route import Route, Who
from handover_channel.rules import limits


async def show_canned(
    services: PageServices, request: Request, error: Optional[HandoverError] = None
) -> Answer:
    """Show all canned replies."""
    found = await services.call(services.admin.canned.every)
    return await frame(services, request, "canned.html", "canned", error, replies=found)


async def add_canned(services: PageServices, request: Request) -> Answer:
    """Save a new one."""
    return await attempt(services, request, _adding(services, request), show_canned, then=_said("added"))


async def change_canned(services: PageServices, request: Request) -> Answer:
    """Change a name or a text."""

    def change() -> None:
        given = request.field("canned"), request.field("title"), request.written("text")
        services.admin.canned.change(*given, by=request.you.name)

    return await attempt(services, request, change, show_canned, then=_said("changed"))


async def remove_canned(services: PageServices, request: Request) -> Answer:
    """Delete one."""

    def remove() -> None:
        services.admin.canned.remove(request.field("canned"), by=request.you.name)

    return await attempt(services, request, remove, show_canned, then=_said("deleted"))


async def show_new_canned(
    services: PageServices, request: Request, error: Optional[HandoverError] = None
) -> Answer:
    """Ask an agent for the name of a new one; the page's script fills in what they have written."""
    thread = request.field("thread") if error else request.argument("thread")
    status = status_of(error) if error else 200
    shown: Any = {"error": error.text if error else "", "given": request.form.fields if error else {}}
    return await services.draw("new_canned.html", request, status, of=thread, **shown)


async def save_canned(services: PageServices, request: Request) -> Answer:
    """Save what an agent has written as a canned reply, and go back to the conversation."""
    try:
        await services.call(_adding(services, request))
        thread = request.field("thread")
    except (Refused, InputRefused) as error:
        return await show_new_canned(services, request, error)
    return answer.redirect(f"{BASE}/thread/{quote(thread, safe='')}" if thread else f"{BASE}/")


def _adding(services: PageServices, request: Request) -> Any:
    def add() -> None:
        services.admin.canned.add(request.field("title"), request.written("text"), by=request.you.name)

    return add


def _said(what: str) -> str:
    return f"/admin/canned?said=canned_{what}"


ROUTES: Sequence[Route] = (
    Route("GET", "/admin/canned", show_canned, Who.ADMIN),
    Route("POST", "/admin/canned/add", add_canned, Who.ADMIN, limits.NOTE),
    Route("POST", "/admin/canned/change", change_canned, Who.ADMIN, limits.NOTE),
    Route("POST", "/admin/canned/remove", remove_canned, Who.ADMIN),
    Route("GET", "/canned/new", show_new_canned),
    Route("POST", "/canned/new", save_canned, body=limits.NOTE),
)
