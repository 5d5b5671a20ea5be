from __future__ import annotations

import pytest
from databases import on_postgresql

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


def test_what_is_due_next_is_known_and_in_which_thread(connection):
    assert deadlines.next_at(connection) is None
    deadlines.put(connection, "7001", TIME_LIMIT, 200.0)
    deadlines.put(connection, "7002", SETTLE, 100.0)

    assert deadlines.next_at(connection) == 100.0
    assert deadlines.is_due_in(connection, "7002", now=100.0)
    assert not deadlines.is_due_in(connection, "7001", now=100.0)


def claim_due(connection, now=100.0, until=220.0, limit=10):
    return deadlines.claim_due(connection, now=now, until=until, limit=limit)


def test_one_worker_has_a_deadline(connection):
    deadlines.put(connection, "7001", TIME_LIMIT, 100.0)

    assert claim_due(connection) == [Deadline("7001", TIME_LIMIT, 100.0)]
    assert claim_due(connection) == []
    assert due(connection, now=219.0) == []


def test_what_is_not_due_is_not_claimed(connection):
    deadlines.put(connection, "7001", TIME_LIMIT, 100.1)
    deadlines.put(connection, "7001", SETTLE, 99.0)
    deadlines.put(connection, "7002", TIME_LIMIT, 98.0)

    assert claim_due(connection, limit=1) == [Deadline("7002", TIME_LIMIT, 98.0)]
    assert claim_due(connection) == [Deadline("7001", SETTLE, 99.0)]
    assert due(connection, now=101.0) == [("7001", TIME_LIMIT, 100.1)]


def test_a_deadline_whose_worker_died_comes_again(connection):
    deadlines.put(connection, "7001", TIME_LIMIT, 100.0)
    claim_due(connection)

    assert due(connection, now=220.0) == [("7001", TIME_LIMIT, 220.0)]


def test_a_deadline_that_was_processed_is_gone(connection):
    deadlines.put(connection, "7001", TIME_LIMIT, 100.0)
    (claimed,) = claim_due(connection)

    deadlines.settled(connection, claimed, moved_to=220.0)

    assert due(connection) == []


def test_a_deadline_that_was_set_anew_meanwhile_stays(connection):
    deadlines.put(connection, "7001", TIME_LIMIT, 100.0)
    (claimed,) = claim_due(connection)
    deadlines.put(connection, "7001", TIME_LIMIT, 500.0)

    deadlines.settled(connection, claimed, moved_to=220.0)

    assert due(connection) == [("7001", TIME_LIMIT, 500.0)]


@on_postgresql
def test_workers_that_look_at_the_same_moment_share_what_is_due(store, open_store):
    other = open_store()
    with store.writing() as connection:
        for number in range(10):
            deadlines.put(connection, f"700{number}", TIME_LIMIT, float(number))

    with store.writing() as one, other.writing() as two:
        first, second = claim_due(one, limit=4), claim_due(two)

    assert [each.due_at for each in first] == [0.0, 1.0, 2.0, 3.0]
    assert [each.due_at for each in second] == [4.0, 5.0, 6.0, 7.0, 8.0, 9.0]
