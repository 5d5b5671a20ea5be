"""The page's edge to Sanic: who asks, what may be answered to whom, in which headers.

1. Every answer carries HEADERS: nothing is loaded from or sent to any other host, nothing is framed or kept.
   None carries a header of CORS: no other origin reads the page, whatever `rasa run --cors` allows.
2. A POST counts only from our own page: token and origin (auth.py). Sign-in and origin are looked at
   before its body is read; body, fields and arguments have their limits in rules/limits.py.
3. Refusals become an HTTP status and words, here and nowhere else.
"""

from __future__ import annotations

import asyncio
import contextlib
import functools
import hashlib
import hmac
import logging
from concurrent.futures import Executor
from typing import Any, Callable, Dict, Mapping, Optional, Sequence, TypeVar
from urllib.parse import quote, unquote

from sanic import Sanic
from sanic.request import Request
from sanic.response import HTTPResponse, empty, html, redirect

from handover_channel import log
from handover_channel.errors import (
    CsrfRefused,
    HandoverError,
    InputRefused,
    NotLetIn,
    StoreUnavailable,
    TooManyAttempts,
    WrongPassword,
)
from handover_channel.inbox import forms
from handover_channel.inbox.auth import REMEMBERED, Auth, Visitor
from handover_channel.inbox.forms import Form, Upload
from handover_channel.inbox.rendering import LANGUAGES, Pages
from handover_channel.rasa.request_body import Places, Reading
from handover_channel.rules import limits
from handover_channel.rules.limits import FIELDS, LARGE, QUERY_FIELDS, REPLIES_AT_ONCE, Body

logger = logging.getLogger(__name__)

_T = TypeVar("_T")

BASE = "/webhooks/inbox"
COOKIE = "handover_inbox"

#: https://cheatsheetseries.owasp.org/cheatsheets/HTTP_Headers_Cheat_Sheet.html
HEADERS: Mapping[str, str] = {
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; media-src 'self'; "
        "connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cache-Control": "no-store",
}

#: https://fetch.spec.whatwg.org/#http-cors-protocol
_CORS = "access-control-"

#: What the page asks for by itself is no sign that somebody sits there.
_BY_ITSELF = "x-by-itself"


class SignInFirst(Exception):
    """Nobody is signed in here."""


