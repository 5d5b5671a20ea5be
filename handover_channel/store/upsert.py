"""Makes INSERT with ON CONFLICT, which SQLAlchemy has only in the dialects of SQLite and PostgreSQL."""

from __future__ import annotations

from functools import cache
from typing import Any, Dict, List

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.engine import Connection

from handover_channel.store.prepared import Prepared


def insert(connection: Connection, table: sa.Table) -> Any:
    """Return an INSERT that knows `on_conflict_do_nothing` and `on_conflict_do_update`."""
    dialect = postgresql if connection.dialect.name == "postgresql" else sqlite
    return dialect.insert(table)


def insert_new(connection: Connection, table: sa.Table, rows: List[Dict[str, Any]]) -> None:
    """Insert whole rows (but for a numbered id), and leave out those that are there."""
    if connection.dialect.name == "postgresql":
        # psycopg2 gets many rows into one statement only where it is SQLAlchemy's own.
        connection.execute(insert(connection, table).on_conflict_do_nothing(), rows)
    else:
        _insert_or_ignore(table).each(connection, rows)


def insert_one(connection: Connection, table: sa.Table, row: Dict[str, Any]) -> bool:
    """Insert a whole row (but for a numbered id); False: it is there already."""
    return _insert_or_ignore(table).changed(connection, row) == 1


@cache
def _insert_or_ignore(table: sa.Table) -> Prepared:
    names = [column.name for column in table.columns if column.autoincrement is not True]
    values = ", ".join(f":{name}" for name in names)
    into = f"INSERT INTO {table.name} ({', '.join(names)})"
    return Prepared(sa.text(f"{into} VALUES ({values}) ON CONFLICT DO NOTHING"))  # noqa: S608
