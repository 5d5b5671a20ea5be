"""Conversations are read and saved as Rasa reads and saves them: the same rows, trackers and errors."""

from __future__ import annotations

import asyncio
import re
from pathlib import Path
from typing import Any, Callable, Dict, Iterator, List, Tuple

import pytest

pytest.importorskip("rasa", reason="Rasa stops at Python 3.10")

import sqlalchemy as sa
from rasa.core.tracker_store import SQLTrackerStore
from rasa.shared.core.domain import Domain
from rasa.shared.core.events import (
    ActionExecuted,
    BotUttered,
    Restarted,
    SessionStarted,
    SlotSet,
    UserUttered,
)
from rasa.shared.core.trackers import DialogueStateTracker
from sqlalchemy.orm import Query, Session, sessionmaker

from handover_channel.rasa.cheaper_turns import make_turns_cheaper
from handover_channel.rasa.store_checks import mend_sessions

pytestmark = [
    pytest.mark.rasa,
    pytest.mark.usefixtures("rasas_own"),
    pytest.mark.filterwarnings("ignore:Slot auto-fill has been removed:UserWarning"),
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),
    pytest.mark.filterwarnings("ignore:.*MovedIn20.*"),
    pytest.mark.filterwarnings("ignore::sqlalchemy.exc.MovedIn20Warning"),
    pytest.mark.filterwarnings("ignore::sqlalchemy.exc.SADeprecationWarning"),
]

