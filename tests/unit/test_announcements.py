"""Tests what the person is told around a handover to the built-in inbox."""

from __future__ import annotations

import pytest
from play import DAY, OUTAGE, PSID

from handover_channel.errors import StoreUnavailable
from handover_channel.rules.return_reasons import ReturnReason
from handover_channel.settings.inbox import InboxSettings
from handover_channel.simulator.refusals import Refusal
from handover_channel.store import page_updates

TELLING = InboxSettings(joined="{agent} is here", ahead="{count} before you")


@pytest.fixture
def telling(make_play):
    return make_play(inbox=TELLING)


def told(play):
    """Texts that went out as the page; forgets them."""
    bodies = [body for name, body in play.meta.calls if name == "messages"]
    play.meta.calls.clear()
    return [body["message"]["text"] for body in bodies]


def others_wait(play, count, target="inbox"):
    for number in range(count):
        play.thread_control.hand_over(f"other {number}", target, channel="rest")


# --- how many wait before ----------------------------------------------------------------------------


def test_at_a_handover_the_person_is_told_how_many_wait_before_them(telling):
    others_wait(telling, 2)

    telling.hands_over("inbox")

    assert told(telling) == ["2 before you"]
    assert ("bot", "2 before you") in telling.lines


def test_a_handover_is_none_the_worse_for_a_refusal_of_which_nothing_can_be_noted(telling, monkeypatch):
    def is_away(*given):
        raise StoreUnavailable("away")

    others_wait(telling, 2)
    telling.meta.always["messages"] = Refusal(551, "This person isn't available right now.")
    monkeypatch.setattr("handover_channel.control.refused_messages.threads.obstructed", is_away)

    assert telling.hands_over("inbox").state.target == "inbox"


def test_where_nobody_waits_nothing_is_said(telling):
    others_wait(telling, 2, "patient")

    telling.hands_over("inbox")

    assert told(telling) == []


def test_without_the_setting_nothing_is_said(play):
    others_wait(play, 2)
    play.hands_over("inbox")

    assert told(play) == []


def test_a_handover_to_others_tells_nothing_of_the_inbox(telling):
    others_wait(telling, 2)
    telling.hands_over("sales_bot")

    assert told(telling) == []


def test_handing_over_again_says_nothing_again(telling):
    others_wait(telling, 1)
    telling.hands_over("inbox")
    told(telling)

    telling.thread_control.hand_over(PSID, "inbox")

    assert told(telling) == []


def test_what_meta_refuses_is_no_reason_not_to_hand_over(telling, caplog):
    others_wait(telling, 1)
    telling.meta.fails("messages", OUTAGE)

    telling.hands_over("inbox")

    assert telling.control == "inbox"
    assert "the person was not told (ahead)" in caplog.text
    assert telling.lines == []


def test_our_own_notice_is_not_taken_for_somebody_elses_words(telling):
    others_wait(telling, 1)
    telling.hands_over("inbox")
    telling.work()

    assert telling.lines == [("bot", "1 before you")]


# --- who has joined -----------------------------------------------------------------------------------


def test_who_has_joined_is_told_once_for_each_handover(telling):
    telling.hands_over("inbox")
    told(telling)

    assert [telling.thread_control.tell_joined(PSID, name) for name in ("Amal", "Amal", "Bashir")] == [""] * 3
    assert told(telling) == ["Amal is here"]

    telling.thread_control.return_to_bot(PSID, ReturnReason.AGENT, who="amal")
    telling.clock.passes(1)
    telling.hands_over("inbox")
    telling.thread_control.tell_joined(PSID, "Bashir {count}")
    assert told(telling)[-1] == "Bashir {count} is here"


def test_more_time_is_no_other_handover(telling):
    telling.hands_over("inbox")
    telling.thread_control.tell_joined(PSID, "Amal")
    told(telling)

    telling.thread_control.extend(PSID, DAY, "amal")
    telling.thread_control.tell_joined(PSID, "Amal")

    assert told(telling) == []


def test_open_pages_hear_of_it(telling):
    telling.hands_over("inbox")
    telling.thread_control.tell_joined(PSID, "Amal")

    with telling.store.reading() as connection:
        heard = page_updates.since(connection, news_id=0, change_id=10**6, at=1e12)
    assert (PSID in {thread for (kind, _), thread in heard if kind == "news"}) is True


@pytest.mark.parametrize("control", ["bot", "app", "never seen"])
def test_outside_the_inbox_nobody_joins(telling, control):
    if control != "never seen":
        telling.says("hello")
    if control == "app":
        telling.thread_control.hand_over(PSID, "sales_bot")

    assert telling.thread_control.tell_joined(PSID, "Amal") == ""
    assert told(telling) == []


def test_without_the_setting_nobody_is_announced(play):
    play.hands_over("inbox")

    assert play.thread_control.tell_joined(PSID, "Amal") == ""
    assert told(play) == []


def test_what_is_automatic_is_not_sent_a_day_after_the_persons_last_words(telling):
    telling.hands_over("inbox")
    told(telling)
    telling.clock.passes(DAY)

    telling.thread_control.tell_joined(PSID, "Amal")

    assert told(telling) == []


def test_on_other_channels_the_caller_says_it_and_says_it_once(telling):
    telling.thread_control.hand_over("somebody", "inbox", channel="socketio")

    assert telling.thread_control.tell_joined("somebody", "Amal") == "Amal is here"
    assert telling.thread_control.tell_joined("somebody", "Bashir") == ""
    assert told(telling) == []
    lines = telling.thread_control.status("somebody").transcript
    assert [(line.author, line.text) for line in lines] == [("bot", "Amal is here")]


def test_a_notice_is_no_answer(telling):
    row = telling.hands_over("patient")
    telling.thread_control.tell_joined(PSID, "Amal")

    assert telling.row.waiting_since == row.waiting_since
    assert "no_answer" in telling.deadlines
