"""Tells since when something is known of a thread: as far back as rows are kept (retention.py)."""

from __future__ import annotations

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from handover_channel.store.schema import changes, transcript


def first_change_at(connection: Connection, thread: str) -> float:
    """Return when control of *thread* first changed, in seconds by our clock; 0.0 for never."""
    query = sa.select(changes.c.at).where(changes.c.thread == thread).order_by(changes.c.id).limit(1)
    return float(connection.execute(query).scalar() or 0.0)


def first_line_at(connection: Connection, thread: str) -> int:
    """Return the time of the oldest line of the transcript, in ms by Meta's clock; 0 for none."""
    lines = sa.select(transcript.c.timestamp).where(transcript.c.thread == thread)
    return int(connection.execute(lines.order_by(transcript.c.id).limit(1)).scalar() or 0)
