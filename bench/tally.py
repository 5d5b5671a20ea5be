"""Counts what became of numbered messages: lost, repeated, out of order. No I/O.

1. Message *n* of a person says "repeat n", and its answer says the same.
2. A repeated answer is put down to the first kill after the answer that it repeats: that one interrupted it.
"""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter
from dataclasses import dataclass
from typing import Dict, List, Mapping, Sequence

from bench.meta import Call


def text(number: int) -> str:
    """Return what a person writes."""
    return f"repeat {number}"


@dataclass(frozen=True)
class Tally:
    """What became of the messages."""

    messages: int
    lost: int  #: messages without an answer
    disordered: int  #: answers that came after that to a later message
    repeated: int  #: answers beyond the first to a message
    by_kill: Sequence[int]  #: those of them that each of the kills brought about

    def cells(self) -> List[str]:
        """Return the row of a table; heads: `CELLS`."""
        return [str(each) for each in (self.messages, self.lost, self.disordered, self.repeated)]


#: The heads of `Tally.cells`.
CELLS = ("messages", "lost", "out of order", "repeated")


def tally(sent: Mapping[str, Sequence[int]], calls: Sequence[Call], kills: Sequence[float] = ()) -> Tally:
    """Compare the numbers *sent* (person -> in order) with the answers. *kills*: when, in order."""
    answered: Dict[str, Dict[int, float]] = {thread: {} for thread in sent}  # number -> first answered when
    by_kill = [0] * len(kills)
    repeated = 0
    for call in calls:
        word, _, number = call.text.partition(" ")
        if call.thread not in sent or word != "repeat" or not number.isdecimal():
            continue
        first = answered[call.thread].setdefault(int(number), call.at)
        if first == call.at:
            continue
        repeated += 1
        kill = bisect_left(kills, first)
        if kill < len(kills):
            by_kill[kill] += 1
    lost = sum(len(set(numbers) - set(answered[thread])) for thread, numbers in sent.items())
    disordered = sum(_disordered(list(numbers)) for numbers in answered.values())
    return Tally(sum(map(len, sent.values())), lost, disordered, repeated, by_kill)


def _disordered(numbers: Sequence[int]) -> int:
    """Count the numbers that come after a greater one."""
    greatest, found = -1, 0
    for number in numbers:
        found += number < greatest
        greatest = max(greatest, number)
    return found


def when_few_are_left(calls: Sequence[Call], few: int) -> float:
    """Return from when on fewer than *few* of the people in *calls* still waited for an answer."""
    last = {call.thread: call.at for call in sorted(calls, key=lambda call: call.at)}
    return sorted(last.values())[max(0, len(last) - few)]


def shared_out(count: int, persons: Sequence[str]) -> Dict[str, List[int]]:
    """Give each of *persons* numbers from 1 on, *count* in all."""
    shares = Counter(persons[number % len(persons)] for number in range(count))
    return {person: list(range(1, shares[person] + 1)) for person in persons if shares[person]}
