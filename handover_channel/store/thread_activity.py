"""Notes in the row of a thread what was seen of it: events, the newest words, how far messages have got.

These run for every event, so they are one UPDATE each. The newest time wins, by Meta's clock and by ours;
control is no concern of theirs (threads.py).
"""

from __future__ import annotations

from typing import Any, Dict, Optional

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from handover_channel.rules.control import Control
from handover_channel.rules.last_words import Words
from handover_channel.store.prepared import Prepared
from handover_channel.store.schema import threads


def _greater(column: Any, name: str) -> Any:
    # GREATEST in PostgreSQL, MAX in SQLite: CASE is the same in both.
    value = sa.bindparam(name, type_=column.type)
    return sa.case((column < value, value), else_=column)


def _since(column: Any, at: Any, name: str) -> Any:
    """Return *name* for *column* if it is newer than what the column `at` says."""
    newer = (
        sa.bindparam(f"new_{at.name}", type_=at.type) > 0,
        at <= sa.bindparam(f"new_{at.name}", type_=at.type),
    )
    return sa.case((sa.and_(*newer), sa.bindparam(name, type_=column.type)), else_=column)


_LAST = ("last_at", "last_author", "last_text", "last_file")
#: What was said, if it is newer than what is kept.
_NEW_WORDS = {name: _since(threads.c[name], threads.c.last_at, f"new_{name}") for name in _LAST}

_OPENED = sa.bindparam("new_opened_at", type_=sa.BigInteger)
_TOUCH = Prepared(
    sa.update(threads)
    .where(threads.c.id == sa.bindparam("thread"))
    .values(
        active_at=_greater(threads.c.active_at, "now"),
        page=sa.func.coalesce(sa.func.nullif(sa.bindparam("new_page"), ""), threads.c.page),
        seen=_greater(threads.c.seen, "new_seen"),
        person_at=_greater(threads.c.person_at, "new_person_at"),
        window_at=_greater(threads.c.window_at, "new_window_at"),
        # Who does something can be reached again, as far as anybody knows.
        obstacle=sa.case(
            (sa.and_(threads.c.person_at < _OPENED, threads.c.window_at < _OPENED), ""),
            else_=threads.c.obstacle,
        ),
        **_NEW_WORDS,
        # In the inbox whoever writes waits from the first word that nobody has answered.
        waiting_since=sa.case(
            (
                sa.and_(
                    threads.c.control == Control.INBOX.value,
                    threads.c.waiting_since.is_(None),
                    sa.bindparam("new_person_at", type_=sa.BigInteger) > 0,
                ),
                sa.bindparam("now", type_=threads.c.active_at.type),
            ),
            else_=threads.c.waiting_since,
        ),
    )
)
_REACHED = Prepared(
    sa.update(threads)
    .where(
        threads.c.id == sa.bindparam("of"),
        sa.or_(
            threads.c.delivered_to < sa.bindparam("new_delivered"),
            threads.c.read_to < sa.bindparam("new_read"),
        ),
    )
    .values(
        delivered_to=_greater(threads.c.delivered_to, "new_delivered"),
        read_to=_greater(threads.c.read_to, "new_read"),
    )
)


def touch(
    connection: Connection,
    thread: str,
    *,
    page: str,
    seen: int,
    now: float,
    person_at: int = 0,
    window_at: int = 0,
    words: Optional[Words] = None,
) -> None:
    """Note that an event was seen: the newest time wins, by Meta's clock and by ours.

    *person_at*: of a message of the person, which opens the window too; *window_at*: of whatever else opens
    it; *words*: what was said.
    """
    given = {
        "thread": thread,
        "new_page": page,
        "new_seen": seen,
        "now": now,
        "new_person_at": person_at,
        "new_window_at": window_at,
        "new_opened_at": max(person_at, window_at),
        **_values_of(words),
    }
    _TOUCH.changed(connection, given)


def reached(connection: Connection, thread: str, *, delivered_to: int = 0, read_to: int = 0) -> None:
    """Note how far what the page wrote has got: never back. Times are Meta's, in ms."""
    given = {"of": thread, "new_delivered": max(delivered_to, read_to), "new_read": read_to}
    _REACHED.changed(connection, given)


def _values_of(words: Optional[Words]) -> Dict[str, Any]:
    author, text, file, at = words or ("", "", "", 0)
    return {"new_last_at": at, "new_last_author": author, "new_last_text": text, "new_last_file": file}
