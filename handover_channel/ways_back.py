"""The ways back that are configured: the block `return` of handover.yml.

Rule 1: an absent key has its default; ``false``, ``null`` or an empty list switch that way back off.
Rule 2: the button's title has at most 20 characters
        (https://developers.facebook.com/documentation/business-messaging/messenger-platform/send-messages/buttons/postback).
Rule 3: at most 50 keywords, no two of them the same once folded.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Dict, Optional, Tuple

from handover_channel.block import Block, nearest, quoted
from handover_channel.returning import Keyword, fold

KEYS = ("time_limit", "button", "keywords")
KEYWORD_KEYS = ("text", "match")
MATCHES = ("word", "exact")

MAX_BUTTON = 20
MAX_KEYWORDS = 50

#: Titles nobody wants on a button: YAML 1.1 took them for false, or people do.
_MEANT_AS_FALSE = ("no", "off", "none")

DEFAULT_TIME_LIMIT = timedelta(hours=12)
DEFAULT_BUTTON = "Back to Bot"
DEFAULT_KEYWORDS = (Keyword("back to bot"),)


@dataclass(frozen=True)
class Returning:
    """The ways back that the person or the clock can take."""

    time_limit: Optional[timedelta] = DEFAULT_TIME_LIMIT  #: None: no limit
    button: Optional[str] = DEFAULT_BUTTON  #: title of the button; None: no button
    keywords: Tuple[Keyword, ...] = DEFAULT_KEYWORDS


def read(block: Block) -> Returning:
    """Return the ways back of *block*, whose list of problems grows by what is wrong with them."""
    block.expect_only(KEYS)
    return Returning(
        time_limit=block.duration("time_limit", DEFAULT_TIME_LIMIT),
        button=_button(block),
        keywords=_keywords(block),
    )


def _button(block: Block) -> Optional[str]:
    value = block.values.get("button", DEFAULT_BUTTON)
    if value is None or value is False:
        return None
    title = block.text("button", DEFAULT_BUTTON)
    if not title:
        block.refuse("button", f"is empty: write up to {MAX_BUTTON} characters, or false for no button")
    elif title.casefold() in _MEANT_AS_FALSE:
        block.refuse("button", f"is {quoted(title)}: write false for no button")
    elif len(title) > MAX_BUTTON:
        said = f"is {quoted(title)} ({len(title)} characters)"
        block.refuse("button", f"{said}; Messenger allows {MAX_BUTTON}: shorten it")
    return title


def _keywords(block: Block) -> Tuple[Keyword, ...]:
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


def _keyword(block: Block, key: str, value: Any) -> Optional[Keyword]:
    count = len(block.problems)
    if isinstance(value, dict):
        item = block.within(key, value)
        item.expect_only(KEYWORD_KEYS)
        text, match = item.text("text"), item.text("match", "word")
        if match not in MATCHES:
            item.refuse("match", f"is {quoted(match)}: {nearest(match, MATCHES)}")
    else:
        text, match = Block(block.file, {key: value}, block.problems, block.path).text(key), "word"
    if len(block.problems) > count:
        return None
    if not fold(text):
        block.refuse(key, "is empty: write a word, or leave the item out")
        return None
    return Keyword(text, exact=match == "exact")
