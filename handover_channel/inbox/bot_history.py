"""Turns a tracker's events into the messages that the page shows of the time the bot had control. No I/O.

*events* are those of a tracker as Rasa writes them down (`Event.as_dict`):
https://rasa.com/docs/rasa/action-server/events

On some channels (`rest`) whoever calls chooses the `metadata` of a message. It is believed of Messenger
alone, where it comes from a signed webhook: of others the words are shown, and that something came with them.
A picture that the bot shows is fetched by our server, unless the person has named its host before: then it is
theirs, and only a link.
"""

from __future__ import annotations

import re
from dataclasses import replace
from itertools import islice
from typing import Any, Container, Dict, Iterable, List, Mapping, Optional, Set, Tuple

from handover_channel.inbox.view_models import Said
from handover_channel.messenger import links
from handover_channel.messenger.bubble import (
    Card,
    Content,
    File,
    Link,
    as_json,
    joined,
    mapping,
    mappings,
    words,
)
from handover_channel.messenger.content import attachment_of, content_of, tap_of
from handover_channel.messenger.events import MESSENGER, Attachment
from handover_channel.messenger.templates import buttons_of
from handover_channel.rules.bot_contract import (
    HANDOVER_METADATA,
    OUR_MESSAGE_ID,
    PAYLOAD_PREFIX,
    REASON_ENTITY,
    RETURNED_INTENT,
)
from handover_channel.rules.limits import ADDRESS, ATTACHMENTS, SHOWN

_Json = Mapping[str, Any]

#: The turn of a return, which nobody has said (rasa/turns.py).
_RETURN = re.compile(rf'{PAYLOAD_PREFIX}{RETURNED_INTENT}\{{"{REASON_ENTITY}": "\w+"\}}')

#: Notes of a message that it could not be drawn: then JSON says more.
_NOT_DRAWN = frozenset({"unknown", "nothing", "blank", "template"})


def said_in(events: Iterable[_Json]) -> List[Said]:
    """Return what person and bot said, oldest first. `File.url` is the address as the bot or Meta gave it."""
    found: List[Said] = []
    named = _Named()
    turns = _Turns()
    for number, event in enumerate(events):
        kind = event.get("event")
        if kind == "action":
            turns.go_on()
        elif kind == "rewind":
            del found[turns.silenced(len(found)) :]
        elif kind == "user":
            named.add(_named_in(event))
            if turns.begin(event, len(found)):
                found.extend(_of_person(event, f"bot-{number}", turns.id))
        elif kind == "bot":
            found.append(_of_bot(event, f"bot-{number}", named, turns.id))
    return found


class _Turns:
    """Tells which turns Rasa took back for silence, and which messages it repeats.

    HandoverPolicy takes a message back before any action: the transcript has the words. What an action takes
    back (`action_default_fallback`, `action_two_stage_fallback`, `action_back` ...) was said to the bot, and
    only the tracker has it. Nor is what comes before `undo`, `restart` or `session_started` unsaid.
    """

    def __init__(self) -> None:
        self.id = ""  #: message id of the latest turn
        self._begun: List[int] = []  # since the last action, where in what was found each turn begins
        self._is_rewound = False  # since the latest message
        self._heard: Set[Tuple[str, str]] = set()

    def go_on(self) -> None:
        """Take in an action: silence takes nothing back of what came before."""
        self._begun.clear()

    def silenced(self, end: int) -> int:
        """Return where the turn begins that a rewind takes back for silence, or *end* if it does not."""
        self._is_rewound = True
        return self._begun.pop() if self._begun else end

    def begin(self, event: _Json, at: int) -> bool:
        """Begin a turn, and tell whether it is new: a clarified message comes again, under the same id."""
        self._begun.append(at)
        self.id = str(event.get("message_id") or "")
        message = (self.id, words(event.get("text")))
        is_repeated = bool(self.id) and self._is_rewound and message in self._heard
        self._is_rewound = False
        self._heard.add(message)
        return not is_repeated


def without(turns: Container[str], said: Iterable[Said]) -> List[Said]:
    """Return what was *said* but in these turns: nothing of them went out, and the transcript has the words.

    Rasa writes down what the bot wanted to say, whether it could be sent or not.
    """
    return [each for each in said if not (each.turn and each.turn in turns)]


def _of_person(event: _Json, key: str, turn: str) -> List[Said]:
    is_signed = event.get("input_channel") == MESSENGER
    given = mapping(event.get("metadata"))
    text = _shown(event.get("text"))
    if _is_of_the_machinery(text, event, given):
        return []
    content = _signed(text, given) if is_signed else _unsigned(text, given)
    metadata = given if is_signed else {}
    mid, reply_to = words(metadata.get("mid")), words(metadata.get("reply_to"))
    said = Said(key, _time(event), "person", "", **vars(content), mid=mid, reply_to=reply_to, turn=turn)
    return [said]


def _is_of_the_machinery(text: str, event: _Json, metadata: _Json) -> bool:
    """Tell whether nobody has said it: the turn of a return, of an intent that an agent chose, a reminder."""
    message_id = str(event.get("message_id") or "")
    is_ours = message_id.startswith(OUR_MESSAGE_ID)
    # Rasa gives an id to whatever a channel brings: metadata alone may be a stranger's.
    is_triggered = not message_id and metadata.get("is_external") is True
    return bool(_RETURN.fullmatch(text)) or (is_ours and HANDOVER_METADATA in metadata) or is_triggered


