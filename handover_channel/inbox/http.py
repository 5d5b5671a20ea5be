"""Serves the page's routes by Sanic: its requests become values, and answers become its responses.

1. Addresses in answers are those without a proxy's prefix; what a browser follows gets it here.
2. No answer carries a header of CORS: no other origin reads the page, whatever `rasa run --cors` allows.
3. Refusals become answers here (refusals.py), and nowhere else.
"""

from __future__ import annotations

from typing import Any, Awaitable, Callable, Dict, Iterable, Optional

from sanic import Blueprint, Sanic
from sanic.exceptions import SanicException
from sanic.request import Request as SanicRequest
from sanic.response import HTTPResponse

from handover_channel.errors import HandoverError, NotKnown
from handover_channel.inbox import admission
from handover_channel.inbox.answer import HEADERS, Answer
from handover_channel.inbox.auth import COOKIE_SECONDS
from handover_channel.inbox.local_access import own_port
from handover_channel.inbox.page_services import PageServices
from handover_channel.inbox.refusals import fault, refusal
from handover_channel.inbox.request import BASE, Request, SignInFirst
from handover_channel.inbox.route import Route
from handover_channel.rasa.request_body import Places, Reading
from handover_channel.rules.limits import REPLIES_AT_ONCE
from handover_channel.sentences import Sentence

COOKIE = "handover_inbox"

NO_PAGE = Sentence("there is no such page -> open the inbox anew")

#: https://fetch.spec.whatwg.org/#http-cors-protocol
_CORS = "access-control-"

#: Headers that hold the path of a page of ours.
_FOLLOWED = ("Location", "HX-Redirect")

_Handler = Callable[..., Awaitable[Optional[HTTPResponse]]]


def blueprint(routes: Iterable[Route], services: PageServices) -> Blueprint:
    """Return *routes* as Sanic serves them, below BASE."""
    found = Blueprint("handover_inbox", __name__)
    places = Places(REPLIES_AT_ONCE.value)
    for route in routes:
        found.add_route(
            _handler(route, services, places),
            route.path,
            methods=[route.method],
            name=route.answer.__name__,
            stream=route.method == "POST",
        )
    return found


def _handler(route: Route, services: PageServices, places: Places) -> _Handler:
    async def handle(given: SanicRequest, **in_path: str) -> Optional[HTTPResponse]:
        request = request_of(given, in_path)
        try:
            if route.method == "POST":
                body = Reading(given, route.body, places, whose=request.cookie)
                request = await admission.of_sender(route, services, request, body)
            else:
                request = await admission.of_reader(route, services, request)
            answer = await route.answer(services, request)
        except (SignInFirst, HandoverError) as error:
            answer = await refusal(services, request, error)
        except SanicException:
            raise
        except Exception as error:
            given.app.error_handler.log(given, error)  # as where nobody catches it
            answer = await fault(services, request)
        if answer.events is None:
            return response_of(answer, request)
        await _stream(given, answer)
        return None

    return handle


def request_of(given: SanicRequest, in_path: Dict[str, str]) -> Request:
    """Return a request of Sanic's as values, without its body."""
    headers = {name.lower(): value for name, value in reversed(list(given.headers.items()))}
    return Request(
        method=given.method,
        path=given.path,
        in_path=in_path,
        query=given.query_string,
        headers=headers,
        cookie=str(given.cookies.get(cookie_name(headers.get("host", ""))) or ""),
        address=str(given.remote_addr or given.ip),
        scheme=given.scheme,
    )


def response_of(answer: Answer, request: Request) -> HTTPResponse:
    """Return an answer as Sanic sends it."""
    headers = {
        name: f"{request.prefix}{value}" if name in _FOLLOWED else value
        for name, value in answer.headers.items()
    }
    found = HTTPResponse(answer.content, status=answer.status, headers=headers, content_type=answer.type)
    if answer.cookie:
        name = cookie_name(request.host)
        _keep_cookie(found, name, answer.cookie, path=request.base, is_https=request.is_https)
    return found


def cookie_name(host: str) -> str:
    """Return what our cookie is called for a browser that calls us by *host*.

    Browsers do not tell the ports of a host apart: of two inboxes on one machine each would sign the
    other's visitors out. https://www.rfc-editor.org/rfc/rfc6265#section-8.5
    """
    port = own_port(host)
    return f"{COOKIE}_{port}" if port else COOKIE


def _keep_cookie(response: HTTPResponse, cookie: str, value: str, *, path: str, is_https: bool) -> None:
    """Have the browser keep *value*, for this page alone."""
    response.cookies[cookie] = value
    given: Dict[str, Any] = {
        "path": path,
        "httponly": True,
        "samesite": "Strict",
        "secure": is_https,
        "max-age": COOKIE_SECONDS,
    }
    for name, wanted in given.items():
        response.cookies[cookie][name] = wanted


async def _stream(given: SanicRequest, answer: Answer) -> None:
    """Send an answer's events until they, the page or the server ends."""
    assert answer.events is not None  # noqa: S101  (for mypy)
    response = await given.respond(content_type=answer.type, headers=dict(answer.headers))
    try:
        async for event in answer.events:
            await response.send(event)
    finally:
        await answer.events.aclose()


def guard(app: Sanic, services: PageServices) -> None:
    """Put HEADERS on what Sanic answers by itself, too; where there is no page, say so as our pages do.

    To be called when the server starts: Rasa's CORS adds its part then, and ours has to come after.
    """

    async def add(request: SanicRequest, answer: HTTPResponse) -> HTTPResponse:
        if request.path.startswith(BASE):
            if request.route is None and answer.status == 404:
                asked = request_of(request, {})
                answer = response_of(await refusal(services, asked, NotKnown(NO_PAGE)), asked)
            for name in [each for each in answer.headers if each.lower().startswith(_CORS)]:
                del answer.headers[name]
            for name, value in HEADERS.items():
                answer.headers.setdefault(name, value)
        return answer

    app.response_middleware.append(add)  # `register_middleware` puts the last first
