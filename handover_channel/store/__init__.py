"""Opens the database and keeps its schema up to date; each module beside this one owns a table.

The database holds our own truth about threads: control, deliveries, deadlines, transcript, log of changes.
SQLite in WAL mode for one machine, PostgreSQL beyond it. Everything here is synchronous: callers on an event
loop run it in a thread.

Durability: what was answered with 200, and every change of control, survives a power cut (on SQLite
`synchronous=FULL`, https://www.sqlite.org/pragma.html#pragma_synchronous). A worker's notes on its own
progress survive the end of the process, but not a power cut: what they tell is then only done again.
"""

from __future__ import annotations

import functools
import logging
import sqlite3
import threading
import time
from contextlib import closing, contextmanager, nullcontext
from typing import Any, Callable, ContextManager, Iterator, Tuple, Union

import sqlalchemy as sa
from sqlalchemy.engine import URL, Connection, Engine, make_url
from sqlalchemy.exc import DBAPIError, SQLAlchemyError

from handover_channel.errors import StoreUnavailable
from handover_channel.store import private_file
from handover_channel.store.database_errors import refused
from handover_channel.store.migrations import upgrade
from handover_channel.store.prepared import Glance

logger = logging.getLogger(__name__)

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
#: more than gather between two calls of `tidy_up`. https://www.sqlite.org/wal.html#ckpt
_LONGEST_LOG = 20_000

#: https://www.postgresql.org/docs/current/wal-async-commit.html
_NO_FLUSH = sa.text("SET LOCAL synchronous_commit TO off")

#: One view for all statements of a transaction; SQLite in WAL mode has it by itself.
#: https://www.postgresql.org/docs/current/transaction-iso.html#XACT-REPEATABLE-READ
_ONE_VIEW = sa.text("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY")
#: It costs more than it saves for a page of rows, and comes back with each page.
_NO_COMPILER = sa.text("SET LOCAL jit TO off")


class Store:
    """The database. Every method raises StoreUnavailable for whatever goes wrong with it."""

    def __init__(self, url: Union[str, URL]) -> None:
        self.url = make_url(url)
        self._engine = _engine(self.url)
        self._driver: Any = self._engine.dialect.dbapi
        self._migrated = False
        self._writer, self._patient = self._locks()

    def _locks(self) -> Tuple[ContextManager[Any], ContextManager[Any]]:
        # SQLite takes one writer at a time and lets the others sleep, ever longer: in one process a lock
        # wakes the next one at once. Those that need no flush stand in a line of their own before it, so that
        # what Meta waits for never has more than one of them ahead.
        if self.dialect == "sqlite":
            return threading.Lock(), threading.Lock()
        return nullcontext(), nullcontext()

    @property
    def dialect(self) -> str:
        """`sqlite` or `postgresql`."""
        return str(self._engine.dialect.name)

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        """Give a connection for reading."""
        with self._transaction(write=False) as connection:
            yield connection

    @contextmanager
    def snapshot(self) -> Iterator[Connection]:
        """Give a connection for many reads that all see the database as the first of them did."""
        with self.reading() as connection:
            if self.dialect == "postgresql":
                connection.execute(_ONE_VIEW)
                connection.execute(_NO_COMPILER)
            yield connection

    @contextmanager
    def glancing(self) -> Iterator[Glance]:
        """Give a connection for `Prepared` statements that read: half the price of `reading`."""
        if not self._migrated:
            self.migrate()
        with self._errors(), closing(self._engine.raw_connection()) as connection:
            yield Glance(self._engine.dialect, connection)

    @contextmanager
    def writing(self, *, durable: bool = True) -> Iterator[Connection]:
        """Give a connection in a transaction that is committed at the end, rolled back on an error.

        Not *durable*: it survives the end of the process, but a power cut may undo it, with what came after
        it; for what is then only done again.
        """
        with (
            nullcontext() if durable else self._patient,
            self._transaction(write=True, durable=durable) as connection,
        ):
            yield connection

    def migrate(self) -> None:
        """Bring the schema up to date. Safe when several processes start at once."""
        with self._errors(), self._engine.connect() as connection:
            connection = connection.execution_options(handover_write=True)
            with connection.begin():
                if self.dialect == "postgresql":
                    connection.execute(sa.text("SELECT pg_advisory_xact_lock(7214480936)"))
                upgrade(connection)
        self._migrated = True

    def connection_of_its_own(self) -> Any:
        """Return a connection of the driver's that is not one of the pool. Who asks for it closes it."""
        with self._errors():
            borrowed = self._engine.raw_connection()
            connection = borrowed.driver_connection
            borrowed.detach()
            return connection

    def tidy_up(self, *, wholly: bool = False) -> None:
        """Move what SQLite's log has into its file, beside whoever reads and writes.

        *wholly*: wait for them, and leave the log empty.
        """
        if self.dialect == "sqlite" and self._migrated:
            with self._errors(), closing(self._engine.raw_connection()) as connection:
                how = "TRUNCATE" if wholly else "PASSIVE"
                connection.cursor().execute(f"PRAGMA wal_checkpoint({how})").fetchall()

    def close(self) -> None:
        """Close every connection."""
        self._engine.dispose()

    def after_fork(self) -> None:
        """In a child process: leave the parent its connections, and open others when they are needed."""
        # Never to be freed here, as that would close them:
        # https://www.sqlite.org/howtocorrupt.html#_carrying_an_open_database_connection_across_a_fork_
        self._of_the_parent = self._engine.pool
        self._engine.dispose(close=False)
        self._writer, self._patient = self._locks()

    @contextmanager
    def _transaction(self, *, write: bool, durable: bool = True) -> Iterator[Connection]:
        if not self._migrated:
            # Also the way back after a start without a database: no restart needed.
            self.migrate()
        turn = self._writer if write else nullcontext()
        with turn, self._errors(), self._engine.connect() as connection:
            connection = connection.execution_options(handover_write=write, handover_durable=durable)
            with connection.begin():
                if write and not durable and self.dialect == "postgresql":
                    connection.execute(_NO_FLUSH)
                yield connection

    @contextmanager
    def _errors(self) -> Iterator[None]:
        try:
            yield
        # `self._driver.Error`: of what does not go through SQLAlchemy (prepared.py).
        except (DBAPIError, self._driver.Error) as error:
            # `from None`: the texts of SQLAlchemy and the driver would hold values: message bodies.
            raise refused(self.url, error) from None
        except SQLAlchemyError as error:
            raise StoreUnavailable(f"the database failed: {type(error).__name__}") from error


