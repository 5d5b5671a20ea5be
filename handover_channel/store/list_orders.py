"""Says which threads each list of the inbox has, and in which orders it can be read.

1. An order is read in phases: the threads of the first come before those of the second. A phase sorts by one
   column, and by id within it, so that a page begins behind the `Place` where the one before it ended.
2. Each phase has an index (schema.py) in its order. What has a window is read by the index of its list and
   sorted: no index can know when "now" is.
3. The first order of a list is what agents have who chose none.
"""

from __future__ import annotations

from typing import Any, Mapping, NamedTuple, Sequence, Tuple

import sqlalchemy as sa

from handover_channel.messenger.events import MESSENGER
from handover_channel.rules.control import Control
from handover_channel.rules.messaging_window import HUMAN_AGENT_WINDOW, STANDARD_WINDOW
from handover_channel.store.schema import (
    IS_ASSIGNED,
    IS_OPEN,
    IS_RETURNED,
    IS_WAITING,
    threads,
)

#: Orders: who has waited longest; who waits at all, then the newest; the newest; whose window ends first.
LONGEST_FIRST, UNANSWERED_FIRST, NEWEST_FIRST, WINDOW_FIRST = "longest", "unanswered", "newest", "window"


class Place(NamedTuple):
    """Where a thread stands in a list: behind it the next page begins."""

    order: str
    phase: int
    moment: float  #: what the phase sorts by
    thread: str


class Phase(NamedTuple):
    """A part of an order. Its parameters are `agent`, and `now_ms` where it says so."""

    which: Tuple[Any, ...]
    by: Any
    newest_first: bool = False

    def behind(self, moment: float, thread: str) -> Any:
        """Return the condition for what comes after that place."""
        # As a row: an OR would read everything that comes before, too.
        here, there = sa.tuple_(self.by, threads.c.id), sa.tuple_(moment, thread)
        return here < there if self.newest_first else here > there

    def sorting(self) -> Sequence[Any]:
        """Return what to order by."""
        return [each.desc() if self.newest_first else each.asc() for each in (self.by, threads.c.id)]


#: When the person last opened the window, in ms. The greater of two is another function in each database.
_OPENED_AT = sa.case(
    (threads.c.person_at > threads.c.window_at, threads.c.person_at), else_=threads.c.window_at
)
_NOW = sa.bindparam("now_ms", type_=sa.BigInteger)
_STANDARD_MS, _HUMAN_AGENT_MS = STANDARD_WINDOW * 1000, HUMAN_AGENT_WINDOW * 1000
#: When the window that is open now ends, in ms: the standard one, then that of people.
_WINDOW_ENDS = sa.case(
    (_OPENED_AT > _NOW - _STANDARD_MS, _OPENED_AT + _STANDARD_MS), else_=_OPENED_AT + _HUMAN_AGENT_MS
)
_IS_IN_WINDOW = sa.and_(
    threads.c.control == Control.INBOX.value,
    threads.c.channel == MESSENGER,
    _OPENED_AT > _NOW - _HUMAN_AGENT_MS,
)

_IS_FREE = threads.c.assignee == ""
_IS_MINE = (threads.c.assignee == sa.bindparam("agent"), IS_ASSIGNED)

#: list -> which threads it has.
THREADS_OF: Mapping[str, Tuple[Any, ...]] = {
    "waiting": (IS_WAITING, _IS_FREE),
    "mine": _IS_MINE,
    "open": (IS_OPEN,),
    "returned": (IS_RETURNED,),
    "bot": (threads.c.control == Control.BOT.value,),
}


def _by_window(name: str, rest: Any) -> Tuple[Phase, ...]:
    which = THREADS_OF[name]
    return (
        Phase((*which, _IS_IN_WINDOW), _WINDOW_ENDS),
        Phase((*which, sa.not_(_IS_IN_WINDOW)), rest, newest_first=rest is threads.c.active_at),
    )


def _newest(name: str) -> Tuple[Phase, ...]:
    return (Phase(THREADS_OF[name], threads.c.active_at, newest_first=True),)


_WAITS_LONGEST = (Phase(THREADS_OF["waiting"], threads.c.waiting_since),)
_WAITING_NEWEST = (Phase(THREADS_OF["waiting"], threads.c.waiting_since, newest_first=True),)
_MINE_UNANSWERED = (
    Phase((*_IS_MINE, IS_WAITING), threads.c.waiting_since),
    Phase((*_IS_MINE, threads.c.waiting_since.is_(None)), threads.c.active_at, newest_first=True),
)
_OPEN_LONGEST = (
    Phase((IS_OPEN, IS_WAITING), threads.c.waiting_since),
    Phase((IS_OPEN, threads.c.waiting_since.is_(None)), threads.c.active_at, newest_first=True),
)

#: list -> order -> its phases.
ORDERS: Mapping[str, Mapping[str, Tuple[Phase, ...]]] = {
    "waiting": {
        LONGEST_FIRST: _WAITS_LONGEST,
        NEWEST_FIRST: _WAITING_NEWEST,
        WINDOW_FIRST: _by_window("waiting", threads.c.waiting_since),
    },
    "mine": {
        UNANSWERED_FIRST: _MINE_UNANSWERED,
        NEWEST_FIRST: _newest("mine"),
        WINDOW_FIRST: _by_window("mine", threads.c.active_at),
    },
    "open": {
        NEWEST_FIRST: _newest("open"),
        LONGEST_FIRST: _OPEN_LONGEST,
        WINDOW_FIRST: _by_window("open", threads.c.active_at),
    },
    "returned": {NEWEST_FIRST: _newest("returned")},
    "bot": {NEWEST_FIRST: _newest("bot")},
}


def order_of(name: str, wanted: str = "") -> str:
    """Return *wanted* where the list *name* can be read so, else its first order. Raises KeyError."""
    orders = ORDERS[name]
    return wanted if wanted in orders else next(iter(orders))
