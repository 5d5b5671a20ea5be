"""Bounds what one delivery may cause, and one thread in a minute. No I/O.

1. A delivery whose effect brings the same delivery back has a memory of it (`ROUNDS`): whatever Meta answers,
   it ends.
2. Graph API calls and changes of control are counted for the delivery that is processed (wherever its work
   goes: threads, tasks) and for its thread in the present minute, in each process.
3. What exceeds a budget is not done: a call raises OverBudget, a thread stays muted and is tried again later.
   It is kept and shown, never repeated for ever.

The figures are far above what a bot and people need: sixty messages a minute with five calls each.
"""

from __future__ import annotations

import contextvars
import threading
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Callable, Dict, Iterator, Optional, Tuple

from handover_channel.errors import OverBudget
from handover_channel.sentences import Sentence

#: Graph API calls that one delivery may cause.
CALLS_OF_A_DELIVERY = 100
#: Graph API calls about one thread in a minute, by one process.
CALLS_A_MINUTE = 300
#: Changes of control that one delivery may cause.
CHANGES_OF_A_DELIVERY = 6
#: Changes of control of one thread in a minute.
CHANGES_A_MINUTE = 20
#: How often a delivery may be taken up again because of its own effect.
ROUNDS = 2

MINUTE = 60.0

LOOPS = Sentence("see whether the bot answers itself, or an action sends in a loop")

#: Threads that are remembered at a time; those of an earlier minute are forgotten then.
_REMEMBERED = 10_000


@dataclass
class _Spent:
    """What the delivery that is processed has caused so far."""

    calls: int = 0
    changes: int = 0


_DELIVERY: contextvars.ContextVar[Optional[_Spent]] = contextvars.ContextVar("handover_spent", default=None)


@contextmanager
def of_a_delivery() -> Iterator[None]:
    """Count what the work inside causes, as one delivery's."""
    token = _DELIVERY.set(_Spent())
    try:
        yield
    finally:
        _DELIVERY.reset(token)


def may_change(in_the_last_minute: int) -> bool:
    """Tell whether one more change of control is within the budgets, and count it.

    *in_the_last_minute*: how often control of the thread has changed in it.
    """
    spent = _DELIVERY.get()
    if in_the_last_minute >= CHANGES_A_MINUTE or (spent and spent.changes >= CHANGES_OF_A_DELIVERY):
        return False
    if spent:
        spent.changes += 1
    return True


class CallBudget:
    """Counts the Graph API calls of one process. May be used from any thread."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._minutes: Dict[str, Tuple[int, int]] = {}  # thread -> minute, calls in it

    def spend(self, thread: str) -> None:
        """Count a call about *thread*. Raises OverBudget where it is one too many."""
        spent = _DELIVERY.get()
        if spent:
            spent.calls += 1
            if spent.calls > CALLS_OF_A_DELIVERY:
                raise OverBudget(
                    Sentence(
                        "thread %(thread)s: one delivery has caused %(most)s Graph API calls",
                        thread=thread,
                        most=CALLS_OF_A_DELIVERY,
                    ),
                    remedy=LOOPS,
                )
        if self._count(thread) > CALLS_A_MINUTE:
            raise OverBudget(
                Sentence(
                    "thread %(thread)s: there were %(most)s Graph API calls in a minute",
                    thread=thread,
                    most=CALLS_A_MINUTE,
                ),
                remedy=LOOPS,
            )

    def _count(self, thread: str) -> int:
        now = int(self._clock() // MINUTE)
        with self._lock:
            minute, count = self._minutes.get(thread, (now, 0))
            count = count + 1 if minute == now else 1
            if len(self._minutes) >= _REMEMBERED:
                self._minutes = {name: each for name, each in self._minutes.items() if each[0] == now}
            self._minutes[thread] = now, count
            return count