class Front:
    """What every route needs: who asks, templates, and threads for what is synchronous."""

    def __init__(self, entrance: Auth, pages: Pages, pool: Executor, clock: Callable[[], float]) -> None:
        self.entrance = entrance
        self.pages = pages
        self._pool = pool
        self._clock = clock
        self._places = Places(REPLIES_AT_ONCE.value)

    async def call(self, function: Callable[..., _T], *given: Any, **named: Any) -> _T:
        """Run what is synchronous, and waits for the database at most, in a thread."""
        return await call_in(self._pool, function, *given, **named)

    def soon(self, function: Callable[..., Any], *given: Any) -> None:
        """Have a thread run this when it can, also where the request has ended."""
        with contextlib.suppress(RuntimeError):  # the server stops
            self._pool.submit(_quietly, function, *given)

    async def visitor(self, request: Request) -> Visitor:
        """Return who asks. Raises SignInFirst, and NotLetIn."""
        found = await self.call(
            self.entrance.admit,
            cookie_of(request),
            address=address_of(request),
            host=request.headers.get("host", ""),
            headers=list(request.headers.keys()),
            renew=_BY_ITSELF not in request.headers,
        )
        if found is None:
            raise SignInFirst
        return found

    async def acting(self, request: Request, body: Body = limits.FORM) -> Visitor:
        """Return who does something, and read the form. Raises as `visitor`, CsrfRefused and InputRefused."""
        reading = Reading(request, body, self._places, whose=cookie_of(request))
        reading.check_head()
        try:
            found = await self.visitor(request)
            self.entrance.check_origin(origin_of(request), request.headers.get("host", ""))
            in_head = request.headers.get("x-csrf-token")
            if in_head:
                self.entrance.check_token(found, in_head)
        except Exception:
            reading.forgo()
            raise
        await self._read(request, reading)
        if not in_head:
            self.entrance.check_token(found, field(request, "csrf"))
        return found

    async def signing_in(self, request: Request) -> None:
        """Read the form of a sign-in. Raises CsrfRefused and InputRefused."""
        reading = Reading(request, limits.SIGN_IN, self._places)
        reading.check_head()
        try:
            self.entrance.check_origin(origin_of(request), request.headers.get("host", ""))
        except CsrfRefused:
            reading.forgo()
            raise
        await self._read(request, reading)

    async def _read(self, request: Request, reading: Reading) -> None:
        kind = request.headers.get("content-type", "")
        try:
            content = await reading.read()
            is_large = len(content) > LARGE.value  # only a reply can be
            request.ctx.form = (
                await self.call(forms.parse, content, kind) if is_large else forms.parse(content, kind)
            )
        finally:
            reading.end()

    async def page(
        self,
        template: str,
        request: Request,
        visitor: Optional[Visitor] = None,
        status: int = 200,
        **context: Any,
    ) -> HTTPResponse:
        """Return a page or a fragment, in the visitor's language. Drawn in a thread: it takes a while."""
        draw = functools.partial(self.pages.render, template, language_of(request, visitor))
        text = await self.call(draw, you=visitor, now=self._clock(), **context)
        return html(text, status=status, headers=dict(HEADERS))

    async def refusal(self, request: Request, error: Exception) -> HTTPResponse:
        """Return what somebody reads whom *error* stopped."""
        if isinstance(error, SignInFirst):
            return self._sign_in_first(request)
        if isinstance(error, NotLetIn):
            return await self.page("refused.html", request, status=403, reason=error.reason, text=str(error))
        if isinstance(error, StoreUnavailable):
            logger.error("the inbox has no database: %s", error)
        return await self.page("_problem.html", request, status=self.status_of(error), text=str(error))

    @staticmethod
    def status_of(error: Exception) -> int:
        """Return the HTTP status of a refusal."""
        if isinstance(error, InputRefused):
            return error.status
        return next((code for kind, code in _STATUS.items() if isinstance(error, kind)), 409)

    def _sign_in_first(self, request: Request) -> HTTPResponse:
        target = f"{BASE}/sign-in"
        if "hx-request" in request.headers:
            return HTTPResponse(status=401, headers={**HEADERS, "HX-Redirect": target})
        if request.method == "GET":
            target = f"{target}?next={quote(request.path)}"
        return redirect(target, headers=dict(HEADERS), status=303)


_STATUS: Mapping[type, int] = {
    StoreUnavailable: 503,
    CsrfRefused: 403,
    WrongPassword: 403,
    TooManyAttempts: 429,
    HandoverError: 409,
}


async def call_in(pool: Executor, function: Callable[..., _T], *given: Any, **named: Any) -> _T:
    """Run what is synchronous in a thread of *pool*."""
    loop = asyncio.get_running_loop()
    return await loop.run_in_executor(pool, log.carried(functools.partial(function, *given, **named)))


def _quietly(function: Callable[..., Any], *given: Any) -> None:
    with contextlib.suppress(StoreUnavailable):  # it tells who is here: nothing is lost
        function(*given)


def guard(app: Sanic) -> None:
    """Put HEADERS on what Sanic answers by itself, too: where there is no page, and for our own errors.

    To be called when the server starts: Rasa's CORS adds its part then, and ours has to come after.
    """

    async def add(request: Request, answer: HTTPResponse) -> None:
        if request.path.startswith(BASE):
            for name in [each for each in answer.headers if each.lower().startswith(_CORS)]:
                del answer.headers[name]
            for name, value in HEADERS.items():
                answer.headers.setdefault(name, value)

    app.response_middleware.append(add)  # `register_middleware` puts the last first


def done(request: Request, *, to: str, quiet: bool = False) -> HTTPResponse:
    """Return that something was done: the page loads anew what it shows; without script, *to* is loaded.

    *quiet*: nothing has changed that the page shows.
    """
    if quiet:
        return empty(status=204, headers=dict(HEADERS))
    if "hx-request" in request.headers:
        return empty(status=204, headers={**HEADERS, "HX-Trigger": "changed"})
    return redirect(to, headers=dict(HEADERS), status=303)


