"""Compares texts as people write them in tests, and finds the name that a misspelt one stands for."""

from __future__ import annotations

import difflib
import re
from typing import Iterable

_ANYTHING = re.compile(r"\.\.\.|\u2026")
_SPACES = re.compile(r"\s+")


def matches(expected: str, text: str) -> bool:
    """Tell whether *text* is what is expected: "..." in *expected* stands for anything or nothing.

    Line breaks and runs of spaces count as one space.
    """
    if _ANYTHING.sub("", _tidy(expected)) == _ANYTHING.sub("", _tidy(text)):
        return True  # also where the text itself has dots
    parts = (re.escape(part.strip()) for part in _ANYTHING.split(_tidy(expected)))
    return re.fullmatch(".*".join(parts), _tidy(text), re.DOTALL) is not None


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """Return " -> did you mean 'reply'?", or what there is where nothing is alike."""
    there = sorted(known)
    near = difflib.get_close_matches(name.lower(), there, 1, 0.6)
    return f" -> did you mean {near[0]!r}?" if near else f" -> known: {', '.join(there)}"


def _tidy(text: str) -> str:
    return _SPACES.sub(" ", text).strip()
