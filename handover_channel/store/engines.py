"""Makes the engines for SQLite and PostgreSQL, and begins and ends their transactions, past SQLAlchemy.

1. SQLAlchemy and the drivers are told that each statement stands alone (autocommit), and BEGIN and COMMIT
   are ours. Drivers begin too late, and never as a writer; SQLAlchemy takes longer for the frame of a
   transaction than SQLite does for what happens in it. A statement that only reads needs none at all.
   https://docs.sqlalchemy.org/en/14/core/connections.html#dbapi-autocommit
2. A connection that the server has ended is found before it is used, by a look at the socket: a ping
   (`pool_pre_ping`) would be one more round trip each time. One that is gone without a word is found by
   keepalives.
3. The pool gives out the connection that came back last: it knows the pages that it has written.
"""

from __future__ import annotations

import functools
import select
import sqlite3
import threading
import time
from contextlib import contextmanager
from typing import Any, Callable, Iterator

import sqlalchemy as sa
from sqlalchemy.engine import URL, Connection, Engine
from sqlalchemy.exc import InvalidatePoolError

from handover_channel.store import private_file

#: How long a writer waits for another process's transaction, in seconds.
_BUSY = 20

#: A server that is gone without a word is given up after these, not after the system's two hours.
#: https://www.postgresql.org/docs/current/libpq-connect.html#LIBPQ-PARAMKEYWORDS (seconds; the last in ms)
_PATIENCE = {
    "connect_timeout": 5,
    "keepalives_idle": 10,
    "keepalives_interval": 5,
    "keepalives_count": 3,
    "tcp_user_timeout": 20_000,
}

#: Pages of SQLite's log from which on a commit moves them into the file, and has Meta wait meanwhile: far
#: more than gather between two calls of `Store.tidy_up`. https://www.sqlite.org/wal.html#ckpt
_LONGEST_LOG = 20_000

_CAN_LOOK = hasattr(select, "poll")  # not on Windows

#: One round trip for both. https://www.postgresql.org/docs/current/wal-async-commit.html
_BEGIN_WITHOUT_FLUSH = "BEGIN; SET LOCAL synchronous_commit TO off"


def engine_for(url: URL) -> Engine:
    """Return an engine for *url*. Nothing is opened yet."""
    return _sqlite(url) if url.get_backend_name() == "sqlite" else _postgresql(url)


@contextmanager
def in_transaction(connection: Connection, *, write: bool, durable: bool = True) -> Iterator[None]:
    """Commit at the end what is done on *connection* meanwhile, or roll it back on an error.

    *durable*: see `Store.writing`. Raises the driver's own errors.
    """
    pooled = connection.connection
    driver, is_sqlite = pooled.driver_connection, connection.dialect.name == "sqlite"
    try:
        if is_sqlite:
            _begin_sqlite(pooled, write=write, durable=durable)
        else:
            driver.cursor().execute(_BEGIN_WITHOUT_FLUSH if write and not durable else "BEGIN")
        yield
        if is_sqlite:
            driver.commit()
        else:
            driver.cursor().execute("COMMIT")
    except BaseException:
        _undo(connection, driver)
        raise


def _undo(connection: Connection, driver: Any) -> None:
    try:
        if connection.dialect.name == "sqlite":
            driver.rollback()
        else:
            driver.cursor().execute("ROLLBACK")
    except connection.dialect.dbapi.Error:  # type: ignore[union-attr, unused-ignore]
        connection.invalidate()  # whatever it is in, nobody gets it after us


def _begin_sqlite(pooled: Any, *, write: bool, durable: bool) -> None:
    execute = pooled.cursor().execute
    if not write:
        execute("BEGIN")
        return
    # A flush takes the earlier transactions with it that did without.
    flush = "FULL" if durable else "NORMAL"
    if pooled.info.get("handover_flush") != flush:
        execute(f"PRAGMA synchronous={flush}")
        pooled.info["handover_flush"] = flush
    # A writer that begins as a reader cannot wait for its turn: SQLite answers "locked" at once.
    execute("BEGIN IMMEDIATE")


def _sqlite(url: URL) -> Engine:
    # A plain pool: a connection to a SQLite file may change threads, it must only not be shared at a time.
    engine = sa.create_engine(
        url,
        future=True,
        hide_parameters=True,
        poolclass=sa.pool.QueuePool,
        pool_reset_on_return=None,  # as below
        pool_use_lifo=True,
        pool_size=10,
        max_overflow=20,
        connect_args={"timeout": _BUSY, "check_same_thread": False},
    )
    path = private_file.path_of(url)
    if path is not None:
        sa.event.listen(engine, "do_connect", _before_first(functools.partial(private_file.make, path)))
    sa.event.listen(engine, "connect", _sqlite_settings)
    return engine


def _before_first(prepare: Callable[[], None]) -> Callable[..., None]:
    """Return a listener that calls *prepare* before the first connection is made, by whichever thread."""
    left, lock = [prepare], threading.Lock()

    def before_connecting(dialect: Any, record: Any, arguments: Any, options: Any) -> None:
        with lock:
            while left:
                left.pop()()

    return before_connecting


def _sqlite_settings(connection: Any, record: Any) -> None:
    connection.isolation_level = None  # the driver's own BEGIN
    _use_wal(connection)
    # What is deleted is overwritten where that costs no further reading or writing.
    # https://www.sqlite.org/pragma.html#pragma_secure_delete
    pragmas = ("synchronous=FULL", "foreign_keys=ON", "secure_delete=FAST")
    for pragma in (*pragmas, f"wal_autocheckpoint={_LONGEST_LOG}"):
        connection.execute(f"PRAGMA {pragma}")


def _use_wal(connection: Any) -> None:
    # The first process to open a new file changes its mode. SQLite does not wait for that as it does for a
    # transaction: whoever comes at the same moment is told "locked" at once.
    until = time.monotonic() + _BUSY
    while True:
        try:
            connection.execute("PRAGMA journal_mode=WAL")
            return
        except sqlite3.OperationalError:
            if time.monotonic() > until:
                raise
            time.sleep(0.02)


def _postgresql(url: URL) -> Engine:
    engine = sa.create_engine(
        url,
        future=True,
        hide_parameters=True,
        isolation_level="AUTOCOMMIT",
        pool_reset_on_return=None,  # `in_transaction` has ended what was begun
        pool_use_lifo=True,
        pool_pre_ping=not _CAN_LOOK,
        pool_timeout=_BUSY,
        pool_size=10,
        max_overflow=10,
        connect_args={name: value for name, value in _PATIENCE.items() if name not in url.query},
    )
    if _CAN_LOOK:
        sa.event.listen(engine, "checkout", _expect_silence)
    return engine


def _expect_silence(connection: Any, record: Any, proxy: Any) -> None:
    """Have another connection made, and all others too, if this one has something to read before it is used.

    Nothing was asked: the server has ended it, or the system has found it dead.
    """
    if is_dead(connection):
        raise InvalidatePoolError


def is_dead(connection: Any) -> bool:
    """Tell whether the driver's *connection* is closed, or its server has ended it. Nothing was asked of it.

    Only where `can_look`; a file's is not.
    """
    if isinstance(connection, sqlite3.Connection):
        return False
    return bool(connection.closed) or _has_something_to_read(connection.fileno())


def can_look(engine: Engine) -> bool:
    """Tell whether `is_dead` can say so of connections of *engine*; else they need the pool's ping."""
    return _CAN_LOOK or engine.dialect.name == "sqlite"


def _has_something_to_read(descriptor: int) -> bool:
    look = select.poll()
    look.register(descriptor, select.POLLIN)
    return bool(look.poll(0))
