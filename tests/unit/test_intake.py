from __future__ import annotations

import json
import threading
from contextlib import contextmanager

import pytest
import sqlalchemy as sa
from play import OURS, START

from handover_channel.errors import StoreUnavailable
from handover_channel.intake import Intake
from handover_channel.store import deliveries
from handover_channel.webhook import parse

SOON = 10  #: seconds that nothing here should ever take


def rows(*names, thread="7001"):
    found = [
        {"sender": {"id": thread}, "recipient": {"id": OURS}, "timestamp": 5, "message": {"mid": name}}
        for name in names
    ]
    return deliveries.rows(parse(json.dumps({"entry": [{"messaging": found}]}).encode()), START)


class Gate:
    """A store whose transactions wait until they may go on, and fail where they are told to."""

    def __init__(self, store):
        self._store = store
        self.open = threading.Event()
        self.open.set()
        self.entered = threading.Event()
        self.failures = []
        self.transactions = 0

    @contextmanager
    def writing(self):
        self.transactions += 1
        self.entered.set()
        assert self.open.wait(SOON)
        if self.failures:
            raise self.failures.pop(0)
        with self._store.writing() as connection:
            yield connection

    def shut(self):
        self.open.clear()
        self.entered.clear()


@pytest.fixture
def gate(store):
    return Gate(store)


@pytest.fixture
def woken():
    return []


@pytest.fixture
def intake(gate, woken):
    intake = Intake(gate, lambda threads: woken.append(set(threads)))
    intake.start()
    yield intake
    gate.open.set()
    intake.stop()


def stored(store):
    with store.reading() as connection:
        return {thread: deliveries.next_of(connection, thread) is not None for thread in ("7001", "7002")}


def hold(intake, gate):
    """Have the intake in the middle of a transaction."""
    gate.shut()
    first = intake.put(rows("first"))
    assert gate.entered.wait(SOON)
    return first


def test_what_is_acknowledged_is_stored_and_the_worker_is_told(intake, store, woken):
    intake.put(rows("a")).result(SOON)
    intake.put(rows("b", thread="7002")).result(SOON)
    intake.stop()

    assert stored(store) == {"7001": True, "7002": True}
    assert woken == [{"7001"}, {"7002"}]


def test_nothing_is_acknowledged_before_it_is_stored(intake, gate):
    first = hold(intake, gate)

    assert not first.done()

    gate.open.set()
    first.result(SOON)


def test_what_gathers_during_a_transaction_goes_together_into_the_next(intake, gate):
    first = hold(intake, gate)
    waiting = [intake.put(rows(f"m{number}")) for number in range(200)]
    gate.open.set()

    for future in [first, *waiting]:
        future.result(SOON)

    assert gate.transactions == 2


def test_a_flood_is_told_apart_from_a_message_now_and_then(intake, gate, monkeypatch):
    now = [1000.0]
    monkeypatch.setattr("handover_channel.intake.time.monotonic", lambda: now[0])
    intake.put(rows("alone")).result(SOON)
    assert not intake.is_pressed()

    first = hold(intake, gate)
    waiting = [intake.put(rows(f"m{number}")) for number in range(20)]
    gate.open.set()
    for future in [first, *waiting]:
        future.result(SOON)
    assert intake.is_pressed()

    now[0] += 1
    assert not intake.is_pressed()


def test_a_flood_does_not_make_the_first_wait_for_the_last(intake, gate, monkeypatch):
    monkeypatch.setattr("handover_channel.intake._MOST", 50)
    first = hold(intake, gate)
    waiting = [intake.put(rows(f"m{number}")) for number in range(200)]
    gate.open.set()

    for future in [first, *waiting]:
        future.result(SOON)

    assert gate.transactions == 1 + 200 // 50


@pytest.mark.parametrize("failure", [StoreUnavailable("gone"), ValueError("a bug"), MemoryError()])
def test_a_failure_reaches_everyone_who_waits_and_the_next_is_stored(intake, gate, store, woken, failure):
    first = hold(intake, gate)
    waiting = [intake.put(rows(f"m{number}", thread="7002")) for number in range(3)]
    gate.failures = [failure, failure]
    gate.open.set()

    for future in [first, *waiting]:
        with pytest.raises(StoreUnavailable):
            future.result(SOON)
    assert (stored(store), woken) == ({"7001": False, "7002": False}, [])

    intake.put(rows("after")).result(SOON)
    assert stored(store)["7001"]


def test_what_a_driver_says_is_not_passed_on(intake, gate):
    gate.failures = [ValueError("the person's words")]

    with pytest.raises(StoreUnavailable) as failed:
        intake.put(rows("a")).result(SOON)

    assert "words" not in str(failed.value)


def test_a_caller_who_has_hung_up_stops_nobody_else(intake, gate, store):
    first = hold(intake, gate)
    gone, other = intake.put(rows("gone")), intake.put(rows("other", thread="7002"))
    assert gone.cancel()
    gate.open.set()

    first.result(SOON)
    other.result(SOON)
    intake.put(rows("later")).result(SOON)

    assert stored(store) == {"7001": True, "7002": True}


def test_stopping_writes_what_was_put(intake, gate, store):
    hold(intake, gate)
    last = intake.put(rows("last", thread="7002"))
    stopping = threading.Thread(target=intake.stop)
    stopping.start()
    gate.open.set()
    stopping.join(SOON)

    assert last.done()
    assert stored(store) == {"7001": True, "7002": True}


def test_repeats_within_a_batch_and_across_batches_are_stored_once(intake, store):
    intake.put(rows("a", "a", "b")).result(SOON)
    intake.put(rows("b", "a")).result(SOON)

    with store.reading() as connection:
        assert connection.execute(sa.text("SELECT count(*) FROM deliveries")).scalar() == 2


def test_a_delivery_of_nothing_that_concerns_a_thread_is_acknowledged(intake):
    intake.put([]).result(SOON)
