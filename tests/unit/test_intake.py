from __future__ import annotations

import hashlib
import hmac
import itertools
import json
import pickle
import select
import socket
import struct
import threading
import time
from contextlib import contextmanager

import pytest
import sqlalchemy as sa
from play import OURS

from handover_channel.errors import StoreUnavailable
from handover_channel.messenger.webhook import unmarshal
from handover_channel.queue.calls import DELIVERIES
from handover_channel.queue.claims import Begun
from handover_channel.queue.intake import PRESSED, Intake
from handover_channel.queue.ipc import BatchServer
from handover_channel.store import deliveries, findings

SOON = 10  #: seconds that nothing here should ever take
SECRET = "demo-app-secret"
STORED, AGAIN = (200, "success"), (503, "the database is out of reach")
JOB = object()  #: what was begun in a thread: only the worker looks into it


def signed(body):
    return "sha256=" + hmac.new(SECRET.encode(), body, hashlib.sha256).hexdigest(), body


def delivery(*names, thread="7001"):
    """A webhook call: (signature, body)."""
    found = [
        {"sender": {"id": thread}, "recipient": {"id": OURS}, "timestamp": 5, "message": {"mid": name}}
        for name in names
    ]
    return signed(json.dumps({"entry": [{"messaging": found}]}).encode())


def several(number, **more):
    return [delivery(f"m{each}", **more) for each in range(number)]


class Caller:
    """Rasa's process: passes on webhook calls."""

    def __init__(self, end):
        self._end = end
        self._end.settimeout(SOON)
        self._numbers = itertools.count(1)
        self._answers = {}

    def ask(self, *calls):
        """Ask all at once; return the numbers of the questions."""
        numbers = [next(self._numbers) for _ in calls]
        frames = [pickle.dumps((number, 0, ("receive", call, {}))) for number, call in zip(numbers, calls)]
        self._end.sendall(b"".join(struct.pack("!I", len(frame)) + frame for frame in frames))
        return numbers

    def answers(self, numbers):
        """Wait for the answers to these questions."""
        while not self._answers.keys() >= set(numbers):
            number, _, answer = pickle.loads(self._exactly(*struct.unpack("!I", self._exactly(4))))  # noqa: S301
            assert number not in self._answers
            self._answers[number] = answer
        return [self._answers.pop(number) for number in numbers]

    def call(self, *calls):
        return self.answers(self.ask(*calls))

    def has_heard(self):
        return bool(self._answers or select.select([self._end], [], [], 0)[0])

    def hang_up(self):
        self._end.close()

    def _exactly(self, size):
        data = b""
        while len(data) < size:
            more = self._end.recv(size - len(data))
            assert more, "the intake hung up"
            data += more
        return data


class Gate:
    """A store whose transactions wait before they are committed, and fail there where they are told to."""

    def __init__(self, store):
        self._store = store
        self.open = threading.Event()
        self.open.set()
        self.entered = threading.Event()
        self.failure = None
        self.transactions = 0

    @contextmanager
    def writing(self):
        self.transactions += 1
        with self._store.writing() as connection:
            yield connection
            self.entered.set()
            assert self.open.wait(SOON)
            if self.failure:
                raise self.failure

    def shut(self):
        self.open.clear()
        self.entered.clear()


