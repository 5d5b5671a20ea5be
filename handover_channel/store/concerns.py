"""Reads what an agent is told of whatever list they look at: news in what is theirs, and who waits.

Each of the two reads one index of the lists (schema.py) from its newest end.
"""

from __future__ import annotations

from typing import Any, Dict, List, Mapping, Sequence

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from handover_channel.store.schema import IS_ASSIGNED, IS_WAITING, people, read_marks, threads, transcript

_COLUMNS = (
    threads.c.id,
    threads.c.person_at,
    threads.c.waiting_since,
    threads.c.assigned_at,
    threads.c.assigned_by,
    sa.func.coalesce(people.c.name, "").label("name"),
)
_NAMED = threads.outerjoin(people, people.c.thread == threads.c.id)


def of_agent(connection: Connection, agent: str, *, limit: int) -> List[Mapping[str, Any]]:
    """Return the threads that *agent* has, those with the newest event first.

    `read_to` is up to when they have seen what the person wrote (ms).
    """
    marks = sa.and_(read_marks.c.thread == threads.c.id, read_marks.c.agent == agent)
    query = (
        sa.select(*_COLUMNS, sa.func.coalesce(read_marks.c.person_at, 0).label("read_to"))
        .select_from(_NAMED.outerjoin(read_marks, marks))
        .where(threads.c.assignee == agent, IS_ASSIGNED)
        .order_by(threads.c.active_at.desc())
        .limit(limit)
    )
    return [dict(row) for row in connection.execute(query).mappings()]


def waiting(connection: Connection, *, limit: int) -> List[Mapping[str, Any]]:
    """Return the threads that wait for anybody, who came last first."""
    query = (
        sa.select(*_COLUMNS)
        .select_from(_NAMED)
        .where(IS_WAITING, threads.c.assignee == "")
        .order_by(threads.c.waiting_since.desc())
        .limit(limit)
    )
    return [dict(row) for row in connection.execute(query).mappings()]


def newest_lines(connection: Connection, found: Sequence[str]) -> Dict[str, Mapping[str, Any]]:
    """Return what was said last in these threads, as far as the transcript has it: text and attachments."""
    newest = (
        sa.select(sa.func.max(transcript.c.id))
        .where(transcript.c.thread.in_(found))
        .group_by(transcript.c.thread)
    )
    columns = (transcript.c.thread, transcript.c.text, transcript.c.attachments)
    query = sa.select(*columns).where(transcript.c.id.in_(newest))
    return {row["thread"]: dict(row) for row in connection.execute(query).mappings()}
