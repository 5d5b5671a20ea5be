"""Keeps internal notes: what agents write about a thread, for each other. They are never sent."""

from __future__ import annotations

from dataclasses import dataclass
from typing import List, Optional

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from handover_channel.store import acts
from handover_channel.store.schema import remarks


@dataclass(frozen=True)
class PrivateNote:
    """One internal note."""

    id: int
    agent: str
    at: float
    text: str


def add(connection: Connection, thread: str, *, agent: str, text: str, now: float) -> None:
    """Write a note down, and that it was written."""
    connection.execute(sa.insert(remarks).values(thread=thread, agent=agent, at=now, text=text))
    acts.add(connection, acts.Done.NOTED, thread=thread, agent=agent, now=now)


def of(
    connection: Connection, thread: str, *, before: Optional[float] = None, limit: int = 50
) -> List[PrivateNote]:
    """Return the newest notes about *thread*, oldest first."""
    columns = [remarks.c[name] for name in PrivateNote.__dataclass_fields__]
    query = sa.select(*columns).where(remarks.c.thread == thread)
    if before is not None:
        query = query.where(remarks.c.at < before)
    rows = connection.execute(query.order_by(remarks.c.id.desc()).limit(limit)).mappings().all()
    return [PrivateNote(**row) for row in reversed(rows)]
