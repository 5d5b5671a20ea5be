from __future__ import annotations

import pytest
import sqlalchemy as sa
from play import PSID, SALES_BOT, START, settings_with

from handover_channel.control.transition_writer import (
    RETURN_AGAIN_AFTER_MINUTES,
    SETTLE_AFTER,
    Transition,
    TransitionWriter,
)
from handover_channel.rules.control import Change, Control
from handover_channel.store import changes, deadlines, deliveries, schema, thread_activity, threads
from handover_channel.store.deliveries import Delivery


@pytest.fixture
def transition_writer(store, clock):
    transition_writer = TransitionWriter(settings_with(), store, clock)
    transition_writer.thread(PSID, channel="facebook", page="1717")
    return transition_writer


def change(transition_writer, kind, **more):
    return transition_writer.change(PSID, Transition(kind, **{"reason": "because", "who": "test", **more}))


def due(store):
    with store.reading() as connection:
        found = deadlines.due(connection, now=float("inf"), limit=10)
    return {each.kind: each.due_at - START for each in found}


def note(store):
    with store.reading() as connection:
        return deliveries.next_of(connection, PSID)


def newest_note(store):
    with store.reading() as connection:
        newest = deliveries.newest_id(connection)
        row = sa.select(*(schema.deliveries.c[name] for name in Delivery.__dataclass_fields__))
        return Delivery(**connection.execute(row.where(schema.deliveries.c.id == newest)).mappings().one())


def log(store):
    with store.reading() as connection:
        return [
            (line.control_before, line.control, line.reason, line.who)
            for line in changes.of(connection, PSID)
        ]


def test_a_thread_that_nobody_has_written_in_cannot_change(store, clock):
    with pytest.raises(LookupError):
        TransitionWriter(settings_with(), store, clock).change(
            "nobody", Transition(Change.HELD, reason="x", who="x")
        )


def test_a_change_its_line_in_the_log_and_its_deadlines_are_one(transition_writer, store, monkeypatch):
    def breaks(*given):
        raise RuntimeError("the process ends here")

    monkeypatch.setattr(deadlines, "put", breaks)
    with pytest.raises(RuntimeError):
        change(transition_writer, Change.HELD, target="inbox")

    assert transition_writer.find(PSID).state.control is Control.BOT
    assert (log(store), note(store)) == ([], None)


def test_what_changes_nothing_writes_nothing(transition_writer, store):
    before = transition_writer.find(PSID)

    after = change(transition_writer, Change.RETURNED)

    assert after == before
    assert (log(store), due(store), note(store)) == ([], {}, None)


def test_a_pass_has_a_minute_to_be_settled_in(transition_writer, store):
    change(transition_writer, Change.PASS_REQUESTED, owner=SALES_BOT, target="sales_bot")
    assert due(store) == {"settle": SETTLE_AFTER, "time_limit": 12 * 3600}

    change(transition_writer, Change.PASS_ACCEPTED, owner=SALES_BOT, target="sales_bot")
    assert due(store) == {"time_limit": 12 * 3600}


def test_our_own_change_is_stamped_with_the_newest_event_seen(transition_writer, store):
    with store.writing() as connection:
        thread_activity.touch(connection, PSID, page="", seen=777, now=START)

    assert change(transition_writer, Change.HELD, target="inbox").state.stamp == 777


def test_an_event_of_before_our_change_does_not_undo_it(transition_writer, store):
    with store.writing() as connection:
        thread_activity.touch(connection, PSID, page="", seen=777, now=START)
    change(transition_writer, Change.HELD, target="inbox")

    assert (
        change(transition_writer, Change.CONTROL_LOST, owner=SALES_BOT, stamp=776).state.control
        is Control.INBOX
    )
    assert (
        change(transition_writer, Change.CONTROL_LOST, owner=SALES_BOT, stamp=777).state.control
        is Control.APP
    )


def test_a_word_that_confirms_is_neither_logged_nor_told(transition_writer, store):
    change(transition_writer, Change.CONTROL_LOST, owner=SALES_BOT, target="sales_bot", stamp=10)
    transition_writer.refused(transition_writer.find(PSID), wanted="keyword", refusal="no")
    newest = note(store)

    change(transition_writer, Change.CONTROL_LOST, owner=SALES_BOT, target="sales_bot", stamp=20)
    late = change(transition_writer, Change.CONTROL_GAINED, stamp=15)

    assert (late.state.control, late.state.stamp, late.wanted) == (Control.APP, 20, "keyword")
    assert len(log(store)) == 1
    assert due(store) == {"time_limit": 12 * 3600, "take_again": 60}
    assert newest_note(store).id == newest.id


