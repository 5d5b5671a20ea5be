from __future__ import annotations

import asyncio
import os
import threading

import pytest
import sqlalchemy as sa
from databases import on_sqlite
from play import HOUR, SALES_BOT, START
from workplace import (
    PSID,
    SOON,
    claimants,
    claimed_until,
    eventually,
    failing,
    is_done,
    outcomes,
    real_sleep,
    receive,
    rows,
)

from handover_channel.errors import NotReady, StoreUnavailable
from handover_channel.queue import backpressure
from handover_channel.queue import worker as worker_module
from handover_channel.queue.claims import CLAIM_SECONDS
from handover_channel.queue.due_deadlines import DEADLINE_CLAIM
from handover_channel.rules.control import Change
from handover_channel.rules.return_reasons import ReturnReason
from handover_channel.rules.turn_outcome import Spoken
from handover_channel.store import Store, deliveries, threads, transcript
from handover_channel.store.deliveries import MUTED, RETURNED

# --- order ----------------------------------------------------------------------------------------


async def test_working_off_gives_way_to_what_comes_in_but_not_for_ever(place, monkeypatch):
    flooded = place()
    flooded.pressed = True
    monkeypatch.setattr(backpressure, "GIVE_WAY", 0.2)
    receive(flooded.store, "hello")
    flooded.start()
    flooded.worker.wake([PSID])
    await eventually(lambda: flooded.bot.count == 1)

    assert flooded.bot.said[PSID] == ["hello"]


async def test_nothing_is_begun_while_much_comes_in(place):
    flooded = place()
    flooded.pressed = True
    receive(flooded.store, "hello")
    flooded.start()
    flooded.worker.wake([PSID])
    await real_sleep(0.1)
    assert flooded.bot.count == 0

    flooded.pressed = False
    await eventually(lambda: flooded.bot.count == 1)


async def test_every_thread_is_answered_in_order_and_each_message_once(place, store):
    texts = [str(number) for number in range(6)]
    people = [f"80{number:02}" for number in range(12)]
    one, two = place().start(), place().start()
    for text in texts:
        for person in people:
            receive(store, text, thread=person, at=START + int(text))
        one.worker.wake(people)
        two.worker.wake(people)
        await real_sleep(0)

    await eventually(is_done(store))

    both = {person: one.bot.said[person] + two.bot.said[person] for person in people}
    assert {person: sorted(said) for person, said in both.items()} == dict.fromkeys(people, texts)
    assert all(said == sorted(said) for bot in (one.bot, two.bot) for said in bot.said.values())


async def test_one_thread_is_never_in_two_turns_at_once(place, store):
    first, second = place(), place()
    inside, most = set(), []

    async def during(thread, text):
        inside.add(text)
        most.append(len(inside))
        await real_sleep(0.005)
        inside.remove(text)

    for each in (first, second):
        each.bot.during = during
        each.start()
    receive(store, *map(str, range(6)))

    await eventually(is_done(store))

    assert set(most) == {1}
    assert len(most) == 6


async def test_a_conversation_that_takes_long_stops_no_other(place, store):
    process, go_on = place(), asyncio.Event()

    async def during(thread, text):
        if thread == "slow":
            await go_on.wait()

    process.bot.during = during
    receive(store, "hello", thread="slow")
    process.start()
    await eventually(lambda: process.bot.begun)

    receive(store, "one", "two", thread="quick")
    await eventually(lambda: process.bot.said["quick"] == ["one", "two"])

    assert process.bot.said["slow"] == []
    go_on.set()
    await eventually(lambda: process.bot.said["slow"] == ["hello"])


async def test_only_so_many_turns_run_at_a_time(place, store, monkeypatch):
    monkeypatch.setattr(worker_module, "THREADS_AT_ONCE", 2)
    process, inside, most = place(), set(), []

    async def during(thread, text):
        inside.add(thread)
        most.append(len(inside))
        await real_sleep(0.1)
        inside.remove(thread)

    process.bot.during = during
    for number in range(6):
        receive(store, "hello", thread=f"800{number}")
    process.start()

    await eventually(is_done(store))

    assert max(most) == 2


