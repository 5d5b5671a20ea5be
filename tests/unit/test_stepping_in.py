"""Tests what agents of the built-in inbox do with the control of a thread."""

from __future__ import annotations

import pytest
from play import HOUR, NO_TAKING, OUTAGE, PSID, STRANGER, TARGETS, target

from handover_channel.errors import GraphUnavailable, Refused, TakeNotAllowed, UnknownTarget
from handover_channel.rules.control import Change, Control
from handover_channel.rules.return_reasons import ReturnReason
from handover_channel.settings.loader import TargetKind
from handover_channel.store import changes, deliveries, threads


def take_over(play, **more):
    return play.thread_control.take_over(PSID, "amal", **more)


def muted_notes(play):
    play.work()
    return play.mirrored


def assign(play, agent):
    with play.store.writing() as connection:
        assert threads.assign(connection, PSID, agent=agent, seen=play.row.assignee, now=play.clock())


# --- taking over ----------------------------------------------------------------------------------


def test_from_the_bot_a_thread_comes_into_the_inbox_without_asking_meta(play):
    play.says("hello")
    play.calls()

    row = take_over(play)

    assert (row.state.control, row.state.target, row.assignee) == (Control.INBOX, "inbox", "")
    assert play.calls() == []
    assert play.log == [("inbox", "took_over")]
    assert (row.waiting_since, row.until) == (play.clock(), play.clock() + 12 * HOUR)
    assert not play.thread_control.token_to_speak(PSID)


def test_the_bot_hears_of_it_once(play):
    play.says("hello")
    row = take_over(play)
    take_over(play)

    assert muted_notes(play) == [{"target": "inbox", "until": row.until}]


def test_the_log_says_which_agent_it_was(play):
    play.says("hello")
    take_over(play)

    with play.store.reading() as connection:
        assert changes.of(connection, PSID)[0].who == "amal"


def test_what_waits_for_the_bot_is_not_answered_any_more(play):
    play.says("hello")
    play.person.says("where is my order?")
    play.receive()

    take_over(play)
    play.work()

    assert play.turns == ["hello"]
    assert play.lines == [("person", "where is my order?")]


def test_from_another_app_control_is_taken_first(play):
    play.hands_over("sales_bot")
    play.clock.passes(HOUR)
    play.calls()

    row = take_over(play)

    assert play.calls() == ["take_thread_control"]
    assert play.page.owner(PSID) == play.settings.app_id
    assert (row.state.control, row.state.owner, row.state.target) == (Control.INBOX, "", "inbox")
    assert row.until == play.clock() + 12 * HOUR  # the time limit is the inbox's, and counts from now
    assert round(play.deadlines["time_limit"]) == 12 * HOUR


def test_the_slots_name_who_has_it_now(play):
    play.hands_over("sales_bot")
    row = take_over(play)

    assert muted_notes(play)[-1] == {"target": "inbox", "until": row.until}


def test_what_meta_refuses_is_raised_and_control_stays_where_it_is(play_without_routing):
    play = play_without_routing
    play.hands_over("sales_bot")
    play.meta.fails("take_thread_control", NO_TAKING)

    with pytest.raises(TakeNotAllowed):
        take_over(play)

    assert (play.control, play.row.state.target) == ("app", "sales_bot")


def test_as_long_as_an_open_pass_cannot_be_settled_nothing_is_taken(play):
    play.says("hello")
    play.meta.fails("pass_thread_control", OUTAGE)
    play.meta.fails("thread_owner", OUTAGE, times=9)
    play.thread_control.hand_over(PSID, "sales_bot")
    assert play.control == "passing"

    with pytest.raises(Refused, match="try again in a minute"):
        take_over(play)

    assert play.control == "passing"


def test_where_somebody_answered_beside_the_bot_an_agent_can_step_in(play_without_routing):
    play = play_without_routing
    play.says("hello")
    play.thread_control.lose(play.row, Change.FOREIGN_ECHO, owner=STRANGER)
    play.calls()

    assert take_over(play).state.control is Control.INBOX
    assert play.calls() == ["thread_owner"]


def test_what_is_in_the_inbox_already_stays_with_its_agent(play):
    first = play.hands_over("patient")
    assign(play, "bashir")

    row = take_over(play)

    assert (row.assignee, row.state.target, row.version) == ("bashir", "patient", first.version)
    assert play.log == [("inbox", "handed_over")]


