"""What open pages of the inbox are to hear of: deliveries that are done, changes of control, what agents did.

Read by polling, of which there is one for each process with a page open. A look goes back a little further
than the last one, as what commits later may have been numbered, or timed, earlier.
"""

from __future__ import annotations

from typing import Any, List, Tuple

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from handover_channel.store.schema import changes, deliveries, news

#: Rows that a look goes back behind the newest one known, and seconds, where times are compared.
ROWS_BACK, SECONDS_BACK = 100, 5.0

#: What tells one piece of news from another, and its thread.
Piece = Tuple[Tuple[str, int], str]

_NEWS = sa.select(news.c.id, news.c.thread).where(news.c.id > sa.bindparam("after"))
_CHANGES = sa.select(changes.c.id, changes.c.thread).where(changes.c.id > sa.bindparam("after"))
_DONE = sa.select(deliveries.c.id, deliveries.c.thread).where(deliveries.c.done_at > sa.bindparam("since"))


def add(connection: Connection, thread: str, *, now: float) -> None:
    """Have open pages look at *thread* anew."""
    connection.execute(sa.insert(news).values(thread=thread, at=now))


def since(connection: Connection, *, news_id: int, change_id: int, at: float) -> List[Piece]:
    """Return what is newer, and a little before it: the caller knows what it has seen."""
    found: List[Piece] = []
    looks: Tuple[Tuple[str, Any, Any], ...] = (
        ("news", _NEWS, {"after": news_id - ROWS_BACK}),
        ("change", _CHANGES, {"after": change_id - ROWS_BACK}),
        ("done", _DONE, {"since": at - SECONDS_BACK}),
    )
    for kind, query, given in looks:
        found.extend(((kind, number), thread) for number, thread in connection.execute(query, given))
    return found


def newest(connection: Connection) -> Tuple[int, int]:
    """Return the newest ids of news and of changes."""
    return tuple(  # type: ignore[return-value]
        int(connection.execute(sa.select(sa.func.max(table.c.id))).scalar() or 0) for table in (news, changes)
    )


def tidy(connection: Connection, *, before: float) -> None:
    """Forget what every page has heard of."""
    connection.execute(sa.delete(news).where(news.c.at < before))
