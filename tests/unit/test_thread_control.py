from __future__ import annotations

import dataclasses

import pytest
from play import (
    DAY,
    HOOTSUITE,
    HOUR,
    LOST_ANSWER,
    NO_TAKING,
    OURS,
    OUTAGE,
    PSID,
    SALES_BOT,
    STRANGER,
    TARGETS,
)
from statements import in_use

from handover_channel.control.deadlines import act_on
from handover_channel.errors import (
    GraphError,
    GraphUnavailable,
    HandoverRefused,
    NotThreadOwner,
    TargetNotReachable,
    TokenRefused,
    UnknownTarget,
)
from handover_channel.rules.control import Change, Control
from handover_channel.rules.return_reasons import ReturnReason
from handover_channel.settings.loader import PAGE_INBOX_APP_ID, Page
from handover_channel.simulator.refusals import ALREADY_OWNER, PASS_NOT_OWNER
from handover_channel.store import deadlines
from handover_channel.store.deadlines import Deadline
from handover_channel.store.threads import Thread

CONTROL_CALLS = ("pass_thread_control", "take_thread_control")


def control_calls(play):
    return [name for name in play.calls() if name in CONTROL_CALLS]


# --- handing over ---------------------------------------------------------------------------------


def test_the_inbox_is_handed_to_without_asking_meta(play):
    row = play.hands_over("inbox")

    assert (row.state.control, row.state.target) == (Control.INBOX, "inbox")
    assert control_calls(play) == []
    assert play.log == [("inbox", "handed_over")]


def test_without_a_name_the_default_target_gets_it(play):
    assert play.hands_over().state.target == "inbox"


@pytest.mark.parametrize(
    ("name", "app_id"),
    [("sales_bot", SALES_BOT), ("hootsuite", HOOTSUITE), ("page_inbox", PAGE_INBOX_APP_ID)],
)
def test_an_app_is_passed_control_with_the_targets_metadata(play, name, app_id):
    row = play.hands_over(name)

    assert play.page.owner(PSID) == app_id
    assert (row.state.control, row.state.owner, row.state.target) == (Control.APP, app_id, name)
    assert play.log == [("passing", "handed_over"), ("app", "handed_over")]
    sent = dict(play.meta.calls)["pass_thread_control"]
    assert sent.get("metadata", "") == ("from the shop bot" if name == "sales_bot" else "")


def test_the_bot_is_silent_before_meta_is_asked(play):
    play.says("hello")
    seen = []
    play.meta.during = lambda name: seen.append((play.control, play.thread_control.token_to_speak(PSID)))

    play.thread_control.hand_over(PSID, "sales_bot")

    assert seen == [("passing", None)]


def test_no_transaction_is_open_while_meta_is_asked(play):
    open_connections = {}
    play.meta.during = lambda name: open_connections.update({name: in_use(play.store)})

    play.hands_over("sales_bot")
    play.page.app("sales_bot").releases(PSID)
    play.says("is anybody there?")
    play.page.inbox.replies(PSID, "yes")
    play.says("good")
    play.says("back to bot")

    expected = ("pass_thread_control", "thread_owner", "take_thread_control")
    assert {name: open_connections.get(name) for name in expected} == dict.fromkeys(expected, 0)


def test_a_refused_pass_leaves_the_thread_with_the_bot(play):
    play.meta.fails("pass_thread_control", PASS_NOT_OWNER)

    with pytest.raises(NotThreadOwner):
        play.hands_over("sales_bot")

    assert play.control == "bot"
    assert play.thread_control.token_to_speak(PSID)
    assert play.deadlines == {}
    assert play.log == [("passing", "handed_over"), ("bot", "pass_refused")]


def test_a_refused_pass_is_no_return_and_the_bot_is_told_of_none(play):
    play.meta.fails("pass_thread_control", PASS_NOT_OWNER)
    with pytest.raises(NotThreadOwner):
        play.hands_over("sales_bot")

    play.says("and now?")

    assert play.notes == []
    assert play.turns[-1] == "and now?"


@pytest.mark.parametrize("default_app", ["bot", None])
def test_a_pass_whose_answer_was_lost_is_found_to_have_worked(make_play, default_app):
    play = make_play(default_app=default_app)
    play.meta.fails("pass_thread_control", LOST_ANSWER)

    row = play.hands_over("sales_bot")

    assert row.state.control is Control.APP
    assert play.page.owner(PSID) == SALES_BOT
    assert play.deadlines == {"time_limit": 12 * HOUR}