_Make = Callable[..., SQLTrackerStore]


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.postgres)])
def make(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[_Make]:
    """Make stores, of a class, each with a database of its own."""
    domain = Domain.from_dict({"slots": {"size": {"type": "any", "mappings": [{"type": "custom"}]}}})
    made: List[SQLTrackerStore] = []

    def new(of: Any = SQLTrackerStore) -> SQLTrackerStore:
        if request.param == "sqlite":
            store = of(domain, db=str(tmp_path / f"{len(made)}.db"))
        else:
            store = of(domain, host=request.getfixturevalue("postgresql").create())
        made.append(store)
        return store

    yield new
    for store in made:
        store.engine.dispose()


def _rows(store: SQLTrackerStore) -> List[Any]:
    with store.engine.connect() as connection:
        return [tuple(row) for row in connection.execute(sa.text("SELECT * FROM events ORDER BY id"))]


def _kinds(store: SQLTrackerStore) -> List[str]:
    return [row[2] for row in _rows(store)]


def _said(text: str, at: float = 1.0) -> UserUttered:
    return UserUttered(text, {"name": "greet", "confidence": 0.9}, timestamp=at, message_id=f"m{at}")


def _saved(store: SQLTrackerStore, *events: Any, sender_id: Any = "42") -> None:
    tracker = DialogueStateTracker(sender_id, store.domain.slots)
    tracker.events.extend(events)
    asyncio.run(store.save(tracker))


# --- rows and trackers --------------------------------------------------------------------------------

#: Conversations, each of turns. The clock does not always go forward, and two events may have one time.
CONVERSATIONS: Dict[str, List[List[Any]]] = {
    "one session": [
        [ActionExecuted("action_session_start", timestamp=1), SessionStarted(timestamp=2)],
        [_said("hello", 3), SlotSet("size", {"a": [1, None]}, timestamp=4), BotUttered("hi", timestamp=5)],
        [
            _said("\u0645\u0631\u062d\u0628\u0627 \U0001f600 \x00 '", 6),
            UserUttered(None, timestamp=7),
            Restarted(timestamp=8),
        ],
    ],
    "no session": [[ActionExecuted("action_listen", timestamp=1)], [_said("hello", 2)], []],
    "several": [
        [
            SessionStarted(timestamp=1),
            _said("one", 2),
            ActionExecuted("utter_x", "Rules", 0.5, 3),
        ],
        [SessionStarted(timestamp=4), _said("two", 4), SlotSet("size", 1, timestamp=4)],
        [_said("three", 3), _said("four", 5)],
        [SessionStarted(timestamp=5), SessionStarted(timestamp=5), _said("five", 5)],
    ],
}


def _told(store: SQLTrackerStore) -> Tuple[Any, ...]:
    """Have the conversations, turn by turn; return the rows, and each tracker that was read."""

    async def talk() -> List[Any]:
        seen: List[Any] = [
            _of(await store.retrieve("nobody")),
            _of(await store.retrieve_full_tracker("nobody")),
        ]
        for number in range(4):
            for sender_id, turns in CONVERSATIONS.items():
                tracker = await store.get_or_create_tracker(sender_id, append_action_listen=False)
                for event in turns[number] if number < len(turns) else []:
                    tracker.update(event)
                    await store.save(tracker)
                await store.save(tracker)
                seen.append(_of(await store.retrieve(sender_id)))
                seen.append(_of(await store.retrieve_full_tracker(sender_id)))
        return [*seen, sorted(await store.keys())]

    return asyncio.run(talk()), _rows(store)


def _of(tracker: Any) -> Any:
    return tracker and ([event.as_dict() for event in tracker.events], tracker.current_slot_values())


def test_rows_and_trackers_are_those_of_rasa_in_any_number_of_sessions(make):
    theirs = _told(make())
    make_turns_cheaper()

    assert _told(make()) == theirs
    assert len(theirs[1]) > 15


@pytest.mark.parametrize("mended", [False, True], ids=["Rasa's sessions", "mended sessions"])
def test_a_turn_has_no_objects_made_of_rows(make, monkeypatch, mended):
    if mended:  # as in every server with one of our channels
        mend_sessions()
    make_turns_cheaper()
    store = make()
    _saved(store, _said("one"))
    for name in ("query", "add", "add_all", "flush"):
        monkeypatch.setattr(Session, name, lambda *_, **__: pytest.fail("objects were made"))

    async def turn() -> None:
        tracker = await store.retrieve("42")
        tracker.update(_said("two"))
        await store.save(tracker)

    asyncio.run(turn())

    assert _kinds(store) == ["user", "user"]


def test_a_conversation_without_news_gets_no_row(make):
    make_turns_cheaper()
    store = make()

    _saved(store)

    assert _rows(store) == []


@pytest.mark.postgres
def test_a_turn_is_read_and_saved_by_one_round_trip_each_on_postgresql(postgresql):
    make_turns_cheaper()
    url = postgresql.create()
    name = url.rpartition("/")[2]
    postgresql.run(f"ALTER DATABASE {name} SET log_statement = 'all'")
    store = SQLTrackerStore(Domain.empty(), host=url)
    _saved(store, _said("one"))
    log = postgresql.folder / "log"
    before = len(log.read_text())

    async def turn() -> None:
        tracker = await store.retrieve("42")
        tracker.update(_said("two"))
        tracker.update(BotUttered("hi"))
        await store.save(tracker)

    asyncio.run(turn())
    asked = re.findall(r"statement: *(\w+)", log.read_text()[before:])
    store.engine.dispose()

    assert asked == ["SELECT", "INSERT"]


# --- errors -------------------------------------------------------------------------------------------


def _raised(store: SQLTrackerStore, *events: Any, sender_id: Any = "42") -> Any:
    with pytest.raises(sa.exc.DBAPIError) as error:
        _saved(store, *events, sender_id=sender_id)
    return type(error.value), type(error.value.orig)


def _refused(store: SQLTrackerStore) -> Any:
    unfit = SlotSet({"no": "name"}, 1)  # type: ignore[arg-type, unused-ignore]
    seen = [
        _raised(store, _said("one"), sender_id=None),
        _raised(store, *[_said(str(number)) for number in range(1500)], unfit),
        _rows(store),
    ]
    _saved(store, _said("one"))
    seen.append(_kinds(store))
    with store.engine.begin() as connection:
        connection.execute(sa.text("DROP TABLE events"))
    with pytest.raises(sa.exc.DBAPIError) as error:
        asyncio.run(store.retrieve("42"))
    return [*seen, type(error.value), type(error.value.orig)]


def test_what_the_database_refuses_is_raised_as_before_and_leaves_no_rows(make):
    theirs = _refused(make())
    make_turns_cheaper()

    assert _refused(make()) == theirs
    assert theirs[2:4] == [[], ["user"]]


@pytest.mark.postgres
def test_a_connection_that_the_server_ended_is_told_of_as_before_and_replaced(postgresql):
    def seen() -> List[Any]:
        url = postgresql.create()
        store = SQLTrackerStore(Domain.empty(), host=url)
        _saved(store, _said("one"))
        postgresql.cut(url.rpartition("/")[2])
        raised = _raised(store, _said("two"))
        _saved(store, _said("three"), sender_id="43")
        kinds = _kinds(store)
        store.engine.dispose()
        return [raised, kinds]

    theirs = seen()
    make_turns_cheaper()

    assert seen() == theirs
    assert theirs[1] == ["user", "user"]


# --- stores of other kinds ----------------------------------------------------------------------------


class LastTwo(SQLTrackerStore):
    """A store that reads the last two events."""

    def _event_query(self, *given: Any, **named: Any) -> Any:
        last = super()._event_query(*given, **named).order_by(None).order_by(self.SQLEvent.id.desc())
        return last.limit(2).from_self().order_by(self.SQLEvent.id)


class Dated(SQLTrackerStore):
    """A store that writes after it has saved."""

    async def save(self, tracker: DialogueStateTracker) -> None:
        await super().save(tracker)
        with self.engine.begin() as connection:
            connection.execute(sa.text("UPDATE events SET timestamp = 7"))


def test_a_store_with_a_query_of_its_own_is_read_by_that(make):
    make_turns_cheaper()
    store = make(LastTwo)
    _saved(store, _said("one", 1), _said("two", 2), _said("three", 3))

    tracker = asyncio.run(store.retrieve("42"))

    assert [event.text for event in tracker.events] == ["two", "three"]


def test_a_store_that_saves_in_its_own_way_does_so(make):
    make_turns_cheaper()
    store = make(Dated)

    _saved(store, _said("one", 1), _said("two", 2))

    assert [row[3] for row in _rows(store)] == [7, 7]


def test_a_query_that_replaces_rasas_later_is_asked(make, monkeypatch):
    make_turns_cheaper()
    store = make()
    _saved(store, _said("one"))
    theirs = SQLTrackerStore._event_query

    def without_users(*given: Any, **named: Any) -> Any:
        return theirs(*given, **named).filter(SQLTrackerStore.SQLEvent.type_name != "user")

    monkeypatch.setattr(SQLTrackerStore, "_event_query", without_users)

    assert asyncio.run(store.retrieve("42")) is None


def test_who_listens_to_rows_hears_of_each(make):
    make_turns_cheaper()
    store = make()
    heard: List[str] = []

    def before_insert(mapper: Any, connection: Any, row: Any) -> None:
        heard.append("written")

    def load(row: Any, context: Any) -> None:
        heard.append("read")

    listened = [(before_insert, "before_insert"), (load, "load")]
    for listener, name in listened:
        sa.event.listen(SQLTrackerStore.SQLEvent, name, listener)
    try:
        _saved(store, _said("one"), _said("two"))
        asyncio.run(store.retrieve("42"))
    finally:
        for listener, name in listened:
            sa.event.remove(SQLTrackerStore.SQLEvent, name, listener)

    assert heard == ["written", "written", "read", "read"]


SQLEvent = SQLTrackerStore.SQLEvent

#: What each kind of object tells its listeners when a conversation is saved and read.
TOLD = [
    (SQLEvent.data, "set"),
    (SQLEvent.sender_id, "set"),
    (SQLEvent, "init"),
    (SQLEvent, "load"),
    (SQLEvent, "before_insert"),
    (SQLEvent, "after_insert"),
    *((Session, name) for name in ("before_attach", "after_attach", "before_commit", "after_begin")),
    *((Session, name) for name in ("transient_to_pending", "pending_to_persistent", "loaded_as_persistent")),
    *((Session, name) for name in ("before_flush", "do_orm_execute")),
    (Query, "before_compile"),
    (sessionmaker, "after_flush"),
]


@pytest.mark.parametrize(("told_by", "name"), TOLD)
def test_who_listens_to_any_object_hears_what_rasa_has_it_tell(tmp_path, told_by, name):
    def heard(whose: str) -> int:
        store = SQLTrackerStore(Domain.empty(), db=str(tmp_path / f"{whose}.db"))
        target = store.sessionmaker if told_by is sessionmaker else told_by
        times = []

        def listener(*_: Any, **__: Any) -> None:
            times.append(1)

        sa.event.listen(target, name, listener)
        try:
            _saved(store, _said("one"), _said("two"))
            asyncio.run(store.retrieve("42"))
        finally:
            sa.event.remove(target, name, listener)
            store.engine.dispose()
        return len(times)

    theirs = heard("theirs")
    make_turns_cheaper()

    assert heard("ours") == theirs > 0


def test_a_listener_to_the_text_of_a_row_that_masks_it_is_obeyed(make):
    make_turns_cheaper()
    store = make()

    def mask(row: Any, value: str, *_: Any) -> str:
        return value.replace("1234", "****")

    sa.event.listen(SQLEvent.data, "set", mask, retval=True)
    try:
        _saved(store, _said("1234"))
    finally:
        sa.event.remove(SQLEvent.data, "set", mask)

    assert "1234" not in str(_rows(store))


def test_who_listens_to_one_session_hears_of_its_rows(make):
    make_turns_cheaper()
    heard: List[str] = []

    class Listening(SQLTrackerStore):
        def _additional_events(self, session: Any, tracker: Any) -> Any:
            sa.event.listen(session, "before_flush", lambda session, *_: heard.extend(map(str, session.new)))
            return super()._additional_events(session, tracker)

    _saved(make(Listening), _said("one"), _said("two"))

    assert len(heard) == 2


class Masking(Session):
    """A session that masks what is added."""

    def add(self, instance: Any, *given: Any, **named: Any) -> None:
        instance.data = instance.data.replace("1234", "****")
        super().add(instance, *given, **named)

    def add_all(self, instances: Any) -> None:
        for instance in instances:
            self.add(instance)


class LastOnly(Query):  # type: ignore[type-arg, unused-ignore]
    """A query that returns the last row."""

    def all(self) -> List[Any]:
        return list(super().all()[-1:])


def test_sessions_of_a_class_of_their_own_save_in_their_own_way(make):
    make_turns_cheaper()
    store = make()
    store.sessionmaker = sessionmaker(bind=store.engine, class_=Masking)

    _saved(store, _said("1234"))

    assert "1234" not in str(_rows(store))


def test_sessions_with_queries_of_their_own_read_by_those(make):
    make_turns_cheaper()
    store = make()
    _saved(store, _said("one", 1), _said("two", 2))
    store.sessionmaker = sessionmaker(bind=store.engine, query_cls=LastOnly)

    tracker = asyncio.run(store.retrieve("42"))

    assert [event.text for event in tracker.events] == ["two"]


def test_sessions_that_read_and_write_in_two_databases_do_so(make):
    make_turns_cheaper()
    store, replica = make(), make()

    class Splitting(Session):
        def get_bind(self, *given: Any, **named: Any) -> Any:
            return store.engine if self._flushing else replica.engine

    store.sessionmaker = sessionmaker(class_=Splitting)

    _saved(store, _said("one"))

    assert (_kinds(store), _kinds(replica)) == (["user"], [])


class Audited(SQLTrackerStore):
    """A store that adds a row of its own before it saves."""

    by: Any = "audit"

    def _additional_events(self, session: Any, tracker: Any) -> Any:
        session.add(self.SQLEvent(sender_id=self.by, type_name="audit", data="{}"))
        return super()._additional_events(session, tracker)


def test_a_row_that_a_store_adds_is_saved_first_as_before(make):
    make_turns_cheaper()
    store = make(Audited)
    _saved(store, _said("one"))

    async def turn() -> None:
        tracker = await store.retrieve("42")
        tracker.update(_said("two"))
        await store.save(tracker)

    asyncio.run(turn())

    assert _kinds(store) == ["audit", "user"] * 2


def test_events_are_not_saved_without_the_row_that_a_store_adds(make):
    make_turns_cheaper()
    store = make(Audited)
    _saved(store, _said("one"))
    store.by = None  # refused

    async def turn() -> None:
        tracker = await store.retrieve("42")
        tracker.update(_said("two"))
        await store.save(tracker)

    with pytest.raises(sa.exc.IntegrityError):
        asyncio.run(turn())

    assert _kinds(store) == ["audit", "user"]


@pytest.mark.postgres
@pytest.mark.parametrize("of_the_dialect", [True, False])
def test_a_conversation_is_read_by_a_cursor_in_the_server_where_the_engine_has_those(
    postgresql, of_the_dialect
):
    make_turns_cheaper()
    store = SQLTrackerStore(Domain.empty(), host=postgresql.create())
    _saved(store, _said("one"))
    made = store.engine
    if of_the_dialect:
        store.engine = sa.create_engine(made.url, server_side_cursors=True)
    else:
        store.engine = made.execution_options(stream_results=True)
    store.sessionmaker = sessionmaker(bind=store.engine)

    tracker = asyncio.run(store.retrieve("42"))
    for each in (made, store.engine):
        each.dispose()

    assert [event.text for event in tracker.events] == ["one"]


# --- how many are stored ------------------------------------------------------------------------------


def test_events_are_stored_once_however_often_a_conversation_is_saved(make):
    make_turns_cheaper()
    store = make()

    async def talk() -> None:
        await store.save(DialogueStateTracker.from_events("42", [UserUttered("one")]))
        tracker = await store.retrieve("42")
        for text in ("two", "three"):
            tracker.update(UserUttered(text))
            await store.save(tracker)
            await store.save(tracker)
        full = await store.retrieve_full_tracker("42")
        full.update(UserUttered("four"))
        await store.save(full)

    asyncio.run(talk())

    assert _kinds(store) == ["user"] * 4


def test_a_session_that_begins_in_a_turn_is_stored_as_rasa_stores_it(make):
    def stored() -> List[str]:
        store = make()

        async def talk() -> None:
            await store.save(DialogueStateTracker.from_events("42", [UserUttered("one")]))
            tracker = await store.retrieve("42")
            tracker.update(SessionStarted())
            await store.save(tracker)
            tracker.update(UserUttered("two"))
            await store.save(tracker)

        asyncio.run(talk())
        return _kinds(store)

    theirs = stored()
    make_turns_cheaper()

    assert stored() == theirs


def test_a_turn_counts_no_events_to_save_them(make, monkeypatch):
    make_turns_cheaper()
    store = make()

    async def talk() -> None:
        await store.save(DialogueStateTracker.from_events("42", [UserUttered("one")]))
        tracker = await store.retrieve("42")
        tracker.update(UserUttered("two"))
        monkeypatch.setattr(store, "_event_query", lambda *_, **__: pytest.fail("they were counted again"))
        await store.save(tracker)

    asyncio.run(talk())

    assert _kinds(store) == ["user", "user"]
