"""The page's edge to Sanic: who asks, what may be answered to whom, in which headers.

1. Every answer carries HEADERS: nothing is loaded from or sent to any other host, nothing is framed or kept.
2. A POST counts only from our own page: token and origin (entrance.py).
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
from typing import Any, Callable, Dict, Mapping, Optional, TypeVar
from urllib.parse import quote, unquote

from sanic import Sanic
from sanic.request import Request
from sanic.response import HTTPResponse, empty, html, redirect

from handover_channel import log
from handover_channel.errors import (
    CsrfRefused,
    HandoverError,
    NotLetIn,
    StoreUnavailable,
    TooManyAttempts,
    WrongPassword,
)
from handover_channel.inbox.entrance import REMEMBERED, Entrance, Visitor
from handover_channel.inbox.rendering import LANGUAGES, Pages

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

#: What the page asks for by itself is no sign that somebody sits there.
_BY_ITSELF = "x-by-itself"


class SignInFirst(Exception):
    """Nobody is signed in here."""


class Front:
    """What every route needs: who asks, templates, and threads for what is synchronous."""

    def __init__(self, entrance: Entrance, pages: Pages, pool: Executor, clock: Callable[[], float]) -> None:
        self.entrance = entrance
        self.pages = pages
        self._pool = pool
        self._clock = clock

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

    async def acting(self, request: Request) -> Visitor:
        """Return who does something. Raises as `visitor`, and CsrfRefused."""
        found = await self.visitor(request)
        token = request.headers.get("x-csrf-token") or field(request, "csrf")
        self.entrance.check_csrf(
            found, token, origin=origin_of(request), host=request.headers.get("host", "")
        )
        return found

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
    """Put HEADERS on what Sanic answers by itself, too: where there is no page, and for our own errors."""

    async def add(request: Request, answer: HTTPResponse) -> None:
        if request.path.startswith(BASE):
            for name, value in HEADERS.items():
                answer.headers.setdefault(name, value)

    app.register_middleware(add, "response")


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
    """Return a form's field, "" where it has none."""
    return plain((request.form or {}).get(name))


def own_path(path: str) -> str:
    """Return *path* where it is a page of ours, else the first page: never an address of elsewhere."""
    ours = path.startswith(f"{BASE}/") and "\\" not in path and not path.startswith(f"{BASE}//")
    return path if ours else f"{BASE}/"


def thread_of(raw: str) -> str:
    """Return the thread that a path names."""
    return plain(unquote(raw))


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