@pytest.mark.parametrize("default_app", ["bot", None])
def test_a_pass_that_never_reached_meta_is_found_not_to_have_worked(make_play, default_app):
    play = make_play(default_app=default_app)
    play.meta.fails("pass_thread_control", OUTAGE)

    with pytest.raises(GraphUnavailable):
        play.hands_over("sales_bot")

    assert play.control == "bot"
    assert "thread_owner" in play.calls()


def test_an_unknown_target_is_refused_and_named_with_those_that_are_known(play):
    with pytest.raises(UnknownTarget, match="sales_bott.*inbox.*hootsuite"):
        play.hands_over("sales_bott")

    assert play.control == "bot"


def test_an_app_cannot_be_reached_from_another_channel(play):
    with pytest.raises(TargetNotReachable, match="sales_bot.*rest.*inbox"):
        play.thread_control.hand_over("somebody", "sales_bot", channel="rest")

    assert play.thread_control.token_to_speak("somebody")
    assert play.calls() == []


def test_the_inbox_can_be_reached_from_any_channel(play):
    play.thread_control.hand_over("somebody", "inbox", channel="rest")

    assert not play.thread_control.token_to_speak("somebody")
    assert play.calls() == []


def test_handing_over_again_to_the_same_target_changes_nothing(play):
    first = play.hands_over("sales_bot")
    play.clock.passes(HOUR)

    again = play.thread_control.hand_over(PSID, "sales_bot")

    assert (again.until, again.version) == (first.until, first.version)
    assert control_calls(play) == ["pass_thread_control"]


def test_who_has_no_control_cannot_hand_over(play):
    play.hands_over("sales_bot")

    with pytest.raises(HandoverRefused, match="already with 'sales_bot'"):
        play.thread_control.hand_over(PSID, "inbox")

    assert play.row.state.target == "sales_bot"


def test_a_page_without_a_token_is_no_reason_to_fall_silent(make_play):
    play = make_play(pages=(Page("11", "one"), Page("22", "two")))

    with pytest.raises(TokenRefused, match="has no page"):
        play.hands_over("sales_bot")

    assert play.control == "bot"


def test_each_call_uses_the_token_of_the_threads_page(make_play):
    play = make_play(pages=(Page("1000000000000001", "demo-page-token"), Page("22", "two")))

    assert play.hands_over("sales_bot").state.control is Control.APP
    assert play.thread_control.settings.token_for(play.row.page) == "demo-page-token"


# --- time limits ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "limit"), [("inbox", 12 * HOUR), ("sales_bot", 12 * HOUR), ("hootsuite", 2 * DAY)]
)
def test_each_target_has_its_time_limit(play, name, limit):
    row = play.hands_over(name)

    assert play.deadlines["time_limit"] == limit
    assert row.until == play.clock() + limit


def test_without_a_limit_there_is_no_deadline(make_play):
    endless = dataclasses.replace(TARGETS[0], time_limit=None)
    play = make_play(targets={"inbox": endless})

    assert play.hands_over("inbox").until is None
    assert play.deadlines == {}


def test_the_first_limit_stands_when_control_moves_from_app_to_app(play):
    play.hands_over("sales_bot")
    play.clock.passes(HOUR)

    play.page.app("sales_bot").passes(PSID, HOOTSUITE)
    row = play.work()
    play.page.inbox.replies(PSID, "let me see")
    row = play.work()

    assert row.state.control is Control.APP
    assert play.deadlines == {"time_limit": 11 * HOUR}


def test_a_return_takes_every_deadline_away(play):
    play.hands_over("patient")
    assert set(play.deadlines) == {"time_limit", "no_answer"}

    play.says("back to bot")

    assert play.deadlines == {}
    assert play.row.until is None


def test_the_time_limit_returns_the_thread_with_nobody_writing(play):
    play.hands_over("sales_bot")
    play.clock.passes(12 * HOUR - 1)
    assert play.due() == []

    play.clock.passes(1)

    assert play.due() == ["time_limit"]
    assert play.control == "bot"
    assert play.page.owner(PSID) == OURS
    assert play.reasons == ["time_limit"]


