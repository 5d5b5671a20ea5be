"""Makes text of strangers harmless for terminals and logs: control characters are written out, as in Python.

A conversation id of Rasa's `rest` is whatever somebody sent: with a line break in it it would forge a line of
the log, with an escape sequence it would steer the terminal that shows it. Letters of all scripts stay, and
what joins them; what turns the direction of a whole line round does not.
https://www.unicode.org/reports/tr9/#Explicit_Directional_Embeddings
"""

from __future__ import annotations

import unicodedata

#: Control characters, halves of a character, separators of lines and paragraphs.
_CATEGORIES = frozenset({"Cc", "Cs", "Zl", "Zp"})

_TURNS_LINES_ROUND = frozenset("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")


def printable(text: str) -> str:
    """Return *text* on one line, with nothing in it that does anything."""
    if text.isascii() and text.isprintable():
        return text
    return "".join(_written_out(sign) if _does_something(sign) else sign for sign in text)


def printable_lines(text: str) -> str:
    """Return *text* as `printable` does, but for its line breaks."""
    return "\n".join(map(printable, text.split("\n")))


def _does_something(sign: str) -> bool:
    return unicodedata.category(sign) in _CATEGORIES or sign in _TURNS_LINES_ROUND


def _written_out(sign: str) -> str:
    return sign.encode("unicode_escape").decode("ascii")
