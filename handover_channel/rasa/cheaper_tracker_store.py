"""Reads and saves conversations in SQL as Rasa does, for less.

1. Reading asks for the one column that is used, by a statement that is built once. Rasa builds a query with a
   subquery anew each time, and has SQLAlchemy make an object of each row.
2. Saving inserts all rows by one call. Rasa has SQLAlchemy's unit of work find out that there are new rows.
3. How many events of a conversation are stored is known from reading them. Rasa counts them again when it
   saves. The conversation's lock is held from one to the other.
4. On PostgreSQL the statement that reads, and the one that inserts, is a transaction of its own.

A store whose queries, rows or sessions are its own has SQLAlchemy's objects, and so has one to whose rows or
sessions anybody listens, or whose session has objects already.
"""

from __future__ import annotations

import itertools
import json
import logging
import weakref
from contextlib import contextmanager
from typing import Any, Callable, Dict, Iterator, List

import sqlalchemy as sa
from rasa.shared.core.events import Event, SessionStarted
from rasa.shared.core.trackers import DialogueStateTracker
from sqlalchemy.engine import Connection
from sqlalchemy.orm import Query, Session, sessionmaker

from handover_channel.rasa.rasa_versions import sql_tracker_store
from handover_channel.rasa.savings import Saving

SQLTrackerStore: Any = sql_tracker_store()

#: Rasa's: those who read its lines read them as before.
_rasas_logger = logging.getLogger(SQLTrackerStore.__module__)

#: On a tracker: how many of its events are stored.
_EVENTS_READ = "_handover_stored_events"

#: What a session may choose the database by.
_BIND: Any = {"mapper": SQLTrackerStore.SQLEvent}

_Method = Callable[..., Any]


# --- reading ------------------------------------------------------------------------------------------


def _by_a_statement_built_once(_: _Method) -> _Method:
    is_plain = _plain()
    statements = {every: _reading(every) for every in (False, True)}

    async def _retrieve(store: Any, sender_id: str, fetch_events_from_all_sessions: bool) -> Any:
        # All in the scope: a ValueError ends Rasa there.
        with store.session_scope() as session:
            every = bool(fetch_events_from_all_sessions)
            if is_plain(store, session):
                with _alone(session.connection(_BIND)) as connection:
                    rows = connection.execute(statements[every], {"sender_id": sender_id}).all()
            else:
                rows = store._event_query(session, sender_id, fetch_events_from_all_sessions=every).all()
            events = [json.loads(row.data) for row in rows]
            if not store.domain or not events:
                _rasas_logger.debug(
                    "Can't retrieve tracker matching sender id '%s' from SQL storage. "
                    "Returning `None` instead.",
                    sender_id,
                )
                return None
            _rasas_logger.debug("Recreating tracker from sender id '%s'", sender_id)
            tracker = DialogueStateTracker.from_dict(sender_id, events, store.domain.slots)
            if not every:
                setattr(tracker, _EVENTS_READ, len(tracker.events))
            return tracker

    return _retrieve


def _reading(every: bool) -> Any:
    """Return `SQLTrackerStore._event_query`, for the data alone. *every*: of all sessions."""
    events = SQLTrackerStore.SQLEvent.__table__.c
    of_the_sender = events.sender_id == sa.bindparam("sender_id")
    begun = sa.func.max(events.timestamp).label("session_start")
    begins = of_the_sender, events.type_name == SessionStarted.type_name
    start = sa.select(begun).where(*begins).subquery().c.session_start
    statement = sa.select(events.data).where(of_the_sender).order_by(events.id)
    return statement if every else statement.where(sa.or_(events.timestamp >= start, start.is_(None)))


# --- saving -------------------------------------------------------------------------------------------


def _by_one_insert(_: _Method) -> _Method:
    is_plain = _plain()
    insert = SQLTrackerStore.SQLEvent.__table__.insert()

    async def save(store: Any, tracker: Any) -> None:
        await store.stream_events(tracker)
        with store.session_scope() as session:
            events = store._additional_events(session, tracker)
            rows = [_row(tracker.sender_id, event) for event in events]
            if not is_plain(store, session):
                session.add_all([store.SQLEvent(**row) for row in rows])
            elif rows:  # none would be a row of nothing
                with _alone(session.connection(_BIND), len(rows)) as connection:
                    connection.execute(insert, rows)
            session.commit()
        _rasas_logger.debug("Tracker with sender_id '%s' stored to database", tracker.sender_id)

    return save


def _row(sender_id: str, event: Event) -> Dict[str, Any]:
    data = event.as_dict()
    return {
        "sender_id": sender_id,
        "type_name": event.type_name,
        "timestamp": data.get("timestamp"),
        "intent_name": data.get("parse_data", {}).get("intent", {}).get("name"),
        "action_name": data.get("name"),
        "data": json.dumps(data),
    }