def test_the_time_limit_of_the_inbox_needs_no_call(play):
    play.hands_over("inbox")
    play.calls()
    play.clock.passes(12 * HOUR)

    play.due()

    assert (play.control, control_calls(play), play.reasons) == ("bot", [], ["time_limit"])


def test_an_old_deadline_does_not_end_a_new_handover(play):
    play.hands_over("inbox")
    old = Deadline(PSID, deadlines.TIME_LIMIT, play.row.until)
    play.says("back to bot")
    play.clock.passes(12 * HOUR)
    play.hands_over("inbox")

    act_on(play.thread_control, old)

    assert play.control == "inbox"


def test_nobody_answering_returns_the_thread_and_says_so(play):
    play.hands_over("patient")
    play.clock.passes(600)

    assert play.due() == ["no_answer"]
    assert (play.control, play.reasons) == ("bot", ["no_answer"])


def test_a_deadline_of_a_thread_that_is_back_does_nothing(play):
    play.hands_over("sales_bot")
    play.says("back to bot")
    version, calls = play.row.version, play.calls()

    for kind in (deadlines.TIME_LIMIT, deadlines.TAKE_AGAIN, deadlines.SETTLE, deadlines.NO_ANSWER):
        act_on(play.thread_control, Deadline(PSID, kind, 0.0))
    act_on(play.thread_control, Deadline("nobody", deadlines.TIME_LIMIT, 0.0))

    assert play.row.version == version
    assert calls
    assert play.calls() == []


def test_a_retry_that_nobody_wants_any_more_does_nothing(play):
    play.hands_over("sales_bot")
    play.calls()

    act_on(play.thread_control, Deadline(PSID, deadlines.TAKE_AGAIN, 0.0))

    assert play.control == "app"
    assert play.calls() == []


# --- returning ------------------------------------------------------------------------------------


def test_control_is_taken_from_an_app_before_the_bot_speaks(play):
    play.hands_over("sales_bot")
    play.calls()
    seen = []
    play.meta.during = lambda name: seen.append((name, play.control))

    assert play.thread_control.return_to_bot(PSID, ReturnReason.AGENT, who="somebody")

    assert seen == [("take_thread_control", "app")]
    assert play.page.owner(PSID) == OURS
    assert play.log[-1] == ("bot", "agent")


def test_a_thread_that_is_with_the_bot_is_returned_without_a_word(play):
    play.says("hello")

    assert play.thread_control.return_to_bot(PSID, ReturnReason.AGENT, who="somebody")
    assert play.thread_control.return_to_bot("never seen", ReturnReason.AGENT, who="somebody")

    play.work()
    assert (play.notes, play.calls()) == ([], [])


def test_the_bot_is_told_of_a_return_once(play):
    play.hands_over("inbox")
    for _ in range(2):
        play.thread_control.return_to_bot(PSID, ReturnReason.AGENT, who="somebody")

    play.work()

    assert play.notes == [("returned", {"reason": "agent"})]


def test_a_return_in_a_turn_of_its_own_is_not_told_again(play):
    play.hands_over("inbox")

    play.thread_control.return_to_bot(PSID, ReturnReason.KEYWORD, who="bot", tell=False)

    play.work()
    assert (play.control, play.notes) == ("bot", [])


def test_what_came_in_before_the_return_is_backlog(play):
    play.hands_over("inbox")
    play.clock.passes(1)
    play.person.says("hello? anybody?")
    play.receive()

    play.thread_control.return_to_bot(PSID, ReturnReason.AGENT, who="somebody")
    play.work()
    play.says("thanks")

    assert play.turns == ["a person, please", "thanks"]
    assert ("person", "hello? anybody?") in play.lines


@pytest.fixture
def refusing(play_without_routing):
    """A thread that Meta does not give back."""
    play = play_without_routing
    play.hands_over("sales_bot")
    return play


def test_where_meta_refuses_the_thread_stays_muted_and_the_refusal_is_kept(refusing):
    assert not refusing.thread_control.return_to_bot(PSID, ReturnReason.KEYWORD, who="person")

    row = refusing.row
    assert (row.state.control, row.state.owner) == (Control.APP, SALES_BOT)
    assert (row.wanted, row.attempts) == ("keyword", 1)
    assert "Conversation Routing" in row.refusal
    assert "->" in row.refusal
    assert not refusing.thread_control.token_to_speak(PSID)
    assert refusing.notes == []


