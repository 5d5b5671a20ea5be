"""Reads what a bot writes for Messenger in `custom` (`json_message`) into bodies of the Send API. No I/O.

1. A message object is sent as it is, as Rasa's own channel does; keys that belong beside the message object
   (`persona_id`, `tag`, ...) are put there.
2. A message cannot pass control: `thread_control` is taken out, only control/ changes control.
3. `HUMAN_AGENT` is for people: the tag is taken out, as a bot that used it would break Meta's policy.
   https://developers.facebook.com/documentation/business-messaging/messenger-platform/send-messages
4. What is not for Messenger is left out, with a warning.
"""

from __future__ import annotations

import copy
from typing import Any, Dict, List, Mapping, Optional

from handover_channel import log
from handover_channel.messenger.text_splitting import split

logger = log.logger(__name__)

TEXT_LIMIT = 2000

#: Keys of a message object, any of which makes it one.
_OF_A_MESSAGE = ("text", "attachment", "attachments", "quick_replies", "dynamic_text")
#: Keys that make it a whole body.
_OF_A_BODY = ("message", "sender_action")
#: Keys that may stand in a body beside those.
_BESIDE = ("messaging_type", "tag", "notification_type", "persona_id", "reply_to")
#: Rasa's own channel takes the recipient from `sender`.
_WHO = ("recipient", "sender")
_NEVER_INSIDE = (*_OF_A_BODY, *_WHO, "thread_control")

Message = Dict[str, Any]


def custom_messages(custom: Any) -> List[Message]:
    """Return each message that *custom* holds: one, or a list of them.

    Each is a message object; where keys stand beside it, or another recipient is named, it is the Send API
    body that they make: {"message": {...}, "persona_id": ...}. `send_body` takes both.
    """
    items = custom if isinstance(custom, (list, tuple)) else [custom]
    return [made for item in items for made in _custom(item)]


def send_body(thread: str, message: Mapping[str, Any]) -> Dict[str, Any]:
    """Return the whole Send API body for *message*, as `messages` makes it, to *thread*.

    A custom message that names another recipient keeps it: control is to be asked for
    `body["recipient"]["id"]`.
    """
    whole = message if any(key in message for key in _OF_A_BODY) else {"message": message}
    kind = {"messaging_type": "RESPONSE"} if "message" in whole else {}
    return {"recipient": {"id": thread}, **kind, **whole}


def message_object(given: Any) -> Optional[Message]:
    """Return the message object that *given* is, or is the inside of; None where it is neither."""
    if not isinstance(given, Mapping):
        return None
    # What belongs into a body would, in here, be taken for one.
    made = {key: copy.deepcopy(value) for key, value in given.items() if key not in _NEVER_INSIDE}
    if any(key in made for key in _OF_A_MESSAGE):
        return made
    if "template_type" in made:
        return {"attachment": {"type": "template", "payload": made}}
    if "type" in made and isinstance(made.get("payload"), dict):
        return {"attachment": made}
    return None


def _custom(given: Any) -> List[Message]:
    if not isinstance(given, Mapping):
        return [{"text": piece} for piece in split("" if given is None else str(given), TEXT_LIMIT)]
    made = {key: copy.deepcopy(value) for key, value in given.items() if value is not None}
    recipient = _recipient(made)
    beside = _allowed({key: made.pop(key) for key in (*_BESIDE, "thread_control") if key in made})
    body = _body(made)
    if body is None and not given:
        return []
    if body is None:
        logger.warning("custom JSON that is not for Messenger was not sent: keys %s", sorted(map(str, given)))
        return []
    whole = {**body, **beside, **recipient}
    return [whole["message"]] if set(whole) == {"message"} else [whole]


def _body(made: Message) -> Optional[Message]:
    """Return the body that *made* is or makes, without recipient; None where it makes none."""
    if "message" in made:
        inside = made["message"]
        message = message_object({"text": inside} if isinstance(inside, str) else inside)
        return None if message is None else {**made, "message": message}
    if "sender_action" in made:
        return made
    message = message_object(made)
    return None if message is None else {"message": message}


def _allowed(beside: Message) -> Message:
    if beside.pop("thread_control", None) is not None:
        logger.warning("thread_control in custom JSON was left out -> use action_handover")
    if beside.get("tag") == "HUMAN_AGENT":
        logger.warning(
            "the tag HUMAN_AGENT in custom JSON was left out, it is for people, not for bots -> "
            "take it out of the response"
        )
        beside = {key: value for key, value in beside.items() if key not in ("tag", "messaging_type")}
    return beside


def _recipient(made: Message) -> Message:
    """Take the recipient out of *made*: {"recipient": {"id": ...}}, or {} where none is named."""
    named = [value.get("id") for value in (made.pop(key, None) for key in _WHO) if isinstance(value, Mapping)]
    found = next(filter(None, named), None)
    return {} if found is None else {"recipient": {"id": str(found)}}
