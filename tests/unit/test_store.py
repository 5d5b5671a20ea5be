from __future__ import annotations

import logging
import sqlite3
import subprocess
import sys
import threading
import time
import traceback

import pytest
import sqlalchemy as sa
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from databases import on_postgresql, on_sqlite
from statements import statements_of

from handover_channel.errors import StoreUnavailable
from handover_channel.store import (
    Store,
    conversation_lists,
    deliveries,
    open_threads,
    page_updates,
    queue_admin,
    sent_messages,
    statistics,
    threads,
    transcript,
)
from handover_channel.store.schema import metadata
from handover_channel.store.transcript import Line

SOON = 30


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.postgres)])
def empty(request, tmp_path):
    """The URL of a database without a schema."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'new.db'}"
    return request.getfixturevalue("postgresql").create()


on_empty_sqlite = pytest.mark.parametrize("empty", ["sqlite"], indirect=True)


def tables(store):
    with store.reading() as connection:
        return set(sa.inspect(connection).get_table_names())


def _is_described(name, kind, parents):
    """Whether SQLAlchemy knows it: words are in tables of FTS5, which makes some more, and in a tsvector."""
    return kind != "table" or not name.startswith(("line_words", "searched_words"))


# --- schema ---------------------------------------------------------------------------------------


def test_the_migrations_make_exactly_the_tables_that_the_code_expects(empty):
    store = Store(empty)
    with store.reading() as connection:
        opts = {"compare_type": True, "include_name": _is_described}
        context = MigrationContext.configure(connection, opts=opts)

        assert compare_metadata(context, metadata) == []


@on_empty_sqlite
def test_the_way_to_the_newest_schema_is_nobodys_business(empty, caplog):
    caplog.set_level(logging.NOTSET, "alembic")
    caplog.set_level(logging.INFO)

    Store(empty).migrate()

    assert not [each for each in caplog.records if each.name.startswith("alembic")]


@on_empty_sqlite
def test_somebody_who_wants_to_hear_it_does(empty, caplog):
    caplog.set_level(logging.INFO, "alembic")

    Store(empty).migrate()

    assert [each for each in caplog.records if each.name.startswith("alembic")]


@on_empty_sqlite  # the look of an index is SQLite's own
def test_indexes_are_the_same_in_migrations_and_code(empty):
    def indexes(connection):
        return set(
            connection.execute(sa.text("SELECT sql FROM sqlite_master WHERE type = 'index'")).scalars()
        )

    with Store(empty).reading() as connection:
        migrated = indexes(connection)
    engine = sa.create_engine("sqlite://", future=True)
    with engine.begin() as connection:
        metadata.create_all(connection)
        expected = indexes(connection)
    engine.dispose()

    assert migrated - {None} == expected - {None}


def page_of(connection, name, **given):
    return conversation_lists.page_of(connection, name, agent="kim", now=0.0, **given)


#: What is asked often, and the index that keeps it cheap.
INDEXED = {
    "ix_threads_open": lambda connection: statistics.read(connection, now=0.0),
    "ix_threads_waiting": lambda connection: page_of(connection, "open", order="longest"),
    "ix_threads_active_at": lambda connection: page_of(connection, "bot"),
    "ix_threads_assignee": lambda connection: page_of(connection, "mine"),
    "ix_threads_unanswered": lambda connection: page_of(connection, "waiting"),
    "ix_threads_returned": lambda connection: page_of(connection, "returned"),
    "ix_threads_active_open": lambda connection: page_of(connection, "open"),
    "ix_deliveries_waiting": lambda connection: deliveries.next_of(connection, "7001"),
    "ix_deliveries_failed": lambda connection: queue_admin.failed(connection, now=0.0, limit=5),
    "ix_deliveries_oldest": lambda connection: deliveries.is_anything_waiting(connection, now=0.0),
    "ix_deliveries_done": lambda connection: page_updates.since(connection, news_id=0, change_id=0, at=0.0),
    "ix_sent_mid": lambda connection: sent_messages.is_ours(connection, "7001", "m_1"),
}


@on_empty_sqlite  # how an index is taken is SQLite's own
@pytest.mark.parametrize("index", INDEXED)
def test_what_is_asked_often_takes_the_index_that_was_made_for_it_and_sorts_nothing(empty, index):
    store = Store(empty)
    store.migrate()
    with statements_of(store) as found, store.reading() as connection:
        INDEXED[index](connection)

    plans = [plan for each in found.every if each.startswith("SELECT") for plan in [plan_of(store, each)]]
    taken = [plan for plan in plans if f"INDEX {index} " in plan]
    assert taken, plans
    assert "TEMP B-TREE FOR ORDER BY" not in " ".join(taken)


def plan_of(store, statement):
    with store.reading() as connection:
        rows = connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}").all()
    return " | ".join(f"{row[-1]} " for row in rows)


@on_empty_sqlite
def test_the_database_is_made_when_it_is_first_needed(empty, tmp_path):
    store = Store(empty)
    assert not (tmp_path / "new.db").exists()

    assert "threads" in tables(store)


def test_migrating_again_changes_nothing(store):
    store.migrate()
    before = tables(store)

    store.migrate()

    assert tables(store) == before


MIGRATE = """
import sys
from handover_channel.store import Store
print("ready", flush=True)
sys.stdin.readline()
Store(sys.argv[1]).migrate()
"""


def test_processes_that_start_at_once_migrate_once(empty):
    command = [sys.executable, "-c", MIGRATE, empty]
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
    processes = [subprocess.Popen(command, **pipes) for _ in range(2)]
    for process in processes:
        assert process.stdout.readline() == "ready\n"
    for process in processes:
        process.stdin.write("go\n")
        process.stdin.flush()

    assert [process.communicate(timeout=SOON) for process in processes] == [("", ""), ("", "")]
    assert [process.returncode for process in processes] == [0, 0]


def test_stores_that_start_at_once_in_one_process_migrate_once(empty):
    stores, problems = [Store(empty) for _ in range(4)], []
    barrier = threading.Barrier(len(stores))

    def migrate(store):
        barrier.wait(SOON)
        try:
            store.migrate()
        except StoreUnavailable as error:
            problems.append(error)

    threads = [threading.Thread(target=migrate, args=(store,)) for store in stores]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(SOON)

    assert problems == []
    assert "threads" in tables(stores[0])


# --- transactions ---------------------------------------------------------------------------------


def add(connection, text):
    transcript.add(connection, "7001", Line("person", text, 1))


def texts(store):
    with store.reading() as connection:
        return [line.text for line in transcript.of(connection, "7001")]


def test_what_is_written_is_seen_by_other_processes(store, open_store):
    with store.writing() as connection:
        add(connection, "hello")

    assert texts(open_store()) == ["hello"]


def test_a_transaction_that_fails_leaves_nothing_behind(store):
    def fails():
        with store.writing() as connection:
            add(connection, "hello")
            raise LookupError("a bug of the caller's")

    with pytest.raises(LookupError):
        fails()

    assert texts(store) == []


def test_readers_do_not_wait_for_a_writer(store, open_store):
    other = open_store()
    assert texts(other) == []
    with store.writing() as connection:
        add(connection, "not yet")

        assert texts(other) == []


@on_sqlite  # PostgreSQL's writers do not wait for each other
def test_a_second_writer_waits_for_the_first(store, open_store):
    other, order = open_store(), []
    other.migrate()
    begun = threading.Event()

    def write():
        begun.set()
        with other.writing() as connection:
            add(connection, "second")
            order.append("second")

    with store.writing() as connection:
        thread = threading.Thread(target=write)
        thread.start()
        assert begun.wait(SOON)
        add(connection, "first")
        order.append("first")
    thread.join(SOON)

    assert order == texts(store) == ["first", "second"]


@on_sqlite
def test_what_was_acknowledged_survives_a_power_cut(store):
    with store.reading() as connection:
        pragmas = [
            connection.exec_driver_sql(f"PRAGMA {name}").scalar() for name in ("journal_mode", "synchronous")
        ]

    assert pragmas == ["wal", 2]


@on_postgresql
def test_what_was_acknowledged_survives_a_power_cut_of_the_server(store):
    with store.reading() as connection:
        assert connection.exec_driver_sql("SHOW synchronous_commit").scalar() == "on"


# --- trouble --------------------------------------------------------------------------------------


def test_a_database_that_cannot_be_opened_says_which_and_what_to_do(tmp_path):
    path = tmp_path / "no" / "such" / "folder.db"

    with (
        pytest.raises(StoreUnavailable, match="create its folder") as failed,
        Store(f"sqlite:///{path}").reading(),
    ):
        pass

    assert str(path) in str(failed.value)


def test_a_file_that_is_no_database_says_which_and_what_to_do(tmp_path):
    (tmp_path / "text.db").write_text("this is not a database, and long enough to be looked at" * 20)

    with pytest.raises(StoreUnavailable, match=r"text\.db refused: file is not a database -> name another"):
        Store(f"sqlite:///{tmp_path / 'text.db'}").migrate()


def test_a_database_that_comes_back_needs_no_restart(tmp_path):
    store = Store(f"sqlite:///{tmp_path / 'later' / 'a.db'}")
    with pytest.raises(StoreUnavailable):
        tables(store)

    (tmp_path / "later").mkdir()

    assert "threads" in tables(store)


def _constraint(connection):
    connection.execute(
        sa.text("INSERT INTO claims VALUES (:thread, NULL, 1)"), {"thread": "the secret words"}
    )


def _syntax(connection):
    connection.execute(
        sa.text("SELECT nonsense FROM claims WHERE thread = :thread"), {"thread": "the secret words"}
    )


def _type(connection):
    connection.execute(
        sa.text("INSERT INTO claims VALUES (:thread, :more, 1)"), {"thread": "the secret words"}
    )


@pytest.mark.parametrize("fails", [_constraint, _syntax, _type])
def test_an_error_of_the_database_carries_no_values(store, fails):
    with pytest.raises(StoreUnavailable) as failed, store.writing() as connection:
        fails(connection)

    logged = traceback.format_exception(type(failed.value), failed.value, failed.value.__traceback__)
    assert str(failed.value).startswith("the database ")
    assert "secret words" not in "".join(line for line in logged if "File" not in line)


_OTHERS = "FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"


def end_connections_of_others(store):
    with store.reading() as connection:
        assert connection.execute(sa.text(f"SELECT count(pg_terminate_backend(pid)) {_OTHERS}")).scalar() > 0
        until = time.monotonic() + SOON
        while connection.execute(sa.text(f"SELECT count(*) {_OTHERS}")).scalar():
            assert time.monotonic() < until
            connection.execute(sa.text("SELECT pg_stat_clear_snapshot()"))
            time.sleep(0.01)


@on_postgresql
def test_connections_that_the_server_has_ended_are_not_used_again(store, open_store):
    with store.writing(), store.reading():
        pass  # there are two from here on

    for use in (store.glancing, store.writing):
        end_connections_of_others(open_store())
        with use() as connection:
            assert threads.control_of(connection, "1") is None


@on_postgresql
def test_a_connection_that_the_driver_has_closed_is_not_used_again(store):
    store.migrate()
    with store.glancing() as glance:
        glance.connection.driver_connection.close()

    assert "threads" in tables(store)


def fail_in(store):
    with store.writing(durable=False) as connection:
        threads.get_or_add(connection, "1", channel="rest", page="", now=1.0)
        _syntax(connection)


def test_a_connection_on_which_something_failed_goes_on_in_no_transaction(store):
    for _ in range(30):  # more than the pool has
        with pytest.raises(StoreUnavailable):
            fail_in(store)
        with store.glancing() as connection:
            assert threads.control_of(connection, "1") is None


@on_sqlite
def test_a_database_that_stays_locked_is_unavailable(tmp_path, monkeypatch, open_store):
    monkeypatch.setattr("handover_channel.store.engines._BUSY", 0)
    store = open_store()
    store.migrate()
    with sqlite3.connect(tmp_path / "a.db", isolation_level=None) as other:
        other.execute("BEGIN IMMEDIATE")

        with pytest.raises(StoreUnavailable, match="locked -> end the program"), store.writing():
            pass

        other.execute("ROLLBACK")


# --- transcript -----------------------------------------------------------------------------------


def test_the_transcript_shows_the_newest_lines_oldest_first(store):
    with store.writing() as connection:
        for number in range(5):
            add(connection, str(number))
        found = transcript.of(connection, "7001", limit=3)

    assert [line.text for line in found] == ["2", "3", "4"]


def test_a_line_with_a_mid_is_written_once_and_lines_without_one_each(store):
    with store.writing() as connection:
        for mid in ("m", "m", "", ""):
            transcript.add(connection, "7001", Line("person", "hello", 1, mid=mid))
        transcript.add(connection, "7002", Line("person", "hello", 1, mid="m"))

    assert len(texts(store)) == 3


@on_empty_sqlite
def test_a_page_of_the_open_threads_reads_each_part_by_its_index(empty):
    store = Store(empty)
    store.migrate()
    with statements_of(store) as found, store.reading() as connection:
        open_threads.page(connection, limit=5, after=open_threads.Place(0, 1.0, "7001"))

    plan = plan_of(store, next(each for each in found.every if each.startswith("SELECT")))
    assert "INDEX ix_threads_waiting " in plan
    assert "INDEX ix_threads_active_open " in plan
    assert "SCAN threads " not in plan.replace("SCAN threads USING INDEX", "")
