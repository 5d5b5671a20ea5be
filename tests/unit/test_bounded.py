"""Bounds for what a delivery causes, and words that the bot did not answer, whatever Meta answers."""

from __future__ import annotations

from dataclasses import replace

import pytest
from play import DAY, HOUR, NO_TAKING, OURS, PSID, SALES_BOT, START, STRANGER
from test_event_handlers import echo, item

from handover_channel.messenger.events import OUR_METADATA
from handover_channel.queue.outbound_gate import Gate
from handover_channel.rules import budget
from handover_channel.rules.control import Change
from handover_channel.rules.return_reasons import ReturnReason
from handover_channel.settings.loader import PAGE_INBOX_APP_ID
from handover_channel.simulator.refusals import Refusal
from handover_channel.store import findings, queue_admin

NOT_OWNER = Refusal(
    10, "(#10) Message failed to send because another app is controlling this thread now.", subcode=2018300
)
NOT_OURS = Refusal(100, "The action is invalid since it's not the thread owner.", subcode=2534037)
BAD_TOKEN = Refusal(190, "Invalid OAuth access token.")
BLOCKED = Refusal(551, "This person isn't available right now.")
NOBODY = {"data": []}


def owner(app_id=None, expiration=None):
    facts = {"app_id": app_id, "expiration": expiration}
    return {"data": [{"thread_owner": {key: value for key, value in facts.items() if value is not None}}]}


@pytest.fixture
def away(talking):
    """With another app, of which Meta tells nothing, and which refuses the bot's messages."""
    talking.hands_over("sales_bot")
    talking.calls()
    talking.meta.always["thread_owner"] = NOBODY
    talking.meta.always["messages"] = NOT_OWNER
    return talking


def reaches_us(play, text, **more):
    """Say something that Meta sends us in `messaging[]`, whoever owns the thread."""
    play.clock.passes(1)
    play.deliver(item(play, message={"mid": f"m_{text}", "text": text, **more}))
    return play.work()


# --- a release that was none ----------------------------------------------------------------------


@pytest.mark.parametrize("refusal", [NOT_OWNER, NOT_OURS])
@pytest.mark.parametrize("answer", [NOBODY, {"data": [{}]}, {}, owner(OURS), owner(int(OURS))])
def test_a_release_that_was_none_is_tried_once_and_the_thread_stays_with_its_target(away, answer, refusal):
    away.meta.always.update(thread_owner=answer, messages=refusal)
    before, until = len(away.log), away.row.until

    reaches_us(away, "hello?")

    assert away.outcomes[-1] == "kept"
    assert away.log[before:] == [("bot", "released"), ("app", "not_released")]
    assert len(away.calls()) == 2
    assert (away.row.state.target, away.row.state.owner, away.row.until) == ("sales_bot", SALES_BOT, until)
    assert away.lines[-1] == ("person", "hello?")


def test_a_time_limit_that_ends_no_control_of_metas_is_tried_again_after_minutes(away):
    away.meta.always["take_thread_control"] = NO_TAKING
    before = len(away.log)
    away.clock.passes(DAY + HOUR)

    for _ in range(5):
        away.due()

    assert away.log[before:] == [("bot", "time_limit"), ("app", "not_released")]
    assert len(away.calls()) <= 5
    assert (away.row.wanted, away.row.state.target) == ("time_limit", "sales_bot")
    assert "(#27)" in away.row.refusal
    assert list(away.deadlines) == ["take_again"]
    assert away.deadlines["take_again"] >= 60

    for _ in range(30):
        away.clock.passes(HOUR)
        away.due()

    # A day later the silence is a sign again.
    assert away.log[before + 2 :] == [("bot", "time_limit"), ("app", "not_released")]


def test_a_way_back_that_was_none_is_shown_and_tried_again_until_meta_agrees(away):
    away.meta.always["take_thread_control"] = NO_TAKING

    reaches_us(away, "back to bot")

    assert (away.control, away.log[-1]) == ("app", ("app", "not_released"))
    assert (away.row.wanted, "2018300" in away.row.refusal) == ("keyword", True)
    assert away.deadlines["take_again"] == 60

    away.clock.passes(60)
    away.due()
    assert away.log[-1] == ("app", "not_released")  # the clock has no sign
    assert away.deadlines["take_again"] == 300

    away.meta.always.clear()
    away.clock.passes(300)
    away.due()
    assert (away.control, away.reasons[-1]) == ("bot", "keyword")


