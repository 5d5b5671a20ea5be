"""The ways back that are configured: the block `return` of handover.yml.

Rule 1: an absent key has its default; ``false``, ``null`` or an empty list switch that way back off.
Rule 2: the button's title has at most 20 characters
        (https://developers.facebook.com/documentation/business-messaging/messenger-platform/send-messages/buttons/postback).
        A list is one title for each language. Typed as the whole message, each is a way back too.
Rule 3: at most 50 keywords, no two of them the same once folded.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Dict, Optional, Tuple

from handover_channel.rules.keywords import Keyword, Keywords, fold
from handover_channel.settings.section import Section, nearest, quoted

KEYS = ("time_limit", "button", "keywords", "rest")
KEYWORD_KEYS = ("text", "match")
MATCHES = ("word", "exact")

RESTS = ("understood", "always", "never")

MAX_BUTTON = 20
MAX_KEYWORDS = 50

#: Titles nobody wants on a button: YAML 1.1 took them for false, or people do.
_MEANT_AS_FALSE = ("no", "off", "none")

DEFAULT_TIME_LIMIT = timedelta(hours=12)
DEFAULT_BUTTON = "Back to Bot"
DEFAULT_KEYWORDS = (Keyword("back to bot"),)


@dataclass(frozen=True)
class ReturnOptions:
    """The ways back that the person or the clock can take."""

    time_limit: Optional[timedelta] = DEFAULT_TIME_LIMIT  #: None: no limit
    button: Optional[str] = DEFAULT_BUTTON  #: title of the button; None: no button
    keywords: Tuple[Keyword, ...] = DEFAULT_KEYWORDS
    more_buttons: Tuple[str, ...] = ()  #: titles in other languages
    rest: str = RESTS[0]  #: when the rest of a message with a keyword is the bot's first turn: one of RESTS


def keywords_of(returning: ReturnOptions) -> Keywords:
    """Return all that the person may type to come back: the keywords, and the titles of the button."""
    titles = (returning.button, *returning.more_buttons) if returning.button else ()
    return Keywords([*returning.keywords, *(Keyword(title, exact=True) for title in titles)])


def read(block: Section) -> ReturnOptions:
    """Return the ways back of *block*, whose list of problems grows by what is wrong with them."""
    block.expect_only(KEYS)
    time_limit, titles = block.duration("time_limit", DEFAULT_TIME_LIMIT), _buttons(block)
    return ReturnOptions(
        time_limit=time_limit,
        button=titles[0] if titles else None,
        keywords=_keywords(block),
        more_buttons=titles[1:],
        rest=block.one_of("rest", RESTS),
    )


def _buttons(block: Section) -> Tuple[str, ...]:
    value = block.values.get("button", DEFAULT_BUTTON)
    if value is None or value is False:
        return ()
    if not isinstance(value, list):
        return (_title(block, "button", value),)
    titles: Dict[str, str] = {}
    for key, each in block.items("button"):
        title = _title(block, key, each)
        if titles.setdefault(fold(title), title) is not title:
            block.refuse(key, f"is {quoted(title)}, which counts the same as one before it: leave it out")
    return tuple(titles.values())


def _title(block: Section, key: str, value: Any) -> str:
    count, title = (
        len(block.problems),
        Section(block.file, {key: value}, block.problems, block.path).text(key),
    )
    if len(block.problems) > count:
        return ""
    if not title:
        block.refuse(key, f"is empty: write up to {MAX_BUTTON} characters, or false for no button")
    elif title.casefold() in _MEANT_AS_FALSE:
        block.refuse(key, f"is {quoted(title)}: write false for no button")
    elif len(title) > MAX_BUTTON:
        said = f"is {quoted(title)} ({len(title)} characters)"
        block.refuse(key, f"{said}; Messenger allows {MAX_BUTTON}: shorten it")
    return title


def _keywords(block: Section) -> Tuple[Keyword, ...]:
    if "keywords" not in block.values:
        return DEFAULT_KEYWORDS
    known: Dict[str, Keyword] = {}
    items = list(block.items("keywords"))
    for key, value in items:
        keyword = _keyword(block, key, value)
        if keyword is None:
            continue
        earlier = known.setdefault(fold(keyword.text), keyword)
        if earlier is not keyword:
            said = f"is {quoted(keyword.text)}, which counts the same as {quoted(earlier.text)} before it"
            block.refuse(key, f"{said}: leave one of them out")
    if len(items) > MAX_KEYWORDS:
        said = f"has {len(items)} keywords; {MAX_KEYWORDS} are allowed"
        block.refuse("keywords", f"{said}: leave out {len(items) - MAX_KEYWORDS}")
    return tuple(known.values())


def _keyword(block: Section, key: str, value: Any) -> Optional[Keyword]:
    count = len(block.problems)
    if isinstance(value, dict):
        item = block.within(key, value)
        item.expect_only(KEYWORD_KEYS)
        text, match = item.text("text"), item.text("match", "word")
        if match not in MATCHES:
            item.refuse("match", f"is {quoted(match)}: {nearest(match, MATCHES)}")
    else:
        text, match = Section(block.file, {key: value}, block.problems, block.path).text(key), "word"
    if len(block.problems) > count:
        return None
    if not fold(text):
        block.refuse(key, "is empty: write a word, or leave the item out")
        return None
    return Keyword(text, exact=match == "exact")
