from __future__ import annotations

from types import SimpleNamespace

import pytest
import sqlalchemy as sa

from handover_channel.errors import NotReady
from handover_channel.rasa.store_checks import are_at_hand, expect_reachable, forget_lock


class Locks:
    """Rasa's lock store, as far as it is asked."""

    def __init__(self, fails=None):
        self.fails, self.locks = fails, {"7001": "a ticket of a process that was killed"}

    def get_lock(self, thread):
        if self.fails:
            raise self.fails
        return self.locks.get(thread)

    def delete_lock(self, thread):
        self.get_lock(thread)
        self.locks.pop(thread, None)


def agent(engine=None, locks=None):
    # As Rasa wraps it: FailSafeTrackerStore around the store itself.
    store = SimpleNamespace(_tracker_store=SimpleNamespace(engine=engine) if engine else SimpleNamespace())
    return SimpleNamespace(tracker_store=store, lock_store=locks or Locks())


@pytest.fixture
def engine(postgresql):
    engine = sa.create_engine(postgresql.create(), future=True)
    yield engine
    engine.dispose()


def ask(engine):
    with engine.connect() as connection:
        return connection.execute(sa.text("SELECT 7")).scalar()


@pytest.mark.postgres
def test_rasas_next_query_after_a_restart_of_its_database_does_not_fail(engine, postgresql):
    ask(engine)
    postgresql.cut(engine.url.database)

    expect_reachable(agent(engine), "7001")

    assert ask(engine) == 7


@pytest.mark.postgres
def test_of_many_connections_that_died_later_on_none_is_given_out(engine, postgresql):
    expect_reachable(agent(engine), "7001")
    open_ones = [engine.connect() for _ in range(3)]
    for each in open_ones:
        each.close()

    for _ in range(2):
        postgresql.cut(engine.url.database)
        assert [ask(engine) for _ in range(4)] == [7] * 4


@pytest.mark.postgres
def test_without_a_look_rasas_next_query_would_fail(engine, postgresql):
    ask(engine)
    postgresql.cut(engine.url.database)

    with pytest.raises(sa.exc.OperationalError):
        ask(engine)


@pytest.mark.postgres
def test_without_the_database_of_the_trackers_the_bot_waits(postgresql):
    engine = sa.create_engine(postgresql.url("no_such_database"), future=True)

    with pytest.raises(NotReady, match="tracker store is out of reach"):
        expect_reachable(agent(engine), "7001")


def test_trackers_in_a_file_or_in_memory_are_not_asked_for():
    unreachable = sa.create_engine("sqlite:////no/such/folder/rasa.db", future=True)

    expect_reachable(agent(unreachable), "7001")
    expect_reachable(agent(), "7001")


def test_without_the_lock_store_the_bot_waits():
    with pytest.raises(NotReady, match=r"lock store is out of reach \(ConnectionError\)"):
        expect_reachable(agent(locks=Locks(ConnectionError("redis:6379 refused"))), "7001")
    with pytest.raises(NotReady, match="lock store is out of reach"):
        forget_lock(agent(locks=Locks(ConnectionError())), "7001")


def test_the_lock_of_an_interrupted_turn_is_taken_away():
    locks = Locks()

    forget_lock(agent(locks=locks), "7001")

    assert locks.locks == {}


class InMemoryLockStore(Locks):
    """Rasa's, by its name."""


@pytest.mark.parametrize(
    ("database", "locks", "at_hand"),
    [
        (None, InMemoryLockStore(), True),
        ("sqlite://", InMemoryLockStore(), True),
        ("postgresql://elsewhere", InMemoryLockStore(), False),
        (None, Locks(), False),
    ],
)
def test_only_what_a_server_keeps_has_to_be_reached(database, locks, at_hand):
    engine = database and SimpleNamespace(dialect=sa.engine.make_url(database).get_dialect())

    assert are_at_hand(agent(engine, locks)) is at_hand
