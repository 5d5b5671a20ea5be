"""Splits texts into the words that a search compares, and marks them in what was written.

1. Words are folded as keywords are (keywords.fold): case, accents, width, Arabic marks and letter forms make
   no difference. Signs part words and are not looked for.
2. What is wanted is found at the beginning of words: "ord" finds "order". An Arabic word is found with its
   article and without: "طلب" finds "الطلب" and "بالطلب".
3. In scripts that are written without spaces, two letters beside each other are a word, as is the last one.

No I/O and no clock.
"""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache
from typing import Iterator, List, NamedTuple, Sequence, Tuple

from handover_channel.rules.keywords import UNSPACED, fold

#: Characters of a text that are looked at, of a word that are compared, and words of a search.
LONGEST_INDEXED, LONGEST_WORD, MOST_WANTED = 4000, 40, 12

#: Characters of a text around what was found in it.
SNIPPET = 120

_ASCII_WORD = re.compile(r"[a-z0-9]+")
#: And, so, with, like, for; and the article: written together with the word. "Folded", as everything here.
_ARTICLE = re.compile("[وف]?(?:[بك]?ال|لل)(?=\\w{3})")


class Piece(NamedTuple):
    """A part of a text."""

    text: str
    is_found: bool = False


def words_in(text: str) -> List[str]:
    """Return the different words of *text*, folded."""
    text = text[:LONGEST_INDEXED]
    if text.isascii():
        return list(dict.fromkeys(word[:LONGEST_WORD] for word in _ASCII_WORD.findall(text.lower())))
    found = (word for begin, end in _runs(text) for word in _words_of_run(text[begin:end]))
    return list(dict.fromkeys(found))


def wanted_of(search: str) -> List[str]:
    """Return the beginnings of words that a search asks for, the first MOST_WANTED; none for signs alone."""
    found: List[str] = []
    for begin, end in _runs(search[:LONGEST_INDEXED]):
        for word in fold(search[begin:end]).split():
            letters = "".join(filter(_is_of_a_word, word))[:LONGEST_WORD]
            found.extend(
                _pairs(letters)[: max(len(letters) - 1, 1)] if UNSPACED.search(letters) else [letters]
            )
    return list(dict.fromkeys(filter(None, found)))[:MOST_WANTED]


def are_in(text: str, wanted: Sequence[str]) -> bool:
    """Tell whether *text* has all that is wanted."""
    words = words_in(text)
    return all(any(word.startswith(each) for word in words) for each in wanted)


def marked(text: str, wanted: Sequence[str]) -> List[Piece]:
    """Return *text* in pieces, those that are found told apart. Joined, they are the text."""
    pieces: List[Piece] = []
    last = 0
    for begin, end in _runs(text) if wanted else ():
        if any(word.startswith(each) for word in _words_of_run(text[begin:end]) for each in wanted):
            pieces += [Piece(text[last:begin]), Piece(text[begin:end], True)]
            last = end
    return [piece for piece in (*pieces, Piece(text[last:])) if piece.text]


def snippet(text: str, wanted: Sequence[str], most: int = SNIPPET) -> List[Piece]:
    """Return what stands around the first of what is found: a line of about *most* characters."""
    line = " ".join(text[:LONGEST_INDEXED].split())
    pieces = marked(line, wanted)
    before = len(pieces[0].text) if pieces and not pieces[0].is_found else 0
    begin = 0
    if len(line) > most and before > most // 3 and len(pieces) > 1:
        begin = line.rfind(" ", 0, before - most // 4) + 1
    cut = line[begin : begin + most]
    end = "…" if begin + most < len(line) else ""
    return [*([Piece("…")] if begin else []), *marked(cut, wanted), *([Piece(end)] if end else [])]


def _runs(text: str) -> Iterator[Tuple[int, int]]:
    """Yield where runs of letters, digits and their marks begin and end."""
    begin = -1
    for place, char in enumerate(text):
        if _is_of_a_word(char):
            begin = place if begin < 0 else begin
        elif begin >= 0:
            yield begin, place
            begin = -1
    if begin >= 0:
        yield begin, len(text)


@lru_cache(maxsize=8192)
def _is_of_a_word(char: str) -> bool:
    return char.isalnum() or unicodedata.category(char) in ("Mn", "Mc", "Cf")


@lru_cache(maxsize=16384)  # people use the same words
def _words_of_run(run: str) -> Tuple[str, ...]:
    found: List[str] = []
    for word in fold(run).split():
        letters = "".join(filter(_is_of_a_word, word))[:LONGEST_WORD]
        if UNSPACED.search(letters):
            found.extend(_pairs(letters))
            continue
        found.append(letters)
        article = _ARTICLE.match(letters)
        if article:
            found.append(letters[article.end() :])
    return tuple(filter(None, found))


def _pairs(letters: str) -> List[str]:
    return [letters[place : place + 2] for place in range(len(letters))]
