"""Deadlines: one row each, and one scan that costs what is due.

A deadline that is worked off is first moved a little into the future: should its worker die, it comes again.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import List, Optional

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from handover_channel.store.schema import deadlines
from handover_channel.store.upsert import insert

TIME_LIMIT = "time_limit"  #: the target's time limit returns the thread
TAKE_AGAIN = "take_again"  #: Meta refused to give control back: try again
SETTLE = "settle"  #: a pass whose outcome was never written down
NO_ANSWER = "no_answer"  #: nobody answered in the built-in inbox


@dataclass(frozen=True)
class Deadline:
    """Something that is due in a thread."""

    thread: str
    kind: str
    due_at: float


def put(connection: Connection, thread: str, kind: str, due_at: Optional[float]) -> None:
    """Set the deadline of this kind; None takes it away."""
    if due_at is None:
        clear(connection, thread, kind)
        return
    new = insert(connection, deadlines).values(thread=thread, kind=kind, due_at=due_at)
    keys = [deadlines.c.thread, deadlines.c.kind]
    connection.execute(new.on_conflict_do_update(index_elements=keys, set_={"due_at": due_at}))


def clear(connection: Connection, thread: str, kind: Optional[str] = None) -> None:
    """Take away one deadline of *thread*, or all."""
    query = sa.delete(deadlines).where(deadlines.c.thread == thread)
    connection.execute(query if kind is None else query.where(deadlines.c.kind == kind))


def due(connection: Connection, *, now: float, limit: int) -> List[Deadline]:
    """Return what is due, the longest overdue first."""
    query = (
        sa.select(deadlines.c.thread, deadlines.c.kind, deadlines.c.due_at)
        .where(deadlines.c.due_at <= now)
        .order_by(deadlines.c.due_at)
        .limit(limit)
    )
    return [Deadline(**row) for row in connection.execute(query).mappings()]


def claim(connection: Connection, deadline: Deadline, *, until: float) -> bool:
    """Move a due deadline to *until*, so that only one worker has it. False: another one was first."""
    query = (
        sa.update(deadlines)
        .where(
            deadlines.c.thread == deadline.thread,
            deadlines.c.kind == deadline.kind,
            deadlines.c.due_at == deadline.due_at,
        )
        .values(due_at=until)
    )
    return bool(connection.execute(query).rowcount == 1)


def settled(connection: Connection, deadline: Deadline, *, moved_to: float) -> None:
    """Take away a claimed deadline, unless it was set anew meanwhile."""
    connection.execute(
        sa.delete(deadlines).where(
            deadlines.c.thread == deadline.thread,
            deadlines.c.kind == deadline.kind,
            deadlines.c.due_at == moved_to,
        )
    )
