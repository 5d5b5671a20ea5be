"""Deliveries that are begun in the transaction that stores them."""

from __future__ import annotations

import asyncio
from contextlib import contextmanager, suppress

import pytest
import sqlalchemy as sa
from play import START
from workplace import (
    PSID,
    claimants,
    eventually,
    failing,
    is_done,
    outcomes,
    real_sleep,
    receive,
    rows,
)

from handover_channel.queue import worker as worker_module
from handover_channel.queue.claims import CLAIM_SECONDS, Begun


class Intake:
    """Stores as queue/intake.py does: begins in the same transaction. `go_on` hands over what was begun."""

    def __init__(self, process):
        self._process = process
        self.begun = {}

    @contextmanager
    def writing(self):
        with self._process.store.writing() as connection:
            yield connection
            self.begun = self._process.worker.begin(connection, self.begun, {})

    def take_in(self, *texts, thread=PSID, **more):
        reserved = self._process.worker.reserve([thread])
        assert reserved == [thread]
        self.begun = dict.fromkeys(reserved, Begun())
        receive(self, *texts, thread=thread, **more)

    def go_on(self):
        self._process.worker.go_on(self.begun)


@pytest.fixture
def never_looking(monkeypatch, impatient):
    """A worker that looks for work at its start, and then only hears of it."""
    monkeypatch.setattr(worker_module, "LOOK_FOR_WORK_EVERY", 1000)


def claim_on(store, thread):
    with store.reading() as connection:
        query = sa.text("SELECT until FROM claims WHERE thread = :thread")
        return connection.execute(query, {"thread": thread}).scalar()


async def running(process):
    """Start *process* and have its first look over."""
    receive(process.store, "first", thread="first")
    process.start()
    await eventually(is_done(process.store))
    await eventually(lambda: process.worker.is_idle)
    return process


async def test_a_message_to_a_muted_thread_is_done_in_the_transaction_that_stores_it(
    place, store, never_looking
):
    process = await running(place())
    process.thread_control.hand_over(PSID, "inbox")
    with store.writing() as connection:  # Rasa has its slots already
        connection.execute(sa.text("DELETE FROM deliveries WHERE kind = 'muted'"))

    intake = Intake(process)
    intake.take_in("hello?", "anybody?", at=START + 60)

    # Nobody else had a chance to: this loop is the worker's.
    assert outcomes(store)[1:] == ["kept", "kept"]
    assert (intake.begun, claimants(store)) == ({PSID: Begun(["kept", "kept"])}, [])
    intake.go_on()
    assert process.worker.reserve([PSID]) == [PSID]
    assert [line.text for line in process.thread_control.status(PSID).transcript] == ["hello?", "anybody?"]
    assert process.bot.said[PSID] == []


async def test_a_message_that_the_bot_answers_is_begun_in_the_transaction_that_stores_it(
    place, store, never_looking
):
    process = await running(place())
    intake = Intake(process)

    intake.take_in("one", "two")

    assert rows(store)[1:] == [(PSID, "", 1, 0), (PSID, "", 0, 0)]
    assert claimants(store) == [process.worker._claims.worker]
    intake.go_on()
    await eventually(is_done(store))
    assert rows(store)[1:] == [(PSID, "answered", 1, 0)] * 2
    assert process.bot.begun[1:] == [(PSID, "one"), (PSID, "two")]
    await eventually(lambda: process.worker.is_idle)
    assert claimants(store) == []


async def test_what_is_begun_comes_after_what_waits_already(place, store, never_looking):
    process = await running(place())
    intake = Intake(process)
    receive(store, "before")

    intake.take_in("after", at=START + 1)
    intake.go_on()

    await eventually(is_done(store))
    assert process.bot.said[PSID] == ["before", "after"]


async def test_a_transaction_that_is_undone_leaves_nothing_begun(place, store, never_looking):
    process = await running(place())
    worker = process.worker
    receive(store, "hello")

    reserved = worker.reserve([PSID])
    with suppress(ZeroDivisionError), store.writing() as connection:
        assert worker.begin(connection, reserved, {})[PSID].job is not None
        raise ZeroDivisionError
    worker.go_on(dict.fromkeys(reserved, Begun()))

    assert (rows(store)[1:], claimants(store)) == ([(PSID, "", 0, 0)], [])
    assert worker.reserve([PSID]) == [PSID]


