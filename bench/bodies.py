"""Webhook bodies as Meta sends them, signed, as bytes of a whole HTTP request. No I/O but the clock.

Both signatures are on each request: Rasa's own channel reads the SHA-1 one, ours the SHA-256 one.
"""

from __future__ import annotations

import hashlib
import hmac
import itertools
import json
import os
import time
from typing import Any, Dict, List

APP_ID, OTHER_APP_ID, PAGE = "1234567890", "263902037430900", "1000000000000001"
SECRET, VERIFY, TOKEN = "bench-app-secret", "bench-verify", "bench-page-token"
WEBHOOK = "/webhooks/facebook/webhook"

#: What people write: the bench's bot answers each with one message.
TEXTS = ("hello there", "what are your opening hours", "how much is it", "when do you close", "bye for now")

Item = Dict[str, Any]

_count = itertools.count(1)


def message(thread: str, text: str) -> Item:
    """Return a person's message."""
    return {**_from(thread), "message": {"mid": _mid(), "text": text}}


def echo(thread: str, text: str, *, app_id: str, metadata: str = "", mid: str = "") -> Item:
    """Return the echo of what an app wrote to a person."""
    sent = {"mid": mid or _mid(), "is_echo": True, "app_id": int(app_id), "text": text}
    if metadata:
        sent["metadata"] = metadata
    return {"sender": {"id": PAGE}, "recipient": {"id": thread}, "timestamp": _now(), "message": sent}


def postback(thread: str, payload: str) -> Item:
    """Return the tap on a button."""
    return {**_from(thread), "postback": {"mid": _mid(), "title": payload[:20], "payload": payload}}


def handed(thread: str, *, to: str) -> Item:
    """Return the event that control was passed to an app."""
    return {**_from(thread), "pass_thread_control": {"previous_owner_app_id": None, "new_owner_app_id": to}}


def unknown(thread: str) -> Item:
    """Return an event of a kind that nobody knows yet."""
    return {**_from(thread), "message_of_tomorrow": {"id": _mid()}}


def delivery(*items: Item, standby: bool = False) -> Dict[str, Any]:
    """Return a delivery with one entry."""
    channel = "standby" if standby else "messaging"
    return {"object": "page", "entry": [{"id": PAGE, "time": _now(), channel: list(items)}]}


def signatures(body: bytes) -> Dict[str, str]:
    """Return the headers that prove *body* to be Meta's."""
    return {
        "X-Hub-Signature": "sha1=" + hmac.new(SECRET.encode(), body, hashlib.sha1).hexdigest(),
        "X-Hub-Signature-256": "sha256=" + hmac.new(SECRET.encode(), body, hashlib.sha256).hexdigest(),
    }


def encode(given: Dict[str, Any]) -> bytes:
    """Return the body of a delivery."""
    return json.dumps(given, separators=(",", ":")).encode()


def request(body: bytes, path: str = WEBHOOK) -> bytes:
    """Return the HTTP request that delivers *body*."""
    headers = {
        "Host": "127.0.0.1",
        "Content-Type": "application/json",
        "Content-Length": str(len(body)),
        **signatures(body),
    }
    lines = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
    return f"POST {path} HTTP/1.1\r\n{lines}\r\n".encode() + body


def post(*items: Item) -> bytes:
    """Return the HTTP request that delivers *items* in one entry."""
    return request(encode(delivery(*items)))


def chat(thread: str, count: int) -> List[bytes]:
    """Return requests with *count* everyday messages of one person."""
    return [post(message(thread, TEXTS[number % len(TEXTS)])) for number in range(count)]


def people(prefix: str, count: int) -> List[str]:
    """Return *count* PSIDs; digits, as Meta's are. *prefix*: digits that no other part of a figure uses."""
    return [f"{prefix}{number:06d}" for number in range(count)]


def _from(thread: str) -> Item:
    return {"sender": {"id": thread}, "recipient": {"id": PAGE}, "timestamp": _now()}


def _mid() -> str:
    return f"m_{os.getpid()}_{time.time_ns()}_{next(_count)}"


def _now() -> int:
    return int(time.time() * 1000)
