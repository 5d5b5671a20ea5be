from __future__ import annotations

import pytest
from play import HOOTSUITE, PSID, SALES_BOT, STRANGER

from handover_channel.errors import StoreUnavailable
from handover_channel.metrics import counters
from handover_channel.replies.service import AgentReplies


@pytest.fixture
def waits(monkeypatch):
    """(target, seconds) of what was counted."""
    found = []
    monkeypatch.setattr(counters, "first_answered", lambda *given: found.append(given))
    return found


def agent(play):
    return AgentReplies(play.settings, play.store, play.graph, play.thread_control, play.clock)


def echo(play, app_id, text="hello"):
    message = {"mid": f"m_{play.clock()}", "is_echo": True, "app_id": int(app_id), "text": text}
    at = int(play.clock() * 1000)
    item = {
        "sender": {"id": play.page.page_id},
        "recipient": {"id": PSID},
        "timestamp": at,
        "message": message,
    }
    play.deliver(item, channel="standby")
    play.work()


def test_an_agents_first_answer_is_timed_from_the_handover(play, waits):
    play.hands_over("inbox")
    play.clock.passes(90)
    agent(play).reply(PSID, "How can I help?")
    play.clock.passes(60)
    agent(play).reply(PSID, "Are you there?")

    assert waits == [("inbox", 90)]


def test_an_answer_in_two_messages_is_one(play, waits):
    play.hands_over("inbox")
    play.clock.passes(5)
    agent(play).reply(PSID, "a long answer " * 200)

    assert waits == [("inbox", 5)]


def test_the_other_apps_first_answer_is_timed_too(play, waits):
    play.hands_over("sales_bot")
    play.clock.passes(20)
    echo(play, SALES_BOT)
    play.clock.passes(20)
    echo(play, SALES_BOT)

    assert waits == [("sales_bot", 20)]


def test_each_handover_has_a_first_answer(play, waits):
    for seconds in (10, 20):
        play.hands_over("inbox")
        play.clock.passes(seconds)
        agent(play).reply(PSID, "hello")
        play.says("back to bot")

    assert waits == [("inbox", 10), ("inbox", 20)]


@pytest.mark.parametrize("app", [HOOTSUITE, STRANGER])
def test_who_comes_unasked_has_kept_nobody_waiting(play, waits, app):
    play.says("hello")
    echo(play, app)
    play.clock.passes(20)
    echo(play, app)

    assert waits == []


def test_what_the_person_says_is_no_answer(play, waits):
    play.hands_over("inbox")
    play.says("is anybody there?")
    assert waits == []

    play.clock.passes(30)
    agent(play).reply(PSID, "yes")

    assert waits == [("inbox", 31)]


def test_an_answer_goes_out_though_it_cannot_be_timed(play, waits, monkeypatch):
    row = play.hands_over("inbox")

    def away():
        raise StoreUnavailable("gone")

    monkeypatch.setattr(play.store, "reading", away)
    from handover_channel.metrics import first_response

    first_response.note(play.settings, play.store, row, now=play.clock())

    assert waits == []