async def test_much_that_waits_is_taken_in_several_looks_that_follow_each_other_at_once(
    place, store, monkeypatch
):
    at_a_look, looks = worker_module.THREADS_A_LOOK, []
    for number in range(2 * at_a_look + 1):
        receive(store, "hello", thread=f"80{number:02}")
    process, go_on = place(store), asyncio.Event()
    process.bot.during = lambda thread, text: go_on.wait()
    waiting = process.worker._claims.waiting
    monkeypatch.setattr(worker_module, "LOOK_FOR_WORK_EVERY", 1000)
    monkeypatch.setattr(
        process.worker._claims, "waiting", lambda room: looks.append(waiting(room)) or looks[-1]
    )

    process.start()
    await eventually(lambda: len(process.bot.begun) == 2 * at_a_look + 1)
    go_on.set()
    await eventually(is_done(store))

    assert [len(found) for found in looks[:3]] == [at_a_look, at_a_look, 1]


async def test_what_comes_during_a_turn_is_answered_after_it(place, store):
    process, go_on = place(), asyncio.Event()
    process.bot.during = lambda thread, text: go_on.wait()
    receive(store, "one")
    process.start()
    await eventually(lambda: process.bot.begun)

    receive(store, "two", at=START + 1)
    process.worker.wake([PSID])
    await real_sleep(0.02)
    assert process.bot.begun == [(PSID, "one")]
    go_on.set()

    await eventually(lambda: process.bot.said[PSID] == ["one", "two"])


async def test_work_is_heard_of_from_any_thread(place, store, monkeypatch):
    monkeypatch.setattr(worker_module, "LOOK_FOR_WORK_EVERY", 1000)
    process = place().start()
    await eventually(lambda: process.worker._loop is not None)
    await real_sleep(0.02)

    receive(store, "hello")
    caller = threading.Thread(target=process.worker.wake, args=([PSID],))
    caller.start()
    caller.join()

    await eventually(lambda: process.bot.said[PSID] == ["hello"])


async def test_waking_a_worker_that_has_not_begun_or_has_ended_is_no_error(place, store):
    process = place()
    process.worker.wake([PSID])
    process.start()
    await real_sleep(0.02)
    await process.stop()

    process.worker.wake([PSID])


# --- trouble --------------------------------------------------------------------------------------


async def test_a_turn_that_fails_is_tried_again(place, store):
    process = place()
    process.bot.during = failing(2)
    receive(store, "bad", "good")
    process.start()

    await eventually(is_done(store))

    assert process.bot.said[PSID] == ["bad", "good"]
    assert rows(store)[0] == (PSID, "answered", 1, 2)


async def test_a_turn_that_always_fails_is_given_up_after_three_times(place, store, caplog):
    process = place()

    async def during(thread, text):
        if text == "bad":
            raise RuntimeError("no")

    process.bot.during = during
    receive(store, "bad", "good")
    process.start()

    await eventually(is_done(store))

    assert process.bot.begun.count((PSID, "bad")) == 3
    assert process.bot.said[PSID] == ["good"]
    assert outcomes(store) == ["failed", "answered"]
    assert "given up" in caplog.text


async def test_what_the_person_said_in_a_turn_that_is_given_up_is_shown_to_agents(place, store):
    process = place()

    async def during(thread, text):
        raise RuntimeError("no")

    process.bot.during = during
    receive(store, "my parcel is wet")
    process.start()

    await eventually(is_done(store))

    with store.reading() as connection:
        assert [(line.author, line.text) for line in transcript.of(connection, PSID)] == [
            ("person", "my parcel is wet")
        ]


async def test_a_turn_that_kills_the_process_each_time_is_given_up(place, store):
    receive(store, "deadly", "good")
    with store.writing() as connection:
        connection.execute(sa.text("UPDATE deliveries SET attempts = 10 WHERE id = 1"))
    process = place().start()

    await eventually(is_done(store))

    assert process.bot.begun == [(PSID, "good")]
    assert outcomes(store) == ["failed", "answered"]


