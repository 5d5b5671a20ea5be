"""Replies of the Page inbox and of Meta's AI that nobody wrote, beside the bot."""

from __future__ import annotations

from datetime import timedelta

import pytest
from play import OUTAGE, PSID, settings_with

from handover_channel.settings import yaml_file
from handover_channel.settings.automatic_replies import AutomaticReplies, Reaction, read
from handover_channel.settings.loader import PAGE_INBOX_APP_ID
from handover_channel.settings.section import Section

SWITCH = "Meta Business Suite > Inbox > Automations"


def echo(play, text="We have your message!", *, after=2.0, **message):
    """Deliver what the Page inbox says by itself: it takes no control."""
    said = {"is_echo": True, "app_id": int(PAGE_INBOX_APP_ID), "mid": f"m_{text}", "text": text, **message}
    play.clock.passes(after)
    play.deliver(
        {
            "sender": {"id": play.page.page_id},
            "recipient": {"id": PSID},
            "timestamp": play.page.stamp(),
            "message": said,
        }
    )
    play.work()


def muting(**which):
    return {"automatic_replies": AutomaticReplies(**which)}


def test_an_instant_reply_leaves_the_bot_its_control_and_is_shown_as_what_it_is(play):
    play.says("hello")

    echo(play)
    play.says("where is my order?")

    assert (play.control, play.log) == ("bot", [])
    assert play.turns == ["hello", "where is my order?"]
    assert play.lines == [("automatic_reply", "We have your message!")]


def test_metas_ai_leaves_the_bot_its_control_however_late_it_answers(play):
    play.says("hello")

    echo(play, after=60, ai_generated=True, metadata='{"source":"axon"}')

    assert (play.control, play.lines) == ("bot", [("meta_ai", "We have your message!")])
    assert "thread_owner" not in play.calls()


@pytest.mark.parametrize(
    ("message", "setting", "reason"),
    [
        ({}, {"page_inbox": Reaction.MUTE}, "automatic_reply"),
        ({"ai_generated": True}, {"meta_ai": Reaction.MUTE}, "meta_ai"),
    ],
)
def test_a_setting_lets_them_mute_the_bot_for_a_reason_of_their_own(make_play, message, setting, reason):
    play = make_play(**muting(**setting))
    play.says("hello")

    echo(play, **message)
    play.says("where is my order?")

    assert (play.control, play.row.reason) == ("beside", reason)
    assert play.turns == ["hello"]
    assert play.mirrored[-1]["target"]
    play.says("back to bot")
    assert play.control == "bot"


def test_a_person_in_the_page_inbox_who_answers_within_seconds_mutes_the_bot(play):
    play.says("hello")

    play.page.inbox.replies(PSID, "I will take this")
    play.work()

    assert (play.control, play.row.reason) == ("app", "staff_took_over")
    assert play.lines == [("app", "I will take this")]


def test_where_meta_cannot_be_asked_who_has_control_it_may_be_a_person(play):
    play.says("hello")
    play.meta.fails("thread_owner", OUTAGE, times=2)

    echo(play)

    assert (play.control, play.row.reason) == ("beside", "staff_took_over")


def test_an_answer_that_comes_later_is_a_persons(play):
    play.says("hello")

    echo(play, after=6)

    assert (play.control, play.row.reason) == ("beside", "staff_took_over")


def test_the_seconds_are_a_setting(make_play):
    play = make_play(**muting(within=timedelta(seconds=10)))
    play.says("hello")

    echo(play, after=8)

    assert play.control == "bot"


def test_one_warning_for_a_page_says_which_switch_at_meta_causes_it(play, caplog):
    for text in ("one", "two", "three"):
        play.says(f"hello {text}")
        echo(play, text)
        echo(play, f"ai {text}", ai_generated=True)

    warnings = [each.getMessage() for each in caplog.records if SWITCH in each.getMessage()]
    assert len(warnings) == 2
    assert all("handover.yml" in warning and "hello" not in warning for warning in warnings)


def test_an_automatic_reply_is_nobodys_first_answer(play):
    play.hands_over("inbox")
    play.says("is anybody there?")

    echo(play)

    assert play.lines[-1][0] == "automatic_reply"
    assert play.row.waiting_since is not None


# --- the settings ---------------------------------------------------------------------------------


def replies_and_problems(text):
    values, unreadable = yaml_file.parse(text, {})
    section = Section("handover.yml", values or {}, [], "automatic_replies")

    assert unreadable == []
    return read(section), section.problems


def test_by_default_both_are_ignored():
    assert replies_and_problems("") == (AutomaticReplies(), [])
    assert settings_with().automatic_replies.page_inbox is Reaction.IGNORE
    assert settings_with().automatic_replies.meta_ai is Reaction.IGNORE


def test_each_can_be_set():
    given = "page_inbox: mute\nmeta_ai: mute\nwithin: 20 seconds"

    assert replies_and_problems(given) == (
        AutomaticReplies(Reaction.MUTE, Reaction.MUTE, timedelta(seconds=20)),
        [],
    )


@pytest.mark.parametrize(
    ("given", "problem"),
    [
        ("page_inbox: silent", 'page_inbox is "silent": write one of ignore, mute'),
        ("meta_ai: mut", 'meta_ai is "mut": did you mean mute?'),
        ("within: 2 hours", "within is 2 hours: write 1 second to 1 minute; people answer after that"),
        ("within: false", "within is false: write 1 second to 1 minute; people answer after that"),
        ("meta: mute", "meta is not a setting: did you mean meta_ai?"),
    ],
)
def test_what_cannot_work_is_refused(given, problem):
    assert replies_and_problems(given)[1] == [f"handover.yml: automatic_replies.{problem}"]