def test_what_follows_is_kept_without_a_call_until_something_new_is_known(away):
    for text in ("hello?", "anybody?", "really nobody?"):
        reaches_us(away, text)

    assert len(away.calls()) == 2
    assert [text for _, text in away.lines] == ["hello?", "anybody?", "really nobody?"]


@pytest.mark.parametrize("new", ["take_thread_control", "pass_thread_control"])
def test_a_word_of_metas_about_the_owner_lets_a_release_be_tried_again(away, new):
    reaches_us(away, "hello?")
    away.calls()

    away.deliver(item(away, **{new: {"new_owner_app_id": SALES_BOT, "previous_owner_app_id": None}}))
    reaches_us(away, "and now?")

    assert "messages" in away.calls()


def test_a_silence_of_metas_24_hours_is_something_new(away):
    reaches_us(away, "hello?")
    away.meta.always.pop("messages")
    away.page.app("sales_bot").releases(PSID)
    away.clock.passes(DAY + 1)
    away.deliver(item(away, message={"mid": "m_later", "text": "good morning"}))
    away.work()

    assert (away.control, away.turns[-1]) == ("bot", "good morning")


def test_a_real_release_is_answered_once(talking):
    talking.hands_over("sales_bot")
    talking.page.app("sales_bot").releases(PSID)

    talking.says("hello?")

    assert (talking.control, talking.turns[-1], talking.outcomes[-1]) == ("bot", "hello?", "answered")
    assert talking.reasons == ["released"]


def test_a_lapse_that_was_none_goes_back_as_well(away):
    away.clock.passes(DAY + 1)
    away.deliver(item(away, message={"mid": "m_late", "text": "good morning"}))
    away.work()

    assert away.log[-2:] == [("bot", "lapsed"), ("app", "not_released")]
    assert (away.row.state.target, away.lines[-1]) == ("sales_bot", ("person", "good morning"))


def test_a_refusal_long_after_the_return_is_a_new_one(talking):
    talking.hands_over("sales_bot")
    talking.page.app("sales_bot").releases(PSID)
    talking.says("hello?")
    talking.clock.passes(HOUR)
    talking.meta.always["messages"] = NOT_OWNER
    talking.meta.always["thread_owner"] = owner(STRANGER)

    talking.says("and now?")

    assert (talking.row.state.owner, talking.row.reason) == (STRANGER, "staff_took_over")


def test_who_takes_over_after_a_release_has_a_time_limit_of_their_own(talking):
    talking.hands_over("sales_bot")
    talking.page.app("sales_bot").releases(PSID)
    talking.says("hello?")
    talking.clock.passes(2 * DAY)

    talking.deliver(item(talking, take_thread_control={"new_owner_app_id": PAGE_INBOX_APP_ID}))
    talking.work()

    assert talking.row.state.owner == PAGE_INBOX_APP_ID
    assert talking.row.until == talking.clock() + 12 * HOUR


@pytest.mark.parametrize("ours", [OURS, int(OURS)])
def test_our_own_app_never_takes_over_from_the_bot(talking, ours):
    talking.says("hello")
    talking.meta.always["messages"] = NOT_OWNER
    talking.meta.always["thread_owner"] = owner(ours)

    talking.says("and now?")

    assert (talking.row.state.owner, talking.row.state.target) == ("", "another_app")
    assert talking.lines == [("person", "and now?")]


def test_a_delivery_that_goes_in_circles_all_the_same_is_kept(talking, monkeypatch):
    talking.hands_over("sales_bot")
    talking.page.app("sales_bot").releases(PSID)
    monkeypatch.setattr(
        talking.thread_control, "lapse", lambda *given, **more: True
    )  # and nothing comes of it

    talking.says("hello?")

    assert talking.outcomes[-budget.ROUNDS - 1 :] == [""] * budget.ROUNDS + ["kept"]
    assert talking.lines[-1] == ("person", "hello?")