async def test_what_was_interrupted_often_is_tried_one_at_a_time_and_keeps_nobody_else_waiting(place, store):
    suspects = [f"70{number:02}" for number in range(5)]
    for thread in suspects:
        receive(store, "perhaps deadly", thread=thread)
    with store.writing() as connection:
        connection.execute(sa.text("UPDATE deliveries SET attempts = 3"))
    receive(store, "good", thread="8000")
    process, held, most = place(), asyncio.Event(), 0
    running = set()

    async def during(thread, text):
        nonlocal most
        if thread not in suspects:
            held.set()
            return
        running.add(thread)
        most = max(most, len(running))
        await held.wait()
        running.discard(thread)

    process.bot.during = during
    process.start()

    await eventually(is_done(store))

    assert most == 1
    assert sorted(process.bot.said) == sorted([*suspects, "8000"])


async def test_what_was_interrupted_waits_for_echoes_without_that_counting_as_an_attempt(place, store):
    receive(store, "interrupted")
    receive(store, "new", thread="8000")
    with store.writing() as connection:
        connection.execute(sa.text("UPDATE deliveries SET attempts = 9 WHERE id = 1"))
    process = place()
    process.bot.echoes.clear()
    process.start()
    await eventually(lambda: process.bot.said["8000"])

    assert rows(store)[0] == (PSID, "", 9, 0)
    process.bot.echoes.set()
    await eventually(is_done(store))

    assert rows(store)[0] == (PSID, "answered", 10, 0)
    assert process.bot.said[PSID] == ["interrupted"]


async def test_a_bot_that_is_not_ready_costs_no_message(place, store):
    process = place()
    process.bot.during = failing(30, NotReady)
    receive(store, "bad", "good")
    process.start()

    await eventually(is_done(store))

    assert process.bot.said[PSID] == ["bad", "good"]
    assert rows(store)[0] == (PSID, "answered", 1, 0)


async def test_a_turn_that_a_database_interrupts_is_taken_up_again_as_one_that_was_begun(place, store):
    process = place()
    process.bot.during = failing(3, StoreUnavailable)
    receive(store, "bad", "good")
    process.start()

    await eventually(is_done(store))

    assert process.bot.said[PSID] == ["bad", "good"]
    assert rows(store)[0] == (PSID, "answered", 4, 0)


async def test_a_thread_that_waits_for_the_bot_does_not_stop_others(place, store):
    process = place()
    ready = False

    async def during(thread, text):
        if thread == "waits" and not ready:
            raise NotReady("no model")

    process.bot.during = during
    receive(store, "hello", thread="waits")
    receive(store, "hello", thread="other")
    process.start()

    await eventually(lambda: process.bot.said["other"])
    ready = True

    await eventually(lambda: process.bot.said["waits"])


async def test_a_database_that_is_away_is_said_once_and_waited_for(place, tmp_path, caplog):
    away = Store(f"sqlite:///{tmp_path / 'later' / 'a.db'}")
    process = place(away).start()
    await eventually(lambda: "until the database is back" in caplog.text)
    await real_sleep(0.1)
    assert caplog.text.count("until the database is back") == 1

    (tmp_path / "later").mkdir()
    receive(away, "hello")

    await eventually(lambda: process.bot.said[PSID] == ["hello"])
    await process.stop()
    away.close()


# --- restarts -------------------------------------------------------------------------------------


async def test_a_new_process_takes_up_what_was_left(place, store):
    receive(store, "one", "two")

    process = place().start()

    await eventually(lambda: process.bot.said[PSID] == ["one", "two"])


