"""Decides whose request it is, and whether it may change anything: if possible before its body is read.

The order of a POST: its head, who is signed in, the origin, the token in the head, the body, the token in it.
A stranger's body, or another site's, is not read.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Protocol

from handover_channel.errors import NotAllowed
from handover_channel.inbox import forms
from handover_channel.inbox.forms import Form
from handover_channel.inbox.page_services import PageServices
from handover_channel.inbox.request import Request, SignInFirst
from handover_channel.inbox.route import Route, Who
from handover_channel.rules.limits import LARGE


class Body(Protocol):
    """A request's body, on its way in: rasa.request_body.Reading."""

    def check_head(self) -> None:
        """Raise InputRefused where the head says that the body may not be read."""

    async def read(self) -> bytes:
        """Return the body. Raises InputRefused."""

    def forgo(self) -> None:
        """Want none of it."""

    def end(self) -> None:
        """Leave the place that a large one took."""


async def of_reader(route: Route, services: PageServices, request: Request) -> Request:
    """Return *request* with its visitor. Raises SignInFirst, NotLetIn, and NotAllowed at an admin's."""
    if route.who is Who.ANYBODY:
        return request
    visitor = await services.visitor(request)
    if visitor is None:
        raise SignInFirst
    if route.who is Who.ADMIN and not visitor.is_admin:
        raise NotAllowed("this is for admins of this inbox -> ask one of them, or for the role admin")
    return replace(request, visitor=visitor)


async def of_sender(route: Route, services: PageServices, request: Request, body: Body) -> Request:
    """Return *request* with its visitor and its form. Raises as `of_reader`, CsrfRefused and InputRefused."""
    body.check_head()
    try:
        request = await of_reader(route, services, request)
        services.auth.check_origin(request.origin, request.host)
        in_head = request.headers.get("x-csrf-token")
        if request.visitor and in_head:
            services.auth.check_token(request.visitor, in_head)
    except Exception:
        body.forgo()
        raise
    request = replace(request, form=await _form(services, request, body))
    if request.visitor and not in_head:
        services.auth.check_token(request.visitor, request.field("csrf"))
    return request


async def _form(services: PageServices, request: Request, body: Body) -> Form:
    kind = request.headers.get("content-type", "")
    try:
        content = await body.read()
        if len(content) > LARGE.value:  # only a reply can be
            return await services.call(forms.parse, content, kind)
        return forms.parse(content, kind)
    finally:
        body.end()