def _known_from_reading(additional: Callable[..., Iterator[Event]]) -> _Method:
    def _additional_events(store: Any, session: Any, tracker: Any) -> Iterator[Event]:
        # Once: a session that began meanwhile has a count of its own.
        stored = tracker.__dict__.pop(_EVENTS_READ, None)
        if stored is None:
            return additional(store, session, tracker)
        return itertools.islice(tracker.events, stored, len(tracker.events))

    return _additional_events


# --- round trips --------------------------------------------------------------------------------------


@contextmanager
def _alone(connection: Connection, rows: int = 1) -> Iterator[Connection]:
    """On PostgreSQL, have one statement be the whole transaction: no BEGIN before it, nothing after it.

    Not where a transaction is under way, where it is not the usual one, where many *rows* take several
    statements, or where the driver has a cursor in the server, which is one of a transaction. A switch of the
    driver's own, without a round trip: https://www.psycopg.org/docs/connection.html#connection.autocommit
    """
    dialect, driver = connection.dialect, connection.connection.driver_connection
    if not (
        dialect.driver == "psycopg2"
        and _is_one_statement(dialect, rows)
        and _is_usual(driver)
        and not (dialect.server_side_cursors or connection.get_execution_options().get("stream_results"))
    ):
        yield connection
        return
    driver.autocommit = True
    try:
        yield connection
    finally:
        if not driver.closed:
            driver.autocommit = False


def _is_one_statement(dialect: Any, rows: int) -> bool:
    return rows == 1 or (
        dialect.insert_executemany_returning and rows <= (dialect.executemany_values_page_size or 0)
    )


def _is_usual(driver: Any) -> bool:
    is_idle = driver.info.transaction_status == 0  # TRANSACTION_STATUS_IDLE
    settings = driver.isolation_level, driver.readonly, driver.deferrable
    return is_idle and not driver.autocommit and settings == (None, None, None)


# --- whose store it is --------------------------------------------------------------------------------


def _plain() -> Callable[[Any, Any], bool]:
    """Return what tells of a store and its session whether SQLAlchemy's objects make no difference."""
    query, rows = SQLTrackerStore._event_query, SQLTrackerStore.SQLEvent
    usual = sessionmaker().kw
    is_listened_to = _is_listened_to()

    def is_plain(store: Any, session: Any) -> bool:
        made_by = store.sessionmaker
        return bool(
            getattr(store._event_query, "__func__", None) is query
            and getattr(store.session_scope, "__func__", None) is SQLTrackerStore.session_scope
            and store.SQLEvent is rows
            and type(made_by) is sessionmaker
            and made_by.kw == {**usual, "bind": store.engine}
            and type(session) is made_by.class_
            and type(session).__bases__ == (Session,)  # each maker makes a class of its own
            and not list(session)  # what waits there goes with ours, and before it
            and not is_listened_to(session)
        )

    return is_plain


def _is_listened_to() -> Callable[[Session], bool]:
    """Return what tells whether anybody listens to Rasa's rows, to queries or to a session, for any event."""
    rows = SQLTrackerStore.SQLEvent
    mapper = sa.inspect(rows)
    instances = mapper.class_manager
    listened = [(each.dispatch, name) for each in (mapper, instances, Query(rows)) for name in _events(each)]
    listened.remove((instances.dispatch, "init"))  # one of SQLAlchemy's own listens there
    # Rows are made and read without another event of an attribute.
    listened += [(each.dispatch, "set") for each in instances.values()]
    of_kinds: Any = weakref.WeakKeyDictionary()

    def is_listened_to(session: Session) -> bool:
        kind = type(session)
        if "dispatch" in vars(session):  # asked for by who listens to this one
            of_session = _listeners(session)
        elif kind in of_kinds:
            of_session = of_kinds[kind]
        else:
            of_session = of_kinds[kind] = _listeners(kind())
        of_rows = (getattr(dispatch, name) for dispatch, name in listened)
        return any(of_session) or len(instances.dispatch.init) > 1 or any(of_rows)

    return is_listened_to


def _events(target: Any) -> List[str]:
    return list(target.dispatch._event_names)


def _listeners(target: Any) -> List[Any]:
    return [getattr(target.dispatch, name) for name in _events(target)]


OF_THE_STORE = Saving(
    "reading and saving conversations",
    SQLTrackerStore,
    {
        "_retrieve": _by_a_statement_built_once,
        "save": _by_one_insert,
        "_additional_events": _known_from_reading,
    },
    written_for={
        "_retrieve": "097d43e4a023761d",
        "save": "40c85e53007d9a74",
        "_additional_events": "e6d9422d39295e29",
        "_event_query": "6926faba1493084e",
        "session_scope": "d8fadd3bd23f53a3",
        "SQLEvent": "799271045e3c4c1b",
    },
    calls=("session_scope",),
)
