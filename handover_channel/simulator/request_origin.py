"""Accepts requests of programs and of the simulator's own page, never of another page in the same browser.

1. `Host` holds the name that the browser connected to. It must be loopback, an IP address, or a name that
   the simulator was started with; any other page's name may have been pointed here (DNS rebinding).
2. `Origin` names the page that sends the request; a browser always sets it where something is changed,
   other clients do not send it.
   https://developer.mozilla.org/en-US/docs/Web/HTTP/Headers/Origin
3. What acts for a person or an app accepts JSON only: a form of another page cannot send it. Graph API calls
   are accepted as Graph clients send them, forms included.
"""

from __future__ import annotations

import ipaddress
from typing import Collection, NamedTuple, Optional
from urllib.parse import urlsplit

#: The control API; every other path is the Graph API.
OWN_SIDE = "/simulator/"

#: Paths that accept a body of any type: a file, a webhook's body.
_BYTES = frozenset({"/simulator/v1/files", "/simulator/v1/deliver"})


class RequestHead(NamedTuple):
    """The parts of a request that decide whether it is accepted."""

    method: str
    path: str
    host: str  #: as the client sent it, with the port
    origin: Optional[str] = None
    content_type: str = ""  #: without parameters
    has_body: bool = False


def refusal(head: RequestHead, names: Collection[str] = ()) -> str:
    """Return why the request is refused and what to do, "" if it is not. *names*: hosts that are accepted."""
    name = _name_of(head.host)
    if not (name in names or _is_this_machine_or_an_address(name)):
        named = name or "NAME"
        return f"{named} is not a name of this simulator -> start it with --allow-host {named}"
    if head.origin is not None and not _is_of(head.origin, head.host):
        return "a page of another origin cannot call the simulator -> call it from a program or its own page"
    if _is_action(head) and head.has_body and head.content_type != "application/json":
        return "the body must come as JSON -> send Content-Type: application/json"
    return ""


def _is_action(head: RequestHead) -> bool:
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