def test_a_refused_return_is_tried_again_after_1_5_15_and_then_every_60_minutes(refusing):
    refusing.thread_control.return_to_bot(PSID, ReturnReason.KEYWORD, who="person")
    waits = []
    for _ in range(5):
        waits.append(refusing.deadlines["take_again"] / 60)
        refusing.clock.passes(refusing.deadlines["take_again"])
        assert refusing.due() == ["take_again"]

    assert waits == [1, 5, 15, 60, 60]
    assert refusing.row.attempts == 6


def test_once_meta_agrees_the_return_has_the_reason_it_was_wanted_for(refusing):
    refusing.thread_control.return_to_bot(PSID, ReturnReason.BUTTON, who="person")
    refusing.page.set_default_app("bot")
    refusing.clock.passes(60)

    refusing.due()

    row = refusing.row
    assert (refusing.control, refusing.reasons) == ("bot", ["button"])
    assert (row.wanted, row.refusal, row.attempts) == ("", "", 0)
    assert refusing.deadlines == {}


def test_the_persons_next_way_back_tries_again_at_once(refusing):
    refusing.says("back to bot")
    assert refusing.control == "app"
    refusing.page.set_default_app("bot")

    refusing.says("BACK TO BOT")

    assert (refusing.control, refusing.reasons) == ("bot", ["keyword"])
    assert refusing.deadlines == {}


def test_the_time_limit_is_not_lost_where_meta_refuses(refusing):
    refusing.clock.passes(12 * HOUR)
    assert refusing.due() == ["time_limit"]
    assert refusing.control == "app"
    assert refusing.deadlines == {"take_again": 60}

    refusing.page.set_default_app("bot")
    refusing.clock.passes(60)
    refusing.due()

    assert refusing.reasons == ["time_limit"]


def test_a_take_refused_because_it_is_ours_already_is_a_return(play):
    play.hands_over("sales_bot")
    play.page.app("sales_bot").passes(PSID, OURS)  # and its event is late
    play.meta.fails("take_thread_control", ALREADY_OWNER)

    assert play.thread_control.return_to_bot(PSID, ReturnReason.KEYWORD, who="person")

    assert play.control == "bot"


def test_a_take_that_meta_does_not_answer_is_no_return(play):
    play.hands_over("sales_bot")
    play.meta.fails("take_thread_control", OUTAGE)
    assert not play.thread_control.return_to_bot(PSID, ReturnReason.KEYWORD, who="person")

    play.clock.passes(60)
    play.due()

    assert (play.control, play.reasons) == ("bot", ["keyword"])


def test_a_take_whose_answer_was_lost_is_found_to_have_worked(play):
    play.hands_over("sales_bot")
    play.meta.fails("take_thread_control", LOST_ANSWER)

    assert play.thread_control.return_to_bot(PSID, ReturnReason.KEYWORD, who="person")


def test_without_routing_a_thread_that_nobody_has_had_for_a_day_can_be_returned(refusing):
    refusing.clock.passes(DAY + 1)

    assert refusing.thread_control.return_to_bot(PSID, ReturnReason.TIME_LIMIT, who="clock")


def test_a_thread_that_somebody_answered_beside_the_bot_comes_back_without_a_take(play_without_routing):
    play = play_without_routing
    play.says("hello")
    play.thread_control.lose(play.row, Change.FOREIGN_ECHO, owner=STRANGER)
    play.calls()

    assert play.thread_control.return_to_bot(PSID, ReturnReason.KEYWORD, who="person")

    assert play.control == "bot"
    assert play.calls() == ["thread_owner"]


def test_beside_the_bot_meta_may_know_an_owner_who_must_give_back_first(play):
    play.says("hello")
    play.thread_control.lose(play.row, Change.FOREIGN_ECHO, owner=SALES_BOT)
    play.page.app("bot").passes(PSID, SALES_BOT)
    play.meta.fails("take_thread_control", NO_TAKING)

    assert not play.thread_control.return_to_bot(PSID, ReturnReason.KEYWORD, who="person")

    assert (play.control, play.row.state.owner) == ("app", SALES_BOT)