@on_sqlite  # elsewhere a process id says nothing
async def test_what_a_dead_process_had_claimed_is_taken_up_at_once(place, store, clock):
    receive(store, "hello")
    process = place()
    host = process.worker._claims.worker.split(":")[0]
    with store.writing() as connection:
        # No process has this id: it is more than any system gives.
        deliveries.claim(
            connection, PSID, worker=f"{host}:{2**22 + 1}:x", now=START, until=START + CLAIM_SECONDS
        )

    process.start()

    await eventually(lambda: process.bot.said[PSID] == ["hello"])


async def test_what_another_process_has_claimed_is_left_alone_until_the_claim_runs_out(place, store, clock):
    receive(store, "hello")
    process = place()
    host = process.worker._claims.worker.split(":")[0]
    with store.writing() as connection:
        deliveries.claim(
            connection, PSID, worker=f"{host}:{os.getpid()}:x", now=START, until=START + CLAIM_SECONDS
        )
    receive(store, "hello", thread="other")
    process.start()
    await eventually(lambda: process.bot.said["other"])
    await real_sleep(0.05)
    assert process.bot.said[PSID] == []

    clock.passes(CLAIM_SECONDS)

    await eventually(lambda: process.bot.said[PSID] == ["hello"])


async def test_a_long_turn_keeps_its_claim(place, store, clock, monkeypatch):
    monkeypatch.setattr(worker_module, "CLAIM_SECONDS", 0.0)  # of the pause between two renewals
    slow, other, go_on = place(), place(), asyncio.Event()
    slow.bot.during = lambda thread, text: go_on.wait()
    receive(store, "hello")
    slow.start()
    await eventually(lambda: slow.bot.begun)
    other.start()

    for _ in range(5):
        clock.passes(CLAIM_SECONDS - 1)
        await eventually(lambda: claimed_until(store) == clock() + CLAIM_SECONDS)

    assert other.bot.begun == []
    go_on.set()
    await eventually(is_done(store))
    assert (slow.bot.said[PSID], other.bot.begun) == (["hello"], [])


async def test_stopping_lets_a_turn_end_and_begins_no_other(place, store):
    process, go_on = place(), asyncio.Event()
    process.bot.during = lambda thread, text: go_on.wait()
    receive(store, "one", "two")
    process.start()
    await eventually(lambda: process.bot.begun)

    stopping = asyncio.ensure_future(process.stop())
    await real_sleep(0.02)
    go_on.set()
    await stopping

    assert process.bot.said[PSID] == ["one"]
    assert rows(store) == [(PSID, "answered", 1, 0), (PSID, "", 0, 0)]
    assert claimants(store) == []


async def test_a_turn_that_outlasts_the_grace_is_given_back(place, store):
    process = place()
    process.bot.during = lambda thread, text: asyncio.Event().wait()
    receive(store, "one", "two")
    process.start()
    await eventually(lambda: process.bot.begun)

    await process.stop(grace=0.01)

    assert claimants(store) == []
    assert rows(store) == [(PSID, "", 1, 0), (PSID, "", 0, 0)]
    after = place().start()
    await eventually(lambda: after.bot.said[PSID] == ["one", "two"])


async def test_a_worker_without_work_stops_at_once(place, monkeypatch):
    monkeypatch.setattr(worker_module, "LOOK_FOR_WORK_EVERY", 1000)
    process = place().start()
    await real_sleep(0.02)

    await asyncio.wait_for(process.stop(grace=1000), SOON)


# --- handovers ------------------------------------------------------------------------------------


def thread_row(store):
    with store.reading() as connection:
        return threads.get(connection, PSID)


async def handed_over(process, name="inbox"):
    receive(process.store, "a person, please")
    process.start()
    await eventually(is_done(process.store))
    process.thread_control.hand_over(PSID, name)


async def test_the_bot_hears_of_the_return_before_the_messages_that_wait(place, store):
    process = place()
    receive(store, "hello")
    with store.writing() as connection:
        row = threads.get_or_add(connection, PSID, channel="facebook", page="", now=START)
        deliveries.add_note(connection, row.id, RETURNED, key="n", body={"reason": "agent"}, now=START)

    process.start()

    await eventually(lambda: process.bot.said[PSID] == ["<returned: agent>", "hello"])


