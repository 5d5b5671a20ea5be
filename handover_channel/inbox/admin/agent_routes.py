"""Answers at the addresses where admins look after agents, and where agents set a password by a link.

The key of a link stands behind its `#`, which no browser sends: so it is in no log of a server or proxy. A
script of the page posts it (static/password.js).
"""

from __future__ import annotations

from typing import Callable, Optional, Sequence
from urllib.parse import urlencode

from handover_channel.errors import HandoverError, InputRefused, Refused
from handover_channel.inbox import answer
from handover_channel.inbox.admin.agent_accounts import NewLink
from handover_channel.inbox.admin.forms import attempt, frame
from handover_channel.inbox.answer import Answer
from handover_channel.inbox.concurrency import call_in
from handover_channel.inbox.page_services import PageServices
from handover_channel.inbox.refusals import status_of
from handover_channel.inbox.request import BASE, Request
from handover_channel.inbox.route import Route, Who
from handover_channel.rules import limits


async def show_agents(
    services: PageServices,
    request: Request,
    error: Optional[HandoverError] = None,
    link: Optional[NewLink] = None,
) -> Answer:
    """Show who answers here, and a link that was just made."""
    found = await services.call(services.admin.agents.every)
    shown = {"agents": found, "link": link, "address": _address(request, link) if link else ""}
    return await frame(services, request, "agents.html", "agents", error, **shown)


async def add_agent(services: PageServices, request: Request) -> Answer:
    """Add an agent, and show the link by which they set a password."""

    def add() -> NewLink:
        given = (request.field(name) for name in ("name", "shown_name", "role"))
        return services.admin.agents.add(*given, by=request.you.name)

    return await _with_link(services, request, add)


async def make_link(services: PageServices, request: Request) -> Answer:
    """Show a link by which an agent sets another password."""

    def make() -> NewLink:
        return services.admin.agents.new_link(request.field("agent"), by=request.you.name)

    return await _with_link(services, request, make)


async def _with_link(services: PageServices, request: Request, make: Callable[[], NewLink]) -> Answer:
    # No redirect: the answer is the only place where the link is ever shown.
    try:
        link = await services.call(make)
    except (Refused, InputRefused) as error:
        return await show_agents(services, request, error)
    return await show_agents(services, request, link=link)


async def change_role(services: PageServices, request: Request) -> Answer:
    """Make an agent an admin, or the other way round."""

    def change() -> None:
        services.admin.agents.set_role(request.field("agent"), request.field("role"), by=request.you.name)

    return await attempt(services, request, change, show_agents, then="/admin/agents?said=role")


async def remove_agent(services: PageServices, request: Request) -> Answer:
    """Remove an agent."""

    def remove() -> None:
        services.admin.agents.remove(request.field("agent"), by=request.you.name)

    return await attempt(services, request, remove, show_agents, then="/admin/agents?said=removed")


async def sign_agent_out(services: PageServices, request: Request) -> Answer:
    """End all sign-ins of an agent."""

    def sign_out() -> None:
        services.admin.agents.sign_out(request.field("agent"), by=request.you.name)

    return await attempt(services, request, sign_out, show_agents, then="/admin/agents?said=signed_out")


def _address(request: Request, link: NewLink) -> str:
    scheme = "https" if request.is_https else "http"
    return f"{scheme}://{request.host}{request.base}/password#{urlencode({'key': link.token})}"


# --- whoever has the link ---


async def show_password(services: PageServices, request: Request) -> Answer:
    """Ask for the key of the link, or by a link of before, which has it in its query, as `set_password`."""
    key = request.argument("key")
    if key:
        return await _ask_password(services, request, key)
    return await services.draw("password.html", request, key="", name="", error="")


async def _ask_password(services: PageServices, request: Request, key: str) -> Answer:
    holder = await services.call(services.admin.agents.holder, key)
    return await services.draw("password.html", request, key=key, name=holder.name, error="")


async def set_password(services: PageServices, request: Request) -> Answer:
    """Set the password, use the link up, and go on to the sign-in; without a password, ask for one.

    Raises NotKnown where the link is worth nothing. Asking does not use it up.
    """
    key = request.field("key")
    if "password" not in request.form.fields:
        return await _ask_password(services, request, key)
    holder = await services.call(services.admin.agents.holder, key)
    given = (key, request.field("password"), request.field("password_again"))
    try:
        name = await call_in(services.pools.sign_ins, services.admin.agents.set_password, *given)
    except (Refused, InputRefused) as error:
        return await services.draw(
            "password.html", request, status_of(error), key=key, name=holder.name, error=error.text
        )
    return answer.redirect(f"{BASE}/sign-in?{urlencode({'name': name, 'said': 'password'})}")


ROUTES: Sequence[Route] = (
    Route("GET", "/admin/agents", show_agents, Who.ADMIN),
    Route("POST", "/admin/agents/add", add_agent, Who.ADMIN, limits.NOTE),
    Route("POST", "/admin/agents/link", make_link, Who.ADMIN),
    Route("POST", "/admin/agents/role", change_role, Who.ADMIN),
    Route("POST", "/admin/agents/remove", remove_agent, Who.ADMIN),
    Route("POST", "/admin/agents/sign-out", sign_agent_out, Who.ADMIN),
    Route("GET", "/password", show_password, Who.ANYBODY),
    Route("POST", "/password", set_password, Who.ANYBODY, limits.SIGN_IN),
)
