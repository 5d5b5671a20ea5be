"""Builds buttons and quick replies within Meta's limits, the "Back to Bot" button among them. No I/O.

1. Every button of a Rasa response can be tapped in Messenger: one that Meta would refuse is corrected, and
   logged (how long, how many; never the words), because Meta refuses the whole message for one bad button.
2. A title has at most 20 characters, a payload 1,000.
   https://developers.facebook.com/documentation/business-messaging/messenger-platform/send-messages/buttons/postback
   https://developers.facebook.com/documentation/business-messaging/messenger-platform/send-messages/quick-replies
3. A handover's notice carries the "Back to Bot" button exactly once, with the title from the settings and the
   fixed payload; as a button, not as a quick reply, because quick replies are gone after the next message.
4. Arguments are never changed: responses are shared by all conversations.
"""

from __future__ import annotations

import copy
import json
from typing import Any, Dict, List, Mapping, Optional, Sequence

from handover_channel import log
from handover_channel.messenger.return_button import BUTTON_PAYLOAD, is_button
from handover_channel.messenger.text_splitting import ELLIPSIS, shorten

logger = log.logger(__name__)

TITLE_LIMIT = 20
PAYLOAD_LIMIT = 1000

Button = Dict[str, Any]


def button(given: Any) -> Button:
    """Return what Rasa calls a button as one of the Send API: a postback unless it says otherwise."""
    made = _fields(given)
    for key in ("content_type", "image_url"):  # of quick replies
        made.pop(key, None)
    made.setdefault("type", "web_url" if "url" in made and "payload" not in made else "postback")
    if made["type"] in ("postback", "web_url", "phone_number"):
        made["title"] = _title(made)
    return _with_payload(made) if made["type"] == "postback" else made


def quick_reply(given: Any) -> Button:
    """Return what Rasa calls a quick reply as one of the Send API: of type text unless it says otherwise."""
    made = _fields(given)
    if made.setdefault("content_type", "text") != "text":
        return made
    made.pop("type", None)  # Rasa's buttons have one, quick replies may not
    made["title"] = _title(made)
    return _with_payload(made)


def button_of_quick_reply(given: Mapping[str, Any]) -> Button:
    """Return a quick reply of type text as a button, which stays tappable."""
    return {"type": "postback", "title": given["title"], "payload": given["payload"]}


def return_button(title: str) -> Button:
    """Return the "Back to Bot" button with *title*; its payload is fixed."""
    return {"type": "postback", "title": title, "payload": BUTTON_PAYLOAD}


def with_return_button(
    response: Mapping[str, Any], title: Optional[str], more: Sequence[str] = ()
) -> Dict[str, Any]:
    """Return a copy of a Rasa response with the "Back to Bot" button in it, once, titled *title*.

    One that is there is retitled where it stands, unless its title is one of *more*, for another language;
    otherwise it is put last. With None for *title* there is none in the copy.
    """
    made = copy.deepcopy(dict(response))
    buttons, replies = _list(made.get("buttons")), _list(made.get("quick_replies"))
    if title is not None:
        own = next((_fields(each).get("title") for each in buttons + replies if _is_return(each)), title)
        title = own if own in more else title
    if title is None:
        buttons, replies = _without_return(buttons), _without_return(replies)
    elif all(map(_can_be_button, replies)):
        buttons, replies = _once(buttons + replies, return_button(title)), []
    else:
        # Quick replies for an e-mail address or a phone number cannot be buttons, and Rasa sends
        # either buttons or quick replies: here the button has to join them.
        replies = _once(replies + buttons, {**return_button(title), "content_type": "text"})
        buttons = []
    for key, value in (("buttons", buttons), ("quick_replies", replies)):
        if value or key in made:
            made[key] = value
    return made


def _once(items: List[Any], ours: Button) -> List[Any]:
    """Return *items* with *ours* in the place of the first return button, or last; the others left out."""
    at = next((index for index, item in enumerate(items) if _is_return(item)), len(items))
    old = items[at] if at < len(items) else {}
    return [
        *_without_return(items[:at]),
        {**old, **ours},
        *_without_return(items[at + 1 :]),
    ]


def _without_return(items: List[Any]) -> List[Any]:
    return [item for item in items if not _is_return(item)]


def _is_return(item: Any) -> bool:
    payload = item.get("payload") if isinstance(item, Mapping) else None
    return isinstance(payload, str) and is_button(payload)


def _can_be_button(item: Any) -> bool:
    return not isinstance(item, Mapping) or item.get("content_type") in (None, "text")


def _list(value: Any) -> List[Any]:
    return list(value) if isinstance(value, (list, tuple)) else []


def _fields(given: Any) -> Button:
    if isinstance(given, Mapping):
        return {key: copy.deepcopy(value) for key, value in given.items() if value is not None}
    return {"title": str(given)}


def _title(made: Button) -> str:
    wanted = (made.get("title"), made.get("payload"), made.get("url"))
    title = next(
        (text for text in (str(each).strip() for each in wanted if each is not None) if text), ELLIPSIS
    )
    if len(title) > TITLE_LIMIT:
        logger.warning(
            "a button title of %d characters was shortened to %d -> shorten it in the response",
            len(title),
            TITLE_LIMIT,
        )
    return shorten(title, TITLE_LIMIT)


def _with_payload(made: Button) -> Button:
    """Give a button the payload that a tap sends us: its own, or its title, as if that had been typed."""
    payload = made.get("payload")
    if payload is None or payload == "":
        payload = str(made["title"])
    elif not isinstance(payload, str):
        payload = json.dumps(payload, ensure_ascii=False, default=str)
    if len(payload) > PAYLOAD_LIMIT:
        # Cut, it would be another payload; left out, the person would miss a choice.
        logger.error(
            "a button payload of %d characters (Meta allows %d) was replaced by the button's title -> "
            "shorten it in the response",
            len(payload),
            PAYLOAD_LIMIT,
        )
        payload = str(made["title"])
    return {**made, "payload": payload}
