"""Lets clients and the simulator's own page call it, never another web page in the same browser.

1. A browser says what name it was sent to in `Host`. A name that is neither loopback, an address, nor one
   that the simulator was told is a page's that had its name point here (DNS rebinding).
2. It says whose page sends what in `Origin`, and always where something is changed; other clients say
   nothing.
   https://developer.mozilla.org/en-US/docs/Web/HTTP/Headers/Origin
3. What acts for a person or an app takes JSON alone: a form of another page cannot send it. Graph API calls
   are taken as Graph clients send them, forms too.
"""

from __future__ import annotations

import ipaddress
from typing import Collection, NamedTuple, Optional
from urllib.parse import urlsplit

#: Its own side; the rest is the Graph API.
OWN_SIDE = "/simulator/"

#: Bytes, whatever their type: a file, a webhook's body.
_BYTES = frozenset({"/simulator/files", "/simulator/webhook"})


class RequestHead(NamedTuple):
    """What counts of a request."""

    method: str
    path: str
    host: str  #: as the client sent it, with the port
    origin: Optional[str] = None
    content_type: str = ""  #: without parameters
    has_body: bool = False


def refusal(head: RequestHead, names: Collection[str] = ()) -> str:
    """Return why the simulator does not obey, with what to do, "" if it does. *names*: hosts it may go by."""
    name = _name_of(head.host)
    if not (name in names or _is_this_machine_or_an_address(name)):
        named = name or "NAME"
        return f"{named} is not a name of this simulator -> start it with --allow-host {named}"
    if head.origin is not None and not _is_of(head.origin, head.host):
        return "a page of another origin cannot call the simulator -> call it from a program or its own page"
    if _acts(head) and head.has_body and head.content_type != "application/json":
        return "the body must come as JSON -> send Content-Type: application/json"
    return ""


def _acts(head: RequestHead) -> bool:
    own = head.path.startswith(OWN_SIDE) and head.path not in _BYTES
    return own and head.method not in ("GET", "HEAD")


def _is_of(origin: str, host: str) -> bool:
    try:
        return urlsplit(origin).netloc.lower() == host.lower()
    except ValueError:
        return False


def _name_of(host: str) -> str:
    try:
        return (urlsplit(f"//{host}").hostname or "").lower()
    except ValueError:
        return ""


def _is_this_machine_or_an_address(name: str) -> bool:
    if name == "localhost" or name.endswith(".localhost"):
        return True
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return False
    return True  # nobody can have an address point elsewhere