def test_a_thread_that_comes_back_and_is_taken_over_again_is_nobodys(play):
    play.hands_over("inbox")
    assign(play, "bashir")
    play.thread_control.return_to_bot(PSID, ReturnReason.AGENT, who="bashir")

    assert take_over(play).assignee == ""


def test_a_target_can_be_named_and_has_to_be_an_inbox(play):
    play.says("hello")

    with pytest.raises(Refused, match="'sales_bot' is of kind app"):
        take_over(play, target="sales_bot")
    with pytest.raises(UnknownTarget):
        take_over(play, target="nobody")
    assert take_over(play, target="patient").state.target == "patient"


def test_without_a_name_the_default_target_is_meant_if_it_is_an_inbox(make_play):
    by_name = {each.name: each for each in TARGETS}
    play = make_play(default_target="sales_bot", targets=by_name)
    play.says("hello")

    assert take_over(play).state.target == "inbox"


def test_without_an_inbox_among_the_targets_nobody_can_step_in(make_play):
    only = target("sales_bot", TargetKind.APP, "2222")
    play = make_play(default_target="sales_bot", targets={"sales_bot": only})
    play.says("hello")

    with pytest.raises(Refused, match="no target of kind inbox"):
        take_over(play)


def test_a_thread_that_was_never_seen_cannot_be_taken_over(play):
    with pytest.raises(Refused, match="never seen"):
        take_over(play)


def test_another_channel_asks_nobody(play):
    play.thread_control.hand_over("somebody", "inbox", channel="socketio")
    play.thread_control.return_to_bot("somebody", ReturnReason.KEYWORD, who="bot")

    row = play.thread_control.take_over("somebody", "amal")

    assert row.state.control is Control.INBOX
    assert play.calls() == []


# --- giving back ----------------------------------------------------------------------------------


def test_a_note_is_in_the_log_and_an_intent_is_what_the_bot_goes_on_with(play):
    play.hands_over("inbox")

    play.thread_control.return_to_bot(
        PSID, ReturnReason.AGENT, who="amal", note="wants the red ones", intent="products"
    )
    play.work()

    with play.store.reading() as connection:
        assert changes.of(connection, PSID)[0].note == "wants the red ones"
    assert play.notes[-1] == (deliveries.RETURNED, {"reason": "agent", "intent": "products"})


# --- more time ------------------------------------------------------------------------------------


def test_more_time_counts_from_the_old_limit(play):
    first = play.hands_over("inbox")

    row = play.thread_control.extend(PSID, HOUR, "amal")

    assert row.until == first.until + HOUR
    assert play.log[-1] == ("inbox", "extended")
    assert muted_notes(play)[-1] == {"target": "inbox", "until": row.until}
    assert (row.waiting_since, row.changed_at) == (first.waiting_since, first.changed_at)


def test_the_thread_comes_back_at_the_later_limit_and_not_before(play):
    play.hands_over("inbox")
    play.thread_control.extend(PSID, HOUR, "amal")

    play.clock.passes(12 * HOUR + 1)
    assert play.due() == []
    play.clock.passes(HOUR)
    play.due()

    assert play.log[-1] == ("bot", "time_limit")


def test_a_limit_that_has_just_passed_is_extended_from_now(play):
    play.hands_over("inbox")
    play.clock.passes(13 * HOUR)

    assert play.thread_control.extend(PSID, HOUR, "amal").until == play.clock() + HOUR


@pytest.mark.parametrize("name", ["sales_bot", None])
def test_only_what_is_in_the_inbox_gets_more_time(play, name):
    play.says("hello")
    if name:
        play.thread_control.hand_over(PSID, name)

    with pytest.raises(Refused, match="no time limit in the built-in inbox"):
        play.thread_control.extend(PSID, HOUR, "amal")


def test_what_has_no_limit_cannot_be_extended(make_play):
    play = make_play(targets={"inbox": target("inbox", TargetKind.INBOX, time_limit=None)})
    play.hands_over()

    with pytest.raises(Refused, match="no time limit"):
        play.thread_control.extend(PSID, HOUR, "amal")


def test_an_outage_while_taking_changes_nothing(play):
    play.hands_over("sales_bot")
    play.meta.fails("take_thread_control", OUTAGE)

    with pytest.raises(GraphUnavailable):
        take_over(play)

    assert play.log == [("passing", "handed_over"), ("app", "handed_over")]
