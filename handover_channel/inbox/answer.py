"""Holds an answer of the page as values, which http.py hands to Sanic. No I/O.

1. Every answer carries HEADERS: nothing is loaded from or sent to any other host, nothing is framed or kept.
2. A POST that was done answers 204 and `HX-Trigger: changed`; the page then asks for what it shows.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import AsyncGenerator, Mapping, Optional, Union
from urllib.parse import quote_plus

from handover_channel.inbox.request import BASE, Request

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

_HTML = "text/html; charset=utf-8"
#: What stays as it is in an address: our paths are quoted already.
_SAFE = ":/%#?&=@[]!$&'()*+,;"


@dataclass(frozen=True)
class Answer:
    """What the browser gets."""

    status: int = 200
    headers: Mapping[str, str] = field(default_factory=lambda: HEADERS)
    content: Union[str, bytes] = field(default="", repr=False)
    type: Optional[str] = None  #: of the content; None where there is none
    cookie: str = field(default="", repr=False)  #: the value that the browser is to keep, "" for none
    events: Optional[AsyncGenerator[str, None]] = None  #: sent one after the other, instead of the content


def page(text: str, status: int = 200) -> Answer:
    """Return a page or a fragment."""
    return Answer(status, content=text, type=_HTML)


def content(of: bytes, kind: str, headers: Mapping[str, str]) -> Answer:
    """Return a file of type *kind*."""
    return Answer(headers=headers, content=of, type=kind)


def redirect(to: str, *, cookie: str = "") -> Answer:
    """Send the browser to the address *to*, by GET."""
    headers = {**HEADERS, "Location": quote_plus(to, safe=_SAFE)}
    return Answer(303, headers, type=_HTML, cookie=cookie)


def nothing() -> Answer:
    """Return that something was done, of which the page shows nothing."""
    return Answer(204)


def changed(request: Request) -> Answer:
    """Return that something was done in the thread that the path names; without script, it is loaded anew."""
    if request.is_of_the_script:
        return Answer(204, {**HEADERS, "HX-Trigger": "changed"})
    return redirect(f"{BASE}/thread/{request.in_path['thread']}")