class Hands:
    """The worker, as the intake knows it: notes what it is told. Nobody is at any thread but `busy`."""

    def __init__(self):
        self.busy = set()
        self.reserved = set()
        self.jobs = {}  #: thread -> what is begun there
        self.problem = None
        self.finishes = False  #: what comes alone is finished where it is stored
        self.finished = []
        self.begun, self.back, self.woken = [], [], []
        self.goes_on = threading.Event()
        self.goes_on.set()

    def reserve(self, threads):
        found = [thread for thread in threads if thread not in self.busy]
        assert not self.reserved & set(found)
        self.reserved |= set(found)
        return found

    def finish_at_once(self, connection, new, event):
        if not self.finishes:
            return None
        assert new["thread"] in self.reserved
        assert event == unmarshal(new["body"])
        deliveries.add_done(connection, new, outcome="kept", now=0.0)
        self.finished.append(new["thread"])
        return Begun(["kept"])

    def begin(self, connection, threads, known):
        for thread in threads:
            assert thread in self.reserved
            first = deliveries.next_of(connection, thread)
            assert known[first.body] == unmarshal(first.body)  # what was just read
            self.begun.append(thread)
            deliveries.done(connection, first.id, outcome="kept", now=0.0)
        if self.problem:
            raise self.problem
        return {thread: Begun(["kept"], self.jobs.get(thread)) for thread in threads}

    def go_on(self, begun):
        assert self.goes_on.wait(SOON)
        self.reserved -= begun.keys()
        self.back.extend((thread, found.job) for thread, found in begun.items())

    def wake(self, threads):
        self.woken.append(set(threads))


@pytest.fixture
def gate(store):
    return Gate(store)


@pytest.fixture
def worker():
    return Hands()


@pytest.fixture
def ends():
    pair = socket.socketpair()
    yield pair
    for each in pair:
        each.close()


@pytest.fixture
def caller(ends):
    return Caller(ends[0])


@pytest.fixture
def intake(gate, worker, ends, caller):
    intake = Intake(gate, SECRET, BatchServer(ends[1], DELIVERIES), worker)
    intake.start()
    yield intake
    gate.open.set()
    worker.goes_on.set()
    end(caller)


def end(caller):
    """Hang up; what the intake was at is done then, to the last word to the worker."""
    caller.hang_up()
    for thread in threading.enumerate():
        if thread.name == "handover-intake":
            thread.join(SOON)
            assert not thread.is_alive()


def stored(store):
    """Name what was stored, by arrival: (thread, mid, outcome)."""
    with store.reading() as connection:
        found = connection.execute(sa.text("SELECT thread, body, outcome FROM deliveries ORDER BY id"))
        return [(row[0], json.loads(row[1])["item"]["message"]["mid"], row[2]) for row in found]


def hold(caller, gate):
    """Have the intake in the middle of a transaction."""
    gate.shut()
    first = caller.ask(delivery("first"))
    assert gate.entered.wait(SOON)
    return first


# --- storing --------------------------------------------------------------------------------------


def test_what_is_acknowledged_is_stored(intake, caller, store):
    assert caller.call(delivery("a")) == [STORED]
    assert [mid for _, mid, _ in stored(store)] == ["a"]

    assert caller.call(delivery("b", thread="7002")) == [STORED]
    assert [mid for _, mid, _ in stored(store)] == ["a", "b"]


def test_nothing_is_acknowledged_before_it_is_stored(intake, caller, gate, store):
    first = hold(caller, gate)

    assert not caller.has_heard()
    assert stored(store) == []

    gate.open.set()
    assert caller.answers(first) == [STORED]
    assert len(stored(store)) == 1


def test_what_gathers_during_a_transaction_goes_together_into_the_next(intake, caller, gate, store):
    first = hold(caller, gate)
    waiting = caller.ask(*several(100))
    waiting += caller.ask(*several(100, thread="7002"))
    gate.open.set()

    assert caller.answers(first + waiting) == [STORED] * 201
    assert gate.transactions == 2
    assert len(stored(store)) == 201


def test_a_flood_does_not_make_the_first_wait_for_the_last(intake, caller, gate, store, monkeypatch):
    block = 10_000
    monkeypatch.setattr("handover_channel.queue.ipc._READ_AT_A_TIME", block)
    first = hold(caller, gate)
    calls = several(200)
    waiting = caller.ask(*calls)
    gate.open.set()

    assert caller.answers(first + waiting) == [STORED] * 201
    assert gate.transactions > sum(len(body) for _, body in calls) // block
    assert len(stored(store)) == 201


