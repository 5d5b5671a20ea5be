"""Fetches pictures and attachments for the page, which may load nothing from any other host.

1. Only addresses that Meta or the bot gave us get here; who may ask for which is decided by the routes.
2. https on its usual port, to addresses of the public internet alone, also after a redirect: checked on the
   address that is called, before it is called, so that no name can lead inside. What serves our Graph API may
   be anything (the simulator is http on this machine).
3. Whoever asks is not told whether an address was refused or could not be reached: that would tell them what
   there is inside.
4. Pictures, sounds and films of known types are shown. All else (a page, an SVG with a script) is saved.
5. Nothing is sent along: no cookies, no credentials. What is too large or too slow, from the first packet to
   the last, is given up (rules/limits.py).
"""

from __future__ import annotations

import ipaddress
import re
import time
from dataclasses import dataclass, field
from http.cookiejar import DefaultCookiePolicy
from typing import Any, Callable, Iterator, Mapping, Optional, Tuple, Union
from urllib.parse import quote, unquote, urljoin, urlsplit

import requests
from requests.adapters import BaseAdapter, HTTPAdapter
from urllib3.exceptions import HTTPError

from handover_channel.errors import NotKnown, Refused
from handover_channel.graph_api.bounded_http import bound, ends_within, tls_pool_to, unpacked
from handover_channel.rules.limits import FILE_BYTES, FILE_CONNECT, FILE_READ, FILE_REDIRECTS, FILE_SECONDS
from handover_channel.sentences import Sentence
from handover_channel.settings.locations import LOOPBACK

LARGEST_DOWNLOAD, MOST_REDIRECTS = FILE_BYTES.value, FILE_REDIRECTS.value
CONNECT_SECONDS, READ_SECONDS, FETCH_SECONDS = (
    float(FILE_CONNECT.value),
    float(FILE_READ.value),
    float(FILE_SECONDS.value),
)
_CHUNK = 64 * 1024

#: What a browser shows within our page, and cannot take for a program.
_TYPES_SHOWN = frozenset(
    f"{kind}/{each}"
    for kind, names in {
        "image": ("png", "jpeg", "gif", "webp"),
        "audio": ("mpeg", "mp4", "ogg", "wav", "wave", "x-wav", "aac", "m4a", "x-m4a", "webm", "amr", "3gpp"),
        "video": ("mp4", "webm", "ogg", "mpeg", "quicktime", "3gpp", "x-m4v"),
    }.items()
    for each in names
)

NOT_ALLOWED = Sentence(
    "the file could not be fetched -> try again; only https addresses of the public internet are shown"
)
GONE = Sentence("the file is not there any more -> Meta keeps addresses of files for some days only")
TOO_LARGE = Sentence(
    "the file is larger than %(most)s MB -> look at it in Meta Business Suite",
    most=LARGEST_DOWNLOAD // 1024**2,
)
FILE_TOO_SLOW = Sentence("the file did not come in time -> try again")


@dataclass(frozen=True)
class Fetched:
    """A file, ready for the browser."""

    content: bytes = field(repr=False)
    type: str
    headers: Mapping[str, str]  #: to go with it


class MediaProxy:
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
        self._inside = _session(adapter or _Bounded())
        self._inside.trust_env = False  # the simulator is not behind the proxy that the machine may have

    def fetch(self, address: str) -> Fetched:
        """Return the file at *address*. Raises Refused, in words, where it cannot be had."""
        until = self._clock() + FETCH_SECONDS
        with ends_within(FETCH_SECONDS) as deadline:
            try:
                found = self._followed(address, until)
            except (requests.RequestException, HTTPError, OSError, ValueError):
                # `from None`: the libraries' texts quote the address, which lets whoever has it see the file.
                raise Refused(FILE_TOO_SLOW if deadline.is_over else NOT_ALLOWED) from None
            if deadline.is_over:  # a body without a length ends where the connection does
                raise Refused(FILE_TOO_SLOW)
            return found

    def _followed(self, address: str, until: float) -> Fetched:
        for _ in range(MOST_REDIRECTS + 1):
            with self._get(address) as response:
                if not response.is_redirect:
                    return _fetched(response, address, self._read(response, until))
                address = urljoin(address, response.headers["Location"])
        raise Refused(NOT_ALLOWED)

    def _get(self, address: str) -> requests.Response:
        own = _origin(address) == self._own
        if not own and not _is_public(address):
            raise Refused(NOT_ALLOWED)
        session = self._inside if own else self._outside
        return session.get(
            address, stream=True, timeout=(CONNECT_SECONDS, READ_SECONDS), allow_redirects=False, auth=_nobody
        )

    def _read(self, response: requests.Response, until: float) -> bytes:
        if response.status_code != 200:
            raise NotKnown(GONE)
        length = response.headers.get("Content-Length", "")
        if length.isdigit() and int(length) > LARGEST_DOWNLOAD:
            raise Refused(TOO_LARGE)
        content = bytearray()
        for chunk in response.raw.stream(_CHUNK, decode_content=False):
            content += chunk
            if len(content) > LARGEST_DOWNLOAD:
                raise Refused(TOO_LARGE)
            if self._clock() > until:
                raise Refused(FILE_TOO_SLOW)
        found = unpacked(bytes(content), response.headers.get("Content-Encoding", ""), LARGEST_DOWNLOAD)
        if len(found) > LARGEST_DOWNLOAD:
            raise Refused(TOO_LARGE)
        return found


