"""Splits a text that is too long at the best places. No I/O.

1. Pieces lose white space where they were cut, and nothing else.
2. The best place wins: the end of a paragraph, of a line, of a sentence, of a word; those of the first three
   kinds only in the second half of what fits, or pieces would be scraps.
3. What the eye takes for one sign (a letter and its marks, an emoji of several parts, a flag) is not cut,
   unless the sign alone is longer than the limit.
4. In running text a sign outside the Basic Multilingual Plane counts as two: Meta does not say how it counts,
   and this holds for every way of counting. Titles are counted in code points, as in the settings.
"""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache
from typing import List, Optional, Tuple

ELLIPSIS = "…"

_ZERO_WIDTH_JOINER = "\u200d"
_SPACE = r"[^\S\xa0\u2007\u202f]"  # those three hold together what they stand between
_SIGN = re.compile(r"\S")
_STOP = ".!?…؟۔।"

#: (what ends at a good place, from which part of the window on), best first.
_PLACES: Tuple[Tuple[re.Pattern[str], float], ...] = (
    (re.compile(r"\n[^\S\n]*\n"), 0.5),
    (re.compile(r"\n"), 0.5),
    (re.compile(rf"(?<![{_STOP}])[{_STOP}]+[\"'”’»)\]]*{_SPACE}|[。！？]"), 0.5),
    (re.compile(_SPACE), 0.0),
)


def split(text: str, limit: int) -> List[str]:
    """Return *text* in pieces of at most *limit* characters, none of them empty; [] for white space."""
    pieces, rest = [], text.strip()
    while rest:
        place = _place(rest, limit)
        pieces.append(rest[:place].rstrip())
        rest = rest[place:].lstrip()
    return pieces


def fits(text: str, limit: int) -> bool:
    """Whether *text* holds at most *limit* characters, by the strictest way of counting."""
    return _end_of_window(text, limit) == len(text)


def shorten(text: str, limit: int) -> str:
    """Return *text*, or what fits of it into *limit* code points with an ellipsis at the end."""
    if len(text) <= limit:
        return text
    return text[: _last_whole(text, limit - len(ELLIPSIS))].rstrip() + ELLIPSIS


def _place(text: str, limit: int) -> int:
    end = _end_of_window(text, limit)
    if end == len(text):
        return end
    for pattern, least in _PLACES:
        place = _last_match(pattern, text, end)
        if place is not None and place >= end * least:
            return place
    return _last_whole(text, end)


def _end_of_window(text: str, limit: int) -> int:
    """Return how many characters of *text* fit, by the strictest way of counting."""
    window = text[:limit]
    if window.isascii():
        return len(window)
    room = limit
    for index, char in enumerate(window):
        room -= 2 if char > "\uffff" else 1
        if room < 0:
            return index
    return len(window)


def _last_match(pattern: re.Pattern[str], text: str, end: int) -> Optional[int]:
    places = [match.end() for match in pattern.finditer(text[: end + 1])]
    # White space just behind the window does no harm: it is stripped.
    fitting = (place for place in reversed(places) if len(text[:place].rstrip()) <= end)
    return next((place for place in fitting if _is_whole(text, place)), None)


def _last_whole(text: str, end: int) -> int:
    found = next((place for place in range(end, 0, -1) if _is_whole(text, place)), end)
    return max(found, 1)


def _is_whole(text: str, place: int) -> bool:
    """Whether no sign is cut at *place*."""
    following = _SIGN.search(text, place)
    if following and _extends(following.group()):
        return False  # a mark behind white space belongs to the white space
    before, after = text[place - 1 : place], text[place : place + 1]
    if before == _ZERO_WIDTH_JOINER or ("\ud800" <= before <= "\udbff" and "\udc00" <= after <= "\udfff"):
        return False
    return not (_is_flag_half(after) and _flag_halves_before(text, place) % 2)


def _flag_halves_before(text: str, place: int) -> int:
    count = 0
    while count < place and _is_flag_half(text[place - 1 - count]):
        count += 1
    return count


def _is_flag_half(char: str) -> bool:
    return "\U0001f1e6" <= char <= "\U0001f1ff"


@lru_cache(maxsize=4096)
def _extends(char: str) -> bool:
    """Whether *char* is part of the sign before it: marks, joiners, skin tones, tags."""
    return (
        unicodedata.category(char)[0] == "M"
        or char == _ZERO_WIDTH_JOINER
        or "\U0001f3fb" <= char <= "\U0001f3ff"
        or "\U000e0020" <= char <= "\U000e007f"
    )