def test_a_thread_that_changes_hands_too_often_stays_muted_and_is_tried_again(play):
    play.hands_over("inbox")
    for number in range(budget.CHANGES_A_MINUTE):
        play.thread_control.return_to_bot(PSID, ReturnReason.AGENT, who="amal")
        play.thread_control.lose(play.row, Change.FOREIGN_ECHO, owner=STRANGER, stamp=10**15 + number)
    play.work()

    with play.store.reading() as connection:
        (found,) = findings.current(connection, now=play.clock())
    assert play.control == "beside"
    assert (found.kind, found.subject) == (findings.BUDGET_SPENT, PSID)
    assert "changes too often" in play.row.refusal
    assert len(play.log) <= budget.CHANGES_A_MINUTE + 1

    play.clock.passes(HOUR + 1)
    assert play.due() == ["take_again"]
    assert (play.control, play.findings) == ("bot", [])


# --- what the bot did not answer ------------------------------------------------------------------


def test_a_question_in_whose_turn_an_agent_takes_over_is_in_the_transcript(talking):
    talking.during_turn = lambda text: talking.thread_control.take_over(PSID, "amal")

    talking.says("what are your opening hours?")

    assert talking.outcomes[-1] != "answered"
    assert talking.lines == [("person", "what are your opening hours?")]


def test_a_question_in_whose_turn_the_page_inbox_answers_is_in_the_transcript(talking):
    def somebody_answers(text):
        talking.page.inbox.replies(PSID, "We open at nine.")
        talking.thread_control.lose(talking.row, Change.CONTROL_LOST, stamp=10**15, owner=PAGE_INBOX_APP_ID)

    talking.during_turn = somebody_answers

    talking.says("what are your opening hours?")

    assert ("person", "what are your opening hours?") in talking.lines


def test_a_message_that_is_answered_after_all_is_not_kept_as_unanswered_beside_its_answer(talking):
    talking.meta.always["messages"] = BAD_TOKEN
    talking.says("hello")
    talking.meta.always.clear()

    with talking.store.writing() as connection:
        (item,) = queue_admin.failed(connection, now=talking.clock(), limit=5).items
        assert queue_admin.retry(connection, item)
    talking.work()

    assert (talking.outcomes[-1], talking.lines) == ("answered", [])


def test_a_refused_token_is_given_up_and_told_until_a_token_works(talking):
    talking.meta.always["messages"] = BAD_TOKEN
    talking.says("hello")

    assert (talking.outcomes[-1], talking.given_up) == ("not sent", ["not sent"])
    assert talking.findings == [findings.TOKEN_REFUSED]
    assert talking.lines == [("person", "hello")]

    talking.meta.always.pop("messages")
    typing = {"recipient": {"id": PSID}, "sender_action": "typing_on"}
    Gate(talking.thread_control, talking.graph).send(PSID, typing)
    assert talking.findings == [findings.TOKEN_REFUSED]  # a token may be good for that alone

    talking.says("hello again")
    assert (talking.outcomes[-1], talking.findings) == ("answered", [])


def test_who_has_blocked_the_page_is_nothing_for_a_person_to_retry(talking):
    talking.meta.always["messages"] = BLOCKED

    talking.says("hello")

    assert (talking.outcomes[-1], talking.given_up) == ("undeliverable", [])


def test_more_calls_than_a_thread_may_make_are_not_made_and_shown(talking, monkeypatch):
    monkeypatch.setattr(budget, "CALLS_A_MINUTE", 3)
    for number in range(6):
        talking.deliver(item(talking, message={"mid": f"m_{number}", "text": f"message {number}"}))
    talking.work()

    assert talking.calls().count("messages") == 3
    assert talking.given_up == ["over budget"] * 3
    assert talking.findings == [findings.BUDGET_SPENT]
    assert [text for _, text in talking.lines] == ["message 3", "message 4", "message 5"]


# --- our own echo, whatever app it names ----------------------------------------------------------


def own_echo(play, app_id, **more):
    """Meta's echo of the bot's latest message."""
    mid = next(mid for mid in reversed(play.mids))
    return echo(play, app_id=app_id, mid=mid, text="About hello.", **more)


