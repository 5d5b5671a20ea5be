"""One HTTP exchange with the Graph API.

1. The token travels in the `Authorization` header, never in the URL: URLs end up in logs.
2. No text of an HTTP library goes further than this file: those texts quote URLs and headers. In the log that
   urllib3 keeps at level DEBUG, the proof is struck out.
3. Redirects are not followed, cookies not kept, `.netrc` not asked: nothing but the arguments counts.
4. One pooled session serves all threads of the process.
5. A file goes out with its message as a form (`multipart/form-data`, field `filedata`), block by block: the
   time-out counts for a block, not for all of it.
   https://developers.facebook.com/docs/messenger-platform/reference/attachment-upload-api
"""

from __future__ import annotations

import hashlib
import hmac
import io
import json
import logging
import re
from dataclasses import dataclass, field
from typing import Any, Dict, Mapping, NamedTuple, Optional, Tuple
from urllib.parse import urlsplit

import requests
from requests.adapters import BaseAdapter, HTTPAdapter
from requests.auth import AuthBase
from urllib3.exceptions import HTTPError, NewConnectionError
from urllib3.filepost import encode_multipart_formdata

from handover_channel.errors import GraphError, GraphUnavailable, TokenRefused

#: Connections kept open to Meta: one for each thread of the process that may be talking to it.
POOL_SIZE = 64

#: Seconds until Meta answers an upload: it looks at the file first. For a film it takes 75 itself
#: (.../messenger-platform/send-messages/saving-assets).
UPLOAD_READ = 75.0

_PROOF = re.compile(r"(?<=appsecret_proof=)\w+")
_LOOPBACK = ("localhost", "127.0.0.1", "::1")
_UNREACHABLE = "it is tried again by itself; if it lasts, check the network and graph_api.url in handover.yml"
_BAD_URL = "check graph_api in handover.yml: url is https://graph.facebook.com, version is like v26.0"
_BAD_TOKEN = "copy the page access token into credentials.yml again, on one line"  # noqa: S105  (a sentence)


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

    def __init__(self, message: str, *, sent: bool) -> None:
        super().__init__(message, remedy=_UNREACHABLE)
        self.sent = sent


def appsecret_proof(token: str, secret: str) -> str:
    """Return the proof that whoever uses *token* holds the app secret: hex HMAC-SHA256.

    https://developers.facebook.com/docs/graph-api/guides/secure-requests
    """
    return hmac.new(secret.encode(), token.encode(), hashlib.sha256).hexdigest()


class Transport:
    """Speak HTTP with the Graph API at *url* in *version*; *timeouts* in seconds: to connect, to read."""

    def __init__(
        self, url: str, version: str, *, timeouts: Tuple[float, float], adapter: Optional[BaseAdapter] = None
    ) -> None:
        self._base = "/".join(part for part in (url.strip().rstrip("/"), version.strip().strip("/")) if part)
        self._host = _host(self._base)
        self._timeouts = timeouts
        self._session = _session(self._host, adapter)
        self._environment: Mapping[str, Any] = {}  # proxies and CA bundle: read once, at the first call

    def exchange(self, call: Call) -> Answer:
        """Make *call* once; raise `Unanswered`, or another GraphError where it cannot even be made."""
        content, content_type = _content(call)
        connect, read = self._timeouts
        try:
            # Not by `Session.request`: it reads the environment and merges cookies again for each call.
            request = requests.PreparedRequest()
            request.prepare(
                method=call.method,
                url=self._base + call.path,
                params={**call.query, **({"appsecret_proof": call.proof} if call.proof else {})},
                data=content,
                headers={**self._session.headers, **({"Content-Type": content_type} if content else {})},
                auth=_Bearer(call.token),
            )
            self._environment = self._environment or self._session.merge_environment_settings(
                request.url, {}, None, None, None
            )
            response = self._session.get_adapter(self._base).send(
                request,
                timeout=(connect, max(read, UPLOAD_READ) if call.upload else read),
                **self._environment,
            )
            answered = response.content  # read to its end: only then the connection serves again
        except (requests.RequestException, HTTPError, OSError, ValueError) as error:
            # `from None`: the library's text holds the URL with its proof, or the header with the token.
            raise _failure(error, self._host) from None
        return Answer(response.status_code, _decode(answered), response.headers)


class _Bearer(AuthBase):
    """As an `auth` object, not a header: a header of ours would give way to a password in the URL."""

    def __init__(self, token: str) -> None:
        if not token or not token.isascii() or not token.isprintable() or " " in token:
            raise TokenRefused(
                "the page access token is empty, or has characters that no token has", remedy=_BAD_TOKEN
            )
        self._token = token

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        request.headers["Authorization"] = f"Bearer {self._token}"
        return request


def _host(url: str) -> str:
    """Return the host of *url*, without the password that somebody may have put there; "" for no URL."""
    try:
        return urlsplit(url).hostname or ""
    except ValueError:
        return ""


def _session(host: str, adapter: Optional[BaseAdapter]) -> requests.Session:
    session = requests.Session()
    # Retries are ours (graph_patience.py): urllib3 knows nothing of Meta's codes.
    pooled = adapter or HTTPAdapter(pool_connections=4, pool_maxsize=POOL_SIZE, max_retries=0)
    session.mount("https://", pooled)
    session.mount("http://", pooled)
    if host in _LOOPBACK:
        session.trust_env = False  # the simulator is not behind the proxy that the machine may have
    logging.getLogger("urllib3.connectionpool").addFilter(_without_proof)
    return session


def _without_proof(record: logging.LogRecord) -> bool:
    if isinstance(record.args, tuple):
        record.args = tuple(_PROOF.sub("***", arg) if isinstance(arg, str) else arg for arg in record.args)
    return True


def _content(call: Call) -> Tuple[Any, str]:
    """Return what is sent, and its type."""
    if call.body is None:
        return None, ""
    if call.upload is None:
        return _encode(call.body), "application/json"
    fields: Dict[str, Any] = {
        name: value if isinstance(value, str) else _encode(value) for name, value in call.body.items()
    }
    name, file_type, content = call.upload
    form, content_type = encode_multipart_formdata({**fields, "filedata": (name, content, file_type)})
    return io.BytesIO(form), content_type


def _encode(body: Any) -> bytes:
    try:
        return json.dumps(body, allow_nan=False, separators=(",", ":")).encode("ascii")
    except (TypeError, ValueError, RecursionError) as error:
        raise GraphError(
            f"the message cannot be written as JSON ({type(error).__name__})",
            remedy="correct the response in domain.yml or in the action",
        ) from None


def _decode(content: bytes) -> Any:
    try:
        return json.loads(content)
    except (ValueError, RecursionError):
        return None


def _failure(error: Exception, host: str) -> GraphError:
    kind = type(error).__name__
    if _never_left(error):
        return Unanswered(f"no connection to {host} ({kind})", sent=False)
    if isinstance(error, ValueError):  # InvalidURL, MissingSchema and their like
        return GraphError(f"{host or 'graph_api.url'} cannot be called ({kind})", remedy=_BAD_URL)
    return Unanswered(f"no answer from {host} ({kind})", sent=True)


def _never_left(error: Exception) -> bool:
    if isinstance(
        error, (requests.ConnectTimeout, requests.exceptions.SSLError, requests.exceptions.ProxyError)
    ):
        return True
    cause = error.args[0] if error.args else None
    return isinstance(getattr(cause, "reason", None), NewConnectionError)
