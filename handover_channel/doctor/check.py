"""Defines a check, one row of a table, and what its look may find.

A look takes the `Facts` and returns what it has found; nothing means that all is well. It changes nothing:
what an API can put right is the check's *fix*, done if the person asks for it. A source that cannot be
reached raises `CouldNotLook`, which ends the check and no other.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Callable, Iterable, Optional

from handover_channel.doctor.report import UNSAID, Result, Status, Where, one_line
from handover_channel.errors import HandoverError
from handover_channel.sentences import Sentence

if TYPE_CHECKING:
    from handover_channel.doctor.facts import Facts


class CouldNotLook(HandoverError):
    """What a check looks at is out of reach: neither right nor wrong is known. *remedy*: what to do."""

    def __init__(self, found: Sentence, remedy: Sentence = UNSAID, where: Optional[Where] = None) -> None:
        super().__init__(found)
        self.remedy = remedy
        self.where = where


@dataclass(frozen=True)
class Found:
    """What a look has found: see `Result`."""

    status: Status
    found: Sentence
    why: Sentence = UNSAID
    remedy: Sentence = UNSAID
    where: Optional[Where] = None

    @property
    def line(self) -> str:
        """It as one line of a log, in English."""
        return one_line(self.found, self.why, self.remedy)

    def result(self, check: Check) -> Result:
        """Return it as the result of *check*."""
        return Result(check.id, self.status, check.title, self.found, self.why, self.where, self.remedy)


def ok(found: Sentence) -> Found:
    """Return that all is well, and how one knows."""
    return Found(Status.OK, found)


def warn(found: Sentence, why: Sentence, remedy: Sentence, where: Optional[Where] = None) -> Found:
    """Return what works, and yet should be otherwise."""
    return Found(Status.WARN, found, why, remedy, where)


def fail(found: Sentence, why: Sentence, remedy: Sentence, where: Optional[Where] = None) -> Found:
    """Return what is wrong."""
    return Found(Status.FAIL, found, why, remedy, where)


def not_seen(error: CouldNotLook) -> Found:
    """Return that something could not be looked at."""
    return Found(Status.COULD_NOT_LOOK, error.text, remedy=error.remedy, where=error.where)


def _always(facts: Facts) -> bool:
    return True


@dataclass(frozen=True)
class Check:
    """One thing to look at."""

    id: str  #: stable, dotted, lower-case: "model.policy"
    title: Sentence
    look: Callable[[Facts], Iterable[Found]]
    fix: Optional[Callable[[Facts], None]] = None  #: changes something; the check looks again afterwards
    #: Whether the check is there at all for this bot. May raise CouldNotLook.
    applies: Callable[[Facts], bool] = _always
    #: Whether a Rasa that starts looks, too: not at what it says by itself (rasa/running_bot.py).
    at_start: bool = True
