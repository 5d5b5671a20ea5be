"""What was said while the bot had control: Rasa's events -> what the page shows. No Rasa here.

*events* are those of a tracker as Rasa writes them down (`Event.as_dict`):
https://rasa.com/docs/rasa/action-server/events
"""

from __future__ import annotations

import json
from typing import Any, Iterable, List, Mapping, Sequence

from handover_channel.inbox.views import Button, Card, File, Said
from handover_channel.rules.limits import ADDRESS, ATTACHMENTS, SHOWN

_Json = Mapping[str, Any]

#: Payloads are no words of the person's. One without a title is shown as this.
_PREFIX = "/"


def said_in(events: Iterable[_Json]) -> List[Said]:
    """Return what person and bot said, oldest first. `File.url` is the address as the bot or Meta gave it."""
    found: List[Said] = []
    for number, event in enumerate(events):
        kind = event.get("event")
        if kind == "rewind":  # the message before was met with silence: the transcript has it
            _forget_last_of_person(found)
        elif kind == "user":
            found.extend(_of_person(event, f"bot-{number}"))
        elif kind == "bot":
            found.extend(_of_bot(event, f"bot-{number}"))
    return found


def _forget_last_of_person(found: List[Said]) -> None:
    for index in range(len(found) - 1, -1, -1):
        if found[index].speaker == "person":
            del found[index:]
            return


def _of_person(event: _Json, key: str) -> List[Said]:
    metadata = _mapping(event.get("metadata"))
    text = _shown(_title(metadata) or event.get("text"))
    files = [
        File(_shown(each.get("type")) or "file", str(each.get("url") or ""), _shown(each.get("title")))
        for each in _mappings(metadata.get("attachments"))[: ATTACHMENTS.value]
        if len(str(each.get("url") or "")) <= ADDRESS.value
    ]
    if files and text in {file.url for file in files} | {f"[{file.type}]" for file in files}:
        text = ""  # how the bot gets an attachment: as text
    # A turn of ours ("handover_returned"), a reminder, or a button of another channel: nobody typed it.
    if text.startswith(_PREFIX) and "mid" not in metadata and "{" in text:
        return []
    if not text and not files:
        return []
    return [Said(key=key, at=_time(event), speaker="person", name="", text=text, files=tuple(files))]


def _shown(given: Any) -> str:
    """Return a text as far as the page shows it: anybody may have sent it, at any length."""
    text = str(given or "")
    return text if len(text) <= SHOWN.value else f"{text[: SHOWN.value]}…"


def _title(metadata: _Json) -> str:
    for name in ("postback", "quick_reply"):
        given = _mapping(metadata.get(name))
        if given.get("title"):
            return str(given["title"])
    return ""


def _of_bot(event: _Json, key: str) -> List[Said]:
    data = _mapping(event.get("data"))
    files = [File("image", str(data["image"]))] if data.get("image") else []
    attachment = data.get("attachment")
    cards: Sequence[Card] = ()
    if isinstance(attachment, str) and attachment:
        files.append(File("file", attachment))
    elif isinstance(attachment, Mapping):
        files.extend(_attached(attachment))
    if data.get("elements"):
        cards = tuple(_card(each) for each in _mappings(data["elements"]))
    text = str(event.get("text") or "")
    if not text and data.get("custom"):
        text = json.dumps(data["custom"], ensure_ascii=False)
    return [
        Said(
            key=key,
            at=_time(event),
            speaker="bot",
            name="",
            text=text,
            files=tuple(files),
            buttons=_buttons(data.get("buttons")),
            quick_replies=_buttons(data.get("quick_replies")),
            cards=cards,
        )
    ]


def _attached(attachment: _Json) -> List[File]:
    payload = _mapping(attachment.get("payload"))
    url = str(payload.get("url") or payload.get("src") or "")
    return [File(str(attachment.get("type") or "file"), url, str(payload.get("title") or ""))]


def _card(element: _Json) -> Card:
    return Card(
        title=str(element.get("title") or ""),
        subtitle=str(element.get("subtitle") or ""),
        picture=str(element.get("image_url") or ""),
        buttons=_buttons(element.get("buttons")),
    )


def _buttons(given: Any) -> Sequence[Button]:
    return tuple(
        Button(str(each.get("title") or ""), str(each.get("url") or "")) for each in _mappings(given)
    )


def _mapping(given: Any) -> _Json:
    return given if isinstance(given, Mapping) else {}


def _mappings(given: Any) -> List[_Json]:
    return [each for each in given if isinstance(each, Mapping)] if isinstance(given, (list, tuple)) else []


def _time(event: _Json) -> float:
    given = event.get("timestamp")
    return float(given) if isinstance(given, (int, float)) else 0.0