def _shown(given: Any) -> str:
    """Return a text as far as the page shows it: anybody may have sent it, at any length."""
    text = words(given)
    return text if len(text) <= SHOWN.value else f"{text[: SHOWN.value]}…"


def _signed(text: str, metadata: _Json) -> Content:
    """Return what a message of Messenger shows. *metadata*: see `turns.metadata_of`."""
    attachments = [
        attachment_of(each)
        for each in mappings(metadata.get("attachments"))[: ATTACHMENTS.value]
        if len(str(each.get("url") or "")) <= ADDRESS.value
    ]
    as_text = {each.url.strip() for each in attachments} | {f"[{each.type}]" for each in attachments}
    if text.strip() in as_text:
        text = ""  # how the bot gets an attachment
    attachments.extend(attachment_of(each) for each in mappings(metadata.get("extras")))
    for name in ("referral", "optin"):
        if mapping(metadata.get(name)):
            attachments.append(Attachment(name, payload=metadata[name]))
    tapped = mapping(metadata.get("postback")) or mapping(metadata.get("quick_reply"))
    if tapped:
        text = _shown(tapped.get("title"))
        attachments.extend(() if text else [tap_of(tapped)])
    return content_of(text, attachments)


def _unsigned(text: str, metadata: _Json) -> Content:
    """Return what a message of another channel shows: its text, and that more came with it."""
    more = [Attachment("elsewhere")] if metadata.get("attachments") else []
    if text.startswith(PAYLOAD_PREFIX) and "{" in text:
        return content_of("", [tap_of({"payload": text}), *more])
    return content_of(text, more)


def _of_bot(event: _Json, key: str, named: _Named, turn: str) -> Said:
    data = mapping(event.get("data"))
    attachments = [Attachment("image", words(data["image"]))] if data.get("image") else []
    if isinstance(data.get("attachment"), str) and data["attachment"]:
        attachments.append(Attachment("file", data["attachment"]))
    attachments.extend(attachment_of(each) for each in mappings(data.get("attachment")))
    if mappings(data.get("elements")):
        attachments.append(Attachment("template", payload={"elements": data["elements"]}))
    taps = Content(
        buttons=buttons_of(data.get("buttons")), quick_replies=buttons_of(data.get("quick_replies"))
    )
    text = words(event.get("text"))
    custom = _custom(data.get("custom")) if not text else Content()
    content = _trusted(content_of(text, attachments, taps, custom), named)
    return Said(key, _time(event), "bot", "", **vars(content), turn=turn)


def _custom(given: Any) -> Content:
    """Return what JSON of the bot's own shows: as Messenger would, or as it is."""
    if not given:
        return Content()
    found: List[Content] = []
    for each in mappings(given):
        message = mapping(each.get("message")) or each
        replies = Content(quick_replies=buttons_of(message.get("quick_replies")))
        attachments = [attachment_of(one) for one in mappings(message.get("attachment"))]
        found.append(content_of(message.get("text"), attachments, replies))
    if not found or any(note.key in _NOT_DRAWN for content in found for note in content.notes):
        return Content(text=as_json(given))
    return joined(found)


class _Named:
    """All that people have written so far: what a bot repeats of it is theirs."""

    def __init__(self) -> None:
        self._texts: List[str] = []
        self._looked: Dict[str, Optional[int]] = {}  # host -> so many texts do not have it; None: one has

    def add(self, text: str) -> None:
        """Take in what comes next."""
        self._texts.append(text)

    def has(self, host: str) -> bool:
        """Tell whether *host* stands in it. Each text is looked into once for each host."""
        first = self._looked.get(host, 0)
        if first is not None and any(host in each for each in islice(self._texts, first, None)):
            first = None
        self._looked[host] = None if first is None else len(self._texts)
        return first is None


def _named_in(event: _Json) -> str:
    is_signed = event.get("input_channel") == MESSENGER
    # A payload may be typed, on other channels: what it means is not how it is written ("\u0065xample.com").
    meant = as_json(mapping(event.get("parse_data")).get("entities"))
    more = "" if is_signed else as_json(event.get("metadata"))
    return f"{words(event.get('text'))} {meant} {more}".lower()


def _trusted(content: Content, named: _Named) -> Content:
    """Leave nothing to be fetched from a host that a person has named first."""
    if not (content.files or content.cards):
        return content

    def is_theirs(address: str) -> bool:
        host = links.host_of(address)
        return bool(host) and named.has(host)

    theirs = [file for file in content.files if is_theirs(file.url)]
    shown = (*content.links, *(_as_link(file) for file in theirs))
    cards = tuple(replace(each, picture="") if is_theirs(each.picture) else each for each in content.cards)
    cards = tuple(card if card != Card("") else Card("…") for card in cards)
    files = tuple(file for file in content.files if file not in theirs)
    return replace(content, files=files, links=shown, cards=cards)


def _as_link(file: File) -> Link:
    url = links.opened(file.url)
    return Link(url, file.title, detail=links.host_of(url))


def _time(event: _Json) -> float:
    given = event.get("timestamp")
    # No number (NaN) and endless ones are no times; what comes before the year 5000 is.
    return float(given) if isinstance(given, (int, float)) and 0 <= given < 1e11 else 0.0
