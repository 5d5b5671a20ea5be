"""Finds what open pages of the inbox have to show anew: deliveries, changes of control, what agents did.

Each process with a page open polls it. A look goes back a little further than the last one: what commits
later may have been numbered, or timed, earlier.

An update has a kind: NEWS and CHANGE (of control), DONE and TURN (a delivery, to people or to the bot), LOOK
(who looks and types). Of TURN and LOOK a list shows little: there are many of them.
"""

from __future__ import annotations

from typing import Any, List, Tuple

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from handover_channel.rules.control import Control
from handover_channel.store.prepared import Prepared
from handover_channel.store.schema import changes, deliveries, news, threads

NEWS, LOOK, CHANGE, DONE, TURN = "news", "look", "change", "done", "turn"

#: Rows that a look goes back behind the newest one known, and seconds, where times are compared.
ROWS_BACK, SECONDS_BACK = 100, 5.0

#: What tells one update from another (kind and number), and its thread.
Piece = Tuple[Tuple[str, int], str]

_ADD = Prepared(
    sa.insert(news).values(
        thread=sa.bindparam("new_thread"), at=sa.bindparam("new_at"), kind=sa.bindparam("new_kind")
    )
)
_NEWS = sa.select(news.c.kind, news.c.id, news.c.thread).where(news.c.id > sa.bindparam("after"))
_CHANGES = sa.select(sa.literal(CHANGE), changes.c.id, changes.c.thread).where(
    changes.c.id > sa.bindparam("after")
)
_NOT_WITH_BOT = threads.c.control != Control.BOT.value
_DONE_SINCE = (
    sa.select(sa.case((_NOT_WITH_BOT, DONE), else_=TURN), deliveries.c.id, deliveries.c.thread)
    .select_from(deliveries.outerjoin(threads, threads.c.id == deliveries.c.thread))
    .where(deliveries.c.done_at > sa.bindparam("since"))
)


def add(connection: Connection, thread: str, *, now: float, kind: str = NEWS) -> None:
    """Have open pages look at *thread* anew."""
    _ADD.changed(connection, {"new_thread": thread, "new_at": now, "new_kind": kind})


def since(connection: Connection, *, news_id: int, change_id: int, at: float) -> List[Piece]:
    """Return what is newer, and a little before it: the caller knows what it has seen."""
    found: List[Piece] = []
    looks: Tuple[Tuple[Any, Any], ...] = (
        (_NEWS, {"after": news_id - ROWS_BACK}),
        (_CHANGES, {"after": change_id - ROWS_BACK}),
        (_DONE_SINCE, {"since": at - SECONDS_BACK}),
    )
    for query, given in looks:
        found.extend(((kind, number), thread) for kind, number, thread in connection.execute(query, given))
    return found


def newest(connection: Connection) -> Tuple[int, int]:
    """Return the newest ids of news and of changes."""
    return tuple(  # type: ignore[return-value]
        int(connection.execute(sa.select(sa.func.max(table.c.id))).scalar() or 0) for table in (news, changes)
    )


def tidy(connection: Connection, *, before: float) -> None:
    """Forget what every page has heard of. The newest stays: SQLite would give its number again."""
    newest = sa.select(sa.func.max(news.c.id)).scalar_subquery()
    connection.execute(sa.delete(news).where(news.c.at < before, news.c.id < newest))