def with_cookie(answer: HTTPResponse, request: Request, value: str) -> HTTPResponse:
    """Have the browser keep *value*, for this page alone."""
    answer.cookies[COOKIE] = value
    given: Dict[str, Any] = {
        "path": BASE,
        "httponly": True,
        "samesite": "Strict",
        "secure": is_https(request),
        "max-age": REMEMBERED,
    }
    for name, wanted in given.items():
        answer.cookies[COOKIE][name] = wanted
    return answer


def cookie_of(request: Request) -> str:
    """Return the cookie's value, "" for none."""
    return str(request.cookies.get(COOKIE) or "")


def is_https(request: Request) -> bool:
    """Tell whether the browser speaks TLS, to us or to a proxy before us."""
    return bool(request.scheme == "https" or request.headers.get("x-forwarded-proto", "").startswith("https"))


def address_of(request: Request) -> str:
    """Return the visitor's address; a proxy's word counts where Sanic is told to trust it."""
    return str(request.remote_addr or request.ip)


def origin_of(request: Request) -> str:
    """Return which page sent this."""
    return str(request.headers.get("origin") or request.headers.get("referer") or "")


def field(request: Request, name: str) -> str:
    """Return a field of the form that was read, "" where it has none. Raises InputRefused for a long one."""
    return _bounded(name, _form(request).fields.get(name))


def uploads(request: Request) -> Sequence[Upload]:
    """Return the files of the form that was read."""
    return _form(request).files


def argument(request: Request, name: str) -> str:
    """Return what the address says behind its "?", "" for nothing. Raises InputRefused for a long one."""
    if request.query_string.count("&") >= QUERY_FIELDS.value:
        raise InputRefused(
            "the address has more arguments than any of ours -> open the inbox anew", status=400
        )
    return _bounded(name, request.args.get(name))


def _form(request: Request) -> Form:
    found: Form = getattr(request.ctx, "form", None) or Form()
    return found


def _bounded(name: str, given: Optional[str]) -> str:
    text, most = plain(given), FIELDS[name].value
    if len(text) > most:
        raise InputRefused(f"'{name}' has more than {most} characters -> shorten it", status=400)
    return text


def own_path(path: str) -> str:
    """Return *path* where it is a page of ours, else the first page: never an address of elsewhere."""
    ours = path.startswith(f"{BASE}/") and "\\" not in path and not path.startswith(f"{BASE}//")
    return path if ours else f"{BASE}/"


def thread_of(raw: str) -> str:
    """Return the thread that a path names, nobody's where the name is longer than any."""
    return plain(unquote(raw))[: FIELDS["thread"].value + 1]


def plain(given: Optional[str]) -> str:
    """Return text that any database takes: PostgreSQL knows no NUL."""
    return str(given or "").replace("\0", "")


def language_of(request: Request, visitor: Optional[Visitor]) -> str:
    """Return the visitor's language: chosen, else the browser's, else English."""
    if visitor is not None and visitor.language:
        return visitor.language
    wanted = [
        part.split(";")[0].strip().lower() for part in request.headers.get("accept-language", "").split(",")
    ]
    return next((each[:2] for each in wanted if each[:2] in LANGUAGES), "en")


def proof(visitor: Visitor, address: str) -> str:
    """Return what shows that we gave this address to this visitor: the server fetches no other."""
    return hmac.new(visitor.proof_key.encode(), address.encode(), hashlib.sha256).hexdigest()


def link(visitor: Visitor, address: str) -> str:
    """Return the address on this server of what lies at *address*."""
    return f"{BASE}/file?of={quote(address, safe='')}&proof={proof(visitor, address)}"


def is_proven(visitor: Visitor, address: str, given: str) -> bool:
    """Tell whether we gave this address to this visitor."""
    return hmac.compare_digest(proof(visitor, address).encode(), given.encode("utf-8", "replace"))
