"""Decides the outcome of a turn by what was sent: answered, kept for agents, or given up. No I/O.

1. `answered` means that something was sent. A turn that sent nothing is never `answered`.
2. What the bot did not answer is in the transcript, whichever lock stopped it: the gate of the channel, the
   policy, or a refusal of Meta's.
3. What a person has to look at (a refused token, an outage, a spent budget) is given up, so that `handover
   queue --failed` shows it; what nobody can mend (the person is gone, the window closed) is not.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple, Tuple

#: Outcomes of a delivery whose turn has ended.
ANSWERED, KEPT, SAID_NOTHING = "answered", "kept", "said nothing"
#: Meta delivers nothing to this person now.
UNDELIVERABLE = "undeliverable"
#: These are given up: store/queue_admin.py.
NOT_SENT, OVER_BUDGET = "not sent", "over budget"

#: Of turns that are over for good: the bot has had the message, and what came with it.
OVER = frozenset({ANSWERED, SAID_NOTHING, UNDELIVERABLE})

#: Refusals that no retry mends: names of errors.
_OF_THE_PERSON = frozenset({"OutsideWindow", "PersonUnavailable"})


@dataclass(frozen=True)
class Spoken:
    """What became of the messages of one turn. Typing and the like are none."""

    sent: int = 0  #: Meta accepted them, now or before an interruption
    held: int = 0  #: the gate kept them back: the bot did not have control
    refused: Tuple[str, ...] = ()  #: Meta, or our own budget, refused them: names of the errors

    def __add__(self, other: Spoken) -> Spoken:
        """Return what became of the messages of both."""
        return Spoken(self.sent + other.sent, self.held + other.held, self.refused + other.refused)


class Outcome(NamedTuple):
    """What is noted about a delivery."""

    name: str
    keep: bool  #: whether the person's words go to the transcript


def outcome_of(spoken: Spoken, *, muted: bool) -> Outcome:
    """Return what came of a turn. *muted*: the bot does not have control now that it has ended."""
    if spoken.sent:
        return Outcome(ANSWERED, keep=False)
    if "OverBudget" in spoken.refused:
        return Outcome(OVER_BUDGET, keep=True)
    if muted or spoken.held:
        return Outcome(KEPT, keep=True)
    if not spoken.refused:
        return Outcome(SAID_NOTHING, keep=False)
    if _OF_THE_PERSON.issuperset(spoken.refused):
        return Outcome(UNDELIVERABLE, keep=True)
    return Outcome(NOT_SENT, keep=True)
