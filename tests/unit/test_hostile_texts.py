"""Tests that what reads the texts of people takes time in proportion to them, whatever they write.

Anybody writes, and while one text is read no other thread of the process does anything: what takes the square
of the time stops the bot for everybody. Cost is CPU time of this thread, and only compared with itself.
"""

from __future__ import annotations

import itertools
import time
from typing import Any, Callable, Dict, Iterator

import pytest

from handover_channel.log import printable
from handover_channel.messenger import bubble, linked_text, links
from handover_channel.messenger.text_splitting import fits, shorten, split
from handover_channel.rules import keywords
from handover_channel.rules.keywords import Keyword, Keywords, _fold_once, fold
from handover_channel.rules.written_language import language_of

#: Characters of a text, and of one four times as long.
SHORT, FACTOR = 5_000, 4
#: What is linear takes `FACTOR` times as long, what is quadratic the square of it: between the two.
BOUND = FACTOR * 3
#: Seconds below which a figure says nothing about growth, only about the clock.
NOISE = 0.05
#: A machine that does something else meanwhile costs time, too; what is bounded is so in one of these.
TRIES = 5

KEYWORDS = Keywords([Keyword("back to bot"), Keyword("العودة إلى البوت"), Keyword("main menu", exact=True)])
SCRIPTS = {"ARABIC": "ar", "LATIN": "en"}

READERS: Dict[str, Callable[[str], Any]] = {
    "fold": fold,
    "keywords": KEYWORDS.match,
    "the rest of a message": KEYWORDS.rest,
    "nothing but a way back": KEYWORDS.is_all_of,
    "language": lambda text: language_of(text, SCRIPTS),
    "what can be opened": linked_text.pieces,
    "one address": lambda text: links.opened(f"https://l.facebook.com/l.php?u={text}"),
    "pieces": lambda text: split(text, 2000),
    "fits": lambda text: fits(text, 2000),
    "shorten": lambda text: shorten(text, 640),
    "one line": lambda text: bubble.shortened(text, 80),
    "words": bubble.words,
    "log": printable,
}

#: Letters, signs of addresses, white space, and marks of one letter in an order that has to be sorted.
_UNITS = (
    "x", "1", ".", "x.", "@", "/", "\\", " ", "\n", "x ", ". ", "!)", "(", "[", "https://a.", "www.", "&u=",
    "a@b.", "+1 ", "+",
    "back to bot ", "back to bo", "\u0627", "\u0627\u064b", "\ufdfa", "\u0301\u0323", "\u0f71\u0f72\u0f74",
    "\u05b0\u05c1", "\u0e38\u0e48", "\u1100\u1161", "\U0001f1e6", "\U0001f600\u200d", "1\ufe0f\u20e3",
)  # fmt: skip


def _hostile(size: int) -> Iterator[str]:
    half = size // 2
    yield "a" + "\u0301" * half + "\u0323" * half
    yield "\n" + " " * size + "x"
    yield "https://a.example/" + "(" * half + ")" * half
    for unit, end in itertools.product(_UNITS, ("", "x")):
        yield unit * (size // len(unit)) + end


def _cost(read: Callable[[str], Any], text: str) -> float:
    def once() -> float:
        began = time.thread_time()
        read(text)
        return time.thread_time() - began

    return min(once(), once())


@pytest.mark.parametrize("reader", READERS)
def test_no_text_costs_its_reader_more_than_it_is_long(reader):
    read = READERS[reader]
    for short, long in zip(_hostile(SHORT), _hostile(SHORT * FACTOR)):
        assert any(_is_bounded(read, short, long) for _ in range(TRIES)), ascii(long[:20])


def _is_bounded(read: Callable[[str], Any], short: str, long: str) -> bool:
    cost = _cost(read, long)
    return cost < NOISE or cost < BOUND * _cost(read, short)


@pytest.mark.parametrize("unit", ["\ufdfa", "x", "\u0301\u0323"])
def test_keywords_are_looked_for_in_what_people_can_write_and_in_no_more(unit):
    assert KEYWORDS.match("back to bot " + unit * 500_000) == "back to bot"
    assert KEYWORDS.match(unit * 500_000 + " back to bot") is None


@pytest.mark.parametrize("size", [2_000, 4_000, 20_000])
def test_what_signs_stand_for_counts_as_their_length(size, monkeypatch):
    folded = []
    monkeypatch.setattr(keywords, "_fold_once", lambda text: folded.append(len(text)) or _fold_once(text))
    text = ("back to bot " + "\ufdfa" * 120) * (size // 132)

    assert KEYWORDS.match(text) == "back to bot"
    assert KEYWORDS.rest(text) == text
    assert not KEYWORDS.is_all_of(text)
    assert max(folded) <= 20_000
    assert len(folded) < 20


def test_letters_with_the_marks_of_every_script_fold_as_ever_and_towers_of_marks_to_what_people_see():
    assert fold("Zurück\u0301 ‏العَوْدَة") == "zuruck العوده"
    assert fold("a" + "\u0323\u0301" * 5000 + "b") == "ab"
    assert KEYWORDS.match("b\u0301\u0323\u0327ack to bot") == "back to bot"
