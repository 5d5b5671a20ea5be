"""Finds in a text what can be opened: web addresses, e-mail addresses and telephone numbers.

1. A web address is found by rules of our own, opened as links.py decides: no library knows where one ends in
   Arabic (docs/decisions/0016-links-in-texts.md).
2. A telephone number is one with its country, as Google's libphonenumber finds it: which country the others
   are of nobody tells.
3. A link begins with `https:`, `http:`, `mailto:` or `tel:`, and holds nothing that a browser would read
   otherwise. Escaping is left to the template that draws it.
"""

from __future__ import annotations

import re
from typing import Iterator, List, NamedTuple
from urllib.parse import quote

from phonenumbers import Leniency, PhoneNumberFormat, PhoneNumberMatcher, format_number

from handover_channel.messenger.links import opened

#: What ends an address wherever it stands: blanks, quotes, signs that turn the direction of writing, and
#: Arabic punctuation, which no address has.
_ENDS = r"\s<>\"`«»“”„‹›،؛؟۔\u200b-\u200f\u202a-\u202e\u2060-\u2069\ufeff\u0000-\u001f\u007f"
_ARABIC = r"\u0600-\u06ff\u0750-\u077f"
#: Arabic letters may be part of an address ("/wiki/كرسي"), but glued to a Latin one, or to the full stop
#: behind it, they are the next word.
_GLUED = rf"(?:(?<=[A-Za-z0-9])|(?<=[A-Za-z0-9][.,;:!?)\]]))[{_ARABIC}]"
_ADDRESS = re.compile(
    rf"(?<![A-Za-z0-9@])(?:https?://|www\.(?=[\w-]+\.))(?:(?!{_GLUED})[^{_ENDS}])+", re.IGNORECASE
)
#: An address as mail programs write them by themselves (RFC 5321 allows more), each part no longer than it
#: says. It begins where such a part does: a run of letters is looked through once.
#: https://www.rfc-editor.org/rfc/rfc5321#section-4.5.3.1
_PART_OF_A_HOST = r"[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?"
_MAIL = re.compile(
    rf"(?<![\w.%+@-])[A-Za-z0-9_][\w.%+-]{{0,63}}@(?:{_PART_OF_A_HOST}\.){{1,8}}[A-Za-z]{{2,24}}(?![\w@-])",
    re.ASCII,
)
#: Begins a number with its country, also in the width of East Asian letters.
_PLUS = frozenset("+\uff0b")
_TRAILING = ".,;:!?'*_~…·"
_PAIRS = {")": "(", "]": "[", "}": "{"}


class Piece(NamedTuple):
    """A part of a text; `url` where it can be opened, "" for words."""

    text: str
    url: str = ""


def pieces(text: str) -> List[Piece]:
    """Cut *text* into words and what can be opened. Put together again, the pieces' texts are *text*."""
    found: List[Piece] = []
    end = 0
    for match in _ADDRESS.finditer(text):
        shown = _trimmed(match.group())
        url = opened(shown if "://" in shown else f"https://{shown}")
        found.extend(_mails(text[end : match.start()]))
        found.append(Piece(shown, url))  # one that may not be opened is words, and no e-mail address
        end = match.start() + len(shown)
    return [*found, *_mails(text[end:])] or [Piece(text)]


def _mails(text: str) -> Iterator[Piece]:
    """Cut a text without web addresses."""
    end = 0
    for match in _MAIL.finditer(text) if "@" in text else ():
        yield from _numbers(text[end : match.start()])
        yield Piece(match.group(), f"mailto:{quote(match.group(), safe='@+')}")
        end = match.end()
    yield from _numbers(text[end:])


def _numbers(text: str) -> Iterator[Piece]:
    """Cut a text without addresses."""
    end = 0
    for match in PhoneNumberMatcher(text, None, leniency=Leniency.POSSIBLE) if _PLUS & {*text} else ():
        if match.start > end:
            yield Piece(text[end : match.start])
        yield Piece(match.raw_string, format_number(match.number, PhoneNumberFormat.RFC3966))
        end = match.end
    if end < len(text):
        yield Piece(text[end:])


def _trimmed(address: str) -> str:
    """Return *address* without the punctuation of the sentence around it; brackets of its own stay."""
    unopened = {last: address.count(last) - address.count(first) for last, first in _PAIRS.items()}
    end = len(address)
    while end and (address[end - 1] in _TRAILING or unopened.get(address[end - 1], 0) > 0):
        end -= 1
        if address[end] in unopened:
            unopened[address[end]] -= 1
    return address[:end]
