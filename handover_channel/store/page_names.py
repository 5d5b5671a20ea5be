"""Keeps the names of Facebook pages: graph_api/profiles.py asks. That Meta tells none is kept as well."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Dict, Optional

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from handover_channel.store.schema import pages
from handover_channel.store.upsert import insert


@dataclass(frozen=True)
class PageName:
    """One row of `pages`."""

    page: str  #: id
    name: str  #: "" where Meta tells none
    fetched_at: float


def get(connection: Connection, page: str) -> Optional[PageName]:
    """Return what is known of *page*, however old; None where Meta was never asked."""
    row = connection.execute(sa.select(pages).where(pages.c.page == page)).mappings().first()
    return PageName(**row) if row else None


def put(connection: Connection, found: PageName) -> None:
    """Keep what Meta said."""
    values = {"name": found.name, "fetched_at": found.fetched_at}
    new = insert(connection, pages).values(page=found.page, **values)
    connection.execute(new.on_conflict_do_update(index_elements=[pages.c.page], set_=values))


def names(connection: Connection) -> Dict[str, str]:
    """Return the names there are, by the ids of the pages."""
    query = sa.select(pages.c.page, pages.c.name).where(pages.c.name != "")
    return {row.page: row.name for row in connection.execute(query)}