def test_a_flood_is_told_apart_from_a_message_now_and_then(intake, caller, gate, monkeypatch):
    now = [1000.0]
    monkeypatch.setattr("handover_channel.queue.intake.time.monotonic", lambda: now[0])
    caller.call(delivery("alone"))
    assert not intake.is_pressed()

    first = hold(caller, gate)
    waiting = caller.ask(*several(20))
    gate.open.set()
    caller.answers(first + waiting)
    assert intake.is_pressed()

    now[0] += 1
    assert not intake.is_pressed()


def test_repeats_within_a_batch_and_across_batches_are_stored_once(intake, caller, store):
    assert caller.call(delivery("a", "a", "b"), delivery("b")) == [STORED] * 2
    assert caller.call(delivery("b", "a")) == [STORED]

    assert sorted(mid for _, mid, _ in stored(store)) == ["a", "b"]


@pytest.mark.parametrize("body", [b'{"entry": []}', b'{"entry": [{"messaging": [{"message": {}}, 7]}]}'])
def test_a_delivery_that_concerns_no_thread_is_acknowledged(intake, caller, gate, worker, body):
    assert caller.call(signed(body)) == [STORED]
    end(caller)

    assert (gate.transactions, worker.begun, worker.back, worker.woken) == (0, [], [], [])


# --- what is refused ------------------------------------------------------------------------------


def test_what_is_refused_costs_nothing_of_what_comes_with_it(intake, caller, gate, store):
    _, body = delivery("forged")
    first = hold(caller, gate)
    waiting = caller.ask(
        delivery("a"), ("sha256=00", body), signed(b"not JSON"), signed(b"[]"), delivery("b", thread="7002")
    )
    gate.open.set()

    assert caller.answers(first) == [STORED]
    good, forged, not_json, no_delivery, also_good = caller.answers(waiting)
    assert (good, forged, also_good) == (STORED, (403, "invalid signature"), STORED)
    assert (not_json[0], no_delivery[0]) == (400, 400)
    assert [mid for _, mid, _ in stored(store)] == ["first", "a", "b"]


def test_a_wrong_app_secret_says_what_to_check_once_however_many_calls_are_refused(intake, caller, caplog):
    _, body = delivery("a")
    for _ in range(50):
        caller.call(("sha256=00", body))

    (said,) = [each for each in caplog.messages if "refused a webhook call" in each]
    assert "-> check `secret` in credentials.yml (Meta for Developers > App settings > Basic)" in said


def test_a_policy_that_meta_enforces_is_an_error_and_kept_until_it_is_over(intake, caller, store, caplog):
    def enforced(action):
        item = {"recipient": {"id": "1717"}, "policy_enforcement": {"action": action, "reason": "spam"}}
        return signed(json.dumps({"object": "page", "entry": [{"id": "1717", "messaging": [item]}]}).encode())

    def found():
        with store.reading() as connection:
            return [each.subject for each in findings.current(connection, now=time.time())]

    assert caller.call(enforced("block")) == [STORED]
    assert caller.call(delivery("b")) == [STORED]
    (error,) = [each for each in caplog.records if each.levelname == "ERROR"]
    assert "action block, reason: spam -> open Meta Business Support Home" in error.getMessage()
    assert found() == ["1717"]

    assert caller.call(enforced("unblock"), delivery("c")) == [STORED] * 2
    assert caller.call(delivery("d")) == [STORED]
    assert found() == []


def test_an_event_without_a_thread_is_one_line_in_the_log(intake, caller, caplog):
    item = {"recipient": {"id": "1717"}, "app_roles": {"1": ["primary_receiver"]}}
    body = json.dumps({"entry": [{"id": "1717", "messaging": [item], "changes": [{"field": "feed"}]}]})
    for _ in range(3):
        assert caller.call(signed(body.encode())) == [STORED]
    caller.call(delivery("b"))

    assert [each for each in caplog.messages if "without a thread" in each] == [
        "an event without a thread was left alone: app_roles of page 1717",
        "an event without a thread was left alone: changes of page 1717",
    ]


