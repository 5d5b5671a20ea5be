"""Defines the parts of one message as the inbox page draws them: values only, texts as people wrote them.

Templates escape all of it. An address here is one that may be opened or fetched (links.py), or "".
"""

from __future__ import annotations

import json
import unicodedata
from dataclasses import dataclass, fields
from typing import Any, Iterable, List, Mapping, Sequence, Tuple


@dataclass(frozen=True)
class File:
    """Something to be looked at or downloaded. `url`: "" where there is nothing to load."""

    type: str  #: image, audio, video, file, sticker ...
    url: str = ""
    title: str = ""


#: The kind of a Link that is a place: coordinates say more of it than the address of a map.
PLACE = "place"


@dataclass(frozen=True)
class Link:
    """An address outside that an agent may open. `url`: "" where it may not be opened."""

    url: str
    title: str = ""  #: "": the address is shown
    kind: str = "link"  #: a key of LINKS in inbox/labels.py
    detail: str = ""  #: the host, or the coordinates of a place


@dataclass(frozen=True)
class Button:
    """A button or quick reply as the person saw it; nothing happens on a click here."""

    title: str
    url: str = ""  #: of a link


@dataclass(frozen=True)
class Card:
    """An element of a generic template."""

    title: str
    subtitle: str = ""
    picture: str = ""
    buttons: Sequence[Button] = ()


@dataclass(frozen=True)
class Note:
    """A sentence of ours about a message: where Messenger gives no words, or does not pass them on."""

    key: str  #: of NOTES in inbox/labels.py
    detail: str = ""  #: what the sentence is about, in the sender's words


@dataclass(frozen=True)
class Content:
    """What stands in a bubble."""

    text: str = ""
    files: Sequence[File] = ()
    links: Sequence[Link] = ()
    cards: Sequence[Card] = ()
    buttons: Sequence[Button] = ()
    quick_replies: Sequence[Button] = ()
    notes: Sequence[Note] = ()

    @property
    def is_empty(self) -> bool:
        """Tell whether a bubble of this would show nothing. Quick replies stand below it."""
        return not (self.text or self.files or self.links or self.cards or self.buttons or self.notes)


_NO_CONTENT = Content()


def joined(parts: Iterable[Content]) -> Content:
    """Return one content of all *parts*, in their order; the same note stands there once."""
    every = [part for part in parts if part != _NO_CONTENT]
    if len(every) < 2:  # nearly always, and a conversation has thousands
        return every[0] if every else _NO_CONTENT
    lists = {
        each.name: tuple(one for part in every for one in getattr(part, each.name))
        for each in fields(Content)
        if each.name != "text"
    }
    lists["notes"] = tuple(dict.fromkeys(lists["notes"]))
    return Content(text="\n".join(filter(None, (part.text for part in every))), **lists)


def shortened(text: str, limit: int) -> str:
    """Return *text* in one line of at most *limit* characters."""
    line = " ".join(text[: limit * 4].split())
    return line if len(line) <= limit else f"{line[: limit - 1]}…"


def summary(content: Content, limit: int) -> Tuple[str, str]:
    """Return *content* in one line: its words, and the key of a sentence that says what it is.

    The key is one of NOTES, FILES or LINKS in inbox/labels.py, "" where the words are a text.
    """
    if content.text:
        return shortened(content.text, limit), ""
    found: List[Tuple[str, str]] = [
        *((note.detail, note.key) for note in content.notes),
        *((file.title, file.type) for file in content.files),
        *(
            (link.title or (link.detail if link.kind == PLACE else link.url), link.kind)
            for link in content.links
        ),
        *((card.title or card.subtitle, "template") for card in content.cards),
        *((button.title, "buttons") for button in (*content.buttons, *content.quick_replies)),
        ("", "nothing"),
    ]
    words, key = found[0]
    return shortened(words, limit), key


#: Letters that are drawn as nothing at all, though Unicode does not call them spaces.
_BLANK = frozenset("\u115f\u1160\u2800\u3164\uffa0")


def is_visible(text: str) -> bool:
    """Tell whether *text* shows anything: neither spaces nor control signs nor blank letters do."""
    return any(
        unicodedata.category(sign) not in ("Zs", "Zl", "Zp", "Cc", "Cf", "Cs") and sign not in _BLANK
        for sign in text
    )


def storable(text: str) -> str:
    """Return *text* as every database stores it: half a surrogate pair is "?", NUL is gone.

    Both are legal in JSON (RFC 8259, section 8.2), and a page that cuts a text within an emoji sends one.
    https://www.postgresql.org/docs/current/datatype-character.html
    """
    if text.isascii() and "\x00" not in text:
        return text
    return text.encode("utf-8", "replace").decode().replace("\x00", "")


def words(given: Any) -> str:
    """Return a title or text as it may be drawn; "" for what shows nothing, and for JSON of another type."""
    if given is None or isinstance(given, bool) or not isinstance(given, (str, int, float)):
        return ""
    if isinstance(given, str) and given.isascii() and given.isprintable():
        return given if given.strip() else ""
    text = storable(str(given))
    return text if is_visible(text) else ""


def whole_number(given: Any) -> int:
    """Return a number that Meta sends as one, or as text; 0 for all else."""
    if isinstance(given, str) and given.isdecimal() and given.isascii() and len(given) < 10:
        given = int(given)
    is_number = isinstance(given, int) and not isinstance(given, bool) and 0 < given < 2**31
    return int(given) if is_number else 0


def mapping(given: Any) -> Mapping[str, Any]:
    """Return *given* where it is a JSON object, an empty one where it is not."""
    return given if isinstance(given, dict) else {}


def mappings(given: Any) -> List[Mapping[str, Any]]:
    """Return the objects in a JSON list; one object counts as a list of one."""
    if isinstance(given, dict):
        return [given]
    return [each for each in given if isinstance(each, dict)] if isinstance(given, (list, tuple)) else []


def as_json(given: Any) -> str:
    """Return *given* as JSON to be read by people."""
    return words(json.dumps(given, ensure_ascii=False, default=str))