async def test_a_note_that_control_has_overtaken_is_not_told(place, store):
    process = place()
    await handed_over(process)
    with store.writing() as connection:
        deliveries.add_note(connection, PSID, RETURNED, key="old", body={"reason": "agent"}, now=START)

    await eventually(is_done(store))

    assert process.bot.said[PSID] == ["a person, please"]
    assert outcomes(store)[-1] == "overtaken"


async def test_the_slots_are_set_as_the_row_stands_however_old_the_note_is(place, store):
    process = place()
    await handed_over(process)
    with store.writing() as connection:
        deliveries.add_note(connection, PSID, MUTED, key="old", body={"target": "sales_bot"}, now=START)

    await eventually(is_done(store))

    assert set(process.bot.mirrored[PSID]) == {"inbox"}


async def test_what_was_written_while_muted_is_kept_and_never_answered(place, store, clock):
    process = place()
    await handed_over(process)
    receive(store, "hello?", "anybody?", at=START + 60)
    await eventually(is_done(store))

    clock.passes(12 * HOUR)
    await eventually(lambda: "<returned: time_limit>" in process.bot.said[PSID])
    receive(store, "thanks", at=START + 13 * HOUR)
    await eventually(is_done(store))

    assert process.bot.said[PSID] == ["a person, please", "<returned: time_limit>", "thanks"]
    kept = process.thread_control.status(PSID).transcript
    assert [line.text for line in kept] == ["hello?", "anybody?"]


@pytest.mark.parametrize("name", ["inbox", "sales_bot"])
async def test_a_time_limit_returns_the_thread_once_with_nobody_writing(place, store, clock, name):
    one, two = place(), place()
    await handed_over(one, name)
    two.meta.simulator = one.meta.simulator
    two.start()
    await real_sleep(0.05)
    assert thread_row(store).state.control.value in ("inbox", "app")

    clock.passes(12 * HOUR)
    await eventually(lambda: one.bot.count + two.bot.count >= 2)
    await real_sleep(0.1)

    told = one.bot.said[PSID] + two.bot.said[PSID]
    assert told == ["a person, please", "<returned: time_limit>"]
    assert thread_row(store).state.control.value == "bot"
    taken = [name for process in (one, two) for name, _ in process.meta.calls if name.startswith("take")]
    assert len(taken) == (name == "sales_bot")


async def test_a_time_limit_that_ended_while_everything_was_down_fires_at_the_start(place, store, clock):
    process = place()
    await handed_over(process)
    await process.stop()
    clock.passes(20 * HOUR)

    after = place().start()

    await eventually(lambda: after.bot.said[PSID] == ["<returned: time_limit>"])


async def test_a_deadline_that_fails_stops_no_other_and_comes_again(place, store, clock):
    process = place()
    await handed_over(process)
    process.thread_control.hand_over("7002", "inbox")
    give_back, failed = process.thread_control.return_to_bot, []

    def fails_once(thread, *given, **named):
        if thread == PSID and not failed:
            failed.append(thread)
            raise RuntimeError("no")
        return give_back(thread, *given, **named)

    process.thread_control.return_to_bot = fails_once
    clock.passes(12 * HOUR)
    await eventually(lambda: process.bot.said["7002"] == ["<returned: time_limit>"])
    assert thread_row(store).state.control.value == "inbox"

    clock.passes(DEADLINE_CLAIM)

    await eventually(lambda: "<returned: time_limit>" in process.bot.said[PSID])


@pytest.mark.parametrize(
    ("error", "loses", "outcome"), [("NotThreadOwner", True, "told"), ("TokenRefused", False, "not sent")]
)
async def test_a_return_that_could_not_be_said_waits_for_a_person_only_if_one_can_mend_it(
    place, store, error, loses, outcome
):
    process = place()
    await handed_over(process)

    async def during(thread, text):
        if loses and "returned" in text:
            row = process.thread_control.find(PSID)
            process.thread_control.lose(row, Change.OWNER_FOUND, owner=SALES_BOT)

    process.bot.during, process.bot.spoken = during, Spoken(refused=(error,))
    process.thread_control.return_to_bot(PSID, ReturnReason.AGENT, who="amal")
    await eventually(is_done(store))

    query = sa.text("SELECT outcome FROM deliveries WHERE kind = 'returned'")
    with store.reading() as connection:
        assert connection.execute(query).scalars().all() == [outcome]


