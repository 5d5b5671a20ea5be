"""Decides in which language a message is written, by its letters."""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache
from typing import Mapping, Optional, Set

#: Of an intent's payload, as buttons of Rasa's have it. Nobody typed it.
_PAYLOAD = re.compile(r"/\w+(\{.*\})?", re.ASCII | re.DOTALL)

#: Signs of addresses and of numbers of orders, which are the same in whatever language is spoken.
_NO_WORD = frozenset("0123456789@/\\")


def language_of(text: str, scripts: Mapping[str, str]) -> Optional[str]:
    """Return the language of the first of *scripts* that a word of *text* is written in, None for none.

    *scripts*: name of a script, as the names of its letters in Unicode begin, such as "ARABIC" -> language.
    The script that is written with words of others in between goes first: names of products are in Latin
    letters everywhere. Addresses, numbers and payloads of buttons tell nothing.
    """
    if _PAYLOAD.fullmatch(text.strip()):
        return None
    signs: Set[str] = set().union(*filter(_is_word, text.split()))
    letters = {_script_of(char) for char in signs}
    return next((language for script, language in scripts.items() if script in letters), None)


def _is_word(given: str) -> bool:
    return _NO_WORD.isdisjoint(given) and "." not in given[1:-1]


@lru_cache(maxsize=4096)
def _script_of(char: str) -> str:
    return unicodedata.name(char, "").partition(" ")[0] if char.isalpha() else ""