async def test_a_thread_that_another_process_works_off_is_left_to_it(place, store):
    process, other, go_on = place(), place(), asyncio.Event()
    other.bot.during = lambda thread, text: go_on.wait()
    receive(store, "one")
    other.start()
    await eventually(lambda: other.bot.begun)
    process.start()
    await eventually(lambda: process.worker._loop is not None)

    intake = Intake(process)
    intake.take_in("two", at=START + 1)
    assert intake.begun == {PSID: Begun()}
    intake.go_on()
    go_on.set()

    await eventually(is_done(store))
    assert sorted(process.bot.said[PSID] + other.bot.said[PSID]) == ["one", "two"]
    assert [attempts for _, _, attempts, _ in rows(store)] == [1, 1]


async def test_a_thread_that_is_being_processed_is_not_reserved(place, store):
    process, go_on = place(), asyncio.Event()
    process.bot.during = lambda thread, text: go_on.wait()
    receive(store, "one")
    process.start()
    await eventually(lambda: process.bot.begun)

    assert process.worker.reserve([PSID, "7002"]) == ["7002"]

    go_on.set()
    await eventually(is_done(store))
    await eventually(lambda: process.worker.reserve([PSID]) == [PSID])


async def test_a_thread_is_reserved_for_one_at_a_time(place, never_looking):
    process = await running(place())

    assert process.worker.reserve([PSID]) == [PSID]
    assert process.worker.reserve([PSID]) == []
    process.worker.go_on({PSID: Begun()})
    assert process.worker.reserve([PSID]) == [PSID]


async def test_word_of_new_work_in_a_reserved_thread_is_not_lost(place, store, never_looking):
    process = await running(place())
    reserved = process.worker.reserve([PSID])
    receive(store, "hello")
    process.worker.wake([PSID])
    await eventually(lambda: process.worker._in_progress._word[PSID])
    assert process.bot.said[PSID] == []

    process.worker.go_on(dict.fromkeys(reserved, Begun()))

    await eventually(lambda: process.bot.said[PSID] == ["hello"])


async def test_word_that_comes_from_another_thread_as_work_in_a_thread_ends_is_not_lost(
    place, store, never_looking, monkeypatch
):
    process, late = await running(place()), ["two"]
    process_jobs = process.worker._process_jobs

    async def and_then(thread, job):
        await process_jobs(thread, job)
        if late:  # behind the last look for word
            receive(store, late.pop(), at=START + 1)
            process.worker.wake([PSID])

    monkeypatch.setattr(process.worker, "_process_jobs", and_then)
    receive(store, "one")
    process.worker.wake([PSID])

    await eventually(lambda: process.bot.said[PSID] == ["one", "two"])


async def test_word_of_a_thread_that_is_in_progress_wakes_nobody(place, store, never_looking, monkeypatch):
    process, go_on, woken = await running(place()), asyncio.Event(), []
    process.bot.during = lambda thread, text: go_on.wait()
    receive(store, "one")
    process.worker.wake([PSID])
    await eventually(lambda: (PSID, "one") in process.bot.begun)
    soon = process.worker._soon
    monkeypatch.setattr(process.worker, "_soon", lambda *given: (woken.append(given), soon(*given)))

    receive(store, "two", at=START + 1)
    process.worker.wake([PSID])
    assert woken == []
    go_on.set()
    await eventually(lambda: process.bot.said[PSID] == ["one", "two"])

    receive(store, "three", at=START + 2)
    await eventually(lambda: process.worker.is_idle)
    process.worker.wake([PSID])
    assert len(woken) == 1
    await eventually(lambda: process.bot.said[PSID] == ["one", "two", "three"])


async def test_word_of_new_work_that_comes_with_what_was_begun_is_not_lost(place, store, never_looking):
    process, go_on = await running(place()), asyncio.Event()
    process.bot.during = lambda thread, text: go_on.wait()
    intake = Intake(process)
    intake.take_in("one")
    process.worker.wake([PSID])
    intake.go_on()
    await eventually(lambda: (PSID, "one") in process.bot.begun)

    receive(store, "two", at=START + 1)
    process.worker.wake([PSID])
    go_on.set()

    await eventually(lambda: process.bot.said[PSID] == ["one", "two"])
    await eventually(lambda: process.worker.is_idle)


async def test_nothing_is_reserved_before_the_worker_runs_or_after_it_stops(place, store):
    process = place()
    assert process.worker.reserve([PSID]) == []

    process.start()
    await eventually(lambda: process.worker.reserve([PSID]))
    process.worker.go_on({PSID: Begun()})

    await process.stop()
    assert process.worker.reserve([PSID]) == []


