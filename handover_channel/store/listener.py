"""Tells other processes that there is work, and asks them for some, by `NOTIFY` and `LISTEN` of PostgreSQL.

1. It is told with the transaction that adds the work: nobody looks too early, or for nothing.
2. A process does not listen to itself: what it stored, it has already told its worker.
3. Workers look every half second anyway. Without a listener, or while it has no connection, work waits that
   long and no longer.
4. On SQLite there is nothing to listen to: all processes are on one machine, and half a second is enough for
   what the others add (the action server, the command).
5. Who finds nothing to do asks the others, who leave some of their threads (queue/worker.py).

https://www.postgresql.org/docs/current/sql-notify.html
"""

from __future__ import annotations

import logging
import selectors
import threading
import time
from typing import TYPE_CHECKING, Any, Callable, Optional

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from handover_channel import essential
from handover_channel.store import worker_names

if TYPE_CHECKING:
    from handover_channel.store import Store

logger = logging.getLogger(__name__)

_CHANNEL = "handover_work"

#: Behind the name of a process that has nothing to do.
_ASKS = " asks"

#: Seconds before a lost connection is tried again.
CONNECT_AGAIN_AFTER = 2.0
#: Seconds of silence after which the connection is asked whether it is still there.
PING_AFTER_SILENCE = 30.0

_NOTIFY = sa.text(f"SELECT pg_notify('{_CHANNEL}', :origin)")


def tell(connection: Connection) -> None:
    """Tell the workers of all other processes, once the transaction is committed, that there is work."""
    if connection.dialect.name == "postgresql":
        connection.execute(_NOTIFY, {"origin": worker_names.of_process()})


def ask(connection: Connection) -> None:
    """Ask the workers of all other processes for work, once the transaction is committed."""
    if connection.dialect.name == "postgresql":
        connection.execute(_NOTIFY, {"origin": worker_names.of_process() + _ASKS})


class Listener:
    """Calls *heard*, from a thread of its own, when another process has added work, or may have.

    *asked* is called when one asks for work.
    """

    def __init__(
        self, store: Store, heard: Callable[[], None], asked: Callable[[], None] = lambda: None
    ) -> None:
        self._store = store
        self._heard = heard
        self._asked = asked
        self._stopped = threading.Event()
        self._thread: Optional[threading.Thread] = None

    def start(self) -> None:
        """Start listening, where there is something to listen to."""
        if self._store.dialect == "postgresql":
            self._thread = essential.run_again("handover-listener", self._run, self._stopped.is_set)

    def stop(self) -> None:
        """Stop listening. Takes a second at most."""
        self._stopped.set()
        if self._thread is not None:
            self._thread.join(timeout=2)

    def _run(self) -> None:
        lost = False
        while not self._stopped.is_set():
            try:
                connection = self._store.connection_of_its_own()
                try:
                    self._subscribe(connection)
                    lost = False
                    self._listen(connection)
                finally:
                    connection.close()
            except Exception as error:  # whatever the driver raises: looking goes on without us
                if not lost:
                    logger.warning("not listening to other processes: %s", type(error).__name__)
                lost = True
                self._stopped.wait(CONNECT_AGAIN_AFTER)

    def _subscribe(self, connection: Any) -> None:
        connection.autocommit = True
        with connection.cursor() as cursor:
            cursor.execute(f"LISTEN {_CHANNEL}")
        self._heard()  # what was said before

    def _listen(self, connection: Any) -> None:
        asked_at = time.monotonic()
        with selectors.DefaultSelector() as selector:
            selector.register(connection, selectors.EVENT_READ)
            while not self._stopped.is_set():
                if selector.select(timeout=1):
                    connection.poll()
                elif time.monotonic() - asked_at > PING_AFTER_SILENCE:
                    # A connection that a firewall forgot looks like a silent one.
                    with connection.cursor() as cursor:
                        cursor.execute("SELECT 1")
                    asked_at = time.monotonic()
                said, connection.notifies[:] = list(connection.notifies), []
                others = {notice.payload for notice in said if not _is_own(notice.payload)}
                asking = {payload for payload in others if payload.endswith(_ASKS)}
                if asking:
                    self._asked()
                if others - asking:
                    self._heard()


def _is_own(payload: str) -> bool:
    own = worker_names.of_process()
    return payload in (own, own + _ASKS)
