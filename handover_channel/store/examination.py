"""Looks at the database as it is: nothing is made, and nothing migrated, as `Store` would do.

What a database server is set to not to write at once may be lost in a power cut:
https://www.postgresql.org/docs/current/runtime-config-wal.html
SQLite's log needs memory that all its processes share, which no network file system has:
https://www.sqlite.org/wal.html
"""

from __future__ import annotations

import os
import time
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Callable, Dict, Iterator, Optional, Tuple, Union

import sqlalchemy as sa
from sqlalchemy.engine import URL, Connection, Engine, make_url
from sqlalchemy.exc import SQLAlchemyError

from handover_channel.errors import StoreUnavailable
from handover_channel.store import migrations, private_file
from handover_channel.store.migrations import is_known, newest

__all__ = ["Condition", "is_known", "look", "newest", "reading"]

#: Seconds until a connection to a server stands, and that a statement may take (in ms).
_CONNECT, _STATEMENT = 5, "-c statement_timeout=5000"

_UNSAFE = {"fsync": "off", "full_page_writes": "off", "synchronous_commit": "off"}


@dataclass(frozen=True)
class Condition:
    """What was found."""

    dialect: str  #: `sqlite` or `postgresql`
    path: Optional[Path] = None  #: of SQLite's file
    exists: bool = True
    is_writable: bool = True
    revision: Optional[str] = None  #: of the schema, None where there is none yet
    unsafe: Tuple[str, ...] = ()  #: settings of PostgreSQL by which a power cut may lose something
    ahead: Optional[float] = None  #: seconds by which a server's clock is ahead of ours


def look(url: Union[str, URL], clock: Callable[[], float] = time.time) -> Condition:
    """Return the condition of the database at *url*. Raises StoreUnavailable."""
    given = make_url(url)
    if given.get_backend_name() == "sqlite":
        return _sqlite(given)
    with _connected(given, **_patience(given)) as connection:
        before = clock()
        theirs = _value(connection, "SELECT extract(epoch FROM clock_timestamp())")
        return Condition(
            "postgresql",
            is_writable=_value(connection, "SELECT pg_is_in_recovery()") is False,
            revision=migrations.revision(connection),
            unsafe=tuple(
                name for name, value in _UNSAFE.items() if _value(connection, f"SHOW {name}") == value
            ),
            ahead=float(theirs) - (before + clock()) / 2,
        )


def _patience(url: URL) -> Dict[str, Any]:
    given = (
        {"connect_timeout": _CONNECT, "options": _STATEMENT} if url.get_driver_name() == "psycopg2" else {}
    )
    return {name: value for name, value in given.items() if name not in url.query}


def _sqlite(url: URL) -> Condition:
    path = private_file.path_of(url)
    if path is None or not path.exists():
        folder = Path() if path is None else path.parent
        return Condition("sqlite", path, exists=False, is_writable=os.access(folder, os.W_OK))
    with _connected(_read_only(url, path)) as connection:
        revision = migrations.revision(connection)
    return Condition("sqlite", path, is_writable=os.access(path, os.W_OK), revision=revision)


def _read_only(url: URL, path: Path) -> URL:
    # Read-only, SQLite would leave a log and its index behind; without a log nobody is writing.
    alone = {} if path.with_name(f"{path.name}-wal").exists() else {"immutable": "1"}
    return url.set(database=f"file:{path.as_posix()}", query={"mode": "ro", "uri": "true", **alone})


@contextmanager
def reading(url: str) -> Iterator[Optional[Connection]]:
    """Connect to the database at *url* to read; None where its file is not there. Raises StoreUnavailable."""
    given = make_url(url)
    path = private_file.path_of(given) if given.get_backend_name() == "sqlite" else None
    if path is not None and not path.exists():
        yield None
        return
    with _connected(_read_only(given, path) if path else given, **_patience(given)) as connection:
        yield connection


@contextmanager
def _connected(url: URL, **arguments: Any) -> Iterator[Connection]:
    engine = _create(url, arguments)
    try:
        with engine.connect() as connection:
            yield connection
    except SQLAlchemyError as error:
        # Never its text: it may hold the address with its password.
        raise StoreUnavailable(_said(error)) from None
    finally:
        engine.dispose()


def _create(url: URL, arguments: Dict[str, Any]) -> Engine:
    try:
        return sa.create_engine(url, hide_parameters=True, connect_args=arguments)
    except ImportError as error:
        raise StoreUnavailable(f"the driver {error.name} is not installed") from None


def _said(error: SQLAlchemyError) -> str:
    original = getattr(error, "orig", None)
    kinds = {kind.__name__ for kind in type(original).__mro__}
    first = str(original).strip().split("\n", 1)[0]
    return first if kinds & {"OperationalError", "DatabaseError"} else type(original or error).__name__


def _value(connection: Connection, statement: str) -> Any:
    return connection.execute(sa.text(statement)).scalar()
