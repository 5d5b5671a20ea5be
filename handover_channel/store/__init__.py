"""Opens the database and keeps its schema up to date; each module beside this one owns a table.

The database holds our own truth about threads: control, deliveries, deadlines, transcript, log of changes.
SQLite in WAL mode for one machine, PostgreSQL beyond it. Everything here is synchronous: callers on an event
loop run it in a thread.

Durability: what was answered with 200, and every change of control, survives a power cut (on SQLite
`synchronous=FULL`, https://www.sqlite.org/pragma.html#pragma_synchronous). A worker's notes on its own
progress survive the end of the process, but not a power cut: what they tell is then only done again.
"""

from __future__ import annotations

import logging
import threading
from contextlib import contextmanager, nullcontext
from typing import Any, ContextManager, Iterator, Tuple, Union

import sqlalchemy as sa
from sqlalchemy.engine import URL, Connection, make_url
from sqlalchemy.exc import DBAPIError, SQLAlchemyError

from handover_channel.errors import StoreUnavailable
from handover_channel.store.connections import Connections
from handover_channel.store.database_errors import refused
from handover_channel.store.engines import engine_for, in_transaction
from handover_channel.store.migrations import upgrade
from handover_channel.store.prepared import Connected

logger = logging.getLogger(__name__)

#: One view for all statements of a transaction; SQLite in WAL mode has it by itself.
#: https://www.postgresql.org/docs/current/transaction-iso.html#XACT-REPEATABLE-READ
_ONE_VIEW = sa.text("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY")
#: It costs more than it saves for a page of rows, and comes back with each page.
_NO_COMPILER = sa.text("SET LOCAL jit TO off")

_NOTHING = nullcontext()


class Store:
    """The database. Every method raises StoreUnavailable for whatever goes wrong with it."""

    def __init__(self, url: Union[str, URL]) -> None:
        self.url = make_url(url)
        self._engine = engine_for(self.url)
        self._connections = Connections(self._engine)
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

    def reading(self) -> ContextManager[Connection]:
        """Give a connection for reading."""
        return self._transaction(write=False)

    @contextmanager
    def snapshot(self) -> Iterator[Connection]:
        """Give a connection for many reads that all see the database as the first of them did."""
        with self.reading() as connection:
            if self.dialect == "postgresql":
                connection.execute(_ONE_VIEW)
                connection.execute(_NO_COMPILER)
            yield connection

    @contextmanager
    def glancing(self) -> Iterator[Connected]:
        """Give a connection for `Prepared` statements that read: half the price of `reading`."""
        if not self._migrated:
            self.migrate()
        with self._errors(), self._connections.lent() as connection:
            yield connection

    def writing(self, *, durable: bool = True) -> ContextManager[Connection]:
        """Give a connection in a transaction that is committed at the end, rolled back on an error.

        Not *durable*: it survives the end of the process, but a power cut may undo it, with what came after
        it; for what is then only done again.
        """
        return self._transaction(write=True, durable=durable)

    def migrate(self) -> None:
        """Bring the schema up to date. Safe when several processes start at once."""
        with (
            self._errors(),
            self._engine.connect() as connection,
            in_transaction(connection, write=True),
            connection.begin(),  # told to SQLAlchemy too, or Alembic would begin one of its own
        ):
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
            with self._errors(), self._connections.lent() as connection:
                how = "TRUNCATE" if wholly else "PASSIVE"
                connection.connection.cursor().execute(f"PRAGMA wal_checkpoint({how})").fetchall()

    def close(self) -> None:
        """Close every connection."""
        self._connections.close()
        self._engine.dispose()

    def after_fork(self) -> None:
        """In a child process: leave the parent its connections, and open others when they are needed."""
        # Never to be freed here, as that would close them:
        # https://www.sqlite.org/howtocorrupt.html#_carrying_an_open_database_connection_across_a_fork_
        self._of_the_parent = self._connections.leave(), self._engine.pool
        self._engine.dispose(close=False)
        self._writer, self._patient = self._locks()

    @contextmanager
    def _transaction(self, *, write: bool, durable: bool = True) -> Iterator[Connection]:
        if not self._migrated:
            # Also the way back after a start without a database: no restart needed.
            self.migrate()
        with (
            self._patient if write and not durable else _NOTHING,
            self._writer if write else _NOTHING,
            self._errors(),
            self._connections.lent() as connection,
            in_transaction(connection, write=write, durable=durable),
        ):
            yield connection

    @contextmanager
    def _errors(self) -> Iterator[None]:
        try:
            yield
        # `self._driver.Error`: of what does not go through SQLAlchemy (engines.py, prepared.py).
        except (DBAPIError, self._driver.Error) as error:
            # `from None`: the texts of SQLAlchemy and the driver would hold values: message bodies.
            raise refused(self.url, error) from None
        except SQLAlchemyError as error:
            raise StoreUnavailable(f"the database failed: {type(error).__name__}") from error