def test_what_is_refused_is_answered_without_a_database(intake, caller, gate):
    gate.failure = StoreUnavailable("gone")
    _, body = delivery("a")

    forged, not_json, good = caller.call(("", body), signed(b"{"), delivery("b"))

    assert (forged[0], not_json[0], good) == (403, 400, AGAIN)


def test_a_bug_in_reading_costs_that_delivery_alone(intake, caller, store, monkeypatch):
    read = deliveries.rows

    def rows(items, now):
        if "bad" in items[0].body:
            raise RuntimeError("the person's words")
        return read(items, now)

    monkeypatch.setattr("handover_channel.queue.intake.deliveries.rows", rows)

    assert caller.call(delivery("a"), delivery("bad"), delivery("b")) == [
        STORED,
        (500, "RuntimeError"),
        STORED,
    ]
    assert caller.call(delivery("later")) == [STORED]
    assert [mid for _, mid, _ in stored(store)] == ["a", "b", "later"]


# --- trouble --------------------------------------------------------------------------------------


@pytest.mark.parametrize("at", ["nobody", "worker"])
@pytest.mark.parametrize("failure", [StoreUnavailable("gone"), ValueError("a bug"), MemoryError()])
def test_a_failure_reaches_everyone_who_waits_and_the_next_is_stored(
    intake, caller, gate, store, worker, failure, at
):
    worker.busy = {"7001", "7002"} if at == "worker" else set()
    first = hold(caller, gate)
    waiting = caller.ask(*several(3, thread="7002"))
    gate.failure = failure
    gate.open.set()

    assert caller.answers(first + waiting) == [AGAIN] * 4
    assert stored(store) == []
    gate.failure = None
    assert caller.call(delivery("after", thread="7003")) == [STORED]
    assert [mid for _, mid, _ in stored(store)] == ["after"]

    end(caller)
    assert worker.woken == []
    assert worker.reserved == set()


@pytest.mark.parametrize("busy", [set(), {"7001"}])
def test_what_a_driver_says_is_not_passed_on(intake, caller, gate, worker, busy, caplog):
    worker.busy = busy
    gate.failure = ValueError("the person's words")

    assert caller.call(delivery("a")) == [AGAIN]
    assert "ValueError" in caplog.text
    assert "words" not in caplog.text


def test_who_hangs_up_during_a_transaction_leaves_it_stored_and_ends_the_intake(intake, caller, gate, store):
    hold(caller, gate)
    caller.hang_up()
    gate.open.set()

    end(caller)

    assert [mid for _, mid, _ in stored(store)] == ["first"]


def test_stopping_stores_what_is_being_stored_and_nothing_after_it(intake, caller, gate, store, worker):
    first = hold(caller, gate)
    stopping = threading.Thread(target=intake.stop)
    stopping.start()
    assert stopping.is_alive()
    gate.open.set()
    stopping.join(SOON)
    assert not stopping.is_alive()

    assert caller.answers(first) == [STORED]
    assert worker.reserved == set()  # the worker, stopped next, has everything back
    assert (
        caller.call(delivery("late"), ("", b""))
        == [(503, "the server is stopping -> wait: Meta sends it again")] * 2
    )
    assert [mid for _, mid, _ in stored(store)] == ["first"]


# --- beginning ------------------------------------------------------------------------------------


def test_a_message_that_comes_alone_is_begun_in_the_transaction_that_stores_it(
    intake, caller, gate, store, worker
):
    worker.jobs = {"7002": JOB}

    assert caller.call(delivery("a"), delivery("b", thread="7002")) == [STORED] * 2
    assert stored(store) == [("7001", "a", "kept"), ("7002", "b", "kept")]
    assert gate.transactions == 1

    end(caller)
    assert (sorted(worker.back, key=str), worker.woken) == ([("7001", None), ("7002", JOB)], [])


