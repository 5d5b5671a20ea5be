"""Pictures and attachments, fetched for the page: it may load nothing from any other host.

1. Only addresses that Meta or the bot gave us get here; who may ask for which is decided by the routes.
2. https on its usual port, to addresses of the public internet alone, also after a redirect: checked on the
   connection that was made, so that no name can lead inside. What serves our Graph API may be anything
   (the simulator is http on this machine).
3. Pictures, sounds and films are shown. All else (a page, an SVG with a script) is for download.
4. Nothing is sent along: no cookies, no credentials. What is too large or too slow is given up.
"""

from __future__ import annotations

import ipaddress
import re
import socket
import time
from dataclasses import dataclass, field
from http.cookiejar import DefaultCookiePolicy
from typing import Any, Callable, Mapping, Optional, Tuple
from urllib.parse import quote, unquote, urljoin, urlsplit

import requests
from requests.adapters import BaseAdapter, HTTPAdapter
from urllib3.connection import HTTPSConnection
from urllib3.connectionpool import HTTPSConnectionPool
from urllib3.exceptions import HTTPError

from handover_channel.errors import HandoverRefused

#: Bytes; as much as Meta takes in an attachment.
LARGEST = 25 * 1024**2
#: Seconds: to connect, until the next bytes come, for all of it.
CONNECT, READ, ALL = 3.0, 10.0, 60.0
MOST_REDIRECTS = 3
_CHUNK = 64 * 1024

#: What a browser shows within our page, and cannot take for a program.
_SHOWN = re.compile(r"image/(png|jpeg|gif|webp)|(audio|video)/[a-z0-9.+-]{1,40}")
_LOOPBACK = ("localhost", "127.0.0.1", "::1")

NOT_ALLOWED = "this address may not be fetched -> only https addresses of the public internet are shown"
GONE = "the file is not there any more -> Meta keeps addresses of files for some days only"
TOO_LARGE = f"the file is larger than {LARGEST // 1024**2} MB -> look at it in Meta Business Suite"
TOO_SLOW = "the file did not come in time -> try again"


@dataclass(frozen=True)
class Fetched:
    """A file, ready for the browser."""

    content: bytes = field(repr=False)
    type: str
    headers: Mapping[str, str]  #: to go with it