async def test_a_keyword_is_processed_like_any_message(place, store):
    process = place()
    await handed_over(process, "sales_bot")

    receive(store, "hm", "back to bot", "my order?", at=START + 1, channel="standby")
    await eventually(is_done(store))

    assert process.bot.said[PSID] == ["a person, please", "<returned: keyword>", "my order?"]
    assert sorted(outcomes(store)[1:]) == ["answered", "kept", "returned", "told", "told"]


@pytest.mark.parametrize(
    ("later", "pressed", "tidied"), [(1e9, True, False), (1e9, False, True), (0, True, True)]
)
async def test_the_store_is_not_tidied_in_the_middle_of_a_burst_unless_that_lasts(
    place, store, monkeypatch, later, pressed, tidied
):
    monkeypatch.setattr(worker_module, "TIDY_LATER", later)
    calls, looks = [], []
    monkeypatch.setattr(store, "tidy_up", lambda: calls.append(len(looks)))
    process = place(store)
    process.pressed = pressed
    waiting = process.worker._claims.waiting
    monkeypatch.setattr(process.worker._claims, "waiting", lambda room: looks.append(room) or waiting(room))

    process.start()

    await eventually(lambda: len(looks) > 3)
    await eventually(lambda: bool(calls) or not tidied)
    assert bool(calls) is tidied


async def test_some_threads_are_left_to_a_process_that_asks_for_work_between_two_deliveries(
    place, store, monkeypatch
):
    monkeypatch.setattr(worker_module, "LOOK_FOR_WORK_EVERY", 1000)
    for number in range(12):
        receive(store, "one", "two", thread=f"80{number:02}")
    busy, idle, go_on = place(store), place(), asyncio.Event()
    busy.bot.during = lambda thread, text: go_on.wait()
    busy.start()
    await eventually(lambda: len(busy.bot.begun) == 12)

    busy.worker.leave_some()
    go_on.set()
    await eventually(lambda: not claimants(store))
    assert busy.bot.count == 22
    idle.start()
    await eventually(is_done(store))

    assert list(idle.bot.said.values()) == [["two"]] * 2
    assert {attempts for _, _, attempts, _ in rows(store)} == {1}


async def test_nothing_is_left_to_a_process_that_asked_longer_ago(place, store, clock, monkeypatch):
    monkeypatch.setattr(worker_module, "LOOK_FOR_WORK_EVERY", 1000)
    for number in range(12):
        receive(store, "one", "two", thread=f"80{number:02}")
    busy, go_on = place(store), asyncio.Event()
    busy.bot.during = lambda thread, text: go_on.wait()
    busy.start()
    await eventually(lambda: len(busy.bot.begun) == 12)

    busy.worker.leave_some()
    clock.now += 2001
    go_on.set()
    await eventually(is_done(store))

    assert busy.bot.count == 24


async def test_a_process_that_cannot_answer_asks_the_others_for_nothing(place, store, monkeypatch):
    monkeypatch.setattr(worker_module, "LOOK_FOR_WORK_EVERY", 0.01)
    process, asked, is_ready = place(store), [], asyncio.Event()
    monkeypatch.setattr(process.worker._claims, "ask_for_work", lambda: asked.append(is_ready.is_set()))

    async def during(thread, text):
        if not is_ready.is_set():
            raise NotReady("no model is loaded -> wait")

    process.bot.during = during
    process.start()
    receive(store, "hello")
    await eventually(lambda: len(process.bot.begun) > 3)
    is_ready.set()
    await eventually(lambda: asked)

    assert all(asked)
