"""Makes one HTTP exchange with the Graph API.

1. The token travels in the `Authorization` header, never in the URL: URLs end up in logs.
2. No text of an HTTP library goes further than this file: those texts quote URLs and headers. In the log that
   urllib3 keeps at level DEBUG, the proof and a token that is asked about are struck out.
3. Redirects are not followed, cookies not kept, `.netrc` not asked: nothing but the arguments counts.
4. One pool of connections serves all threads of the process. The calls are urllib3's, at less CPU than by
   requests (docs/decisions/0001-dependencies.md), which only says here what proxy the machine has.
5. A file goes out with its message as a form (`multipart/form-data`, field `filedata`), block by block: the
   time-out counts for a block, not for all of it.
6. A call ends within its limit of seconds in all, and an answer is read up to its limit of bytes, unpacked
   (rules/limits.py): what stands between Meta and us may be broken.
   https://developers.facebook.com/docs/messenger-platform/reference/attachment-upload-api
"""

from __future__ import annotations

import hashlib
import hmac
import io
import json
import logging
import os
import re
from dataclasses import dataclass, field
from typing import Any, Dict, Mapping, NamedTuple, Optional, Protocol, Tuple
from urllib.parse import urlencode, urlsplit

import requests
from requests.adapters import HTTPAdapter
from requests.utils import DEFAULT_CA_BUNDLE_PATH, select_proxy
from urllib3 import PoolManager, Timeout
from urllib3.exceptions import ConnectTimeoutError, HTTPError, NewConnectionError, ProxyError, SSLError
from urllib3.filepost import encode_multipart_formdata

from handover_channel.errors import GraphError, GraphUnavailable, TokenRefused
from handover_channel.graph_api.bounded_http import bound, ends_within, unpacked
from handover_channel.rules.limits import GRAPH_BYTES, GRAPH_SECONDS, UPLOAD_SECONDS
from handover_channel.sentences import Sentence
from handover_channel.settings.locations import LOOPBACK

#: Connections kept open to Meta: one for each thread of the process that may be talking to it.
POOL_SIZE = 64

#: Seconds until Meta answers an upload: it looks at the file first. For a film it takes 75 itself
#: (.../messenger-platform/send-messages/saving-assets).
UPLOAD_READ = 75.0

#: Bytes that are read at a time: nearly every answer is one of these.
_BLOCK_OF_ANSWER = 16 * 1024

_SECRET_IN_URL = re.compile(r"(?<=appsecret_proof=)\w+|(?<=input_token=)[^&\s]+")
UNREACHABLE = Sentence(
    "it is tried again by itself; if it lasts, check the network and graph_api.url in handover.yml"
)
_BAD_URL = Sentence(
    "check graph_api in handover.yml: url is https://graph.facebook.com, version is like v27.0"
)
_BAD_TOKEN = Sentence("copy the page access token into credentials.yml again, on one line")


class Upload(NamedTuple):
    """A file that goes out with a call."""

    name: str
    type: str  #: "image/png"
    content: bytes


@dataclass(frozen=True)
class Call:
    """One call of the Graph API, before it is made."""

    method: str  #: GET or POST
    path: str  #: below the version: "/me/messages"
    token: str = field(repr=False)
    proof: str = field(default="", repr=False)  #: `appsecret_proof`, "" for none
    thread: str = ""  #: whom it is about, for the log
    query: Mapping[str, str] = field(default_factory=dict)
    body: Optional[Mapping[str, Any]] = field(default=None, repr=False)
    worth_repeating: bool = True
    upload: Optional[Upload] = field(default=None, repr=False)

    @property
    def secrets(self) -> Tuple[str, ...]:
        """What must not be told to anybody else."""
        return tuple(filter(None, (self.token, self.proof)))


@dataclass(frozen=True)
class Answer:
    """What came back."""

    status: int
    body: Any = field(repr=False)  #: None where it was not JSON
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)  #: found in any case


class Unanswered(GraphUnavailable):
    """No answer came. `sent`: Meta may have got the call, and done what it asks."""

    def __init__(self, said: str, *, sent: bool) -> None:
        super().__init__(said, remedy=UNREACHABLE)
        self.sent = sent


def appsecret_proof(token: str, secret: str) -> str:
    """Return the proof that whoever uses *token* holds the app secret: hex HMAC-SHA256.

    https://developers.facebook.com/docs/graph-api/guides/secure-requests
    """
    return hmac.new(secret.encode(), token.encode(), hashlib.sha256).hexdigest()


class Pools(Protocol):
    """What keeps connections open and makes a call on one of them: urllib3's PoolManager."""

    def urlopen(self, method: str, url: str, **more: Any) -> Any:
        """Return the answer, its body still to be read."""


