"""The addresses by which agents come in and go, and what they prefer."""

from __future__ import annotations

import math

from sanic import Blueprint
from sanic.request import Request
from sanic.response import HTTPResponse, redirect

from handover_channel.errors import EntranceRefused, TooManyAttempts
from handover_channel.inbox import http
from handover_channel.inbox.http import BASE, HEADERS, SignInFirst, field
from handover_channel.inbox.page_services import PageServices


def add(routes: Blueprint, room: PageServices) -> None:
    """Add them to the page's routes."""
    front, entrance = room.front, room.front.entrance

    @routes.get("/sign-in")
    async def ask(request: Request) -> HTTPResponse:
        try:
            await front.visitor(request)
        except SignInFirst:
            return await front.page(
                "sign_in.html", request, error="", name="", next=http.argument(request, "next")
            )
        return redirect(f"{BASE}/", headers=dict(HEADERS), status=303)

    @routes.post("/sign-in", stream=True)
    async def sign_in(request: Request) -> HTTPResponse:
        await front.signing_in(request)
        name, wanted = field(request, "name"), field(request, "next")
        try:
            value, _ = await http.call_in(
                room.pools.sign_ins,
                entrance.sign_in,
                name,
                field(request, "password"),
                address=http.address_of(request),
                cookie=http.cookie_of(request),
            )
        except EntranceRefused as error:
            status = front.status_of(error)
            page = await front.page(
                "sign_in.html", request, status=status, error=str(error), name=name, next=wanted
            )
            if isinstance(error, TooManyAttempts):
                page.headers["Retry-After"] = str(math.ceil(error.wait))
            return page
        answer = redirect(http.own_path(wanted), headers=dict(HEADERS), status=303)
        return http.with_cookie(answer, request, value)

    @routes.get("/enter")
    async def enter(request: Request) -> HTTPResponse:
        value, _ = await front.call(
            entrance.enter,
            http.argument(request, "key"),
            address=http.address_of(request),
            host=request.headers.get("host", ""),
            headers=list(request.headers.keys()),
        )
        return http.with_cookie(redirect(f"{BASE}/", headers=dict(HEADERS), status=303), request, value)

    @routes.post("/sign-out", stream=True)
    async def sign_out(request: Request) -> HTTPResponse:
        await front.acting(request)
        await front.call(entrance.sign_out, http.cookie_of(request))
        return redirect(f"{BASE}/sign-in", headers=dict(HEADERS), status=303)

    @routes.get("/preferences")
    async def preferences(request: Request) -> HTTPResponse:
        visitor = await front.visitor(request)
        return await front.page("preferences.html", request, visitor, saved=False)

    @routes.post("/preferences", stream=True)
    async def prefer(request: Request) -> HTTPResponse:
        visitor = await front.acting(request)
        after = await front.call(
            entrance.prefer,
            http.cookie_of(request),
            language=field(request, "language") or None,
            sound=bool(field(request, "sound")),
            notifications=bool(field(request, "notifications")),
        )
        return await front.page("preferences.html", request, after or visitor, saved=True)
