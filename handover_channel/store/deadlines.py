"""Keeps deadlines, one of a kind in each thread, and finds those that are due at the cost of those alone.

Before a deadline is processed it is moved a little into the future: should its worker die, it comes again.
Workers that look at the same moment share what is due: PostgreSQL passes over rows another one has locked
(`SKIP LOCKED`, https://www.postgresql.org/docs/current/sql-select.html#SQL-FOR-UPDATE-SHARE), SQLite lets one
of them write at a time.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Dict, List, Optional

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from handover_channel.store.prepared import Connected, Prepared
from handover_channel.store.schema import deadlines
from handover_channel.store.upsert import insert

TIME_LIMIT = "time_limit"  #: the target's time limit returns the thread
TAKE_AGAIN = "take_again"  #: Meta refused to give control back: try again
SETTLE = "settle"  #: a pass whose outcome was never written down
NO_ANSWER = "no_answer"  #: nobody answered in the built-in inbox


@dataclass(frozen=True)
class Deadline:
    """A deadline is the time at which something is due in a thread, by our clock."""

    thread: str
    kind: str
    due_at: float


# Asked every half second.
_DUE = Prepared(sa.select(deadlines.c.thread).where(deadlines.c.due_at <= sa.bindparam("now")).limit(1))
_MOVE = (
    sa.update(deadlines)
    .where(deadlines.c.thread == sa.bindparam("of"), deadlines.c.kind == sa.bindparam("what"))
    .values(due_at=sa.bindparam("until"))
)


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


def of(connection: Connection, thread: str) -> Dict[str, float]:
    """Return when the deadlines of *thread* are due, by their kind."""
    query = sa.select(deadlines.c.kind, deadlines.c.due_at).where(deadlines.c.thread == thread)
    return {row.kind: row.due_at for row in connection.execute(query)}


def is_anything_due(connection: Connected, *, now: float) -> bool:
    """Tell whether something is due."""
    return bool(_DUE.rows(connection, {"now": now}))


def next_at(connection: Connection) -> Optional[float]:
    """Return when the next thing is due, None where nothing is."""
    found: Optional[float] = connection.execute(sa.select(sa.func.min(deadlines.c.due_at))).scalar()
    return found


def is_due_in(connection: Connection, thread: str, *, now: float) -> bool:
    """Tell whether something is due in *thread*."""
    query = sa.select(deadlines.c.thread).where(deadlines.c.thread == thread, deadlines.c.due_at <= now)
    return connection.execute(query.limit(1)).first() is not None


def due(connection: Connection, *, now: float, limit: int) -> List[Deadline]:
    """Return what is due, the longest overdue first."""
    return _deadlines(connection, _due(now, limit))


def claim_due(connection: Connection, *, now: float, until: float, limit: int) -> List[Deadline]:
    """Return what is due, moved to *until*, so that only one worker has it: the longest overdue first."""
    found = _deadlines(connection, _due(now, limit).with_for_update(skip_locked=True))
    if found:
        connection.execute(_MOVE, [{"of": each.thread, "what": each.kind, "until": until} for each in found])
    return found


def settled(connection: Connection, deadline: Deadline, *, moved_to: float) -> None:
    """Take away a claimed deadline, unless it was set anew meanwhile."""
    connection.execute(
        sa.delete(deadlines).where(
            deadlines.c.thread == deadline.thread,
            deadlines.c.kind == deadline.kind,
            deadlines.c.due_at == moved_to,
        )
    )


def _due(now: float, limit: int) -> Any:
    columns = (deadlines.c.thread, deadlines.c.kind, deadlines.c.due_at)
    return sa.select(*columns).where(deadlines.c.due_at <= now).order_by(deadlines.c.due_at).limit(limit)


def _deadlines(connection: Connection, query: Any) -> List[Deadline]:
    return [Deadline(**row) for row in connection.execute(query).mappings()]
