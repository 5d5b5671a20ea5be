"""Masks personal data in what people wrote, as far as a program can find it: too much rather than too little.

1. Phone numbers are found by Google's libphonenumber; those without a country code as those of a country, if
   one is given. Why this library, and no other: docs/decisions/0009-masking-personal-data.md
2. Of everything else the rule is as simple as it is wide: whatever has an @, whatever looks like an address
   on the web, account numbers by their check digits, and every six digits in a row, in any script.
3. Names are known only where Meta told them: those of the thread's own person. Other names, streets and what
   somebody is ill with stay: a person has to read the rest.
"""

from __future__ import annotations

import re
from typing import Callable, List, Match, Set, Tuple

from phonenumbers import SUPPORTED_REGIONS, PhoneNumberMatcher

from handover_channel.rules.keywords import UNSPACED, fold

LABELS = ("EMAIL", "LINK", "PHONE", "ACCOUNT", "NUMBER", "NAME")


class Label:
    """What stands in place of personal data: one of LABELS."""

    EMAIL, LINK, PHONE, ACCOUNT, NUMBER, NAME = LABELS


#: Characters of a text that are looked at, and returned.
LONGEST_MASKED = 2000

_MENTION = re.compile(r"(?<!\S)@\S+")
_EMAIL = re.compile(r"\S+@\S*")
#: With a scheme; of several labels, or with a path; one dot and an ending that is none of a sentence's words.
_LINK = re.compile(
    r"(?:[a-z][a-z0-9+.-]{1,20}://|www\.)\S+"
    r"|(?<![\w.-])(?:[\w-]{1,63}\.){1,8}[^\W\d_]{2,24}[/:?#]\S+"
    r"|(?<![\w.-])(?:[\w-]{1,63}\.){2,8}[^\W\d_]{2,24}\b"
    r"|(?<![\w.-])[\w-]{1,63}\.(?:com|net|org|info|biz|edu|gov|shop|store|online|site|app|dev|page|link|[a-z]{2})\b",
    re.IGNORECASE,
)
#: https://www.iso.org/standard/81090.html: country, check digits, 11 to 30 letters and digits
_IBAN = re.compile(r"(?<!\w)[A-Z]{2}[0-9]{2}(?:[ -]?[A-Z0-9]){11,30}", re.IGNORECASE | re.ASCII)
_FEWEST_DIGITS_OF_AN_IBAN = 8
_DIGITS = re.compile(r"\w{0,40}[+(]{0,2}\d(?:[\s().,:/*#_\u200c\u200d-]{0,3}\d){5,}\w{0,40}")
#: A word of letters and digits, as codes, passports and number plates are.
_CODE = re.compile(r"\b(?=(?:[^\W\d]*\d){4})(?=\d*[^\W\d])\w{7,}\b")
_WORD_OF_LETTERS = re.compile(r"[^\W_]+")
_SEVERAL_NAMES = re.compile(rf"\b{Label.NAME}(?:[ .-]+{Label.NAME}\b)+")

#: One letter before a word, written together with it in Arabic: and, so, with, for, like.
_ARABIC_PREFIXES = frozenset("وفبلك")


def problem(country: str = "") -> str:
    """Return what is wrong with the country, with what to do; "" where nothing is."""
    if country and country not in SUPPORTED_REGIONS:
        return f"--country: {country} is none -> two letters as in EG, DE or US"
    return ""


class Masker:
    """Masks the texts of one person after the other."""

    def __init__(self, country: str = "") -> None:
        self._country = country or None

    def mask(self, text: str, name: str = "") -> str:
        """Return *text* with LABELS in place of personal data. *name*: the person's, "" for unknown."""
        text = _LINK.sub(Label.LINK, _EMAIL.sub(Label.EMAIL, _MENTION.sub(Label.NAME, text[:LONGEST_MASKED])))
        text = _IBAN.sub(_account, self._without_phones(text))
        text = _CODE.sub(Label.NUMBER, _DIGITS.sub(Label.NUMBER, text))
        return _without_name(text, name) if name else text

    def _without_phones(self, text: str) -> str:
        found: List[Tuple[int, int]] = [(m.start, m.end) for m in PhoneNumberMatcher(text, self._country)]
        for start, end in reversed(found):
            text = f"{text[:start]}{Label.PHONE}{text[end:]}"
        return text


def _account(found: Match[str]) -> str:
    """Mask an IBAN, and leave the words behind it that look as if they went on with it."""
    text = found.group()
    ends = [each.end() for each in re.finditer(r"\w+", text)]
    iban = next((end for end in reversed(ends) if _is_iban(re.sub("[ -]", "", text[:end]))), 0)
    return Label.ACCOUNT + text[iban:] if iban else text


def _is_iban(iban: str) -> bool:
    # Words pass the check once in 97 times, and have no digits.
    # https://www.iso.org/standard/31531.html (ISO 7064, MOD 97-10)
    has_digits = sum(map(str.isdigit, iban)) >= _FEWEST_DIGITS_OF_AN_IBAN
    return has_digits and int("".join(str(int(sign, 36)) for sign in iban[4:] + iban[:4])) % 97 == 1


def _without_name(text: str, name: str) -> str:
    """Mask the name and its parts where they are words; in a script without spaces wherever it stands."""
    whole = re.escape(name.strip())
    if not UNSPACED.search(name):
        whole = rf"(?<!\w){whole}(?!\w)"
    text = re.sub(whole, Label.NAME, text, flags=re.IGNORECASE) if name.strip() else text
    parts = {fold(part) for part in _WORD_OF_LETTERS.findall(name)}
    is_part = _is_one_of({part for part in parts if len(part) > (2 if part.isascii() else 1)})
    text = _WORD_OF_LETTERS.sub(lambda it: Label.NAME if is_part(fold(it.group())) else it.group(), text)
    return _SEVERAL_NAMES.sub(Label.NAME, text)


def _is_one_of(parts: Set[str]) -> Callable[[str], bool]:
    return lambda word: word in parts or (word[:1] in _ARABIC_PREFIXES and word[1:] in parts)
