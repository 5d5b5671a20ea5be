"""Reads Graph API requests in every form that clients send, and holds their responses. No I/O.

Rules:

1. Any version prefix or none; the token in the query, the form, the JSON body or `Authorization: Bearer`.
2. Parameters come from the query and the body; the body wins. JSON and form bodies count alike: objects
   may arrive as JSON text (`recipient`, `message` ...), ids as numbers.
3. Free text stays text, even if it is valid JSON (`metadata` often is).
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from typing import Any, Dict, List, Mapping, Tuple
from urllib.parse import parse_qsl

from handover_channel.simulator.refusals import bad_parameter

_VERSION = re.compile(r"^/v\d+\.\d+(?=/|$)")

#: Parameters that hold an object or a list, and so may come as JSON text.
_STRUCTURED = frozenset(
    {
        "recipient",
        "message",
        "thread_control",
        "batch",
        "payload",
        "persistent_menu",
        "get_started",
        "greeting",
    }
    | {"ice_breakers", "whitelisted_domains", "commands", "params"}
)

#: Kept out of the log: what stands there instead, and of which parameters.
HIDDEN = "\u2026"
_SECRETS_OF_CALLS = frozenset(
    {"access_token", "appsecret_proof", "custom_token", "verify_token", "input_token"}
)

#: An uploaded file: content type, bytes, name.
File = Tuple[str, bytes, str]


@dataclass(frozen=True)
class Response:
    """Status and JSON body; text instead where *headers* name another type.

    *delay*: seconds of real time until it is sent. *hangs*: it is never sent.
    """

    status: int
    body: Any
    headers: Mapping[str, str] = field(default_factory=dict)
    delay: float = 0.0
    hangs: bool = False


@dataclass(frozen=True)
class Request:
    """Method, path, query and decoded body. ``files``: uploads by the name of their field."""

    method: str
    path: str
    query: Mapping[str, Any] = field(default_factory=dict)
    body: Mapping[str, Any] = field(default_factory=dict)
    authorization: str = ""
    files: Mapping[str, File] = field(default_factory=dict)

    @property
    def parameters(self) -> Dict[str, Any]:
        """Query and body as one, JSON text decoded."""
        given = {**self.query, **self.body}
        return {key: _decoded(value) if key in _STRUCTURED else value for key, value in given.items()}

    @property
    def verb(self) -> str:
        """The method, or the one that a `method` parameter puts in its place."""
        override = self.parameters.get("method")
        return override.upper() if self.method == "POST" and isinstance(override, str) else self.method

    @property
    def retired(self) -> str:
        """What this request asks for that Graph v27 has retired for young apps, "" for nothing."""
        given = self.parameters
        if isinstance(given.get("method"), str) and given["method"].upper() != self.method:
            return "HTTP method override"
        if given.get("ids"):
            return "A request for several ids"
        if ".as(" in str(given.get("fields", "")):
            return "An alias of a field"
        return "JSONP" if self.method == "GET" and given.get("callback") else ""

    @property
    def steps(self) -> List[str]:
        """The segments of the path, without the version."""
        return [step for step in _VERSION.sub("", self.path).split("/") if step]

    @property
    def token(self) -> str:
        """The access token, "" for none."""
        given = self.parameters.get("access_token")
        scheme, _, credential = self.authorization.partition(" ")
        return str(given or "") or (credential.strip() if scheme.lower() in ("bearer", "oauth") else "")

    @property
    def psid(self) -> str:
        """The PSID of the person whom the request is about, "" where it names none."""
        recipient = self.parameters.get("recipient")
        psid = recipient.get("id") if isinstance(recipient, Mapping) else recipient
        return str(psid) if isinstance(psid, (str, int)) else ""

    def for_log(self) -> Dict[str, Any]:
        """The request without secrets."""
        return {"method": self.verb, "path": self.path, "query": _open(self.query), "body": _open(self.body)}


def decode_body(body: bytes, content_type: str) -> Dict[str, Any]:
    """Return the parameters of a JSON or form body; raises `Refused` where it is neither.

    The content type is a hint only: a body that begins with ``{`` is JSON.
    """
    text = body.decode("utf-8", errors="replace").strip()
    if not text:
        return {}
    if "json" not in content_type and not text.startswith("{"):
        return dict(parse_qsl(text, keep_blank_values=True))
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        raise bad_parameter("The body is not valid JSON") from None
    if not isinstance(value, dict):
        raise bad_parameter("The body must be a JSON object")
    return value


def _decoded(value: Any) -> Any:
    if not isinstance(value, str) or not value.lstrip().startswith(("{", "[", '"')):
        return value
    try:
        return json.loads(value)
    except (ValueError, RecursionError):
        return value


def _open(given: Mapping[str, Any]) -> Dict[str, Any]:
    return {
        key: HIDDEN if key in _SECRETS_OF_CALLS else value for key, value in given.items() if key != "batch"
    }
