"""INSERT with ON CONFLICT: alike in SQLite and PostgreSQL, but not in SQLAlchemy's common dialect."""

from __future__ import annotations

from functools import cache
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.engine import Connection


def insert(connection: Connection, table: sa.Table) -> Any:
    """Return an INSERT that knows `on_conflict_do_nothing` and `on_conflict_do_update`."""
    dialect = postgresql if connection.dialect.name == "postgresql" else sqlite
    return dialect.insert(table)


def insert_new(connection: Connection, table: sa.Table) -> Any:
    """Return an INSERT of whole rows (but for a numbered id) that leaves out those that are there."""
    if connection.dialect.name == "postgresql":
        # psycopg2 gets many rows into one statement only where it is SQLAlchemy's own.
        return insert(connection, table).on_conflict_do_nothing()
    return _insert_or_ignore(table)


# SQLAlchemy compiles its own ON CONFLICT anew each time, which takes longer than to insert.
@cache
def _insert_or_ignore(table: sa.Table) -> Any:
    names = [column.name for column in table.columns if column.autoincrement is not True]
    values = ", ".join(f":{name}" for name in names)
    return sa.text(
        f"INSERT INTO {table.name} ({', '.join(names)}) VALUES ({values}) ON CONFLICT DO NOTHING"  # noqa: S608
    )
