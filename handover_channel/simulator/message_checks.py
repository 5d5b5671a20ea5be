"""Checks whether the Send API accepts a message (rule 21). No I/O.

Limits are counted in characters. Texts of refusals that Meta does not publish are our own.
https://developers.facebook.com/docs/messenger-platform/reference/send-api
https://developers.facebook.com/documentation/business-messaging/messenger-platform/send-messages/template/button
https://developers.facebook.com/documentation/business-messaging/messenger-platform/send-messages/quick-replies
"""

from __future__ import annotations

from typing import Any, Dict, Iterator, List, Mapping, Optional

from handover_channel.simulator import refusals
from handover_channel.simulator.refusals import Refused, bad_parameter

TEXT_LIMIT = 2000
METADATA_LIMIT = 1000
TEMPLATE_TEXT_LIMIT = 640
TITLE_LIMIT = 20
PAYLOAD_LIMIT = 1000
MOST_BUTTONS = 3
MOST_QUICK_REPLIES = 13
MOST_ELEMENTS = 10

MESSAGING_TYPES = frozenset({"RESPONSE", "UPDATE", "MESSAGE_TAG", "UTILITY"})
SENDER_ACTIONS = frozenset({"typing_on", "typing_off", "mark_seen", "react", "unreact"})
ATTACHMENT_TYPES = frozenset({"audio", "file", "image", "template", "video"})
QUICK_REPLY_TYPES = frozenset({"text", "user_phone_number", "user_email", "location"})
HUMAN_AGENT = "HUMAN_AGENT"  #: the tag that is left since 27 April 2026


def check(body: Mapping[str, Any], *, dead_tags: bool = False, needs_type: bool = False) -> None:
    """Raise `Refused` unless the Send API accepts *body*, recipient and control apart.

    A key with the value None counts as absent: some clients send every key they know.
    *dead_tags* accepts the message tags that Meta has retired; *needs_type*: see `_check_type`.
    """
    given = {key: value for key, value in body.items() if value is not None}
    message, action = given.get("message"), given.get("sender_action")
    if message and action:
        raise Refused(refusals.MESSAGE_AND_ACTION)
    if action:
        _one_of(action, SENDER_ACTIONS, "sender_action")
        return
    _check_type(given, dead_tags=dead_tags, needs_type=needs_type)
    if not isinstance(message, Mapping):
        raise Refused(refusals.EMPTY_MESSAGE)
    _check_message(message)


def buttons_of(message: Mapping[str, Any]) -> List[Dict[str, Any]]:
    """Return every button of a message in order: of a template, or of its elements."""
    payload = _payload(message)
    elements = [element for element in payload.get("elements") or () if isinstance(element, Mapping)]
    holders = [payload, *elements]
    return [
        dict(button)
        for holder in holders
        for button in holder.get("buttons") or ()
        if isinstance(button, Mapping)
    ]


def _check_type(body: Mapping[str, Any], *, dead_tags: bool, needs_type: bool) -> None:
    kind = body.get("messaging_type")
    if kind is None:  # required by Meta's reference, and yet left out by most clients
        if needs_type:
            raise bad_parameter("The parameter messaging_type is required")
        return
    _one_of(kind, MESSAGING_TYPES, "messaging_type")
    if kind != "MESSAGE_TAG":
        return
    if not body.get("tag"):
        raise bad_parameter("The parameter tag is required for messaging_type MESSAGE_TAG")
    if body["tag"] != HUMAN_AGENT and not dead_tags:
        raise Refused(refusals.DEAD_TAG)


def _check_message(message: Mapping[str, Any]) -> None:
    text, attachment = message.get("text"), message.get("attachment")
    if not text and not attachment:
        raise Refused(refusals.EMPTY_MESSAGE)
    if text is not None and not isinstance(text, str):
        raise bad_parameter("Param message[text] must be a string.")
    if text and len(text) > TEXT_LIMIT:
        raise Refused(refusals.TEXT_TOO_LONG)
    _at_most(message.get("metadata"), METADATA_LIMIT, "message[metadata]")
    if attachment:
        _check_attachment(attachment)
    _check_quick_replies(message.get("quick_replies"))