# --- a pass whose outcome was never written down --------------------------------------------------


class Crash(BaseException):
    """The process ends here."""


def crash_while_passing(play, *, after_meta_did_it):
    play.says("a person, please")

    def dies(name):
        if after_meta_did_it:
            play.page.app("bot").passes(PSID, SALES_BOT)
        raise Crash

    play.meta.during = dies
    with pytest.raises(Crash):
        play.thread_control.hand_over(PSID, "sales_bot")
    play.meta.during = lambda name: None
    play.clock.passes(60)


def test_after_a_crash_in_the_middle_the_bot_is_silent(play):
    crash_while_passing(play, after_meta_did_it=True)

    assert play.control == "passing"
    assert not play.thread_control.token_to_speak(PSID)
    assert play.says("hello?").state.control is Control.PASSING
    assert play.turns == ["a person, please"]


def test_a_pass_that_meta_made_before_the_crash_is_settled(play):
    crash_while_passing(play, after_meta_did_it=True)

    assert play.due() == ["settle"]

    assert (play.control, play.row.state.owner, play.row.state.target) == ("app", SALES_BOT, "sales_bot")
    assert play.notes == []
    assert set(play.deadlines) == {"time_limit"}


def test_after_a_pass_that_meta_never_made_the_person_is_told(play):
    crash_while_passing(play, after_meta_did_it=False)

    play.due()

    assert (play.control, play.reasons) == ("bot", ["no_answer"])
    assert play.deadlines == {}


def test_as_long_as_meta_cannot_be_asked_a_pass_stays_open_and_the_bot_silent(play):
    play.says("a person, please")
    play.meta.fails("pass_thread_control", LOST_ANSWER)
    play.meta.fails("thread_owner", OUTAGE, times=2)

    assert play.thread_control.hand_over(PSID, "sales_bot").state.control is Control.PASSING

    play.clock.passes(61)
    assert play.due() == ["settle"]
    assert play.control == "passing"

    play.clock.passes(61)
    assert play.due() == ["settle"]
    assert play.control == "app"


def test_a_way_back_settles_first(play):
    crash_while_passing(play, after_meta_did_it=True)

    play.says("back to bot")

    assert (play.control, play.page.owner(PSID)) == ("bot", OURS)


# --- somebody else takes over ---------------------------------------------------------------------


def test_a_send_that_meta_refuses_shows_who_has_control(play):
    play.says("hello")
    play.page.app("bot").passes(PSID, SALES_BOT)

    play.thread_control.refused_to_speak(PSID)
    play.work()

    assert (play.control, play.row.state.owner, play.row.state.target) == ("app", SALES_BOT, "sales_bot")
    assert play.log == [("app", "staff_took_over")]
    assert len(play.mirrored) == 1
    assert set(play.deadlines) == {"time_limit"}


def test_a_refused_send_mutes_also_where_meta_names_nobody(play_without_routing):
    play = play_without_routing
    play.says("hello")

    play.thread_control.refused_to_speak(PSID)

    assert (play.control, play.row.state.target) == ("app", "another_app")


def test_a_refused_send_of_a_muted_thread_tells_nothing_new(play):
    play.hands_over("inbox")
    play.calls()

    play.thread_control.refused_to_speak(PSID)
    play.thread_control.refused_to_speak("never seen")

    assert (play.control, play.calls()) == ("inbox", [])


def test_losing_control_twice_is_noted_once(play):
    play.says("hello")
    for _ in range(2):
        play.thread_control.lose(play.row, Change.FOREIGN_ECHO, owner=STRANGER)

    play.work()

    assert len(play.mirrored) == 1
    assert play.mirrored[0] == {"target": STRANGER, "until": play.clock() + 12 * HOUR}


def test_reconciling_never_gives_the_bot_its_voice_back(play):
    play.says("hello")
    play.thread_control.lose(play.row, Change.FOREIGN_ECHO, owner=STRANGER)

    after = play.thread_control.reconcile(play.row)

    assert after.state.control is Control.BESIDE


def test_reconciling_believes_an_owner_that_meta_hides(play_without_routing):
    play = play_without_routing
    play.says("hello")
    play.thread_control.lose(play.row, Change.FOREIGN_ECHO, owner=STRANGER)
    play.page.app("stranger").requests(PSID)

    after = play.thread_control.reconcile(play.row)

    assert (after.state.control, after.state.owner) == (Control.APP, STRANGER)


