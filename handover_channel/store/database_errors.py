"""Words what a database driver refused: where, why, and what to do about it.

Never the values of a statement: they are what people wrote. Never the URL of a server: it may hold a
password.
"""

from __future__ import annotations

from typing import Mapping, Optional

from sqlalchemy.engine import URL
from sqlalchemy.exc import DBAPIError

from handover_channel.errors import StoreUnavailable

#: What SQLite says -> what to do. https://www.sqlite.org/rescode.html
SQLITE_REMEDIES: Mapping[str, str] = {
    "unable to open database file": "create its folder, and let the user of this process write there",
    "attempt to write a readonly database": "let the user of this process write the file and its folder",
    "database or disk is full": "free space on the disk, then try again",
    "disk i/o error": "check the disk, and that its file system is one of this machine",
    "file is not a database": "name another file at `database` in handover.yml, or restore a backup",
    "database disk image is malformed": "restore a backup",
    "database is locked": "end the program that holds it, such as a backup or a database browser",
}


def refused(url: URL, error: BaseException) -> StoreUnavailable:
    """Return what to raise for what the driver has raised, itself or by SQLAlchemy."""
    said = _without_values(error.orig if isinstance(error, DBAPIError) else error)
    if url.get_backend_name() != "sqlite":
        return StoreUnavailable(f"the database refused: {said}")
    return _by_sqlite(url.database or "in memory", said)


def _by_sqlite(file: str, said: str) -> StoreUnavailable:
    remedy = next((remedy for known, remedy in SQLITE_REMEDIES.items() if known in said.lower()), "")
    return StoreUnavailable(f"the database {file} refused: {said}" + (f" -> {remedy}" if remedy else ""))


def _without_values(error: Optional[BaseException]) -> str:
    """Return what the driver said, without the values that PostgreSQL quotes (DETAIL, LINE)."""
    said = str(error).strip()
    kinds = {kind.__name__ for kind in type(error).__mro__}
    if type(error).__module__ == "sqlite3":
        return said  # names columns, never values
    if "OperationalError" in kinds:
        return said.split("\n", 1)[0]  # the connection, a lock, a time-out
    return f"{type(error).__name__} {getattr(error, 'pgcode', None) or ''}".strip()
