"""Keeps the events of a thread that are no messages: reactions, ads and links that people came by, and so on.

Agents see it between the messages (inbox/timeline.py); neither the bot nor control hears of it.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any, List, Mapping, Optional, Sequence

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from handover_channel.store.schema import thread_events
from handover_channel.store.upsert import insert


@dataclass(frozen=True)
class ThreadEvent:
    """A thread event is something the person or the page did, without words. `timestamp` is in ms."""

    delivery: int  #: that told of it
    timestamp: int
    author: str  #: "person", "app"
    kind: str  #: Meta's key: "reaction", "referral", "optin", "account_linking", "response_feedback"
    detail: Mapping[str, Any]  #: as Meta sent it
    mid: str = ""  #: of the message that it is about


def add(connection: Connection, thread: str, event: ThreadEvent) -> None:
    """Write an event down; a delivery that is processed again adds nothing."""
    values = {**vars(event), "thread": thread, "detail": json.dumps(dict(event.detail))}
    connection.execute(insert(connection, thread_events).values(**values).on_conflict_do_nothing())


def of(
    connection: Connection,
    thread: str,
    limit: int,
    *,
    about: Sequence[str] = (),
    before: Optional[int] = None,
) -> List[ThreadEvent]:
    """Return the newest events of *thread*, oldest first; *before*: only what is older (ms).

    All that happened to the messages *about* is among them, whenever it was.
    """
    these = sa.select(thread_events).where(thread_events.c.thread == thread)
    newest = these if before is None else these.where(thread_events.c.timestamp < before)
    newest = newest.order_by(thread_events.c.timestamp.desc(), thread_events.c.id.desc()).limit(limit)
    every = sa.union(sa.select(newest.subquery()), these.where(thread_events.c.mid.in_(list(about))))
    rows = connection.execute(every).mappings().all()
    return sorted(map(_event, rows), key=lambda event: (event.timestamp, event.delivery))


def _event(row: sa.engine.RowMapping) -> ThreadEvent:
    names = ("delivery", "timestamp", "author", "kind", "mid")
    return ThreadEvent(**{name: row[name] for name in names}, detail=json.loads(row["detail"]))
