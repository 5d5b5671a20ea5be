"""Decides whether a visitor sits at this machine, and whether our own page sent a change. No I/O.

1. This machine is a loopback address, asked for by a name of this machine: another name in Host is a page of
   elsewhere whose name was made to mean 127.0.0.1 (DNS rebinding). https://www.rfc-editor.org/rfc/rfc1918
   addresses are other machines.
2. Behind a proxy on the same machine everybody has a loopback address: any header that proxies add counts
   against it. A proxy that adds none cannot be told from a browser; so nobody is let in for the address
   alone (see auth.py).
3. A change comes from a page of this server: Origin (or Referer) names the same host and port as Host.
   https://cheatsheetseries.owasp.org/cheatsheets/Cross-Site_Request_Forgery_Prevention_Cheat_Sheet.html
"""

from __future__ import annotations

import ipaddress
import re
from typing import Iterable, Optional, Tuple, Union
from urllib.parse import urlsplit

ELSEWHERE, PROXY, HOST = "elsewhere", "proxy", "host"  #: why a visitor is not at this machine

_HOST = re.compile(r"(localhost|127\.0\.0\.1|\[::1\])(:[0-9]{1,5})?", re.IGNORECASE | re.ASCII)
_ADDED_BY_PROXIES = re.compile(
    r"forwarded|via|client-ip|(true|fastly|wl-proxy|cf-connecting)-client-ip|cf-.*|cdn-.*"
    r"|x-(forwarded|real|original|envoy|proxyuser|cluster|client|proxy|host|amzn|appengine|azure).*",
    re.IGNORECASE | re.ASCII,
)
_Ip = Union[ipaddress.IPv4Address, ipaddress.IPv6Address]

_PORTS = {"http": 80, "https": 443}


def why_not_this_machine(address: str, host: str, headers: Iterable[str]) -> str:
    """Return "" for a visitor at this machine, else why not. *headers*: names of the request's headers."""
    if not is_loopback(address):
        return ELSEWHERE
    if any(_ADDED_BY_PROXIES.fullmatch(name.strip().replace("_", "-")) for name in headers):
        return PROXY
    return "" if _HOST.fullmatch(host) else HOST


def own_port(host: str) -> str:
    """Return the port in *host* where it names this machine by a name of its own, else ""."""
    found = _HOST.fullmatch(host)
    return (found.group(2) or "")[1:] if found else ""


def is_loopback(address: str) -> bool:
    """Tell whether an IP address is this machine's own."""
    found = _ip(address)
    return found is not None and found.is_loopback


def network(address: str) -> str:
    """Return what to count visitors by: an IPv4 address, or the /64 of an IPv6 one, which is one line's."""
    found = _ip(address)
    if isinstance(found, ipaddress.IPv6Address):
        return str(ipaddress.ip_network((found.packed[:8] + bytes(8), 64)))
    return "unknown" if found is None else str(found)


def same_site(origin: str, host: str) -> bool:
    """Tell whether *origin*, of the header Origin or Referer, is the server that Host names."""
    try:
        parts = urlsplit(origin)
        port = _PORTS[parts.scheme]
        return _authority(parts.netloc, port) == _authority(host, port)
    except (KeyError, ValueError):
        return False


def _authority(text: str, default_port: int) -> Tuple[str, int]:
    if not re.fullmatch(r"[A-Za-z0-9._-]+(:[0-9]+)?|\[[0-9A-Fa-f:.]+\](:[0-9]+)?", text, re.ASCII):
        raise ValueError("no host and port")  # a user name before the host, for one
    parts = urlsplit(f"//{text}")
    return str(parts.hostname), default_port if parts.port is None else parts.port


def _ip(address: str) -> Optional[_Ip]:
    try:
        found = ipaddress.ip_address(address)
    except ValueError:
        return None
    mapped = found.ipv4_mapped if isinstance(found, ipaddress.IPv6Address) else None
    return mapped or found
