"""Keeps edits: other words for a message. They may come before it, more than once, and in any order.

https://developers.facebook.com/documentation/business-messaging/messenger-platform/reference/webhook-events/message-edits
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from typing import Dict, Iterable, List

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from handover_channel.store import search_sources
from handover_channel.store.schema import edits, transcript


@dataclass(frozen=True)
class Edit:
    """A message's new text. `timestamp` is in ms."""

    mid: str
    text: str
    number: int  #: of the message's edits, from 1; 0 where Meta does not say
    timestamp: int
    id: int = 0  #: 0: not written down yet


_ORDER = (edits.c.number, edits.c.timestamp, edits.c.id)


def add(connection: Connection, thread: str, edit: Edit) -> bool:
    """Write an edit down, and give the transcript's line its newest text. False: it was known.

    A line that comes later gets the text when it is added (transcript.py).
    """
    known = of(connection, thread, [edit.mid]).get(edit.mid, [])
    if any(_same(each, edit) for each in known):
        return False
    values = {"mid": edit.mid, "text": edit.text, "number": edit.number, "timestamp": edit.timestamp}
    connection.execute(sa.insert(edits).values(thread=thread, **values))
    newest = of(connection, thread, [edit.mid])[edit.mid][-1]
    connection.execute(
        sa.update(transcript)
        .where(transcript.c.thread == thread, transcript.c.mid == edit.mid)
        .values(original=sa.func.coalesce(transcript.c.original, transcript.c.text), text=newest.text)
    )
    search_sources.bring_in_line(connection, thread, edit.mid)
    return True


def of(connection: Connection, thread: str, mids: Iterable[str]) -> Dict[str, List[Edit]]:
    """Return the edits of these messages, the newest last."""
    query = sa.select(edits).where(edits.c.thread == thread, edits.c.mid.in_(list(mids)))
    return _by_message(connection, query)


def of_page(
    connection: Connection, thread: str, mids: Iterable[str], since: int, before: int
) -> Dict[str, List[Edit]]:
    """Return the edits of these messages, and those that came in that time (ms, *before* not included)."""
    then = sa.and_(edits.c.timestamp >= since, edits.c.timestamp < before)
    these = sa.or_(edits.c.mid.in_(list(mids)), then)
    return _by_message(connection, sa.select(edits).where(edits.c.thread == thread, these))


def _same(one: Edit, other: Edit) -> bool:
    # Without a number only the time tells a text that was put back from one that was delivered again.
    is_numbered = one.number > 0
    return (one.number, one.text) == (other.number, other.text) and (
        is_numbered or one.timestamp == other.timestamp
    )


def _by_message(connection: Connection, query: sa.sql.Select) -> Dict[str, List[Edit]]:
    found: Dict[str, List[Edit]] = defaultdict(list)
    for row in connection.execute(query.order_by(*_ORDER)).mappings():
        found[row["mid"]].append(Edit(**{name: row[name] for name in Edit.__dataclass_fields__}))
    return dict(found)