@pytest.mark.parametrize("metadata", [f"{OUR_METADATA}1.1", "of the bot's developer", ""])
def test_an_echo_of_our_own_message_that_names_another_app_is_an_error_in_the_settings(
    talking, caplog, metadata
):
    talking.says("hello")

    for _ in range(2):
        talking.deliver(own_echo(talking, 1987654321, metadata=metadata))
        talking.work()

    assert talking.control == "bot"
    assert talking.findings == [findings.APP_ID_DIFFERS]
    (said,) = [record.getMessage() for record in caplog.records if record.levelname == "ERROR"]
    assert "app_id in handover.yml is 1234567890" in said
    assert 'write app_id: "1987654321"' in said


def test_a_corrected_app_id_is_nothing_to_be_told_of_any_more(talking):
    talking.says("hello")
    with talking.store.writing() as connection:
        for theirs in (OURS, STRANGER):
            findings.put(connection, findings.APP_ID_DIFFERS, theirs, "", now=talking.clock())

    talking.deliver(own_echo(talking, int(OURS), metadata=f"{OUR_METADATA}1.1"))
    talking.work()

    with talking.store.reading() as connection:
        found = findings.current(connection, now=talking.clock())
    assert [each.subject for each in found] == [STRANGER]


def test_an_echo_that_is_faster_than_metas_answer_is_ours_as_well(talking):
    talking.says("hello")
    (mid,) = talking.mids[-1:]
    waits = []
    with talking.store.writing() as connection:
        connection.exec_driver_sql("DELETE FROM sent")

    def answer_is_written(seconds):
        waits.append(seconds)
        if len(waits) == 3:
            talking.note_sent("1.1", mid)

    talking.event_handlers._sleep = answer_is_written
    talking.deliver(echo(talking, app_id=1987654321, mid=mid, metadata=f"{OUR_METADATA}1.1"))
    talking.work()

    assert (talking.control, len(waits)) == ("bot", 3)


def test_an_echo_of_a_second_bot_with_this_package_mutes_as_any_other_and_at_once(talking):
    talking.says("hello")
    talking.event_handlers._sleep = pytest.fail

    talking.deliver(echo(talking, app_id=STRANGER, mid="m_theirs", metadata=f"{OUR_METADATA}777.1"))
    talking.work()

    assert talking.control == "beside"
    assert talking.findings == []


# --- what the page wrote --------------------------------------------------------------------------


@pytest.mark.parametrize("text", ["We open at nine", "please, back to bot"])
@pytest.mark.parametrize("channel", ["messaging", "standby"])
def test_what_the_page_wrote_is_never_the_persons_marked_as_an_echo_or_not(play, channel, text):
    play.hands_over("inbox")
    sent_by_page = {"sender": {"id": play.page.page_id}, "recipient": {"id": PSID}}
    play.deliver({**item(play, message={"mid": "m_p", "text": text}), **sent_by_page}, channel=channel)
    play.work()

    assert play.control == "inbox"
    assert play.turns == ["a person, please"]
    assert play.lines == [("app", text)]


@pytest.mark.parametrize("part", [{"postback": {"title": "x", "payload": "/x"}}, {"message": {"text": "x"}}])
def test_what_the_page_wrote_to_nobody_starts_no_thread(play, part):
    play.deliver({"sender": {"id": play.page.page_id}, "timestamp": 5, **part})

    assert play.work() is None


# --- a thread belongs to a channel ----------------------------------------------------------------


def test_another_channel_with_the_same_id_neither_hands_over_nor_returns(play):
    from handover_channel.errors import HandoverRefused

    play.says("hello")
    with pytest.raises(HandoverRefused, match="is on channel 'facebook', and 'rest' asks"):
        play.thread_control.hand_over(PSID, "inbox", channel="rest")
    assert play.control == "bot"

    play.hands_over("inbox")
    reason = ReturnReason.KEYWORD
    assert not play.thread_control.return_to_bot(PSID, reason, who="bot", tell=False, channel="rest")
    assert play.control == "inbox"


def test_a_person_on_messenger_undoes_what_another_channel_did_with_their_id(talking):
    talking.thread_control.hand_over(PSID, "inbox", channel="rest")

    talking.says("hello")

    assert (talking.row.channel, talking.control, talking.turns) == ("facebook", "bot", ["hello"])
    assert talking.row.page == talking.page.page_id
    assert talking.log == [("inbox", "handed_over"), ("bot", "channel_corrected")]
    assert talking.reasons == []


