"""Finds web addresses in what others wrote, decides which may be opened, and unwraps Facebook's own.

1. Only http and https; no address that names a user (`https://bank.example@evil.example`) or that browsers
   and we would read differently.
2. Facebook wraps addresses that people share (`l.facebook.com/l.php?u=...`): agents see, and open, what they
   lead to.
3. `pieces` finds addresses and telephone numbers in texts; escaping is left to the template that draws them.
"""

from __future__ import annotations

import re
from typing import Any, List, NamedTuple, Optional
from urllib.parse import SplitResult, parse_qs, urlsplit

#: Addresses that only lead on: `l.facebook.com`, `lm.facebook.com`, `l.messenger.com`, `l.instagram.com` ...
_WRAPPING = re.compile(r"(?:l|lm)\.(?:facebook|messenger|instagram|workplace|threads)\.(?:com|net)")
_OF_META = re.compile(r"(?:[\w-]+\.)*(?:facebook|messenger|instagram|workplace|threads)\.(?:com|net)")
#: So many wrappings are taken off at most: one would be usual.
_WRAPPINGS = 5

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
#: A telephone number with its country: in Arabic the plus would stand at the wrong end of it.
_NUMBER = re.compile(r"(\+\d[\d ().-]{5,20}\d)", re.ASCII)
_TRAILING = ".,;:!?'*_~…·"
_PAIRS = {")": "(", "]": "[", "}": "{"}


class Piece(NamedTuple):
    """A part of a text; `url` where it is an address."""

    text: str
    url: str = ""
    is_number: bool = False  #: of a telephone: written from left to right in every language


def safe(address: Any) -> str:
    """Return *address* where an agent may open it, or the server fetch it; "" where not."""
    if not isinstance(address, str):
        return ""
    stripped: str = address.strip()
    parts = _parts(stripped)
    if parts is None or parts.scheme not in ("http", "https") or not parts.hostname:
        return ""
    # "\" is "/" for browsers and a letter for us; whoever names a user wants to be taken for that host.
    if "\\" in stripped or parts.username is not None or not stripped.isprintable() or " " in stripped:
        return ""
    return stripped


def opened(address: Any) -> str:
    """Return the address behind Facebook's wrapping of *address*, else itself; "" as in `safe`."""
    found = safe(address)
    for _ in range(_WRAPPINGS):
        inner = _wrapped_in(found)
        if not inner:
            break
        found = inner
    return found


def host_of(address: str) -> str:
    """Return the host of *address*, as agents read it: without "www."."""
    parts = _parts(address)
    host = (parts.hostname or "") if parts else ""
    return host[4:] if host.startswith("www.") else host


def pieces(text: str) -> List[Piece]:
    """Cut *text* into words and addresses. Put together again, the pieces' texts are *text*."""
    found: List[Piece] = []
    end = 0
    for match in _ADDRESS.finditer(text):
        shown = _trimmed(match.group())
        url = opened(shown if "://" in shown else f"https://{shown}")
        if not url:
            continue
        start = match.start()
        if start > end:
            found.extend(_plain(text[end:start]))
        found.append(Piece(shown, url))
        end = start + len(shown)
    if end < len(text) or not found:
        found.extend(_plain(text[end:]))
    return found


def _plain(text: str) -> List[Piece]:
    """Cut a text without addresses into words and telephone numbers."""
    parts = _NUMBER.split(text)
    found = [Piece(part, is_number=bool(at % 2)) for at, part in enumerate(parts) if part]
    return found or [Piece(text)]


def _trimmed(address: str) -> str:
    """Return *address* without the punctuation of the sentence around it; brackets of its own stay."""
    unopened = {last: address.count(last) - address.count(first) for last, first in _PAIRS.items()}
    end = len(address)
    while end and (address[end - 1] in _TRAILING or unopened.get(address[end - 1], 0) > 0):
        end -= 1
        if address[end] in unopened:
            unopened[address[end]] -= 1
    return address[:end]


def _wrapped_in(address: str) -> str:
    parts = _parts(address)
    host = (parts.hostname or "") if parts else ""
    if parts is None or not _OF_META.fullmatch(host):
        return ""
    if not (_WRAPPING.fullmatch(host) or parts.path.rstrip("/").endswith("/l.php")):
        return ""
    try:
        given = parse_qs(parts.query, max_num_fields=50)
    except ValueError:
        return ""
    return next(filter(None, map(safe, given.get("u", ()))), "")


def _parts(address: str) -> Optional[SplitResult]:
    try:
        parts = urlsplit(address)
        parts.port  # noqa: B018 - it is read only when asked for, and may be none
    except ValueError:
        return None
    return parts
