"""Tells an agent's page what concerns them, whatever list it shows.

1. New messages in conversations of theirs, what colleagues give them, and who waits for anybody.
2. The page announces what it has not known before (static/notices.js): each has a time for that.
"""

from __future__ import annotations

import json
from typing import Any, Mapping

from sqlalchemy.engine import Connection

from handover_channel.inbox.view_models import Concerns, Notice
from handover_channel.messenger.bubble import summary
from handover_channel.messenger.content import attachment_of, content_of
from handover_channel.store import concerns

#: Conversations of an agent that are looked at, and of those that wait.
MOST_OF_AGENT, MOST_WAITING = 100, 10

#: Longest words of a notice, in characters.
WORDS = 120

MESSAGE, GIVEN, WAITS = "message", "given", "waits"


def of_agent(connection: Connection, agent: str, shown_names: Mapping[str, str]) -> Concerns:
    """Return what concerns *agent*. *shown_names*: of the agents."""
    mine = concerns.of_agent(connection, agent, limit=MOST_OF_AGENT) if agent else []
    unread = [row for row in mine if row["person_at"] > row["read_to"]]
    given = [row for row in mine if row["assigned_by"] not in ("", agent)]
    waiting = concerns.waiting(connection, limit=MOST_WAITING)
    lines = concerns.newest_lines(connection, list({row["id"] for row in (*unread, *given, *waiting)}))
    return Concerns(
        unread=len(unread),
        notices=[
            *(_notice(MESSAGE, row, row["person_at"] / 1000, lines) for row in unread),
            *(_notice(GIVEN, row, row["assigned_at"], lines, shown_names) for row in given),
            *(_notice(WAITS, row, _said_or_waits(row), lines) for row in waiting),
        ],
    )


def _said_or_waits(row: Mapping[str, Any]) -> float:
    """Return when the person wrote, or since when they wait, whichever is later."""
    return float(max(row["waiting_since"], row["person_at"] / 1000))


def _notice(
    kind: str,
    row: Mapping[str, Any],
    at: float,
    lines: Mapping[str, Mapping[str, Any]],
    shown_names: Mapping[str, str] = {},  # noqa: B006 - read only
) -> Notice:
    line = lines.get(row["id"])
    words = ("", "")
    if line is not None:
        attachments = map(attachment_of, json.loads(line["attachments"] or "[]"))
        words = summary(content_of(line["text"], attachments), WORDS)
    return Notice(
        kind=kind,
        thread=row["id"],
        name=row["name"] or row["id"],
        at=at,
        words=words[0],
        file=words[1],
        who=shown_names.get(row["assigned_by"], row["assigned_by"]) if kind == GIVEN else "",
    )
