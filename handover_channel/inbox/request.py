"""Holds a request to the page as values: http.py makes them of Sanic's, tests make them by hand. No I/O.

Arguments, fields and names of threads are bounded by rules/limits.py when they are read.
"""

from __future__ import annotations

import dataclasses
import re
from dataclasses import dataclass
from typing import Mapping, Optional, Sequence
from urllib.parse import parse_qs, unquote

from handover_channel.errors import InputRefused
from handover_channel.inbox.auth import Visitor
from handover_channel.inbox.forms import Form
from handover_channel.rules.languages import LANGUAGES
from handover_channel.rules.limits import FIELDS, QUERY_FIELDS

BASE = "/webhooks/inbox"

#: The path that a proxy before us has taken off, as proxies say it.
_PREFIX_HEADER = "x-forwarded-prefix"
#: What such a path may be: it is written into pages, redirects and the cookie's path, whoever sent it.
_PREFIX = re.compile(r"(?:/[A-Za-z0-9._~-]{1,64}){1,8}")

#: The header of what the page asks for by itself: no sign that somebody sits there.
_BY_ITSELF = "x-by-itself"


#: The header with the keys of replies that the page has sent and heard nothing of yet; and how many at most.
_PENDING, _MOST_PENDING = "x-pending", 20
_KEY_OF_A_REPLY = re.compile(r"[0-9a-f]{32}")


class SignInFirst(Exception):
    """Nobody is signed in here."""


@dataclass(frozen=True)
class Request:
    """What a browser asks for, or sends."""

    method: str = "GET"
    path: str = f"{BASE}/"
    in_path: Mapping[str, str] = dataclasses.field(default_factory=dict)  #: by the names in the route's path
    query: str = ""  #: what stands behind the "?"
    headers: Mapping[str, str] = dataclasses.field(
        default_factory=dict
    )  #: lower-case names; the first of each
    cookie: str = dataclasses.field(default="", repr=False)  #: the value of ours, "" for none
    address: str = ""  #: of the visitor; a proxy's word counts where Sanic is told to trust it
    scheme: str = "http"  #: of the connection to us
    form: Form = dataclasses.field(default_factory=Form)
    visitor: Optional[Visitor] = None  #: None: nobody, or not looked up yet

    @property
    def you(self) -> Visitor:
        """Who asks. Raises SignInFirst."""
        if self.visitor is None:
            raise SignInFirst
        return self.visitor

    @property
    def thread(self) -> str:
        """The thread that the path names; nobody's where the name is longer than any."""
        return _storable(unquote(self.in_path["thread"]))[: FIELDS["thread"].value + 1]

    @property
    def prefix(self) -> str:
        """The path below which a proxy serves us and which it takes off: "/bot", or "" for none."""
        given = self.headers.get(_PREFIX_HEADER, "").rstrip("/")
        return given if _PREFIX.fullmatch(given) and "/.." not in given else ""

    @property
    def base(self) -> str:
        """Where the browser finds the page."""
        return f"{self.prefix}{BASE}"

    @property
    def host(self) -> str:
        """The server that the browser asks for."""
        return self.headers.get("host", "")

    @property
    def origin(self) -> str:
        """The page that sent this."""
        return self.headers.get("origin") or self.headers.get("referer") or ""

    @property
    def is_https(self) -> bool:
        """Whether the browser speaks TLS, to us or to a proxy before us."""
        return self.scheme == "https" or self.headers.get("x-forwarded-proto", "").startswith("https")

    @property
    def is_of_the_script(self) -> bool:
        """Whether the page's script asks, which puts the answer into the page."""
        return "hx-request" in self.headers

    @property
    def is_by_itself(self) -> bool:
        """Whether the page asks without anybody having done something."""
        return _BY_ITSELF in self.headers

    @property
    def is_looked_at(self) -> bool:
        """Whether what is shown is read: not what the page asks for while another window is in front."""
        return self.headers.get(_BY_ITSELF) != "unseen"

    @property
    def pending(self) -> Sequence[str]:
        """The keys of replies of which the page wants to know whether they are kept."""
        given = self.headers.get(_PENDING, "").split()[:_MOST_PENDING]
        return [key for key in given if _KEY_OF_A_REPLY.fullmatch(key)]

    @property
    def language(self) -> str:
        """The visitor's language: chosen, else the browser's, else English."""
        if self.visitor is not None and self.visitor.language:
            return self.visitor.language
        ranges = self.headers.get("accept-language", "").split(",")
        wanted = (each.split(";")[0].strip().lower()[:2] for each in ranges)
        return next((each for each in wanted if each in LANGUAGES), "en")

    def argument(self, name: str) -> str:
        """Return an argument of the address, "" for none.

        Raises InputRefused for a long one, and for more arguments than any address of ours has.
        """
        if self.query.count("&") >= QUERY_FIELDS.value:
            raise InputRefused(
                "the address has more arguments than any of ours -> open the inbox anew", status=400
            )
        return _bounded(name, next(iter(parse_qs(self.query, errors="replace").get(name, ())), ""))

    def field(self, name: str) -> str:
        """Return a field of the form, "" where it has none. Raises InputRefused for a long one."""
        return _bounded(name, self.form.fields.get(name, ""))

    def written(self, name: str) -> str:
        """Return a field with the line ends that everybody else has. Raises InputRefused for a long one."""
        # A form's line ends are CR LF: https://html.spec.whatwg.org/multipage/form-control-infrastructure.html
        return self.field(name).replace("\r\n", "\n")


def _bounded(name: str, given: str) -> str:
    text, most = _storable(given), FIELDS[name].value
    if len(text) > most:
        raise InputRefused(
            "'%(field)s' has more than %(most)s characters -> shorten it", field=name, most=most, status=400
        )
    return text


def _storable(text: str) -> str:
    """Return text that any database takes: PostgreSQL knows no NUL."""
    return text.replace("\0", "")
