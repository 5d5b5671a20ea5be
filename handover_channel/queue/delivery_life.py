"""Lists the stages of a delivery's life, and what each step from one to another counts. No I/O.

      STORED     CLAIM ─▶ CLAIMED
      CLAIMED    START ─▶ IN_TURN
                 FINISH ─▶ PROCESSED
                 GIVE_UP ─▶ GIVEN_UP
                 FAIL, COME_BACK ─▶ CLAIMED
                 GIVE_BACK, INTERRUPT ─▶ STORED
      IN_TURN    FINISH ─▶ PROCESSED
                 GIVE_UP ─▶ GIVEN_UP
                 FAIL ─▶ CLAIMED
                 GIVE_BACK, INTERRUPT ─▶ STORED
      PROCESSED  (the end)
      GIVEN_UP   RETRY ─▶ STORED

1. A delivery is STORED before Meta gets its 200. While it is CLAIMED or IN_TURN its thread is claimed by a
   worker, and both are in the database: what a process that ends leaves behind is STORED again once its claim
   has run out. For a turn that is an INTERRUPT.
2. START counts an attempt before the bot is set to work, so that what kills the process each time is not
   tried for ever. FAIL and GIVE_BACK take it back: of the turns that did not end well only those that were
   interrupted stay counted.
3. A delivery that FAILs is tried again by the same worker after a pause, as often as retries.py says.
4. One whose own effect sends it back (COME_BACK: its thread has returned to the bot) is processed again after
   the note of the return, at most budget.ROUNDS times.
"""

from __future__ import annotations

from enum import Enum
from typing import Mapping, NamedTuple


class Stage(Enum):
    """Where a delivery is."""

    STORED = "stored"  #: it waits for a worker
    CLAIMED = "claimed"  #: a worker has its thread, and it is next there
    IN_TURN = "in turn"  #: the bot was set to work on it
    PROCESSED = "processed"  #: off the queue, with an outcome
    GIVEN_UP = "given up"  #: off the queue, kept for a person: `queue_admin.GIVEN_UP`


class Step(Enum):
    """What happens to it."""

    CLAIM = "claim"
    START = "start"  #: a turn of the bot
    FINISH = "finish"
    GIVE_UP = "give up"
    FAIL = "fail"  #: an error that trying again may mend
    COME_BACK = "come back"
    GIVE_BACK = "give back"  #: not now: the bot is not ready, the worker stops or leaves it to another one
    INTERRUPT = "interrupt"  #: the process, or the database, went away
    RETRY = "retry"  #: a person has it answered after all


class Move(NamedTuple):
    """Where a step leads, and what it adds to the counts in the delivery's row."""

    to: Stage
    attempts: int = 0
    failures: int = 0
    rounds: int = 0

    @property
    def counts(self) -> Mapping[str, int]:
        """What it adds, by name."""
        return {"attempts": self.attempts, "failures": self.failures, "rounds": self.rounds}


MOVES: Mapping[Stage, Mapping[Step, Move]] = {
    Stage.STORED: {
        Step.CLAIM: Move(Stage.CLAIMED),
    },
    Stage.CLAIMED: {
        Step.START: Move(Stage.IN_TURN, attempts=+1),
        Step.FINISH: Move(Stage.PROCESSED),
        Step.GIVE_UP: Move(Stage.GIVEN_UP),
        Step.FAIL: Move(Stage.CLAIMED, failures=+1),
        Step.COME_BACK: Move(Stage.CLAIMED, rounds=+1),
        Step.GIVE_BACK: Move(Stage.STORED),
        Step.INTERRUPT: Move(Stage.STORED),
    },
    Stage.IN_TURN: {
        Step.FINISH: Move(Stage.PROCESSED),
        Step.GIVE_UP: Move(Stage.GIVEN_UP),
        Step.FAIL: Move(Stage.CLAIMED, attempts=-1, failures=+1),
        Step.GIVE_BACK: Move(Stage.STORED, attempts=-1),
        Step.INTERRUPT: Move(Stage.STORED),
    },
    Stage.PROCESSED: {},
    Stage.GIVEN_UP: {
        Step.RETRY: Move(Stage.STORED),  # its counts begin anew: `queue_admin.retry`
    },
}
