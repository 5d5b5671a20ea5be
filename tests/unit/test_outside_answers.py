"""Tests that who was answered from outside the inbox waits no longer, and that the list says by whom."""

from __future__ import annotations

import pytest
from play import HOOTSUITE, PSID, STRANGER

from handover_channel.inbox.queries import Queries
from handover_channel.inbox.view_models import Filters
from handover_channel.messenger.events import PAGE_INBOX_APP_ID
from handover_channel.replies.sending_rules import SendingRules
from handover_channel.store import deadlines


def answers(play, app_id, text="We are on it.", at=None, **message):
    """Have somebody with *app_id* answer as the page, beside us: Meta's owner stays as it is."""
    said = {"is_echo": True, "mid": f"m_{text}", "app_id": int(app_id), "text": text, **message}
    at = int(play.clock() * 1000) if at is None else at
    turned = {"sender": {"id": play.page.page_id}, "recipient": {"id": PSID}}
    play.deliver({**turned, "timestamp": at, "message": said}, channel="standby")
    play.work()


def listed(play, name):
    queries = Queries(play.settings, play.store, lambda row: SendingRules(True, "", ""), play.clock)
    return queries.list(Filters(list=name), agent="sara").items


@pytest.mark.parametrize(
    ("app", "who"), [(PAGE_INBOX_APP_ID, PAGE_INBOX_APP_ID), (HOOTSUITE, "hootsuite"), (STRANGER, STRANGER)]
)
def test_whoever_was_answered_from_outside_waits_no_longer_and_the_list_says_by_whom(play, app, who):
    play.hands_over("inbox")
    play.says("hello?")
    assert [each.answered_by for each in listed(play, "waiting")] == [""]

    play.clock.passes(60)
    answers(play, app)

    assert play.control == "inbox"  # nobody took it
    assert listed(play, "waiting") == []
    assert [(each.waiting_since, each.answered_by) for each in listed(play, "open")] == [(None, who)]
    play.says("and my bill?")
    assert [each.answered_by for each in listed(play, "waiting")] == [""]


def test_nobody_is_told_any_more_that_nobody_answers(play):
    play.hands_over("patient")
    play.clock.passes(60)
    answers(play, PAGE_INBOX_APP_ID)

    assert list(play.deadlines) == [deadlines.TIME_LIMIT]


def test_an_automatic_reply_is_no_answer(play):
    play.hands_over("inbox")
    play.clock.passes(1)
    answers(play, PAGE_INBOX_APP_ID, "We answer soon.")

    assert [each.answered_by for each in listed(play, "waiting")] == [""]


def test_an_answer_from_before_the_persons_last_words_ends_nothing(play):
    play.hands_over("inbox")
    before = int(play.clock() * 1000)
    play.clock.passes(30)
    play.says("hello?")

    answers(play, PAGE_INBOX_APP_ID, at=before)

    assert [each.thread for each in listed(play, "waiting")] == [PSID]