class Files:
    """Fetch files. For any number of threads at once. *graph_url*: `graph_api.url` of the settings."""

    def __init__(
        self,
        graph_url: str,
        *,
        adapter: Optional[BaseAdapter] = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._own = _origin(graph_url)
        self._clock = clock
        self._outside = _session(adapter or _PublicOnly())
        self._inside = _session(adapter or HTTPAdapter())
        self._inside.trust_env = False  # the simulator is not behind the proxy that the machine may have

    def fetch(self, address: str) -> Fetched:
        """Return the file at *address*. Raises HandoverRefused, in words, where it cannot be had."""
        until = self._clock() + ALL
        for _ in range(MOST_REDIRECTS + 1):
            try:
                with self._get(address) as response:
                    if not response.is_redirect:
                        return _fetched(response, address, self._read(response, until))
                    address = urljoin(address, response.headers["Location"])
            except (requests.RequestException, HTTPError, OSError, ValueError) as error:
                # `from None`: the libraries' texts quote the address, which lets whoever has it see the file.
                raise HandoverRefused(
                    f"the file could not be fetched ({type(error).__name__}) -> try again"
                ) from None
        raise HandoverRefused(NOT_ALLOWED)

    def _get(self, address: str) -> requests.Response:
        own = _origin(address) == self._own
        if not own and not _is_public(address):
            raise HandoverRefused(NOT_ALLOWED)
        session = self._inside if own else self._outside
        return session.get(address, stream=True, timeout=(CONNECT, READ), allow_redirects=False, auth=_nobody)

    def _read(self, response: requests.Response, until: float) -> bytes:
        if response.status_code != 200:
            raise HandoverRefused(GONE)
        length = response.headers.get("Content-Length", "")
        if length.isdigit() and int(length) > LARGEST:
            raise HandoverRefused(TOO_LARGE)
        content = bytearray()
        for chunk in response.iter_content(_CHUNK):
            content += chunk
            if len(content) > LARGEST:
                raise HandoverRefused(TOO_LARGE)
            if self._clock() > until:
                raise HandoverRefused(TOO_SLOW)
        return bytes(content)


class _PublicConnection(HTTPSConnection):
    """Ends before a word is said, where the other end is not on the public internet."""

    def _new_conn(self) -> Any:
        connection: socket.socket = super()._new_conn()
        if not is_public_address(connection.getpeername()[0]):
            connection.close()
            raise HandoverRefused(NOT_ALLOWED)
        return connection


class _PublicPool(HTTPSConnectionPool):
    ConnectionCls = _PublicConnection


class _PublicOnly(HTTPAdapter):
    """Connects to the public internet. Behind a proxy it is the proxy that connects, and has to know."""

    def init_poolmanager(self, *given: Any, **named: Any) -> None:
        """Have the pools make connections of ours."""
        super().init_poolmanager(*given, **named)
        self.poolmanager.pool_classes_by_scheme = {"https": _PublicPool}


def is_public_address(address: str) -> bool:
    """Tell whether an IP address is one of the public internet."""
    try:
        found = ipaddress.ip_address(address.split("%")[0])
    except ValueError:
        return False
    inside = getattr(found, "ipv4_mapped", None) or getattr(found, "sixtofour", None)
    return found.is_global and not found.is_multicast and (inside is None or inside.is_global)


def content_type_of(given: str) -> Tuple[str, bool]:
    """Return the type under which a file is passed on, and whether the browser may show it in the page."""
    kind = given.partition(";")[0].strip().lower()
    return (kind, True) if _SHOWN.fullmatch(kind) else ("application/octet-stream", False)


def _fetched(response: requests.Response, address: str, content: bytes) -> Fetched:
    kind, is_shown = content_type_of(response.headers.get("Content-Type", ""))
    name = unquote(urlsplit(address).path.rpartition("/")[2])[:100]
    name = "".join(sign for sign in name if sign.isprintable()).strip(". ") or "file"
    placed = "inline" if is_shown else "attachment"
    disposition = f"{placed}; filename*=UTF-8''{quote(name, safe='')}"
    return Fetched(content, kind, {"Content-Disposition": disposition})


def _session(adapter: BaseAdapter) -> requests.Session:
    session = requests.Session()
    session.mount("https://", adapter)
    session.mount("http://", adapter)
    # What is packed could unpack to any size.
    session.headers.update({"Accept-Encoding": "identity", "User-Agent": "rasa-handover"})
    session.cookies.set_policy(DefaultCookiePolicy(allowed_domains=[]))
    return session


def _nobody(request: requests.PreparedRequest) -> requests.PreparedRequest:
    return request  # as `auth`, it keeps `.netrc` out


def _is_public(address: str) -> bool:
    try:
        parts = urlsplit(address)
        host, port = parts.hostname, parts.port
    except ValueError:
        return False
    if parts.scheme != "https" or not host or port not in (None, 443) or parts.username is not None:
        return False
    is_number = re.fullmatch(r"[0-9.x:a-f]*", host) is not None and ("." not in host or host[-1].isdigit())
    return is_public_address(host) if is_number else host not in _LOOPBACK


def _origin(address: str) -> Optional[Tuple[str, str, Optional[int]]]:
    try:
        parts = urlsplit(address)
        host, port = parts.hostname or "", parts.port
    except ValueError:
        return None
    if parts.scheme not in ("http", "https") or not host or parts.username is not None:
        return None
    usual = {"http": 80, "https": 443}[parts.scheme]
    return parts.scheme, "localhost" if host in _LOOPBACK else host, port or usual