def _check_attachment(attachment: Any) -> None:
    if not isinstance(attachment, Mapping):
        raise bad_parameter("Param message[attachment] must be an object.")
    _one_of(attachment.get("type"), ATTACHMENT_TYPES, "message[attachment][type]")
    payload = attachment.get("payload") or {}
    if not isinstance(payload, Mapping):
        raise bad_parameter("Param message[attachment][payload] must be an object.")
    if attachment["type"] == "template":
        _check_template(payload)


def _check_template(payload: Mapping[str, Any]) -> None:
    kind = payload.get("template_type")
    if not kind:
        raise bad_parameter("Param template_type is required for a template attachment")
    if kind == "button":
        if not payload.get("text"):
            raise bad_parameter("Param text is required for a button template")
        _at_most(payload["text"], TEMPLATE_TEXT_LIMIT, "text of a button template")
        _check_buttons(payload.get("buttons"), fewest=1)
    if kind == "generic":
        for element in _elements(payload):
            _check_buttons(element.get("buttons"), fewest=0)


def _elements(payload: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    elements = _list(payload.get("elements"), "elements")
    if not 1 <= len(elements) <= MOST_ELEMENTS:
        raise bad_parameter(f"Param elements must have 1 to {MOST_ELEMENTS} items")
    for element in elements:
        if not isinstance(element, Mapping) or not element.get("title"):
            raise bad_parameter("Every element of a generic template needs a title")
        yield element


def _check_buttons(buttons: Any, *, fewest: int) -> None:
    given = _list(buttons, "buttons")
    if not fewest <= len(given) <= MOST_BUTTONS:
        raise bad_parameter(f"Param buttons must have {fewest} to {MOST_BUTTONS} items")
    for button in given:
        if not isinstance(button, Mapping) or not button.get("type"):
            raise bad_parameter("Every button needs a type")
        _at_most(button.get("title"), TITLE_LIMIT, "title of a button")
        if button["type"] == "postback":
            _titled_with_payload(button, "postback button")


def _check_quick_replies(quick_replies: Any) -> None:
    given = _list(quick_replies, "quick_replies")
    if len(given) > MOST_QUICK_REPLIES:
        raise bad_parameter(f"Param quick_replies must have at most {MOST_QUICK_REPLIES} items")
    for quick_reply in given:
        if not isinstance(quick_reply, Mapping):
            raise bad_parameter("Every quick reply must be an object")
        _one_of(quick_reply.get("content_type"), QUICK_REPLY_TYPES, "content_type of a quick reply")
        if quick_reply["content_type"] == "text":
            _titled_with_payload(quick_reply, "quick reply")


def _titled_with_payload(button: Mapping[str, Any], where: str) -> None:
    if not button.get("title"):
        raise bad_parameter(f"The title of a {where} is required")
    if button.get("payload") is None:
        raise bad_parameter(f"The payload of a {where} is required")
    _at_most(button["title"], TITLE_LIMIT, f"title of a {where}")
    _at_most(button["payload"], PAYLOAD_LIMIT, f"payload of a {where}")


def _payload(message: Mapping[str, Any]) -> Mapping[str, Any]:
    attachment = message.get("attachment")
    payload = attachment.get("payload") if isinstance(attachment, Mapping) else None
    return payload if isinstance(payload, Mapping) else {}


def _list(value: Optional[Any], name: str) -> List[Any]:
    if value is not None and not isinstance(value, list):
        raise bad_parameter(f"Param {name} must be an array.")
    return value or []


def _one_of(value: Any, accepted: frozenset[str], name: str) -> None:
    if not isinstance(value, str) or value not in accepted:
        raise bad_parameter(f"Param {name} must be one of {{{', '.join(sorted(accepted))}}}")


def _at_most(value: Any, limit: int, name: str) -> None:
    if value is None:
        return
    if not isinstance(value, str):
        raise bad_parameter(f"The {name} must be a string.")
    if len(value) > limit:
        raise bad_parameter(f"The {name} must be at most {limit} characters long")
