"""Builds the bytes of a webhook delivery: Meta's JSON, envelope, signatures and handshake. No I/O.

Rule 16: handover events name app ids as numbers or as strings; Meta's own samples mix them.
Rule 17: the bytes that are sent are the bytes that are signed, in Meta's escaped form.

https://developers.facebook.com/documentation/business-messaging/messenger-platform/webhooks
https://developers.facebook.com/documentation/business-messaging/messenger-platform/webhooks/webhook-events/messaging_handovers
"""

from __future__ import annotations

import hashlib
import hmac
import json
from dataclasses import dataclass
from typing import Any, Dict, Mapping, Sequence, Tuple, Union

from handover_channel.simulator.connected_app import App
from handover_channel.simulator.journal import JournalEntry
from handover_channel.simulator.thread import ChatEntry
from handover_channel.simulator.thread_control import HandoverEvent

#: The owner ids that Meta's samples print as numbers: (kind of event, key).
_NUMBERS_IN_SAMPLES = {
    ("take_thread_control", "new_owner_app_id"),
    ("request_thread_control", "requested_owner_app_id"),
}


@dataclass(frozen=True)
class WebhookDelivery:
    """A webhook body on its way to an app with a callback.

    *entries*: its lines in the journal, one for each event. *forged*: signed with another secret (a fault).
    """

    app: App
    body: bytes
    entries: Tuple[JournalEntry, ...]
    forged: bool = False
    sha1: bool = True  #: whether it is signed with SHA-1, too

    @property
    def headers(self) -> Dict[str, str]:
        """Its signature headers."""
        signed = signatures(self.body, self.app.secret + "-forged" if self.forged else self.app.secret)
        return signed if self.sha1 else {name: signed[name] for name in signed if name.endswith("256")}


def meta_json(value: Any, *, punctuation: bool = True) -> bytes:
    r"""Return *value* as Meta writes it: escaped ASCII, also ``/`` ``<`` ``%`` ``@`` (`\/`, `\u003C` ...).

    *punctuation*: whether those four are escaped, which no page of Meta says today.
    """
    text = json.dumps(value, ensure_ascii=True, separators=(",", ":"))
    if not punctuation:
        return text.encode("ascii")
    for plain, escaped in (("/", "\\/"), ("<", "\\u003C"), ("%", "\\u0025"), ("@", "\\u0040")):
        text = text.replace(plain, escaped)
    return text.encode("ascii")


def signatures(body: bytes, secret: str) -> Dict[str, str]:
    """Return both signature headers of *body*: the SHA-256 one, and the older SHA-1 one."""
    key = secret.encode()
    return {
        "X-Hub-Signature-256": "sha256=" + hmac.new(key, body, hashlib.sha256).hexdigest(),
        "X-Hub-Signature": "sha1=" + hmac.new(key, body, hashlib.sha1).hexdigest(),
    }


def delivery(page: str, channel: str, item: Mapping[str, Any], time: int) -> Dict[str, Any]:
    """Return the body that carries *item* on *channel* (`messaging` or `standby`); *time* in ms."""
    return {"object": "page", "entry": [{"id": page, "time": time, channel: [item]}]}


def batched(bodies: Sequence[Mapping[str, Any]]) -> Dict[str, Any]:
    """Return one body with the entries of all of *bodies*."""
    return {"object": "page", "entry": [entry for body in bodies for entry in body["entry"]]}


def handshake(verify_token: str, challenge: str) -> Dict[str, str]:
    """Return the query of the GET that verifies a callback."""
    return {"hub.mode": "subscribe", "hub.verify_token": verify_token, "hub.challenge": challenge}


def app_id(value: str, *, number: bool) -> Union[str, int, None]:
    """Return an app id as Meta would print it; None for no app."""
    if not value:
        return None
    return int(value) if number and value.isdecimal() else value


def handover_item(event: HandoverEvent, metadata: str, ids: str) -> Dict[str, Any]:
    """Return the part of a handover event below its kind; *ids*: see `Switches.ids`."""
    if event.kind == "request_thread_control":
        named = {"requested_owner_app_id": event.new}
    else:
        named = {"previous_owner_app_id": event.previous, "new_owner_app_id": event.new}
    item: Dict[str, Any] = {
        key: app_id(
            value, number=ids == "number" or (ids == "meta" and (event.kind, key) in _NUMBERS_IN_SAMPLES)
        )
        for key, value in named.items()
    }
    if metadata:
        item["metadata"] = metadata
    return item


def echoed(written: ChatEntry) -> Dict[str, Any]:
    """Return a message of the page as its echo shows it: who wrote it, and with which metadata."""
    message = written["message"]
    echo: Dict[str, Any] = {"is_echo": True, "app_id": app_id(written["author"], number=True)}
    if message.get("metadata"):
        echo["metadata"] = message["metadata"]
    if message.get("ai_generated"):
        echo["ai_generated"] = True
    echo["mid"] = written["mid"]
    if message.get("text"):
        echo["text"] = message["text"]
    if message.get("attachment"):
        echo["attachments"] = [message["attachment"]]
    return echo