async def test_nothing_is_reserved_beyond_what_is_processed_at_a_time(place, monkeypatch, never_looking):
    monkeypatch.setattr(worker_module, "THREADS_AT_ONCE", 2)
    worker = (await running(place())).worker

    assert worker.reserve(["1", "2", "3"]) == []
    assert worker.reserve(["1", "2"]) == ["1", "2"]
    assert worker.reserve(["3"]) == []
    worker.go_on({"1": Begun()})
    assert worker.reserve(["3"]) == ["3"]


async def test_what_fails_after_it_was_begun_is_tried_again(place, store):
    process = await running(place())
    process.bot.during = failing(2)
    intake = Intake(process)

    intake.take_in("bad", "good")
    intake.go_on()

    await eventually(is_done(store))
    assert process.bot.said[PSID] == ["bad", "good"]
    assert rows(store)[1] == (PSID, "answered", 1, 2)


async def test_what_is_handed_over_before_a_stop_is_finished(place, store, never_looking):
    process, go_on = await running(place()), asyncio.Event()
    process.bot.during = lambda thread, text: go_on.wait()
    intake = Intake(process)
    intake.take_in("one", "two")
    intake.go_on()
    await real_sleep(0)  # as when the intake is stopped first, in its thread
    stopping = asyncio.ensure_future(process.stop())
    await eventually(lambda: (PSID, "one") in process.bot.begun)

    go_on.set()
    await stopping

    assert process.bot.said[PSID] == ["one"]
    assert rows(store)[1:] == [(PSID, "answered", 1, 0), (PSID, "", 0, 0)]
    assert claimants(store) == []


async def test_what_is_handed_over_before_a_stop_and_outlasts_the_grace_is_given_back(
    place, store, never_looking
):
    process = await running(place())
    process.bot.during = lambda thread, text: asyncio.Event().wait()
    intake = Intake(process)
    intake.take_in("one", "two")
    intake.go_on()
    await eventually(lambda: (PSID, "one") in process.bot.begun)

    await process.stop(grace=0.01)

    assert rows(store)[1:] == [(PSID, "", 1, 0), (PSID, "", 0, 0)]
    assert claimants(store) == []
    after = place().start()
    await eventually(lambda: after.bot.said[PSID] == ["one", "two"])


async def test_what_is_handed_over_while_the_worker_stops_is_finished_or_given_back(
    place, store, never_looking
):
    process, go_on = await running(place()), asyncio.Event()

    async def during(thread, text):
        if thread == "slow":
            await go_on.wait()

    process.bot.during = during
    receive(store, "hello", thread="slow")
    process.worker.wake(["slow"])
    await eventually(lambda: ("slow", "hello") in process.bot.begun)
    intake = Intake(process)
    intake.take_in("one", "two")
    stopping = asyncio.ensure_future(process.stop())
    await eventually(lambda: process.worker._stopping)

    intake.go_on()
    await eventually(lambda: process.bot.said[PSID] == ["one"])
    go_on.set()
    await stopping

    assert claimants(store) == []
    assert [attempts for _, _, attempts, _ in rows(store)][1:] == [1, 1, 0]
    after = place().start()
    await eventually(is_done(store))
    assert (process.bot.said["slow"], after.bot.said["slow"]) == (["hello"], [])
    assert process.bot.said[PSID] == ["one"]
    assert after.bot.said[PSID][-1] == "two"


async def test_what_was_begun_and_waits_for_room_keeps_its_claim(place, store, clock, monkeypatch):
    monkeypatch.setattr(worker_module, "CLAIM_SECONDS", 0.0)  # of the pause between two renewals
    monkeypatch.setattr(worker_module, "THREADS_AT_ONCE", 1)
    process, other, go_on = place(), place(), asyncio.Event()
    process.bot.during = lambda thread, text: go_on.wait()
    process.start()
    intake = Intake(process)
    await eventually(lambda: process.worker._loop is not None)
    intake.take_in("one")
    receive(store, "hello", thread="slow")
    process.worker.wake(["slow"])
    await eventually(lambda: ("slow", "hello") in process.bot.begun)
    intake.go_on()

    other.start()
    for _ in range(5):
        clock.passes(CLAIM_SECONDS - 1)
        for thread in ("slow", PSID):  # a renewal that is under way may know of one of them
            await eventually(
                lambda of=thread: other.bot.begun or claim_on(store, of) == clock() + CLAIM_SECONDS
            )

    assert other.bot.begun == []
    go_on.set()
    await eventually(is_done(store))
    assert (process.bot.said[PSID], other.bot.begun) == (["one"], [])
