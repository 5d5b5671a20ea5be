"""Keeps what Meta tells of a person, name and picture, for the page: graph_api/profiles.py asks.

That Meta tells nothing is kept as well: nobody is asked about again and again.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Optional

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from handover_channel.store.schema import people
from handover_channel.store.upsert import insert


@dataclass(frozen=True)
class Profile:
    """One row of `people`."""

    thread: str
    name: str  #: "" where Meta tells none
    picture: str  #: address, "" for none; Meta's own ends to work after some days
    fetched_at: float


def get(connection: Connection, thread: str) -> Optional[Profile]:
    """Return what is known, however old; None where Meta was never asked."""
    row = connection.execute(sa.select(people).where(people.c.thread == thread)).mappings().first()
    return Profile(**row) if row else None


def put(connection: Connection, person: Profile) -> None:
    """Keep what Meta said."""
    values = {"name": person.name, "picture": person.picture, "fetched_at": person.fetched_at}
    new = insert(connection, people).values(thread=person.thread, **values)
    connection.execute(new.on_conflict_do_update(index_elements=[people.c.thread], set_=values))
