from __future__ import annotations

import pytest

from handover_channel.store import deadlines
from handover_channel.store.deadlines import SETTLE, TIME_LIMIT, Deadline


@pytest.fixture
def connection(store):
    with store.writing() as connection:
        yield connection


def due(connection, now=float("inf"), limit=10):
    return [(each.thread, each.kind, each.due_at) for each in deadlines.due(connection, now=now, limit=limit)]


def test_a_deadline_is_due_at_its_time_and_not_before(connection):
    deadlines.put(connection, "7001", TIME_LIMIT, 100.0)

    assert due(connection, now=99.9) == []
    assert due(connection, now=100.0) == [("7001", TIME_LIMIT, 100.0)]


def test_the_longest_overdue_comes_first(connection):
    for number, at in enumerate((30.0, 10.0, 20.0)):
        deadlines.put(connection, f"700{number}", TIME_LIMIT, at)

    assert [at for _, _, at in due(connection, limit=2)] == [10.0, 20.0]


def test_there_is_one_deadline_of_a_kind(connection):
    deadlines.put(connection, "7001", TIME_LIMIT, 100.0)
    deadlines.put(connection, "7001", TIME_LIMIT, 200.0)
    deadlines.put(connection, "7001", SETTLE, 50.0)

    assert due(connection) == [("7001", SETTLE, 50.0), ("7001", TIME_LIMIT, 200.0)]


def test_a_deadline_is_taken_away_alone_or_with_all_of_its_thread(connection):
    for thread in ("7001", "7002"):
        for kind in (TIME_LIMIT, SETTLE):
            deadlines.put(connection, thread, kind, 1.0)

    deadlines.put(connection, "7001", SETTLE, None)
    assert ("7001", SETTLE, 1.0) not in due(connection)
    deadlines.clear(connection, "7002")

    assert due(connection) == [("7001", TIME_LIMIT, 1.0)]


def test_one_worker_has_a_deadline(connection):
    deadlines.put(connection, "7001", TIME_LIMIT, 100.0)
    (found,) = deadlines.due(connection, now=100.0, limit=1)

    assert deadlines.claim(connection, found, until=220.0)
    assert not deadlines.claim(connection, found, until=221.0)
    assert due(connection, now=219.0) == []


def test_a_deadline_whose_worker_died_comes_again(connection):
    deadlines.put(connection, "7001", TIME_LIMIT, 100.0)
    deadlines.claim(connection, Deadline("7001", TIME_LIMIT, 100.0), until=220.0)

    assert due(connection, now=220.0) == [("7001", TIME_LIMIT, 220.0)]


def test_a_deadline_that_was_worked_off_is_gone(connection):
    deadlines.put(connection, "7001", TIME_LIMIT, 100.0)
    claimed = Deadline("7001", TIME_LIMIT, 100.0)
    deadlines.claim(connection, claimed, until=220.0)

    deadlines.settled(connection, claimed, moved_to=220.0)

    assert due(connection) == []


def test_a_deadline_that_was_set_anew_meanwhile_stays(connection):
    deadlines.put(connection, "7001", TIME_LIMIT, 100.0)
    claimed = Deadline("7001", TIME_LIMIT, 100.0)
    deadlines.claim(connection, claimed, until=220.0)
    deadlines.put(connection, "7001", TIME_LIMIT, 500.0)

    deadlines.settled(connection, claimed, moved_to=220.0)

    assert due(connection) == [("7001", TIME_LIMIT, 500.0)]


def test_an_outdated_deadline_cannot_be_claimed(connection):
    deadlines.put(connection, "7001", TIME_LIMIT, 100.0)
    (found,) = deadlines.due(connection, now=100.0, limit=1)
    deadlines.put(connection, "7001", TIME_LIMIT, 500.0)

    assert not deadlines.claim(connection, found, until=220.0)
