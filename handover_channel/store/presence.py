"""Keeps which agents have a page of the inbox open, which thread they look at, and whether they type.

One row for each open page, renewed while it is open. None of it needs to survive anything.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Dict, List

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from handover_channel.store.schema import presence
from handover_channel.store.upsert import insert

#: Seconds for which a page counts as open after it was last heard of.
OPEN_FOR = 45.0
#: Seconds for which somebody types after the last key.
TYPES_FOR = 6.0


@dataclass(frozen=True)
class Present:
    """An open page."""

    agent: str
    thread: str
    seen_at: float
    typing_at: float


def seen(connection: Connection, page: str, *, agent: str, thread: str, now: float) -> None:
    """Note that an agent's page is open, and shows *thread*."""
    values = {"agent": agent, "thread": thread, "seen_at": now}
    new = insert(connection, presence).values(page=page, typing_at=0.0, **values)
    connection.execute(new.on_conflict_do_update(index_elements=[presence.c.page], set_=values))


def types(connection: Connection, page: str, *, now: float) -> None:
    """Note that the agent types in the thread that the page shows."""
    connection.execute(sa.update(presence).where(presence.c.page == page).values(typing_at=now, seen_at=now))


def gone(connection: Connection, page: str, *, thread: str) -> None:
    """Note that a page no longer shows *thread*, unless it shows another one by now.

    The row stays for a while: a reload opens the page anew.
    """
    it = (presence.c.page == page, presence.c.thread == thread)
    connection.execute(sa.update(presence).where(*it).values(thread="", typing_at=0.0))


def present(connection: Connection, *, now: float) -> List[Present]:
    """Return the pages that are open."""
    columns = [presence.c[name] for name in Present.__dataclass_fields__]
    query = sa.select(*columns).where(presence.c.seen_at > now - OPEN_FOR)
    return [Present(**row) for row in connection.execute(query).mappings()]


def last_seen(connection: Connection) -> Dict[str, float]:
    """Return when each agent had a page open last, of those who have lately."""
    query = sa.select(presence.c.agent, sa.func.max(presence.c.seen_at)).group_by(presence.c.agent)
    return {agent: float(at) for agent, at in connection.execute(query)}


def tidy(connection: Connection, *, before: float) -> None:
    """Forget pages that were last heard of before then."""
    connection.execute(sa.delete(presence).where(presence.c.seen_at < before))
