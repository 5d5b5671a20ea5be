"""Keeps the log of changes of control: when, from whom, to whom, who wanted it, and why.

A row is written in the transaction of the change itself (threads.py), and with it what it is for the handover
that it begins or ends (handovers.py).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import List, Optional

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from handover_channel.rules.control import Control, State
from handover_channel.store import handovers
from handover_channel.store.schema import changes


@dataclass(frozen=True)
class LoggedChange:
    """One line of the log of changes."""

    at: float
    control_before: str
    control: str
    owner: str
    target: str
    reason: str
    who: str
    note: str = ""  #: what an agent wrote about it
    intent: str = ""  #: with which the bot was to go on: an intent of its own, or a flow
    id: int = 0


_LOGGED = [changes.c[name] for name in LoggedChange.__dataclass_fields__]


def add(
    connection: Connection,
    thread: str,
    before: State,
    after: State,
    *,
    reason: str,
    who: str,
    now: float,
    **words: str,
) -> None:
    """Write down that control of *thread* went from *before* to *after*; *words*: `note`, `intent`."""
    controls = {"control_before": before.control.value, "control": after.control.value}
    hands = {"owner": after.owner, "target": after.target, "reason": reason, "who": who}
    values = {"thread": thread, "at": now, **controls, **hands, **words}
    added = connection.execute(sa.insert(changes).values(**values))
    if handovers.begins(before.control, after.control):
        change = added.inserted_primary_key[0]
        handovers.begun(connection, thread, change, target=after.target, reason=reason, now=now)
    elif handovers.ends(before.control, after.control):
        handovers.ended(connection, thread, reason=reason, now=now)


def of(
    connection: Connection, thread: str, limit: int = 20, *, before: Optional[float] = None
) -> List[LoggedChange]:
    """Return the newest changes of control, newest first; *before*: only older ones."""
    query = sa.select(*_LOGGED).where(changes.c.thread == thread)
    if before is not None:
        query = query.where(changes.c.at < before)
    query = query.order_by(changes.c.id.desc()).limit(limit)
    return [LoggedChange(**row) for row in connection.execute(query).mappings()]


def left_bot(connection: Connection, thread: str) -> Optional[LoggedChange]:
    """Return the change by which the bot last lost control, None where it never did."""
    from_bot = (changes.c.thread == thread, changes.c.control_before == Control.BOT.value)
    query = sa.select(*_LOGGED).where(*from_bot).order_by(changes.c.id.desc()).limit(1)
    row = connection.execute(query).mappings().first()
    return LoggedChange(**row) if row else None


def count_since(connection: Connection, thread: str, since: float) -> int:
    """Return how often control of *thread* has changed since that time."""
    newer = (changes.c.thread == thread, changes.c.at > since)
    query = sa.select(sa.func.count()).select_from(changes).where(*newer)
    return int(connection.execute(query).scalar() or 0)
