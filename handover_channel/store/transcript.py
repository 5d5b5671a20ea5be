"""Keeps the transcript: what was said while the bot did not have control. It never enters Rasa's tracker."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Dict, Iterable, List, Optional, Sequence, Set, Tuple

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from handover_channel.messenger.bubble import storable
from handover_channel.messenger.events import Attachment
from handover_channel.store import handovers
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
    reply_to: str = ""  #: mid of the message that it answers, or is about
    original: Optional[str] = None  #: the text before the first edit; None: never edited
    id: int = 0  #: 0: not written down yet


_LINE_COLUMNS = "thread, mid, timestamp, author, app_id, text, attachments, agent, reply_to"
_EDITED = (
    "FROM edits WHERE thread = :thread AND mid = :mid ORDER BY number DESC, timestamp DESC, id DESC LIMIT 1"
)
# It runs for every message. An edit that was there before the message has its newest text.
_ADD_LINE = Prepared(
    sa.text(
        f"INSERT INTO transcript ({_LINE_COLUMNS}, original) VALUES "  # noqa: S608 - our own words
        f"(:thread, :mid, :timestamp, :author, :app_id, coalesce((SELECT text {_EDITED}), :text), "
        f":attachments, :agent, :reply_to, (SELECT :text {_EDITED})) ON CONFLICT DO NOTHING"
    )
)


def add(connection: Connection, thread: str, line: Line) -> None:
    """Write a line down; one whose `mid` is there already is the same line.

    Its text as it can be stored: on channels other than Messenger it comes as the client wrote it.
    """
    attachments = [vars(attachment) for attachment in line.attachments]
    values = {
        "thread": thread,
        "mid": line.mid or None,
        "timestamp": line.timestamp,
        "author": line.author,
        "app_id": line.app_id,
        "text": storable(line.text),
        "attachments": json.dumps(attachments),
        "agent": line.agent,
        "reply_to": line.reply_to,
    }
    is_new = _ADD_LINE.changed(connection, values)
    if is_new and line.author in (AGENT, APP):
        handovers.answered(connection, thread, agent=line.agent, at=line.timestamp / 1000.0)


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


def with_mids(connection: Connection, thread: str, mids: Iterable[str]) -> Dict[str, Line]:
    """Return those lines of *thread* by their mid."""
    query = sa.select(transcript).where(transcript.c.thread == thread, transcript.c.mid.in_(list(mids)))
    return {row["mid"]: _line(row) for row in connection.execute(query).mappings()}


def kept_of(connection: Connection, thread: str, mids: Sequence[str]) -> Set[str]:
    """Return those of these messages of the person (some hundred at most) that the transcript has."""
    kept = (transcript.c.thread == thread, transcript.c.author == PERSON, transcript.c.mid.in_(list(mids)))
    return set(connection.execute(sa.select(transcript.c.mid).where(*kept)).scalars())


def drop_of_person(connection: Connection, thread: str, mid: str) -> None:
    """Delete the line of the person with that *mid*, if there is one."""
    it = (transcript.c.thread == thread, transcript.c.mid == mid, transcript.c.author == PERSON)
    connection.execute(sa.delete(transcript).where(*it))


def said_at(connection: Connection, *, below: int) -> int:
    """Return when the newest line below that id was said, in ms, 0 where there is none."""
    query = sa.select(transcript.c.timestamp).where(transcript.c.id < below)
    return int(connection.execute(query.order_by(transcript.c.id.desc()).limit(1)).scalar() or 0)


def place_of(connection: Connection, thread: str, line: int) -> Optional[Tuple[int, int]]:
    """Return when a line of *thread* was said (ms), and how many newer lines it has; None for another's."""
    its = (transcript.c.id == line, transcript.c.thread == thread)
    at = connection.execute(sa.select(transcript.c.timestamp).where(*its)).scalar()
    if at is None:
        return None
    newer = sa.select(transcript.c.id).where(transcript.c.thread == thread, transcript.c.id > line)
    count = sa.select(sa.func.count()).select_from(newer.subquery())
    return int(at), int(connection.execute(count).scalar() or 0)


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
        reply_to=row["reply_to"],
        original=row["original"],
        id=row["id"],
    )
