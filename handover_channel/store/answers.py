"""Finds what somebody else has answered in a thread, so that nobody answers past it.

1. An agent's answer is their reply, from when it waits to be sent; one that failed, or was dropped, is none.
2. That of another app, or of people in the Page inbox, is its line in the transcript. What answers by
   itself is nobody's answer.
3. A `Mark` says up to which of both a page has shown them: it carries the newest ids.
"""

from __future__ import annotations

import re
from typing import Any, NamedTuple, Optional, Tuple

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from handover_channel.store.replies import SENDING, SENT, WAITING
from handover_channel.store.schema import replies, transcript
from handover_channel.store.transcript import AGENT, APP

_MARK = re.compile(r"([0-9]{1,18})\.([0-9]{1,18})")


class Mark(NamedTuple):
    """Up to where answers of others are shown: ids of a reply and of a line, 0 for none."""

    reply: int = 0
    line: int = 0

    def __str__(self) -> str:
        """Return it as a page keeps it."""
        return f"{self.reply}.{self.line}"


class Answer(NamedTuple):
    """The newest answer of somebody else."""

    agent: str  #: name of the agent, "" where it came from outside
    app_id: str
    text: str


def mark_of(text: str) -> Mark:
    """Return what a page has kept; for anything else, that it has shown nothing."""
    found = _MARK.fullmatch(text)
    return Mark(int(found[1]), int(found[2])) if found else Mark()


def newest(connection: Connection, thread: str, *, but_of: str) -> Mark:
    """Return up to where there are answers in *thread* of others than the agent *but_of*."""
    reply = sa.select(sa.func.max(replies.c.id)).where(*_of_others(thread, but_of)).scalar_subquery()
    outside = (transcript.c.thread == thread, transcript.c.author == APP)
    line = sa.select(sa.func.max(transcript.c.id)).where(*outside).scalar_subquery()
    found = connection.execute(sa.select(reply, line)).one()
    return Mark(found[0] or 0, found[1] or 0)


def newer(connection: Connection, thread: str, *, but_of: str, than: Mark) -> Optional[Answer]:
    """Return the newest answer of others than *but_of* that *than* does not cover, None for none."""
    reply = _reply(connection, thread, but_of)
    line = _line(connection, thread, transcript.c.author == APP)
    if reply is not None and reply.id > than.reply:
        sent = _line(connection, thread, transcript.c.author == AGENT, transcript.c.agent == reply.agent)
        return Answer(reply.agent, "", reply.text or (sent.text if sent else ""))
    if line is not None and line.id > than.line:
        return Answer("", line.app_id, line.text)
    return None


def _of_others(thread: str, but_of: str) -> Tuple[Any, ...]:
    alive = replies.c.state.in_((WAITING, SENDING, SENT))
    return (replies.c.thread == thread, replies.c.agent != but_of, alive)


def _reply(connection: Connection, thread: str, but_of: str) -> Any:
    query = (
        sa.select(replies.c.id, replies.c.agent, replies.c.text)
        .where(*_of_others(thread, but_of))
        .order_by(replies.c.id.desc())
        .limit(1)
    )
    return connection.execute(query).first()


def _line(connection: Connection, thread: str, *which: Any) -> Any:
    query = (
        sa.select(transcript.c.id, transcript.c.app_id, transcript.c.text)
        .where(transcript.c.thread == thread, *which)
        .order_by(transcript.c.id.desc())
        .limit(1)
    )
    return connection.execute(query).first()
