"""The transcript: what was said while the bot did not have control. It never enters Rasa's tracker."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import List, Optional, Sequence

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from handover_channel.events import Attachment
from handover_channel.store.prepared import Prepared
from handover_channel.store.schema import transcript

PERSON, AGENT, APP = "person", "agent", "app"
BOT = "bot"  #: what is said by itself around a handover; the bot's own words are in Rasa's tracker


@dataclass(frozen=True)
class Line:
    """One thing that was said. `timestamp` is in ms."""

    #: "person", "agent" (of the built-in inbox), "app" (another app, people in the Page inbox), "bot", or who
    #: answered by itself: "automatic_reply" (the Page inbox), "meta_ai"
    author: str
    text: str
    timestamp: int
    mid: str = ""
    app_id: str = ""
    attachments: Sequence[Attachment] = ()
    agent: str = ""  #: name of the agent who wrote it
    id: int = 0  #: 0: not written down yet


# It runs for every message.
_ADD = Prepared(
    sa.text(
        "INSERT INTO transcript (thread, mid, timestamp, author, app_id, text, attachments, agent) VALUES "
        "(:thread, :mid, :timestamp, :author, :app_id, :text, :attachments, :agent) ON CONFLICT DO NOTHING"
    )
)


def add(connection: Connection, thread: str, line: Line) -> None:
    """Write a line down; one whose `mid` is there already is the same line."""
    attachments = [vars(attachment) for attachment in line.attachments]
    values = {
        "thread": thread,
        "mid": line.mid or None,
        "timestamp": line.timestamp,
        "author": line.author,
        "app_id": line.app_id,
        "text": line.text,
        "attachments": json.dumps(attachments),
        "agent": line.agent,
    }
    _ADD.changed(connection, values)


def complete(connection: Connection, thread: str, line: Line) -> None:
    """Give the line with that `mid` the attachments of this one: Meta tells later where it keeps them."""
    attachments = json.dumps([vars(attachment) for attachment in line.attachments])
    it = (transcript.c.thread == thread, transcript.c.mid == line.mid)
    connection.execute(sa.update(transcript).where(*it).values(attachments=attachments))


def of(connection: Connection, thread: str, limit: int = 50, *, before: Optional[int] = None) -> List[Line]:
    """Return the newest lines of *thread*, oldest first; *before*: only what is older (ms)."""
    query = sa.select(transcript).where(transcript.c.thread == thread)
    if before is not None:
        query = query.where(transcript.c.timestamp < before)
    query = query.order_by(transcript.c.id.desc()).limit(limit)
    return [_line(row) for row in reversed(connection.execute(query).mappings().all())]


def answered_at(connection: Connection, thread: str) -> int:
    """Return when a person of ours, or another app, last wrote, in ms, 0 for never."""
    query = (
        sa.select(transcript.c.timestamp)
        .where(transcript.c.thread == thread, transcript.c.author.in_([AGENT, APP]))
        .order_by(transcript.c.id.desc())
        .limit(1)
    )
    return int(connection.execute(query).scalar() or 0)


def _line(row: sa.engine.RowMapping) -> Line:
    return Line(
        author=row["author"],
        text=row["text"],
        timestamp=row["timestamp"],
        mid=row["mid"] or "",
        app_id=row["app_id"],
        attachments=tuple(Attachment(**found) for found in json.loads(row["attachments"])),
        agent=row["agent"],
        id=row["id"],
    )
