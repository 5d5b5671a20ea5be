"""Answers at the addresses by which agents come in and go, and set what they prefer."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any, Dict, Sequence

from handover_channel.errors import EntranceRefused, NotUsable, TooManyAttempts
from handover_channel.inbox import answer
from handover_channel.inbox.answer import Answer
from handover_channel.inbox.concurrency import call_in
from handover_channel.inbox.page_services import PageServices
from handover_channel.inbox.refusals import status_of
from handover_channel.inbox.request import BASE, Request
from handover_channel.inbox.route import Route, Who
from handover_channel.rules import limits
from handover_channel.store.list_orders import ORDERS


async def show_sign_in(services: PageServices, request: Request) -> Answer:
    """Ask for name and password; who is signed in goes to the first page. Raises NotLetIn."""
    if await services.visitor(request) is not None:
        return answer.redirect(f"{BASE}/")
    shown: Dict[str, Any] = {name: request.argument(name) for name in ("name", "next", "said")}
    return await _draw_sign_in(services, request, error="", **shown)


async def _draw_sign_in(services: PageServices, request: Request, status: int = 200, **shown: Any) -> Answer:
    no_password = await services.call(services.auth.lacks_passwords)
    return await services.draw("sign_in.html", request, status, no_password=no_password, **shown)


async def sign_in(services: PageServices, request: Request) -> Answer:
    """Give the browser the cookie of a new sign-in, or ask once more."""
    name, wanted = request.field("name"), request.field("next")
    try:
        cookie, _ = await call_in(
            services.pools.sign_ins,
            services.auth.sign_in,
            name,
            request.field("password"),
            address=request.address,
            cookie=request.cookie,
        )
    except EntranceRefused as error:
        shown = {"error": error.text, "name": name, "next": wanted}
        again = await _draw_sign_in(services, request, status_of(error), **shown)
        if not isinstance(error, TooManyAttempts):
            return again
        return replace(again, headers={**again.headers, "Retry-After": str(math.ceil(error.wait))})
    return answer.redirect(own_path(wanted, request.prefix), cookie=cookie)


async def enter(services: PageServices, request: Request) -> Answer:
    """Let somebody in by a printed link, and on to `next`. Raises NotLetIn.

    Who is in already stays in the same sign-in: their other windows go on, and a link may be opened again.
    """
    wanted = own_path(request.argument("next"), request.prefix)
    if await services.call(services.auth.who, request.cookie) is not None:
        return answer.redirect(wanted)
    cookie, _ = await services.call(
        services.auth.enter,
        request.argument("key"),
        address=request.address,
        host=request.host,
        headers=list(request.headers),
    )
    return answer.redirect(wanted, cookie=cookie)


async def sign_out(services: PageServices, request: Request) -> Answer:
    """End the visitor's sign-in."""
    await services.call(services.auth.sign_out, request.cookie)
    return answer.redirect(f"{BASE}/sign-in")


async def show_preferences(services: PageServices, request: Request) -> Answer:
    """Show what the visitor prefers."""
    return await services.draw("preferences.html", request, saved=False)


async def set_preferences(services: PageServices, request: Request) -> Answer:
    """Store what the visitor prefers, and show it as it is then."""
    after = await services.call(
        services.auth.prefer,
        request.cookie,
        language=request.field("language") or None,
        sound=bool(request.field("sound")),
        notifications=bool(request.field("notifications")),
        hours=request.field("hours"),
        compact=bool(request.field("compact")),
    )
    shown = replace(request, visitor=after or request.visitor)
    return await services.draw("preferences.html", shown, saved=True)


async def sort_list(services: PageServices, request: Request) -> Answer:
    """Keep in which order the visitor reads a list. Raises NotUsable for one in which it cannot be read."""
    name, order = request.field("list"), request.field("order")
    if order not in ORDERS.get(name, ()):
        raise NotUsable("this list cannot be sorted so -> load the page anew")
    await services.call(services.auth.prefer, request.cookie, orders={name: order})
    return answer.changed(request) if request.is_of_the_script else answer.redirect(f"{BASE}/?list={name}")


def own_path(path: str, prefix: str = "") -> str:
    """Return *path* where it is a page of ours, else the first page: never an address of elsewhere.

    It is the path as we see it, without the *prefix* that a proxy takes off and a browser knows.
    """
    path = path[len(prefix) :] if prefix and path.startswith(f"{prefix}/") else path
    ours = path.startswith(f"{BASE}/") and "\\" not in path and not path.startswith(f"{BASE}//")
    return path if ours else f"{BASE}/"


ROUTES: Sequence[Route] = (
    Route("GET", "/sign-in", show_sign_in, Who.ANYBODY),
    Route("POST", "/sign-in", sign_in, Who.ANYBODY, limits.SIGN_IN),
    Route("GET", "/enter", enter, Who.ANYBODY),
    Route("POST", "/sign-out", sign_out),
    Route("GET", "/preferences", show_preferences),
    Route("POST", "/preferences", set_preferences),
    Route("POST", "/order", sort_list),
)
