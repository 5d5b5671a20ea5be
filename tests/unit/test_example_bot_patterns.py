"""Every pattern of the example bot's training data takes time in proportion to the text, whatever the text.

Rasa runs them on what anybody writes, holding Python's interpreter lock: one that takes four times as long
for twice the text silences the bot for everybody. Cost is counted in CPU time of this thread, and only
compared with itself.
"""

from __future__ import annotations

import itertools
import re
import time
from pathlib import Path
from typing import Iterator, List

import pytest
import yaml

DATA = Path(__file__).parents[2] / "data"

#: Characters of a text, and of one four times as long.
SHORT, FACTOR = 1_000, 4
#: A pattern that is linear takes `FACTOR` times as long, a quadratic one the square of it: between the two.
BOUND = FACTOR * 2.5
#: Seconds below which a figure says nothing about growth, only about the clock.
NOISE = 0.005

#: What the patterns of data/ are made of, and what ends a match that has got far.
_SIGNS = ("x", "1", "@", ".", "x@", "x.", "1 ", "1-", "@.", ",", "+", " ", "\u0627", "\u0661")
_ENDS = ("", "@", "x", " ", "!")


def _patterns(text: str) -> Iterator[str]:
    """Give the patterns of a training file, lookups as Rasa makes patterns of them."""
    for item in yaml.safe_load(text).get("nlu") or ():
        examples = [line[2:].strip() for line in str(item.get("examples", "")).splitlines()]
        if "regex" in item:
            yield from examples
        if "lookup" in item:
            yield "(" + "|".join(rf"\b{re.escape(example)}\b" for example in examples) + ")"


def _of_the_example_bot() -> List[str]:
    return [each for file in sorted(DATA.glob("*.yml")) for each in _patterns(file.read_text("utf-8"))]


def _cost(pattern: re.Pattern[str], text: str) -> float:
    def once() -> float:
        began = time.thread_time()
        for _ in pattern.finditer(text):
            pass
        return time.thread_time() - began

    return min(once(), once())


def _hostile(size: int, extra: str) -> Iterator[str]:
    units = {*_SIGNS, *("".join(pair) for pair in itertools.product(_SIGNS, repeat=2)), extra}
    for unit, end in itertools.product(sorted(units), _ENDS):
        yield (unit * (size // len(unit) + 1))[:size] + end


def grows_on(given: str) -> str:
    """Return a text (its beginning and end) that costs the pattern more than it is longer, "" for none."""
    pattern = re.compile(given, re.IGNORECASE)  # Rasa does not heed case by default
    words = re.sub(r"[\\()|?*+\[\]{}^$]", "", given)[:40] or "x"
    for short, long in zip(_hostile(SHORT, words), _hostile(SHORT * FACTOR, words)):
        cost = _cost(pattern, long)
        if cost > NOISE and cost > BOUND * _cost(pattern, short):
            return f"{long[:10]} ... {long[-1]}"
    return ""


@pytest.mark.parametrize("pattern", _of_the_example_bot())
def test_no_pattern_of_the_example_bot_costs_more_than_the_text_is_long(pattern):
    assert grows_on(pattern) == ""


@pytest.mark.parametrize(
    "pattern",
    [r"[^\s@]+@[^\s@]+\.[^\s@.,!?]+", r"\d+-\d+-\d+", r"(?:\d[ -]?)+@"],
)
def test_a_pattern_that_looks_back_and_forth_is_found_out(pattern):
    assert grows_on(pattern)


@pytest.mark.parametrize(
    "address",
    ["a.b@c.co.uk", "layla@example.com", "x+y@mail.example.org", "me@example.com"],
)
@pytest.mark.parametrize("sentence", ["{}", "it is {}, thank you", "({}!)", "old@one.example {}"])
def test_the_addresses_people_write_are_still_found(address, sentence):
    email = next(each for each in _of_the_example_bot() if "@" in each)

    assert address in "".join(re.findall(email, sentence.format(address)))
