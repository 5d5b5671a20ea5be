"""Turns Rasa's responses into messages of the Send API. No I/O.

1. What Rasa's own Facebook channel sends in a form that Meta takes, is sent in the same form.
2. What exceeds one of Meta's limits goes into further messages, in order. Nothing is dropped silently.
3. A text is a message a paragraph, as in Rasa's own channel; each of at most 2,000 characters.
   https://developers.facebook.com/docs/messenger-platform/reference/send-api
4. A button template has a text of at most 640 characters and one to three buttons.
   https://developers.facebook.com/documentation/business-messaging/messenger-platform/send-messages/template/button
5. A message has at most 13 quick replies, and they are gone after the next message: of more, the first ones
   become buttons, which stay.
   https://developers.facebook.com/documentation/business-messaging/messenger-platform/send-messages/quick-replies
6. A generic template has at most 10 elements of at most three buttons.
   https://developers.facebook.com/docs/messenger-platform/reference/templates/generic
"""

from __future__ import annotations

import copy
import json
from typing import Any, Dict, Iterable, Iterator, List, Mapping, Optional, Sequence, Tuple, TypeVar
from urllib.parse import urlsplit

from handover_channel import log
from handover_channel.messenger.buttons import (
    button,
    button_of_quick_reply,
    quick_reply,
    return_button,
    with_return_button,
)
from handover_channel.messenger.custom_json import TEXT_LIMIT, custom_messages, message_object, send_body
from handover_channel.messenger.text_splitting import ELLIPSIS, fits, shorten, split

__all__ = [
    "attachment_messages",
    "button_messages",
    "custom_messages",
    "element_messages",
    "image_messages",
    "quick_reply_messages",
    "return_button",
    "send_body",
    "text_messages",
    "with_return_button",
]

logger = log.logger(__name__)

TEMPLATE_TEXT_LIMIT = 640
BUTTONS_A_TEMPLATE = 3
QUICK_REPLIES_A_MESSAGE = 13
ELEMENTS_A_TEMPLATE = 10
ELEMENT_TEXT_LIMIT = 80  #: of title and subtitle

#: Buttons and quick replies need a text to stand under; this is ours where the bot gives none.
NO_TEXT = ELLIPSIS

_TYPE_OF_EXTENSION = {
    **dict.fromkeys(("png", "jpg", "jpeg", "gif", "webp", "bmp"), "image"),
    **dict.fromkeys(("mp4", "mov", "avi", "mkv", "webm", "m4v", "3gp"), "video"),
    **dict.fromkeys(("mp3", "wav", "ogg", "oga", "m4a", "aac", "opus", "amr"), "audio"),
    **dict.fromkeys(
        ("pdf", "doc", "docx", "xls", "xlsx", "ppt", "pptx", "odt", "ods", "csv", "txt", "zip", "ics"), "file"
    ),
}

Message = Dict[str, Any]
_T = TypeVar("_T")


def text_messages(text: Optional[str]) -> List[Message]:
    """Return *text* as messages, one a paragraph; [] where there is nothing to read."""
    paragraphs = _string(text).split("\n\n")
    return [{"text": piece} for paragraph in paragraphs for piece in split(paragraph, TEXT_LIMIT)]


def button_messages(text: Optional[str], buttons: Optional[Iterable[Any]]) -> List[Message]:
    """Return *text* with *buttons* under it; text that does not fit goes ahead, buttons go behind."""
    ready = [button(each) for each in _items(buttons)]
    if not ready:
        return text_messages(text)
    ahead, last = _ahead_and_last(_string(text), TEMPLATE_TEXT_LIMIT)
    texts = [last] + [NO_TEXT] * len(ready)
    groups = _groups(ready, BUTTONS_A_TEMPLATE)
    return ahead + [_template("button", text=said, buttons=group) for said, group in zip(texts, groups)]


def quick_reply_messages(text: Optional[str], quick_replies: Optional[Iterable[Any]]) -> List[Message]:
    """Return *text* with *quick_replies* under it; of more than 13 the first ones as buttons."""
    ready = [quick_reply(each) for each in _items(quick_replies)]
    if not ready:
        return text_messages(text)
    excess = max(0, len(ready) - QUICK_REPLIES_A_MESSAGE)
    early = [each for each in ready if each["content_type"] == "text"][:excess]
    late = [each for each in ready if not any(each is one for one in early)]
    if early:
        ahead, last = button_messages(text, map(button_of_quick_reply, early)), NO_TEXT
    else:
        ahead, last = _ahead_and_last(_string(text), TEXT_LIMIT)
    texts = [last] + [NO_TEXT] * len(late)
    groups = _groups(late, QUICK_REPLIES_A_MESSAGE)
    return ahead + [{"text": said, "quick_replies": group} for said, group in zip(texts, groups)]