def test_a_return_is_told_in_the_transaction_that_makes_it(transition_writer, store):
    change(transition_writer, Change.HELD, target="inbox")

    change(transition_writer, Change.RETURNED, reason="agent", metadata="order 7")

    assert newest_note(store).kind == deliveries.RETURNED
    assert newest_note(store).body == '{"reason": "agent", "metadata": "order 7"}'
    assert due(store) == {}


def test_a_refused_pass_is_told_to_nobody_and_moves_no_border(transition_writer, store):
    change(transition_writer, Change.PASS_REQUESTED, owner=SALES_BOT, target="sales_bot")

    after = change(transition_writer, Change.PASS_REFUSED)

    assert (after.state.control, after.answers_from) == (Control.BOT, 0)
    assert newest_note(store).kind == deliveries.MUTED  # the slots alone: Rasa gets no turn


def test_without_a_border_all_that_was_received_is_backlog(transition_writer, store):
    with store.writing() as connection:
        for number in range(3):
            deliveries.add_note(connection, "other", deliveries.MUTED, key=str(number), body={}, now=START)
        newest = deliveries.newest_id(connection)
    change(transition_writer, Change.HELD, target="inbox")  # with a note of its own

    assert change(transition_writer, Change.RETURNED).answers_from == newest + 2


def test_who_loses_a_race_decides_again_from_the_row_as_it_is(transition_writer, store, monkeypatch):
    real, races = threads.change, []

    def change_after_somebody_else(connection, before, after, **more):
        if not races:
            races.append(real(connection, before, before.state, **{**more, "reason": "somebody else's"}))
        return real(connection, before, after, **more)

    monkeypatch.setattr(threads, "change", change_after_somebody_else)

    after = change(transition_writer, Change.HELD, target="inbox", reason="ours")

    assert after.state.control is Control.INBOX
    assert [reason for _, _, reason, _ in log(store)] == ["ours", "somebody else's"]


def test_refusals_wait_longer_each_time_and_then_an_hour(transition_writer, store):
    change(transition_writer, Change.CONTROL_LOST, owner=SALES_BOT, stamp=1)
    waits = [
        transition_writer.refused(transition_writer.find(PSID), wanted="button", refusal="no")
        for _ in range(6)
    ]

    assert waits == [1, 5, 15, 60, 60, 60]
    assert RETURN_AGAIN_AFTER_MINUTES == (1, 5, 15, 60)
    assert due(store)["take_again"] == 3600


def notes(store):
    with store.reading() as connection:
        return list(connection.execute(sa.select(schema.deliveries.c.kind)).scalars())


@pytest.mark.parametrize(
    ("steps", "told"),
    [
        ([(Change.PASS_REQUESTED, "sales_bot"), (Change.PASS_ACCEPTED, "sales_bot")], ["muted"]),
        ([(Change.PASS_REQUESTED, "sales_bot"), (Change.PASS_REFUSED, "")], ["muted", "muted"]),
        ([(Change.HELD, "inbox"), (Change.CONTROL_LOST, "sales_bot")], ["muted", "muted"]),
        ([(Change.OWNER_FOUND, "sales_bot"), (Change.CONTROL_GAINED, "")], ["muted", "returned"]),
        ([(Change.FOREIGN_ECHO, "x"), (Change.TAKEN_OVER, "inbox")], ["muted", "muted"]),
        ([(Change.HELD, "inbox"), (Change.CHANNEL_CORRECTED, "")], ["muted", "muted"]),
    ],
)
def test_whatever_changes_what_the_slots_mirror_tells_rasa(transition_writer, store, steps, told):
    for step, target in steps:
        change(transition_writer, step, owner=target, target=target, stamp=1, by_action=True)

    assert notes(store) == told


def test_a_return_in_a_turn_of_its_own_mirrors_the_slots_and_gives_no_turn(transition_writer, store):
    change(transition_writer, Change.HELD, target="inbox")
    change(transition_writer, Change.RETURNED, tell=False, by_action=True)

    assert notes(store) == ["muted", "muted"]


def test_a_thread_of_another_channel_leaves_no_note_where_an_action_sets_the_slots(store, clock):
    with store.writing() as connection:
        threads.get_or_add(connection, PSID, channel="rest", page="", now=START)

    change(TransitionWriter(settings_with(), store, clock), Change.HELD, target="inbox", by_action=True)

    assert notes(store) == []


def test_only_threads_and_reasons_are_logged(transition_writer, caplog):
    caplog.set_level("DEBUG")

    change(transition_writer, Change.HELD, target="inbox")
    change(transition_writer, Change.RETURNED, metadata="the person's words")

    assert f"thread {PSID}: bot -> inbox (because)" in caplog.text
    assert "words" not in caplog.text