def test_a_person_on_messenger_corrects_the_channel_of_a_thread_that_the_bot_has(talking):
    talking.thread_control.hand_over(PSID, "inbox", channel="rest")
    talking.thread_control.return_to_bot(PSID, ReturnReason.AGENT, who="amal", tell=False)

    talking.says("hello")

    assert (talking.row.channel, talking.outcomes[-1]) == ("facebook", "answered")


# --- without a default app ------------------------------------------------------------------------


@pytest.fixture
def released(make_play):
    """Without a default app, handed over to the Page inbox, which has let go."""
    play = make_play(default_app=None, talks=True)
    play.hands_over("page_inbox")
    play.page.switches = replace(play.page.switches, done="release")
    play.page.inbox.done(PSID)
    play.calls()
    return play


def test_a_keyword_that_reaches_us_after_the_owner_let_go_brings_the_thread_back(released):
    released.says("please, back to bot")

    assert (released.control, released.reasons) == ("bot", ["keyword"])


def test_a_keyword_that_did_not_reach_us_as_an_owner_does_not(released):
    released.deliver(item(released, message={"mid": "m_s", "text": "back to bot"}), channel="standby")
    released.work()

    assert (released.control, released.row.wanted) == ("app", "keyword")


def test_a_tap_on_our_button_is_no_sign_that_the_owner_let_go(released):
    tap = {"mid": "m_t", "title": "Back to Bot", "payload": '/handover_returned{"reason": "button"}'}
    released.deliver(item(released, postback=tap))
    released.work()

    assert (released.control, released.row.wanted) == ("app", "button")


def test_a_time_limit_is_no_sign_that_the_owner_let_go_and_is_tried_again_until_it_must_have(released):
    released.clock.passes(12 * HOUR)
    assert "time_limit" in released.due()
    assert released.control == "app"

    released.clock.passes(13 * HOUR)
    released.due()
    assert released.control == "bot"


def test_a_way_back_on_signs_that_was_none_is_kept_and_nothing_goes_in_circles(released):
    released.meta.always["messages"] = NOT_OWNER

    released.says("please, back to bot")

    assert (released.control, released.row.state.target) == ("app", "page_inbox")
    assert released.log[-2:] == [("bot", "keyword"), ("app", "not_released")]
    assert ("person", "please, back to bot") in released.lines


# --- while control is being taken -----------------------------------------------------------------


def behind_a_keyword(play, seconds):
    """Say "back to bot"; *seconds* after control was taken Meta has a question on standby yet."""
    play.hands_over("sales_bot")
    play.says("back to bot")
    play.clock.passes(seconds)
    play.deliver(item(play, message={"mid": "m_q", "text": "where is my order?"}), channel="standby")
    play.work()


def test_a_question_behind_back_to_bot_that_meta_sent_the_old_way_is_answered(talking):
    behind_a_keyword(talking, 0.25)

    assert (talking.turns[-1], talking.outcomes[-1]) == ("where is my order?", "answered")


def test_a_question_on_standby_long_after_the_return_is_not(talking):
    behind_a_keyword(talking, 60)

    assert talking.outcomes[-1] == "kept"
    assert talking.lines[-1] == ("person", "where is my order?")


# --- a page without a token -----------------------------------------------------------------------


def test_a_person_of_a_page_that_is_not_listed_causes_no_call_and_the_page_is_named(make_play, caplog):
    from handover_channel.settings.loader import Page

    play = make_play(talks=True, pages=(Page("999", "another page's token"),))

    play.says("hello")

    assert play.calls() == []
    assert f'no page "{play.page.page_id}"' in caplog.text
    assert (play.outcomes[-1], play.given_up) == ("not sent", ["not sent"])


def test_the_caller_of_a_pass_may_be_killed_and_the_slots_mirror_the_row(talking):
    class Killed(BaseException):
        pass

    def killed(name):
        if name == "pass_thread_control":
            raise Killed

    talking.says("a person, please")
    talking.meta.after = killed
    with pytest.raises(Killed):
        talking.thread_control.hand_over(PSID, "sales_bot")
    talking.meta.after = lambda name: None

    talking.clock.passes(61)
    talking.due()

    assert talking.control == "app"
    assert talking.slots == {"target": "sales_bot", "until": START + 1 + 12 * HOUR}