def test_where_the_owner_cannot_be_asked_for_nothing_is_concluded(play):
    play.hands_over("sales_bot")
    play.meta.fails("thread_owner", OUTAGE, times=2)

    assert not play.thread_control.is_gone(play.row)


def test_other_channels_have_no_owner_to_ask_for(play):
    assert play.thread_control.ask_owner(Thread("somebody", channel="rest")) is None
    assert play.calls() == []


# --- requests -------------------------------------------------------------------------------------


def test_a_granted_request_is_a_handover_that_the_bot_hears_of(play):
    play.says("hello")

    play.thread_control.grant(play.row, SALES_BOT)
    play.work()

    assert (play.control, play.page.owner(PSID)) == ("app", SALES_BOT)
    assert play.log == [("passing", "requested"), ("app", "requested")]
    assert [each["target"] for each in play.mirrored] == ["sales_bot"]


def test_a_request_that_meta_does_not_let_us_grant_changes_nothing(play):
    play.says("hello")
    play.meta.fails("pass_thread_control", PASS_NOT_OWNER)

    play.thread_control.grant(play.row, SALES_BOT)
    play.work()

    assert (play.control, play.notes) == ("bot", [])


def test_the_bot_never_speaks_while_the_inboxs_thread_is_passed_on(play):
    play.hands_over("inbox")
    seen = []
    play.meta.during = lambda name: seen.append(play.control)

    play.thread_control.grant(play.row, PAGE_INBOX_APP_ID)

    assert seen == ["inbox"]
    assert (play.control, play.row.state.target) == ("app", "page_inbox")
    assert play.deadlines == {"time_limit": 12 * HOUR}


def test_the_inbox_keeps_a_thread_that_meta_does_not_pass_on(play):
    play.hands_over("inbox")
    play.meta.fails("pass_thread_control", PASS_NOT_OWNER)

    play.thread_control.grant(play.row, SALES_BOT)

    assert play.control == "inbox"


# --- who may speak, and what people see -----------------------------------------------------------


def test_a_thread_that_was_never_seen_is_the_bots(play):
    assert play.thread_control.token_to_speak("never seen")
    assert play.thread_control.token_to_speak("never seen") == "demo-page-token"
    assert play.thread_control.status("never seen") is None


@pytest.mark.parametrize("name", ["inbox", "sales_bot"])
def test_there_is_no_token_to_speak_with_while_muted(play, name):
    play.hands_over(name)

    assert play.thread_control.token_to_speak(PSID) is None
    assert not play.thread_control.token_to_speak(PSID)


def test_the_status_tells_who_since_when_and_why(play):
    play.hands_over("sales_bot")
    play.says("are you there?")

    status = play.thread_control.status(PSID)

    assert status.thread.state.target == "sales_bot"
    assert [(line.control, line.who) for line in status.log] == [("app", "bot"), ("passing", "bot")]
    assert [line.text for line in status.transcript] == ["are you there?"]


def test_an_app_without_a_target_is_named_by_its_id(play):
    assert play.thread_control.target_of(SALES_BOT) == "sales_bot"
    assert play.thread_control.target_of(STRANGER) == STRANGER
    assert play.thread_control.target_of("") == "another_app"


def test_refusals_and_outages_are_one_kind_of_error_to_who_hands_over(play):
    for fault in (PASS_NOT_OWNER, OUTAGE):
        play.meta.fails("pass_thread_control", fault)
        with pytest.raises(GraphError):
            play.hands_over("sales_bot")


@pytest.mark.parametrize("sender", ["a\0b", "\ud800", "fine\udfff"])
def test_a_conversation_that_no_page_could_show_is_not_handed_over(play, sender):
    with pytest.raises(HandoverRefused, match="cannot be stored"):
        play.thread_control.hand_over(sender, "inbox", channel="rest")


@pytest.mark.parametrize("sender", [".", "..", "x" * 501])
def test_a_conversation_that_no_address_of_the_page_leads_to_is_not_handed_over(play, sender):
    with pytest.raises(HandoverRefused, match="let the channel give"):
        play.thread_control.hand_over(sender, "inbox", channel="rest")
