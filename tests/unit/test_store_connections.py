"""Connections between two uses: one at a time, none that is dead, none that somebody waits for."""

from __future__ import annotations

import threading

import pytest
import sqlalchemy as sa
from databases import on_postgresql

from handover_channel.errors import StoreUnavailable
from handover_channel.store import engines

SOON = 30


@pytest.fixture(autouse=True)
def ready(store):
    store.migrate()


def driver_of(connection):
    return connection.connection.driver_connection


def checkouts(store):
    """The list of what the pool gives out from here on."""
    found = []
    sa.event.listen(store._engine, "checkout", lambda driver, record, proxy: found.append(driver))
    return found


def test_one_after_another_use_one_connection_without_asking_the_pool_again(store):
    with store.writing() as connection:
        first = driver_of(connection)
    asked = checkouts(store)

    for use in (store.writing, store.reading, store.glancing, store.writing):
        with use() as connection:
            assert driver_of(connection) is first

    assert asked == []


def test_two_at_a_time_never_have_the_same_connection(store):
    with store.reading():
        pass
    in_use, seen_twice, lock = set(), [], threading.Lock()

    def use():
        for _ in range(50):
            with store.reading() as connection:
                mine = id(driver_of(connection))
                with lock:
                    seen_twice.extend(in_use & {mine})
                    in_use.add(mine)
                connection.execute(sa.text("SELECT count(*) FROM threads")).scalar()
                with lock:
                    in_use.remove(mine)

    threads = [threading.Thread(target=use) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(SOON)

    assert seen_twice == []
    assert not in_use


def test_a_connection_that_somebody_waits_for_goes_back_to_the_pool(store):
    most = store._engine.pool.size() + store._engine.pool._max_overflow
    lent = [store.reading() for _ in range(most)]
    for each in lent:
        each.__enter__()
    got = threading.Event()

    def wait():
        with store.reading():
            got.set()

    waiting = threading.Thread(target=wait)
    waiting.start()
    try:
        assert not got.wait(0.1)
        lent.pop().__exit__(None, None, None)
        assert got.wait(5)
    finally:
        for each in lent:
            each.__exit__(None, None, None)
        waiting.join(SOON)


def test_what_a_reader_began_with_sqlalchemy_is_over_for_the_next(store):
    with store.reading() as connection:
        connection.execute(sa.text("SELECT 1"))

    with store.writing() as connection:
        assert not connection.in_transaction()


def test_a_closed_store_keeps_no_connection_and_opens_others_when_asked(store):
    with store.writing() as connection:
        first = driver_of(connection)
        store.close()  # while one is lent
    with store.writing() as connection:
        second = driver_of(connection)
    store.close()

    assert second is not first
    with pytest.raises(store._driver.Error):
        second.cursor().execute("SELECT 1")


def test_a_connection_that_can_be_neither_committed_nor_rolled_back_is_used_by_nobody_again(store):
    found = []

    def break_it():
        with store.writing() as connection:
            found.append(driver_of(connection))
            found[0].close()

    with pytest.raises(StoreUnavailable):
        break_it()

    with store.writing() as connection:
        assert driver_of(connection) is not found[0]


@on_postgresql
def test_a_kept_connection_that_the_server_has_ended_is_not_used_again(store, open_store):
    with store.writing() as connection:
        first = driver_of(connection)
    with open_store().reading() as other:
        ended = sa.text("SELECT pg_terminate_backend(:pid, 5000)")
        assert other.execute(ended, {"pid": first.info.backend_pid}).scalar()

    with store.writing() as connection:
        assert driver_of(connection) is not first
        assert connection.execute(sa.text("SELECT 1")).scalar() == 1


def test_no_connection_stays_out_where_only_a_ping_tells_whether_it_is_dead(open_store, monkeypatch):
    monkeypatch.setattr(engines, "_CAN_LOOK", False)  # as on Windows
    store = open_store()
    with store.writing():
        pass
    asked = checkouts(store)

    with store.writing():
        pass

    assert bool(asked) is (store.dialect == "postgresql")