def _engine(url: sa.engine.URL) -> Engine:
    if url.get_backend_name() != "sqlite":
        return _postgresql(url)
    # A plain pool: a connection to a SQLite file may change threads, it must only not be shared at a time.
    engine = sa.create_engine(
        url,
        future=True,
        hide_parameters=True,
        poolclass=sa.pool.QueuePool,
        pool_size=10,
        max_overflow=20,
        connect_args={"timeout": _BUSY, "check_same_thread": False},
    )
    path = private_file.path_of(url)
    if path is not None:
        sa.event.listen(engine, "do_connect", _before_first(functools.partial(private_file.make, path)))
    sa.event.listen(engine, "connect", _sqlite_settings)
    sa.event.listen(engine, "begin", _sqlite_begin)
    return engine


def _before_first(prepare: Callable[[], None]) -> Callable[..., None]:
    """Return a listener that calls *prepare* before the first connection is made, by whichever thread."""
    left, lock = [prepare], threading.Lock()

    def before_connecting(dialect: Any, record: Any, arguments: Any, options: Any) -> None:
        with lock:
            while left:
                left.pop()()

    return before_connecting


def _postgresql(url: sa.engine.URL) -> Engine:
    given = {} if url.get_driver_name() != "psycopg2" else _PATIENCE
    return sa.create_engine(
        url,
        future=True,
        hide_parameters=True,
        pool_pre_ping=True,
        pool_timeout=_BUSY,
        pool_size=10,
        max_overflow=10,
        connect_args={name: value for name, value in given.items() if name not in url.query},
    )


def _sqlite_settings(connection: Any, record: Any) -> None:
    # The driver's own BEGIN comes too late and is never IMMEDIATE: take it over, see
    # https://docs.sqlalchemy.org/en/20/dialects/sqlite.html#serializable-isolation-savepoints-transactional-ddl
    connection.isolation_level = None
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


def _sqlite_begin(connection: Connection) -> None:
    # To the driver itself: the way through SQLAlchemy costs ten times as much, and this is done for every
    # transaction.
    pooled, options = connection.connection, connection.get_execution_options()
    execute = pooled.cursor().execute
    if not options.get("handover_write"):
        execute("BEGIN")
        return
    # A flush takes the earlier transactions with it that did without.
    flush = "FULL" if options.get("handover_durable", True) else "NORMAL"
    if pooled.info.get("handover_flush") != flush:
        execute(f"PRAGMA synchronous={flush}")
        pooled.info["handover_flush"] = flush
    # A writer that begins as a reader cannot wait for its turn: SQLite answers "locked" at once.
    execute("BEGIN IMMEDIATE")