class _Bounded(HTTPAdapter):
    """Makes connections that the deadline ends."""

    def init_poolmanager(self, *given: Any, **named: Any) -> None:
        """Have the pools make them."""
        super().init_poolmanager(*given, **named)
        bound(self.poolmanager)

    def proxy_manager_for(self, proxy: str, **named: Any) -> Any:
        """Have the pools to a proxy make them."""
        found = super().proxy_manager_for(proxy, **named)
        return found if proxy.lower().startswith("socks") else bound(found)


class _PublicOnly(_Bounded):
    """Calls the public internet alone. Behind a proxy it is the proxy that calls, and has to know."""

    def init_poolmanager(self, *given: Any, **named: Any) -> None:
        """Have the pools make no other connections."""
        super().init_poolmanager(*given, **named)
        bound(self.poolmanager, tls_pool_to(is_public_address))


#: What is given out of the IPv6 space, and where NAT64 puts IPv4 addresses.
#: https://www.iana.org/assignments/ipv6-address-space/ https://www.rfc-editor.org/rfc/rfc6052
_GIVEN_OUT, _NAT64 = ipaddress.ip_network("2000::/3"), ipaddress.ip_network("64:ff9b::/96")
#: For protocols, and for relays that there should be no more (RFC 7526).
_SPECIAL_NETWORKS = (ipaddress.ip_network("192.0.0.0/24"), ipaddress.ip_network("192.88.99.0/24"))


def is_public_address(address: str) -> bool:
    """Tell whether an IP address is one of the public internet."""
    try:
        found = ipaddress.ip_address(address.split("%")[0])
    except ValueError:
        return False
    if isinstance(found, ipaddress.IPv4Address):
        return _is_public_v4(found)
    if found in _NAT64:
        return _is_public_v4(ipaddress.IPv4Address(found.packed[-4:]))
    inside: Union[ipaddress.IPv4Address, None] = found.ipv4_mapped or found.sixtofour
    if inside is not None and not _is_public_v4(inside):
        return False
    return found in _GIVEN_OUT and found.is_global or found.ipv4_mapped is not None


def _is_public_v4(address: ipaddress.IPv4Address) -> bool:
    return (
        address.is_global
        and not address.is_multicast
        and not any(address in each for each in _SPECIAL_NETWORKS)
    )


def content_type_of(given: str) -> Tuple[str, bool]:
    """Return the type under which a file is passed on, and whether the browser may show it in the page."""
    kind = given.partition(";")[0].strip().lower()
    return (kind, True) if kind in _TYPES_SHOWN else ("application/octet-stream", False)


def _fetched(response: requests.Response, address: str, content: bytes) -> Fetched:
    kind, is_shown = content_type_of(response.headers.get("Content-Type", ""))
    name = unquote(urlsplit(address).path.rpartition("/")[2])[:100]
    name = "".join(sign for sign in name if sign.isprintable()).strip(". ") or "file"
    placed = "inline" if is_shown else "attachment"
    disposition = f"{placed}; filename*=UTF-8''{quote(name, safe='')}"
    return Fetched(content, kind, {"Content-Disposition": disposition})


class _Session(requests.Session):
    """Leaves redirects to us: `requests` would read their bodies to the end, whatever their size."""

    def resolve_redirects(self, *given: Any, **named: Any) -> Iterator[Any]:
        """Follow none."""
        return iter(())


def _session(adapter: BaseAdapter) -> requests.Session:
    session = _Session()
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
    return is_public_address(host) if is_number else host not in LOOPBACK


def _origin(address: str) -> Optional[Tuple[str, str, Optional[int]]]:
    try:
        parts = urlsplit(address)
        host, port = parts.hostname or "", parts.port
    except ValueError:
        return None
    if parts.scheme not in ("http", "https") or not host or parts.username is not None:
        return None
    usual = {"http": 80, "https": 443}[parts.scheme]
    return parts.scheme, "localhost" if host in LOOPBACK else host, port or usual
