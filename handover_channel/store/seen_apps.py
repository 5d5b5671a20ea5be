"""Finds the apps that have acted in threads: that wrote to people, or had control.

Of the transcript and of the log of changes the newest lines are read: what it costs does not grow.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Dict, Optional

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from handover_channel.rules.control import Control
from handover_channel.store.schema import IS_OPEN, changes, threads, transcript

#: Of each table, so many of the newest lines.
LINES_LOOKED_AT = 20_000


@dataclass(frozen=True)
class SeenApp:
    """When an app was last seen to do something, in seconds since the epoch; None: never was."""

    wrote_at: Optional[float] = None
    had_control_at: Optional[float] = None


def every(connection: Connection) -> Dict[str, SeenApp]:
    """Return the apps by their ids."""
    wrote = _newest(connection, transcript, transcript.c.app_id, transcript.c.timestamp)
    had_control = _newest(connection, changes, changes.c.owner, changes.c.at)
    has = sa.select(threads.c.owner, sa.func.max(threads.c.changed_at)).where(IS_OPEN)
    for app_id, at in connection.execute(has.group_by(threads.c.owner)):
        had_control[app_id] = max(at, had_control.get(app_id, 0.0))
    found = {**wrote, **had_control}
    return {
        app_id: SeenApp(wrote[app_id] / 1000 if app_id in wrote else None, had_control.get(app_id))
        for app_id in found
        if app_id
    }


def thread_of_an_app(connection: Connection, page: str) -> Optional[str]:
    """Return the thread that has last come to another app, None for none. *page*: "" for any."""
    query = sa.select(threads.c.id).where(IS_OPEN, threads.c.control == Control.APP.value)
    if page:
        query = query.where(threads.c.page == page)
    query = query.order_by(threads.c.changed_at.desc()).limit(1)
    found = connection.execute(query).scalar()
    return None if found is None else str(found)


def _newest(connection: Connection, table: Any, app: Any, at: Any) -> Dict[str, float]:
    newest = sa.select(app.label("app"), at.label("at")).select_from(table)
    newest = newest.order_by(table.c.id.desc()).limit(LINES_LOOKED_AT).subquery()
    query = sa.select(newest.c.app, sa.func.max(newest.c.at)).group_by(newest.c.app)
    return {app_id: float(last) for app_id, last in connection.execute(query)}