def element_messages(elements: Optional[Iterable[Any]]) -> List[Message]:
    """Return *elements* as generic templates; of an element the fourth button goes into a further element."""
    cards = [card for each in _items(elements) for card in _cards(each)]
    return [_template("generic", elements=group) for group in _groups(cards, ELEMENTS_A_TEMPLATE)]


def image_messages(url: Optional[str]) -> List[Message]:
    """Return the image at *url*, which Meta fetches."""
    found = _string(url).strip()
    return [_attachment("image", {"url": found})] if found else []


def attachment_messages(attachment: Any) -> List[Message]:
    """Return an attachment: an object of the Send API as it is, a URL by its ending, all else as text."""
    if isinstance(attachment, Mapping):
        return _attachment_of_mapping(attachment)
    text = _string(attachment).strip()
    kind = _media_kind(text)
    return [_attachment(kind, {"url": text})] if kind else text_messages(text)


# Parts of messages


def _attachment(kind: str, payload: Any) -> Message:
    return {"attachment": {"type": kind, "payload": payload}}


def _template(kind: str, **payload: Any) -> Message:
    return _attachment("template", {"template_type": kind, **payload})


def _ahead_and_last(text: str, limit: int) -> Tuple[List[Message], str]:
    """Return the messages that go ahead of the one with the buttons, and the text of that one."""
    text = text.strip()
    if fits(text, limit):
        return [], text or NO_TEXT
    last = split(text, limit)[-1]
    return text_messages(text[: -len(last)]), last


def _cards(given: Any) -> Iterator[Message]:
    """Yield an element of a generic template, and further ones for its fourth button and so on."""
    card = copy.deepcopy(dict(given)) if isinstance(given, Mapping) else {"title": _string(given)}
    card = {key: value for key, value in card.items() if value is not None}
    groups = _groups([button(each) for each in _items(card.pop("buttons", None))], BUTTONS_A_TEMPLATE)
    card["title"] = _card_text(card.get("title") or card.get("subtitle") or NO_TEXT)
    if "subtitle" in card:
        card["subtitle"] = _card_text(card["subtitle"])
    yield {**card, "buttons": groups[0]} if groups else card
    for group in groups[1:]:
        yield {"title": card["title"], "buttons": group}


def _card_text(value: Any) -> str:
    text = _string(value)
    if len(text) > ELEMENT_TEXT_LIMIT:
        logger.warning(
            "an element's text of %d characters was shortened to %d -> shorten it in the response",
            len(text),
            ELEMENT_TEXT_LIMIT,
        )
    return shorten(text, ELEMENT_TEXT_LIMIT)


def _attachment_of_mapping(given: Mapping[str, Any]) -> List[Message]:
    url = given.get("url") or given.get("src")
    if isinstance(url, str) and "type" not in given:
        return attachment_messages(url)
    message = message_object(given)
    if message is None and not given:
        return []
    if message is None:
        return text_messages(json.dumps(given, ensure_ascii=False, default=str))
    return [_with_url(message)]


def _with_url(message: Message) -> Message:
    """Give media the key Meta reads; other channels of Rasa call it `src`."""
    inside: Any = message.get("attachment")
    payload = inside.get("payload") if isinstance(inside, dict) else None
    if isinstance(payload, dict) and "src" in payload and "url" not in payload:
        inside["payload"] = {"url": payload["src"]}  # ours: message_object copies
    return message


def _media_kind(url: str) -> str:
    """Return "image", "video", "audio" or "file" for the URL of one; "" for everything else."""
    try:
        parts = urlsplit(url)
    except ValueError:
        return ""
    if parts.scheme not in ("http", "https") or any(map(str.isspace, url)):
        return ""
    name = parts.path.rpartition("/")[2]
    return _TYPE_OF_EXTENSION.get(name.rpartition(".")[2].lower(), "") if "." in name else ""


def _groups(items: Sequence[_T], size: int) -> List[List[_T]]:
    return [list(items[start : start + size]) for start in range(0, len(items), size)]


def _items(value: Any) -> List[Any]:
    """Return what was given as a list, a single thing as a list of one, without what is empty."""
    if value is None or isinstance(value, (str, Mapping)) or not isinstance(value, Iterable):
        value = [value]
    return [item for item in value if item is not None and item not in ("", {})]


def _string(value: Any) -> str:
    return "" if value is None else str(value)
