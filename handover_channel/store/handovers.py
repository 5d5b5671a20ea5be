"""Keeps handovers: a row for each time that somebody else than the bot had control, from then to the return.

1. A row is written in the transactions of what it tells: the changes of control by which it begins and ends
   (changes.py), claims and assignments (acts.py), answers (transcript.py). Nobody else writes here.
2. It is counted as the metrics count it (statistics.py): by a pass once that has succeeded; from one app to
   another it is the same handover.
3. An answer belongs to the handover during which it was said, whenever we hear of it: the time of a line is
   Meta's, so its echo may come after the return. Of several the earliest counts, in whatever order they come.
4. What the table says can be read off the other tables as well, as long as those are kept: the migration that
   made it does so, and tests/unit/test_handovers.py compares the two.

docs/decisions/0015-a-table-of-handovers.md says why.
"""

from __future__ import annotations

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from handover_channel.rules.control import Control
from handover_channel.store.prepared import Prepared
from handover_channel.store.schema import handovers

#: Seconds in which a handover counts as one more about the same.
AGAIN_WITHIN = 24 * 3600.0

_NOBODY_ELSES = (Control.BOT, Control.PASSING)


def begins(before: Control, after: Control) -> bool:
    """Tell whether a handover begins with that change of control."""
    return before in _NOBODY_ELSES and after not in _NOBODY_ELSES


def ends(before: Control, after: Control) -> bool:
    """Tell whether a handover ends with that change of control."""
    return after is Control.BOT and before not in _NOBODY_ELSES


def begun(connection: Connection, thread: str, change: int, *, target: str, reason: str, now: float) -> None:
    """Write down that a handover to *target* has begun, by the row *change* of `changes`."""
    soon = (handovers.c.thread == thread, now - handovers.c.ended_at <= AGAIN_WITHIN)
    connection.execute(sa.update(handovers).where(*soon).values(again=1))
    values = {"change": change, "thread": thread, "target": target, "reason": reason, "began_at": now}
    connection.execute(sa.insert(handovers).values(**values))


def ended(connection: Connection, thread: str, *, reason: str, now: float) -> None:
    """Write down that the bot has *thread* again."""
    newest = sa.select(sa.func.max(handovers.c.change)).where(handovers.c.thread == thread).scalar_subquery()
    it = (handovers.c.change == newest, handovers.c.ended_at.is_(None))
    connection.execute(sa.update(handovers).where(*it).values(ended_at=now, return_reason=reason))


def taken(connection: Connection, thread: str, *, agent: str, at: float) -> None:
    """Write down that *agent* has it since then (seconds), by a claim, an assignment or an answer."""
    _TAKE.changed(connection, {"thread": thread, "agent": agent, "at": at})


def answered(connection: Connection, thread: str, *, agent: str, at: float) -> None:
    """Write down an answer of that time (seconds); *agent*: who wrote it, "" where that is not known."""
    _ANSWER.changed(connection, {"thread": thread, "at": at})
    if agent:
        taken(connection, thread, agent=agent, at=at)


# Each answer of an agent asks: by the index, and mostly it is not the first.
_DURING = (
    "change = (SELECT change FROM handovers WHERE thread = :thread AND began_at <= :at "
    "ORDER BY began_at DESC, change DESC LIMIT 1) AND (ended_at IS NULL OR ended_at >= :at)"
)
_ANSWER = Prepared(
    sa.text(
        f"UPDATE handovers SET answered_at = :at WHERE {_DURING} "  # noqa: S608 - our own words
        "AND (answered_at IS NULL OR answered_at > :at)"
    )
)
_TAKE = Prepared(
    sa.text(
        f"UPDATE handovers SET taken_at = :at, agent = :agent WHERE {_DURING} "  # noqa: S608 - as above
        "AND (taken_at IS NULL OR taken_at > :at OR (taken_at = :at AND agent > :agent))"
    )
)
