"""Counts wrong passwords, and those being checked, over all workers; forgets them after the window.

Only hashes of names are kept: people type passwords into the wrong field.
"""

from __future__ import annotations

from typing import Optional

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from handover_channel.store.schema import failed_sign_ins

_LOCK = sa.text("SELECT pg_advisory_xact_lock(7214480937)")


def in_turn(connection: Connection) -> None:
    """Let no other worker count until this transaction has ended."""
    if connection.dialect.name == "postgresql":  # on SQLite there is one writer at a time
        connection.execute(_LOCK)


def add(connection: Connection, *, name: str, address: str, at: float) -> None:
    """Note an attempt."""
    connection.execute(sa.insert(failed_sign_ins).values(name=name, address=address, at=at))


def nth_newest(
    connection: Connection,
    nth: int,
    *,
    since: float,
    name: Optional[str] = None,
    address: Optional[str] = None,
) -> Optional[float]:
    """Return when the nth newest attempt of a name, an address, or both was; None: there are fewer."""
    query = sa.select(failed_sign_ins.c.at).where(failed_sign_ins.c.at > since)
    if name is not None:
        query = query.where(failed_sign_ins.c.name == name)
    if address is not None:
        query = query.where(failed_sign_ins.c.address == address)
    found = connection.execute(query.order_by(failed_sign_ins.c.at.desc()).limit(1).offset(nth - 1)).scalar()
    return None if found is None else float(found)


def forgive(connection: Connection, *, name: str, address: str) -> None:
    """Forget the attempts of one who has signed in."""
    both = sa.and_(failed_sign_ins.c.name == name, failed_sign_ins.c.address == address)
    connection.execute(sa.delete(failed_sign_ins).where(both))


def tidy(connection: Connection, *, before: float) -> None:
    """Delete what counts no more."""
    connection.execute(sa.delete(failed_sign_ins).where(failed_sign_ins.c.at <= before))
