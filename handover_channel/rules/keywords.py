"""Finds the keywords of a message by which the person goes back to the bot, and what else the message asks.

Rule 1: a keyword matches as a whole word anywhere in the message, an exact one as the whole message
        without the punctuation around it; both after `fold`. No stemming: with a prefix attached, a
        word is another word. Emoji count as punctuation.
Rule 2: the rest of a message is what it asks beside its keywords: a clause of its own, of two words or a
        question, or at least four words after a keyword.

No I/O and no clock.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Callable, Iterable, Iterator, List, Optional, Tuple

#: Phones write these on their own where the owner of the page typed ' or -. The accent comes first
#: here, because NFKC turns a spacing accent into a space and a mark.
_TYPOGRAPHY = str.maketrans(
    {**dict.fromkeys("`´‘’‛′ʹʼ＇", "'"), **dict.fromkeys("‐‑‒–—―−－", "-"), **dict.fromkeys("“”„‟″＂", '"')}
)

#: One letter for the forms people type for each other. What decomposes (أ إ آ ؤ ئ, é, й) is not
#: listed: its mark is dropped.
_LETTERS = str.maketrans(
    {
        "\u0640": "",  # tatweel
        "\u0674": "",  # high hamza
        "\u0671": "\u0627",  # alef wasla -> alef
        "\u0629": "\u0647",  # taa marbuta -> heh
        "\u0649": "\u064a",  # alef maqsura -> yeh
        "\u06cc": "\u064a",  # Persian yeh
        "\u06d2": "\u064a",  # yeh barree
        "\u06a9": "\u0643",  # keheh -> kaf
        **dict.fromkeys("\u06be\u06c1\u06c3\u06d5", "\u0647"),  # forms of heh -> heh
        "ı": "i",  # or "KAPI" would not be "kapı"
        "ø": "o",
        "đ": "d",
        "ł": "l",
        "ħ": "h",
        "æ": "ae",
        "œ": "oe",
    }
)

#: Marks that people leave out: combining diacritics of Latin, Greek and Cyrillic, Hebrew points,
#: Arabic harakat and variation selectors. The vowel signs of Devanagari or Thai are marks too, and
#: stay: without them other words remain.
_MARKS = re.compile(
    "[\u0300-\u036f\u1ab0-\u1aff\u1dc0-\u1dff\ufe20-\ufe2f"
    "\u0591-\u05bd\u05bf\u05c1\u05c2\u05c4\u05c5\u05c7"
    "\u0610-\u061a\u064b-\u065f\u0670\u06d6-\u06dc\u06df-\u06e4\u06e7\u06e8\u06ea-\u06ed\u08d3-\u08e1\u08e3-\u08ff"
    "\ufe00-\ufe0f\U000e0100-\U000e01ef]"
)


def fold(text: str) -> str:
    """Return *text* as keywords see it: equal for what people take for the same words.

    Case, width, diacritics, Arabic letter forms, digits of any script, typographic quotes and
    dashes, invisible characters and runs of white space make no difference. ``fold(fold(x)) == fold(x)``.
    """
    if text.isascii():  # the common case: nothing of the tables applies but quotes and case
        return " ".join(text.translate(_TYPOGRAPHY).casefold().split())
    for _ in range(_MAX_FOLDS):
        before, text = text, _fold_once(text)
        if text == before:
            break
    return text


#: A fold can uncover what another step folds. Three are the most that any character needs; the bound
#: only says that no text, however hostile, keeps us here.
_MAX_FOLDS = 10

#: Characters of a text, and marks of a letter, which Python sorts in the square of the time: nobody has more.
#: https://www.unicode.org/reports/tr15/#Stream_Safe_Text_Format
_LONGEST_SEARCHED, _MARKS_OF_A_LETTER = 20_000, 30


def _with_few_marks(text: str) -> str:
    """Return *text* without what stands behind `_MARKS_OF_A_LETTER` marks in a row."""
    kept, marks = [], 0
    for char in text:
        marks = marks + 1 if unicodedata.combining(char) else 0
        if marks <= _MARKS_OF_A_LETTER:
            kept.append(char)
    return "".join(kept)


def _fold_once(text: str) -> str:
    text = _with_few_marks(text)
    # One sign may stand for eighteen letters ("\ufdfa"): a text of those is cut.
    text = unicodedata.normalize("NFKC", text.translate(_TYPOGRAPHY))[:_LONGEST_SEARCHED].casefold()
    text = _MARKS.sub("", unicodedata.normalize("NFKD", text)).translate(_LETTERS)
    text = "".join(map(_plain, text))
    return " ".join(unicodedata.normalize("NFKC", text).split())


@lru_cache(maxsize=4096)
def _plain(char: str) -> str:
    category = unicodedata.category(char)
    if category == "Cf":  # zero-width and bidi marks, soft hyphen
        return ""
    return str(unicodedata.decimal(char)) if category == "Nd" else char


# Keywords

#: Scripts written without spaces: a word may begin and end anywhere in them.
UNSPACED = re.compile(
    "[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u2e80-\u2fdf\u3005-\u30ff\u31f0-\u31ff"
    "\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003ffff]"
)


@dataclass(frozen=True)
class Keyword:
    """One configured keyword."""

    text: str
    exact: bool = False  #: the whole message, not a word in it


class Keywords:
    """The configured keywords, ready to be looked for. Those that fold to nothing never match."""

    def __init__(self, keywords: Iterable[Keyword]) -> None:
        self._folded = tuple(
            (folded, each) for each in keywords for folded in dict.fromkeys(_forms(each)) if folded
        )

    def match(self, text: str) -> Optional[str]:
        """Return the first configured keyword in the first 20,000 characters of *text*, or None."""
        found = self._find(text)
        return found[1].text if found else None

    def rest(self, text: str) -> str:
        """Return what else *text* asks, without its keywords and the punctuation around them; "" for nothing.

        Rule 2 says what asks. Nothing remains of a message that an exact keyword matches. A text of more than
        2,000 characters (a message of Messenger's has no more) is returned as it is.
        """
        if _is_too_long_to_part(text):
            return text
        return " ".join(each.text for each in self._parts(text) if _asks(each))

    def is_all_of(self, text: str) -> bool:
        """Tell whether *text* is a way back and has no other word."""
        if _is_too_long_to_part(text) or self.match(text) is None:
            return False
        return not any(_count_words(each.text) for each in self._parts(text))

    def _parts(self, text: str, depth: int = 0) -> List[_Part]:
        """Return what stands between the keywords, in order."""
        found = self._find(text)
        if found is None or depth > _MAX_KEYWORDS_IN_ONE:
            return [_Part(text.strip())]
        folded, keyword, searched = found
        if keyword.exact:
            return []
        before, after = _around(searched, folded)
        first, last = self._parts(before.text, depth + 1), self._parts(after.text, depth + 1)
        if len(first) == 1:
            first[0] = replace(first[0], is_parted=before.is_parted)
        if last:
            last[0] = replace(last[0], is_parted=after.is_parted, is_after=True)
        return [*first, *last]

    def _find(self, text: str) -> Optional[Tuple[str, Keyword, str]]:
        """Return the first keyword that is there: folded, as configured, and the text it was found in."""
        if not self._folded:
            return None
        text = text[:_LONGEST_SEARCHED]
        plain = _EMOJI.sub(" ", text)
        # With its emoji first: a keyword may be one.
        for searched in (text,) if plain == text else (text, plain):
            message = fold(searched)
            for folded, keyword in self._folded:
                holds = _is_all_of if keyword.exact else _is_word_of
                if folded in message and holds(folded, message):
                    return folded, keyword, searched
        return None


#: Emoji, among them those that are letters or digits to Unicode: keycaps (1\ufe0f\u20e3), what is shown as an
#: emoji only with a variation selector (\u2122\ufe0f), letters and ideographs in squares and circles.
#: https://www.unicode.org/reports/tr51/
_EMOJI = re.compile(
    r"[0-9#*]\ufe0f?\u20e3|[^\w\s]\ufe0f|[\u2122\u2139\u24c2\u3297\u3299\u2600-\u27bf\U0001f000-\U0001faff]",
)

_LONGEST_RESTED = 2000
_MAX_KEYWORDS_IN_ONE = 10


def _is_too_long_to_part(text: str) -> bool:
    # It is folded many times, and its signs may stand for many letters.
    return len(text) > _LONGEST_RESTED or len(fold(text)) > 2 * _LONGEST_RESTED


def _forms(keyword: Keyword) -> Iterator[str]:
    """Yield what is looked for: an exact keyword or a button's title may be typed without its emoji."""
    yield fold(keyword.text)
    if keyword.exact:
        plain = fold(_EMOJI.sub(" ", keyword.text))
        if _has_word(plain):
            yield plain


def _is_word_of(word: str, message: str) -> bool:
    return _place_of(word, message) >= 0


def _place_of(word: str, message: str) -> int:
    """Return where *word* begins as a whole word of *message*, -1 where it does not."""
    start = message.find(word)
    while start >= 0:
        if _parted(message, start) and _parted(message, start + len(word)):
            return start
        start = message.find(word, start + 1)
    return -1


def _is_all_of(word: str, message: str) -> bool:
    before, _, after = message.partition(word)
    return all(map(_is_punctuation, before + after))


@dataclass(frozen=True)
class _Part:
    """What stands before or after a keyword."""

    text: str
    is_parted: bool = True  #: by punctuation, a line break or an emoji
    is_after: bool = False


#: Ends a clause. Quotes and brackets stand around a keyword and part nothing.
_END_OF_CLAUSE = re.compile(
    "[\\n\\r.,;:!?\u2026\u060c\u061b\u061f\u06d4\u3001\u3002\uff01\uff0c\uff1a\uff1b\uff1f]"
)
_QUESTION = ("?", "\u061f", "\uff1f")


def _asks(part: _Part) -> bool:
    """Whether a part of a message is more than the way to say that one wants to go back.

    "please, back to bot", "take me to the main menu now" ask nothing; "main menu. opening hours" does, and
    so do four words after the keyword, or two with a question mark.
    """
    words, is_question = _count_words(part.text), part.text.rstrip().endswith(_QUESTION)
    if part.is_parted:
        return words >= 2 or (words == 1 and is_question)
    return part.is_after and (words >= 4 or (words >= 2 and is_question))


def _count_words(text: str) -> int:
    words = [word for word in text.split() if _has_word(word)]
    return max(len(words), len(UNSPACED.findall(text)) // 2)  # two ideographs are about a word


def _around(text: str, word: str) -> Tuple[_Part, _Part]:
    """Return what is before and after what folds to *word*, without the punctuation beside it."""
    folded = fold(text)
    place = _place_of(word, folded)
    # The shortest beginning of the text that holds the word, and the shortest end: fold changes lengths.
    end = _first(len(text), lambda cut: len(fold(text[:cut])) >= place + len(word))
    start = len(text) - _first(
        len(text), lambda cut: len(fold(text[len(text) - cut :])) >= len(folded) - place
    )
    before, after = text[:start], text[max(end, start) :]
    last = next((at for at in range(len(before), 0, -1) if not _is_aside(before[at - 1])), 0)
    first = next((at for at in range(len(after)) if not _is_aside(after[at])), len(after))
    return (
        _Part(before[:last].strip(), _is_parting(before[last:])),
        _Part(after[first:].strip(), _is_parting(after[:first])),
    )


def _is_parting(aside: str) -> bool:
    kinds = {unicodedata.category(char) for char in aside}
    return bool(_END_OF_CLAUSE.search(aside)) or not kinds.isdisjoint(("So", "Pd"))


def _first(most: int, holds: Callable[[int], bool]) -> int:
    """Return the first number up to *most* for which *holds* does; it holds for all that follow."""
    least = 0
    while least < most:
        middle = (least + most) // 2
        least, most = (least, middle) if holds(middle) else (middle + 1, most)
    return least


def _has_word(text: str) -> bool:
    return any(unicodedata.category(char)[0] in "LN" for char in fold(_EMOJI.sub(" ", text)))


def _is_aside(char: str) -> bool:
    return all(map(_is_punctuation, fold(char)))


#: Not a place to part: "0" is no word of "10.00", "1:30" or "12/05".
_INSIDE_A_NUMBER = re.compile(r"(?<=[0-9])[.,:/-](?=[0-9])")


def _parted(message: str, place: int) -> bool:
    """Whether a word may begin or end at *place*."""
    if place in (0, len(message)):
        return True
    if _INSIDE_A_NUMBER.match(message, place) or _INSIDE_A_NUMBER.match(message, place - 1):
        return False
    left, right = message[place - 1], message[place]
    return not (_goes_on(left) and _goes_on(right))


@lru_cache(maxsize=4096)
def _goes_on(char: str) -> bool:
    """Whether *char* belongs together with a letter beside it."""
    return unicodedata.category(char)[0] in "LMN" and not UNSPACED.match(char)


_KEYCAP = "\u20e3"


@lru_cache(maxsize=4096)
def _is_punctuation(char: str) -> bool:
    """Whether *char* stands beside words: punctuation, spaces, signs, emoji and what joins them."""
    return unicodedata.category(char)[0] in "PZS" or char == _KEYCAP
