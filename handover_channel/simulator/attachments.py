"""Finds and saves the attachments that apps send: by URL, by id, or uploaded with the call; up to 25 MB.

https://developers.facebook.com/documentation/business-messaging/messenger-platform/send-messages/saving-assets
"""

from __future__ import annotations

from typing import Any, Dict, Mapping, Tuple

from handover_channel.simulator import refusals
from handover_channel.simulator.graph_call import GraphCall
from handover_channel.simulator.page import SimulatedPage
from handover_channel.simulator.refusals import Refusal, Refused

_UNKNOWN_ID = Refusal(100, "(#100) Invalid attachment id", 2018074)
# Codes as Meta documents them, texts our own.
_NO_FILE = Refusal(100, "(#100) Upload attachment failure: no url, attachment_id or filedata", 2018047)
_TOO_LARGE = Refusal(100, "(#100) Attachment size exceeds allowable limit", 2018109)

LARGEST_ATTACHMENT = 25 * 1024**2  #: bytes


def resolved(page: SimulatedPage, call: GraphCall) -> Tuple[Dict[str, Any], str]:
    """Return the message with a URL in its attachment, and the id under which it was saved ("" if not).

    Raises `Refused` for an unknown id, for a file that is too large, and where there is no file at all.
    """
    message = {key: value for key, value in call.parameters["message"].items() if value is not None}
    attachment = message.get("attachment")
    if not isinstance(attachment, Mapping) or attachment.get("type") == "template":
        return message, ""
    payload = dict(attachment.get("payload") or {})
    if call.files:
        payload["url"] = upload(page, call)
    known = payload.get("attachment_id")
    if known is not None and str(known) not in page.attachments and not call.guest:
        raise Refused(_UNKNOWN_ID)
    if known is not None:
        payload["url"] = page.attachments.get(str(known), "")
    if not payload and not call.guest:
        raise Refused(_NO_FILE)
    message["attachment"] = {**attachment, "payload": payload}
    return message, keep(page, payload.get("url", "")) if payload.get("is_reusable") else ""


def save(page: SimulatedPage, call: GraphCall) -> Dict[str, Any]:
    """Answer POST message_attachments: ``{"attachment_id"}``. Raises `Refused` without an attachment."""
    message = call.parameters.get("message")
    if not isinstance(message, Mapping) or not isinstance(message.get("attachment"), Mapping):
        raise Refused(refusals.EMPTY_MESSAGE)
    payload = message["attachment"].get("payload") or {}
    url = upload(page, call) if call.files else str(payload.get("url", ""))
    return {"attachment_id": keep(page, url)}


def keep(page: SimulatedPage, url: str) -> str:
    """Save a URL as an attachment, and return its id."""
    number = str(9_000_000_000_000_001 + page.meta.next_number("attachment"))
    page.attachments[number] = url
    return number


def upload(page: SimulatedPage, call: GraphCall) -> str:
    """Store the uploaded file, and return its URL. Raises `Refused` if it is too large."""
    content_type, content, name = next(iter(call.files.values()))
    if len(content) > LARGEST_ATTACHMENT:
        raise Refused(_TOO_LARGE)
    return page.meta.keep_file(content_type, content, name)
