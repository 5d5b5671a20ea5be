"""Keeps what Meta tells of a person (name, picture, locale, time zone): graph_api/profiles.py asks.

That Meta tells nothing is kept as well: nobody is asked about again and again.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Optional

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from handover_channel.store import search_sources
from handover_channel.store.schema import people
from handover_channel.store.upsert import insert


@dataclass(frozen=True)
class Profile:
    """One row of `people`."""

    thread: str
    name: str  #: "" where Meta tells none
    picture: str  #: address, "" for none; Meta's own ends to work after some days
    fetched_at: float
    locale: str = ""  #: as Meta writes it ("ar_AR"); "" where it does not tell
    timezone: Optional[float] = None  #: hours beside UTC; None where Meta does not tell


def get(connection: Connection, thread: str) -> Optional[Profile]:
    """Return what is known, however old; None where Meta was never asked."""
    row = connection.execute(sa.select(people).where(people.c.thread == thread)).mappings().first()
    return Profile(**row) if row else None


def put(connection: Connection, person: Profile) -> None:
    """Keep what Meta said."""
    values = {name: value for name, value in vars(person).items() if name != "thread"}
    new = insert(connection, people).values(thread=person.thread, **values)
    connection.execute(new.on_conflict_do_update(index_elements=[people.c.thread], set_=values))
    search_sources.bring_in_name(connection, person.thread, person.name)