def test_a_message_that_comes_alone_is_not_begun_where_it_can_be_stored_as_done(
    intake, caller, store, worker
):
    worker.finishes = True

    assert caller.call(delivery("a")) == [STORED]
    assert caller.call(delivery("b", "c", thread="7002")) == [STORED]

    end(caller)
    assert (worker.finished, worker.begun, worker.woken) == (["7001"], ["7002"], [])
    assert not worker.reserved
    with store.reading() as connection:
        assert deliveries.next_of(connection, "7001") is None


def test_who_is_waited_for_is_answered_before_the_work_goes_on(intake, caller, worker):
    worker.busy = {"7002"}
    worker.goes_on.clear()

    assert caller.call(delivery("a"), delivery("b", thread="7002")) == [STORED] * 2
    assert (worker.back, worker.woken) == ([], [])

    worker.goes_on.set()
    end(caller)
    assert (worker.back, worker.woken) == ([("7001", None)], [{"7002"}])


def test_a_thread_that_somebody_is_at_is_not_begun_and_the_worker_is_told(intake, caller, store, worker):
    worker.busy = {"7002", "7003"}

    caller.call(delivery("a"), delivery("b", thread="7002"), delivery("c", thread="7003"))
    end(caller)

    assert stored(store) == [("7001", "a", "kept"), ("7002", "b", ""), ("7003", "c", "")]
    assert (worker.begun, worker.back, worker.woken) == (["7001"], [("7001", None)], [{"7002", "7003"}])


def test_in_a_flood_nothing_is_begun_and_the_worker_is_told(intake, caller, gate, store, worker):
    first = hold(caller, gate)
    waiting = caller.ask(*several(PRESSED - 1), delivery("other", thread="7002"))
    gate.open.set()
    caller.answers(first + waiting)
    end(caller)

    assert [outcome for _, _, outcome in stored(store)] == ["kept"] + [""] * PRESSED
    assert (worker.begun, worker.woken) == (["7001"], [{"7001", "7002"}])


def test_what_one_call_brings_many_of_is_stored_first_too(intake, caller, worker):
    caller.call(delivery(*map(str, range(PRESSED))))
    end(caller)

    assert (worker.begun, worker.back, worker.woken) == ([], [], [{"7001"}])


@pytest.mark.parametrize(
    "problem",
    [
        RuntimeError("the person's words"),
        MemoryError(),
        KeyError("words"),
        StoreUnavailable("a deadlock, of which this was the victim"),
    ],
)
def test_a_bug_in_beginning_does_not_cost_the_storing(intake, caller, store, worker, problem, caplog):
    worker.problem = problem

    assert caller.call(delivery("a"), delivery("b", thread="7002")) == [STORED] * 2
    assert stored(store) == [("7001", "a", ""), ("7002", "b", "")]
    assert type(problem).__name__ in caplog.text
    assert "words" not in caplog.text

    worker.problem = None
    assert caller.call(delivery("c", thread="7003")) == [STORED]
    end(caller)
    assert worker.back == [("7001", None), ("7002", None), ("7003", None)]
    assert worker.reserved == set()


def test_the_worker_is_told_of_what_a_bug_in_beginning_has_left(intake, caller, worker):
    worker.problem = RuntimeError("no")
    worker.busy = {"7002"}

    caller.call(delivery("a"), delivery("b", thread="7002"))
    end(caller)

    assert set().union(*worker.woken) == {"7001", "7002"}


def test_what_was_begun_goes_with_a_transaction_that_fails(intake, caller, gate, store, worker):
    worker.jobs = {"7001": JOB}
    gate.failure = StoreUnavailable("gone")

    assert caller.call(delivery("a")) == [AGAIN]
    gate.failure = None
    assert stored(store) == []

    assert caller.call(delivery("a")) == [STORED]
    end(caller)
    assert worker.begun == ["7001", "7001"]
    assert worker.back == [("7001", None), ("7001", JOB)]