class Transport:
    """HTTP with the Graph API at *url* in *version*; *timeouts* in seconds: to connect, to read."""

    def __init__(
        self, url: str, version: str, *, timeouts: Tuple[float, float], pools: Optional[Pools] = None
    ) -> None:
        self._base = "/".join(part for part in (url.strip().rstrip("/"), version.strip().strip("/")) if part)
        self._host = _host(self._base)
        connect, read = timeouts
        self._timeout = Timeout(connect=connect, read=read)
        self._upload_timeout = Timeout(connect=connect, read=max(read, UPLOAD_READ))
        # Without a host nothing is ever called: `exchange` says so, where the settings did not.
        self._pools = pools or self._own_pools()
        logging.getLogger("urllib3.connectionpool").addFilter(_without_secrets)

    def _own_pools(self) -> Pools:
        return pools_for(self._base) if self._host else PoolManager()

    def after_fork(self) -> None:
        """In a child process: leave the parent its connections, and open others when they are needed."""
        self._pools = self._own_pools()

    def exchange(self, call: Call) -> Answer:
        """Make *call* once. Raises `Unanswered`, or another GraphError where it cannot even be made."""
        if not self._host:
            raise GraphError(Sentence("graph_api.url is no URL"), remedy=_BAD_URL)
        headers = {"Authorization": f"Bearer {_checked(call.token)}", "User-Agent": "rasa-handover"}
        content = _content(call, headers)
        query = {**call.query, **({"appsecret_proof": call.proof} if call.proof else {})}
        seconds = UPLOAD_SECONDS.value if call.upload else GRAPH_SECONDS.value
        with ends_within(seconds) as deadline:
            try:
                response = self._pools.urlopen(
                    call.method,
                    f"{self._base}{call.path}{'?' if query else ''}{urlencode(query)}",
                    body=content,
                    headers=headers,
                    timeout=self._upload_timeout if call.upload else self._timeout,
                    redirect=False,
                    retries=False,  # they are ours (retries.py): urllib3 knows nothing of Meta's codes
                    preload_content=False,
                )
                body = self._read(response)
            except (HTTPError, OSError, ValueError) as error:
                # `from None`: the library's text holds the URL with its proof, or the header with the token.
                raise _failure(error, self._host) from None
            if deadline.is_over:
                said = Sentence(
                    "no answer from %(host)s within %(seconds)s s", host=self._host, seconds=seconds
                )
                raise Unanswered(said, sent=True)
        return Answer(response.status, _decode(body), response.headers)

    def _read(self, response: Any) -> bytes:
        most = GRAPH_BYTES.value
        packed = bytearray()
        for part in response.stream(_BLOCK_OF_ANSWER, decode_content=False):
            packed += part
            if len(packed) > most:
                break
        content = unpacked(bytes(packed) or response.data, response.headers.get("Content-Encoding", ""), most)
        if not response.closed:  # there is more, or the end of the connection was the end of the answer
            response.close()
        response.release_conn()
        if max(len(packed), len(content)) > most:
            said = Sentence("an answer of more than %(most)s bytes from %(host)s", most=most, host=self._host)
            raise Unanswered(said, sent=True)
        return content


def pools_for(url: str) -> PoolManager:
    """Return pools of connections for *url*, by the machine's proxy and with its CA bundle, as requests does.

    The simulator, on this machine, is not behind the proxy that the machine may have.
    """
    session = requests.Session()
    session.trust_env = _host(url) not in LOOPBACK
    found = session.merge_environment_settings(url, {}, None, None, None)
    bundle = found["verify"] if isinstance(found["verify"], str) else DEFAULT_CA_BUNDLE_PATH
    kind = "ca_cert_dir" if os.path.isdir(bundle) else "ca_certs"
    tls: Dict[str, Any] = {"cert_reqs": "CERT_REQUIRED", kind: bundle}
    proxy = select_proxy(url, found["proxies"]) or ""
    if not proxy:
        pools = PoolManager(maxsize=POOL_SIZE, **tls)
    else:
        pools = HTTPAdapter(pool_maxsize=POOL_SIZE).proxy_manager_for(proxy, **tls)
    if not proxy.lower().startswith("socks"):  # whose connections are made otherwise
        bound(pools)
    return pools


def _checked(token: str) -> str:
    if not token or not token.isascii() or not token.isprintable() or " " in token:
        raise TokenRefused(
            Sentence("the page access token is empty, or has characters that no token has"),
            remedy=_BAD_TOKEN,
        )
    return token


def _host(url: str) -> str:
    """Return the host of *url*, without the password that somebody may have put there; "" for no URL."""
    try:
        parts = urlsplit(url)
        return (parts.hostname or "") if parts.scheme in ("http", "https") else ""
    except ValueError:
        return ""


def _without_secrets(record: logging.LogRecord) -> bool:
    if isinstance(record.args, tuple):
        record.args = tuple(
            _SECRET_IN_URL.sub("***", arg) if isinstance(arg, str) else arg for arg in record.args
        )
    return True


def _content(call: Call, headers: Dict[str, str]) -> Any:
    """Return what is sent, and say in *headers* what it is."""
    if call.body is None:
        return None
    if call.upload is None:
        headers["Content-Type"] = "application/json"
        return _encode(call.body)
    fields: Dict[str, Any] = {
        name: value if isinstance(value, str) else _encode(value) for name, value in call.body.items()
    }
    name, file_type, content = call.upload
    form, content_type = encode_multipart_formdata({**fields, "filedata": (name, content, file_type)})
    headers.update({"Content-Type": content_type, "Content-Length": str(len(form))})
    return io.BytesIO(form)


def _encode(body: Any) -> bytes:
    try:
        return json.dumps(body, allow_nan=False, separators=(",", ":")).encode("ascii")
    except (TypeError, ValueError, RecursionError) as error:
        raise GraphError(
            Sentence("the message cannot be written as JSON (%(kind)s)", kind=type(error).__name__),
            remedy=Sentence("correct the response in domain.yml or in the action"),
        ) from None


def _decode(content: bytes) -> Any:
    try:
        return json.loads(content)
    except (ValueError, RecursionError):
        return None


def _failure(error: Exception, host: str) -> GraphError:
    kind = type(error).__name__
    if isinstance(error, (NewConnectionError, ConnectTimeoutError, SSLError, ProxyError)):
        return Unanswered(Sentence("no connection to %(host)s (%(kind)s)", host=host, kind=kind), sent=False)
    if isinstance(error, ValueError):  # LocationValueError and its like
        return GraphError(
            Sentence("%(host)s cannot be called (%(kind)s)", host=host, kind=kind), remedy=_BAD_URL
        )
    return Unanswered(Sentence("no answer from %(host)s (%(kind)s)", host=host, kind=kind), sent=True)
