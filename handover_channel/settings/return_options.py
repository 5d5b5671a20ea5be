"""Reads the ways in which a thread returns to the bot: the section `return` of handover.yml.

Rule 1: an absent key has its default; ``false``, ``null`` or an empty list switch that way back off.
Rule 2: the button's title has at most 20 characters
        (https://developers.facebook.com/documentation/business-messaging/messenger-platform/send-messages/buttons/postback).
        A list is one title for each language. Typed as the whole message, each is a way back too.
Rule 3: at most 50 keywords, no two of them the same once folded.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any, Dict, Optional, Tuple

from handover_channel.rules.keywords import Keyword, Keywords, fold
from handover_channel.settings import keys
from handover_channel.settings.keys import keys_of, setting, word_of
from handover_channel.settings.section import Section, quoted

MATCHES = ("word", "exact")

RESTS = ("understood", "always", "never")

MAX_BUTTON = 20
MAX_KEYWORDS = 50

#: Titles nobody wants on a button: YAML 1.1 took them for false, or people do.
_MEANT_AS_FALSE = ("no", "off", "none")


@dataclass(frozen=True)
class _WrittenKeyword:
    """An item of the list of keywords that has keys of its own."""

    text: str = setting(
        read=Section.text,
        absent="",
        meaning="The keyword, where an item of the list is written as `{text: ..., match: ...}`.",
    )
    match: str = setting(
        read=word_of(MATCHES),
        default="word",
        meaning="`word`: anywhere in the message. `exact`: the whole message, but for punctuation and emoji "
        "around it.",
    )


def _titles(section: Section, key: str, default: Optional[str]) -> Tuple[str, ...]:
    value = section.values.get(key, default)
    if value is None or value is False:
        return ()
    if not isinstance(value, list):
        return (_title(section, key, value),)
    titles: Dict[str, str] = {}
    for name, each in section.items(key):
        title = _title(section, name, each)
        if titles.setdefault(fold(title), title) is not title:
            section.refuse(name, f"is {quoted(title)}, which counts the same as one before it: leave it out")
    return tuple(titles.values())


def _first_title(section: Section, key: str, default: Optional[str]) -> Optional[str]:
    return next(iter(_titles(section, key, default)), None)


def _title(section: Section, key: str, value: Any) -> str:
    count, title = (
        len(section.problems),
        Section(section.file, {key: value}, section.problems, section.path).text(key),
    )
    if len(section.problems) > count:
        return ""
    if not title:
        section.refuse(key, f"is empty: write up to {MAX_BUTTON} characters, or false for no button")
    elif title.casefold() in _MEANT_AS_FALSE:
        section.refuse(key, f"is {quoted(title)}: write false for no button")
    elif len(title) > MAX_BUTTON:
        said = f"is {quoted(title)} ({len(title)} characters)"
        section.refuse(key, f"{said}; Messenger allows {MAX_BUTTON}: shorten it")
    return title


def _keywords(section: Section, key: str, default: Tuple[Keyword, ...]) -> Tuple[Keyword, ...]:
    if key not in section.values:
        return default
    known: Dict[str, Keyword] = {}
    items = list(section.items(key))
    for name, value in items:
        keyword = _keyword(section, name, value)
        if keyword is None:
            continue
        earlier = known.setdefault(fold(keyword.text), keyword)
        if earlier is not keyword:
            said = f"is {quoted(keyword.text)}, which counts the same as {quoted(earlier.text)} before it"
            section.refuse(name, f"{said}: leave one of them out")
    if len(items) > MAX_KEYWORDS:
        said = f"has {len(items)} keywords; {MAX_KEYWORDS} are allowed"
        section.refuse(key, f"{said}: leave out {len(items) - MAX_KEYWORDS}")
    return tuple(known.values())


def _keyword(section: Section, key: str, value: Any) -> Optional[Keyword]:
    count = len(section.problems)
    if isinstance(value, dict):
        given = keys.read(_WrittenKeyword, section.within(key, value))
    else:
        text = Section(section.file, {key: value}, section.problems, section.path).text(key)
        given = _WrittenKeyword(text)
    if len(section.problems) > count:
        return None
    if not fold(given.text):
        section.refuse(key, "is empty: write a word, or leave the item out")
        return None
    return Keyword(given.text, exact=given.match == "exact")


@dataclass(frozen=True)
class ReturnOptions:
    """The ways back that the person or the clock can take."""

    #: None: no limit.
    time_limit: Optional[timedelta] = setting(
        read=Section.duration,
        default="12 hours",
        meaning="After this time the thread comes back by itself; `false` for never.",
    )
    #: Title of the button; None: no button.
    button: Optional[str] = setting(
        read=_first_title,
        default="Back to Bot",
        meaning=f"The title of the button that brings the thread back, {MAX_BUTTON} characters at most; "
        "`false` for no button. A list is one title for each language: the button in `utter_handover` keeps "
        "its own title if it is in the list, else it gets the first. Typed as the whole message, each title "
        "brings the thread back too.",
    )
    keywords: Tuple[Keyword, ...] = setting(
        read=_keywords,
        default="[back to bot]",
        meaning=f"Words of the person that bring the thread back, {MAX_KEYWORDS} at most; `[]` for none.",
        below=keys_of(_WrittenKeyword),
    )
    more_buttons: Tuple[str, ...] = ()  #: titles in other languages
    #: When the rest of a message with a keyword is the bot's first turn.
    rest: str = setting(
        read=word_of(RESTS),
        default="understood",
        meaning="When the rest of a message with a keyword is the bot's first turn after the return: "
        "`understood`, `always` or `never`, see [below](#the-rest-of-the-message).",
    )


def keywords_of(returning: ReturnOptions) -> Keywords:
    """Return all that the person may type to come back: the keywords, and the titles of the button."""
    titles = (returning.button, *returning.more_buttons) if returning.button else ()
    return Keywords([*returning.keywords, *(Keyword(title, exact=True) for title in titles)])


def read(section: Section) -> ReturnOptions:
    """Return the ways back of *section*, whose list of problems grows by what is wrong with them."""
    options = keys.read(ReturnOptions, section)
    titles = _titles(replace(section, problems=[]), "button", None)  # what is wrong with them has been said
    return replace(options, more_buttons=titles[1:])
