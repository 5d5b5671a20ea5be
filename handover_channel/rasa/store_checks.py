"""Checks before a turn, off the event loop, that Rasa's tracker store and lock store can be reached.

1. Rasa answers from an empty tracker where the real one cannot be read (`FailSafeTrackerStore`): slots, forms
   and history are gone, and nobody is told. The first query after a restart of the database fails like that,
   as a pool keeps dead connections. So each connection is tried, and renewed, as the pool gives it out, to a
   turn and to the HTTP API alike; and before a turn the database has to answer.
   https://docs.sqlalchemy.org/en/14/core/pooling.html#disconnect-handling-pessimistic
2. A turn without a lock fails, and three failures give a delivery up. Without Redis it waits instead.
3. The lock of a process that was killed stays in Redis for a minute. Who takes its turn up again has the
   claim on the thread, so that nobody else can be in a turn, and does not wait for it.
4. Rasa's SQL tracker store ends the whole server (`print_error_and_exit`) on any ValueError: a conversation
   id that the database cannot store (anybody on `rest` may choose one), a PostgreSQL schema that is missing.
   One conversation fails instead.

Rasa 3.6.21: `rasa.core.tracker_store`, `rasa.core.lock_store`. Synchronous.
"""

from __future__ import annotations

import contextlib
import functools
import weakref
from typing import Any, Iterator

import sqlalchemy as sa
from sqlalchemy.exc import InvalidatePoolError, SQLAlchemyError

from handover_channel.errors import NotReady

_GOES_ON_MARK = "_handover_goes_on"

#: Engines whose pools try a connection before they give it out.
_TRYING: weakref.WeakSet[Any] = weakref.WeakSet()


def mend_sessions() -> None:
    """Have Rasa's SQL tracker store raise an error instead of ending the server, and use no dead connection.

    Harmless to repeat.
    """
    # Here: all else in this module needs no Rasa.
    from rasa.shared.exceptions import RasaException

    from handover_channel.rasa.rasa_versions import sql_tracker_store

    store_class = sql_tracker_store()
    exits = store_class.session_scope
    if hasattr(exits, _GOES_ON_MARK):
        return

    @contextlib.contextmanager
    @functools.wraps(exits)
    def session_scope(store: Any) -> Iterator[Any]:
        # Here, as `PUT /model` makes another store with an engine of its own.
        _use_no_dead_connection(store.engine)
        try:
            with exits(store) as session:
                yield session
        except SystemExit:
            raise RasaException(
                "the tracker store's database takes no such conversation id or value, or has no such "
                "schema -> let the channel give other ids, or correct tracker_store in endpoints.yml"
            ) from None

    setattr(session_scope, _GOES_ON_MARK, True)
    store_class.session_scope = session_scope


def are_at_hand(agent: Any) -> bool:
    """Tell whether there is nothing to reach: locks in memory, trackers there too or in a file."""
    return type(agent.lock_store).__name__ == "InMemoryLockStore" and _server(agent) is None


def expect_reachable(agent: Any, thread: str) -> None:
    """Raise NotReady unless a turn in *thread* finds its tracker and its lock."""
    _expect_lock_store(agent.lock_store, thread)
    engine = _server(agent)
    if engine is not None:
        _expect_database(engine)


def forget_lock(agent: Any, thread: str) -> None:
    """Take away the lock that an interrupted turn has left. Raises NotReady."""
    try:
        agent.lock_store.delete_lock(thread)
    except Exception as error:
        raise _without_locks(error) from None


def _expect_lock_store(store: Any, thread: str) -> None:
    try:
        store.get_lock(thread)
    except Exception as error:  # each kind of store raises its own
        raise _without_locks(error) from None


def _without_locks(error: Exception) -> NotReady:
    return NotReady(
        f"Rasa's lock store is out of reach ({type(error).__name__}) -> start it, or correct lock_store "
        "in endpoints.yml"
    )


def _expect_database(engine: Any) -> None:
    _use_no_dead_connection(engine)
    try:
        engine.connect().close()  # the pool gives out what answers
    except SQLAlchemyError:
        raise NotReady(
            "Rasa's tracker store is out of reach -> start it, or correct tracker_store in endpoints.yml"
        ) from None


def _use_no_dead_connection(engine: Any) -> None:
    """Have the pool of *engine* try a connection before it gives it out. Harmless to repeat."""
    if engine.dialect.name == "sqlite" or engine in _TRYING:
        return
    _TRYING.add(engine)

    def expect_alive(connection: Any, *_: Any) -> None:
        try:
            alive = engine.dialect.do_ping(connection)
        except engine.dialect.dbapi.Error:
            alive = False
        if not alive:
            raise InvalidatePoolError  # the pool renews this one, and throws away all others

    sa.event.listen(engine, "checkout", expect_alive)


def _server(agent: Any) -> Any:
    """Return the engine of the tracker store's database server, None where there is none."""
    engine = getattr(_unwrapped(agent.tracker_store), "engine", None)
    return None if engine is None or engine.dialect.name == "sqlite" else engine


def _unwrapped(store: Any) -> Any:
    while hasattr(store, "_tracker_store"):  # FailSafeTrackerStore, AwaitableTrackerStore
        store = store._tracker_store
    return store
