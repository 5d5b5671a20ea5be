"""Reads who did what: acts of agents, and changes of control, in one order of time. Nothing of what was said.

Rows of people who were forgotten are nobody's, and left out.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, List, Optional, Sequence

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from handover_channel.store.acts import Done
from handover_channel.store.schema import acts, changes

#: `what` of a change of control.
OF_CONTROL = "control"

#: Acts that are in no thread.
WITHOUT_THREAD = (
    Done.SIGNED_IN,
    Done.AGENT_ADDED,
    Done.AGENT_REMOVED,
    Done.ROLE_CHANGED,
    Done.LINK_MADE,
    Done.PASSWORD_SET,
    Done.SIGNED_OUT,
    Done.CANNED_ADDED,
    Done.CANNED_CHANGED,
    Done.CANNED_REMOVED,
    Done.TAG_RENAMED,
    Done.TAG_MERGED,
    Done.TAG_DELETED,
    Done.FORGOTTEN,
)


@dataclass(frozen=True)
class Which:
    """Which rows: since then (seconds since the epoch), of one agent, in one thread; None for all."""

    since: Optional[float] = None
    agent: Optional[str] = None  #: who did it, or whom it concerns
    thread: Optional[str] = None


@dataclass(frozen=True)
class Audited:
    """One thing that was done. `at` in seconds since the epoch, by our clock."""

    at: float
    who: str  #: an agent, "command line", "bot", "meta", an app; "" where nobody did it
    what: str  #: the value of a Done, or OF_CONTROL
    thread: str
    whom: str
    detail: str  #: a tag, a role; from whom it was assigned; of control its reason
    before: str = ""  #: of control: who had it
    after: str = ""  #: of control: who has it since


def newest(connection: Connection, which: Which, *, limit: int) -> List[Audited]:
    """Return the newest *limit* rows, the oldest first."""
    parts = [_acts(which, limit), _changes(which, limit)]
    both = sa.union_all(*(sa.select(part) for part in parts)).subquery("both")
    query = sa.select(both).order_by(both.c["at"].desc(), both.c.source, both.c.id.desc()).limit(limit)
    names = Audited.__dataclass_fields__
    rows = connection.execute(query).mappings().all()
    return [Audited(**{name: row[name] for name in names}) for row in reversed(rows)]


def is_known(connection: Connection, agent: str) -> bool:
    """Tell whether anybody of that name has ever done anything: they may be no agent any more."""
    for column in (acts.c.agent, acts.c.whom, changes.c.who):
        if connection.execute(sa.select(column).where(column == agent).limit(1)).first() is not None:
            return True
    return False


def _acts(which: Which, limit: int) -> Any:
    nothing = sa.literal("")
    query = sa.select(
        acts.c.id,
        sa.literal(0).label("source"),
        acts.c["at"],
        acts.c.agent.label("who"),
        acts.c.kind.label("what"),
        acts.c.thread,
        acts.c.whom,
        acts.c.detail,
        nothing.label("before"),
        nothing.label("after"),
    ).where(sa.or_(acts.c.thread != "", acts.c.kind.in_([each.value for each in WITHOUT_THREAD])))
    if which.agent is not None:
        query = query.where(sa.or_(acts.c.agent == which.agent, acts.c.whom == which.agent))
    return _narrowed(query, acts, which, limit)


def _changes(which: Which, limit: int) -> Any:
    query = sa.select(
        changes.c.id,
        sa.literal(1).label("source"),
        changes.c["at"],
        changes.c.who,
        sa.literal(OF_CONTROL).label("what"),
        changes.c.thread,
        sa.literal("").label("whom"),
        changes.c.reason.label("detail"),
        changes.c.control_before.label("before"),
        _with_target().label("after"),
    ).where(changes.c.thread != "")
    if which.agent is not None:
        query = query.where(changes.c.who == which.agent)
    return _narrowed(query, changes, which, limit)


def _with_target() -> Any:
    return sa.case(
        (changes.c.target != "", changes.c.control + " " + changes.c.target), else_=changes.c.control
    )


def _narrowed(query: Any, table: sa.Table, which: Which, limit: int) -> Any:
    conditions: Sequence[Any] = [
        *([] if which.since is None else [table.c["at"] >= which.since]),
        *([] if which.thread is None else [table.c.thread == which.thread]),
    ]
    # Each part by itself, so that the index on the time gives the newest and stops.
    newest_first = query.where(*conditions).order_by(table.c["at"].desc(), table.c.id.desc())
    return newest_first.limit(limit).subquery()
