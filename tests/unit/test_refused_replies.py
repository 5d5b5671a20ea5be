"""Tests that what Meta refuses to an agent tells about the thread: the page says it from then on."""

from __future__ import annotations

import dataclasses

import pytest
import sqlalchemy as sa
from play import DAY, HOUR, PSID, SALES_BOT, STRANGER

from handover_channel.graph_api.client import ThreadOwner
from handover_channel.inbox.queries import BotHistory, Queries
from handover_channel.replies.sending_rules import NOT_HEARD, PEOPLE_ONLY, TOO_LATE
from handover_channel.replies.service import AgentReplies
from handover_channel.rules.obstacle import HINTS, Obstacle
from handover_channel.settings.credentials import Page
from handover_channel.settings.inbox import InboxSettings
from handover_channel.simulator.refusals import Refusal
from handover_channel.store import findings
from handover_channel.store.replies import FAILED, SENT, File

CONTROLLED = Refusal(
    10, "(#10) Message failed to send because another app is controlling this thread now.", 2018300
)
CLOSED = Refusal(10, "(#10) This message is sent outside of allowed window.", 2018278)
NO_TAG = Refusal(100, "(#100) no", 1893061)
BLOCKED = Refusal(551, "(#551) This person isn't available right now.", 1545041)
BAD_TOKEN = Refusal(190, "Invalid OAuth access token.")
RESTRICTED = Refusal(10, "(#10) restricted", 1893063)

PDF = File("bill.pdf", "application/pdf", b"%PDF")


def an_agent(play):
    return AgentReplies(
        play.settings, play.store, play.graph, play.thread_control, play.clock, sleep=lambda seconds: None
    )


@pytest.fixture
def agent(play):
    play.hands_over()
    play.calls()
    return an_agent(play)


def shown(play, agent):
    queries = Queries(play.settings, play.store, agent.sending_rules, play.clock)
    return queries.thread(play.row, BotHistory(), agent="sara", link=str)


def refused(play, refusal, times=1):
    play.meta.fails("messages", refusal, times)


def test_an_app_is_called_as_it_is_configured_wherever_the_thread_is_now(play, agent):
    play.page.app("sales_bot").takes(PSID)
    play.page.app("sales_bot").says(PSID, "how can I help?")
    play.work()
    there = shown(play, agent)
    play.says("back to bot")

    names = [
        [each.name for each in view.entries if getattr(each, "text", "") == "how can I help?"]
        for view in (there, shown(play, agent))
    ]
    assert names == [["sales_bot"], ["sales_bot"]]


# --- another app has it ------------------------------------------------------------------------------


def test_a_reply_refused_for_another_app_asks_once_who_it_is_and_the_page_says_so(play, agent, monkeypatch):
    refused(play, CONTROLLED)
    names(play, monkeypatch, SALES_BOT)

    reply = agent.reply(PSID, "Hello.")

    assert play.calls() == ["messages", "thread_owner"]
    assert (play.control, play.row.state.target) == ("app", "sales_bot")
    view = shown(play, agent)
    assert (view.control, view.target, view.can_take_over, view.can_reply) == (
        "app",
        "sales_bot",
        True,
        False,
    )
    assert reply.state == FAILED
    assert "take it over, then send this again" in reply.error


@pytest.mark.parametrize(("app", "target"), [("", "another_app"), (STRANGER, STRANGER)])
def test_the_refusal_counts_where_meta_names_nobody_and_a_stranger_is_named(
    play, agent, monkeypatch, app, target
):
    refused(play, CONTROLLED)
    names(play, monkeypatch, app)

    agent.reply(PSID, "Hello.")

    assert (play.control, play.row.state.target) == ("app", target)


def test_where_meta_names_us_the_thread_has_come_back_and_stays_in_the_inbox(play, agent, monkeypatch):
    refused(play, CONTROLLED)
    names(play, monkeypatch, play.settings.app_id)

    reply = agent.reply(PSID, "Hello.")

    assert play.control == "inbox"
    assert agent.retry(reply.id).state == SENT


def test_a_refused_reply_is_sent_again_once_the_thread_was_taken_over(play, agent, monkeypatch):
    refused(play, CONTROLLED)
    names(play, monkeypatch, SALES_BOT)
    reply = agent.reply(PSID, "Hello.")
    play.calls()

    assert agent.retry(reply.id).has_failed
    assert play.calls() == []  # it is known who has it: Meta is not asked again

    play.thread_control.take_over(PSID, "sara")
    assert agent.retry(reply.id).state == SENT


def test_a_long_reply_and_its_file_are_refused_once(play, agent, monkeypatch):
    refused(play, CONTROLLED)
    names(play, monkeypatch, SALES_BOT)

    assert agent.reply(PSID, "word " * 900, file=PDF).has_failed

    assert play.calls() == ["messages", "thread_owner"]


def test_a_notice_that_is_refused_says_who_has_the_thread_as_well(play, monkeypatch):
    settings = dataclasses.replace(play.settings, inbox=InboxSettings(joined="{agent} is here."))
    thread_control = type(play.thread_control)(settings, play.store, play.graph, play.clock)
    play.hands_over()
    refused(play, CONTROLLED)
    names(play, monkeypatch, SALES_BOT)

    thread_control.tell_joined(PSID, "Sara")

    assert (play.control, play.row.state.target) == ("app", "sales_bot")


def names(play, monkeypatch, app):
    def thread_owner(token, thread):
        play.meta.calls.append(("thread_owner", {}))
        return ThreadOwner(app)

    monkeypatch.setattr(play.graph, "thread_owner", thread_owner)


# --- nothing gets there ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("refusal", "obstacle"),
    [(BLOCKED, Obstacle.PERSON), (BAD_TOKEN, Obstacle.TOKEN), (RESTRICTED, Obstacle.RESTRICTED)],
)
def test_what_keeps_messages_from_the_person_is_told_above_the_box_and_at_return(
    play, agent, refusal, obstacle
):
    refused(play, refusal)

    agent.reply(PSID, "Hello.")

    view = shown(play, agent)
    assert (view.can_reply, view.hint, view.return_hint) == (True, HINTS[obstacle], HINTS[obstacle])


def test_it_is_told_until_a_message_gets_through(play, agent):
    refused(play, BAD_TOKEN)
    reply = agent.reply(PSID, "Hello.")

    assert agent.retry(reply.id).state == SENT

    assert (shown(play, agent).hint, play.row.obstacle) == ("", "")


def test_it_is_told_until_the_person_does_something(play, agent):
    refused(play, BLOCKED)
    agent.reply(PSID, "Hello.")

    play.says("I am back")

    assert (shown(play, agent).hint, shown(play, agent).return_hint) == ("", "")


def test_after_a_window_that_meta_says_is_closed_the_reply_goes_out_as_a_persons(play, agent):
    refused(play, CLOSED)
    reply = agent.reply(PSID, "Hello.")
    assert "send it again" in reply.error
    view = shown(play, agent)
    assert (view.can_reply, view.hint, view.return_hint) == (True, PEOPLE_ONLY, NOT_HEARD)
    play.meta.calls.clear()

    assert agent.retry(reply.id).state == SENT
    assert agent.reply(PSID, "And one more.").state == SENT

    assert [body.get("tag") for _, body in play.meta.calls] == ["HUMAN_AGENT", "HUMAN_AGENT"]


def test_where_meta_takes_no_tagged_message_either_it_is_too_late(play, agent):
    play.clock.passes(30 * HOUR)
    refused(play, CLOSED)

    reply = agent.reply(PSID, "Hello.")

    assert "wait until the customer writes again" in reply.error
    assert (shown(play, agent).can_reply, shown(play, agent).why_not) == (False, TOO_LATE)
    play.says("hello?")
    assert shown(play, agent).can_reply


def test_a_tag_that_the_app_may_not_use_is_asked_for_in_app_review(play, agent):
    play.clock.passes(30 * HOUR)
    refused(play, NO_TAG)

    reply = agent.reply(PSID, "Hello.")

    assert "Human Agent feature" in reply.error
    assert "domain.yml" not in reply.error
    assert shown(play, agent).hint == HINTS[Obstacle.NO_TAG]


@pytest.mark.parametrize("seconds", [60, DAY + 60])
def test_a_refusal_of_the_message_alone_says_nothing_of_the_thread(play, agent, seconds):
    play.clock.passes(seconds)
    before = shown(play, agent).hint
    refused(play, Refusal(100, "(#100) Length of param message[text] must be less than 2000"))

    reply = agent.reply(PSID, "Hello.")

    assert "word it differently" in reply.error
    assert (shown(play, agent).hint, play.row.obstacle) == (before, "")


def test_a_refusal_that_teaches_nothing_new_changes_nothing(play, agent):
    refused(play, BLOCKED, times=2)
    agent.reply(PSID, "One.")
    agent.reply(PSID, "Two.")

    with play.store.reading() as connection:
        changes = connection.execute(sa.text("SELECT count(*) FROM changes")).scalar()
    assert changes == 1  # the handover


def findings_of(play):
    with play.store.reading() as connection:
        return [each.kind for each in findings.current(connection, now=play.clock())]


def test_a_token_that_is_refused_to_an_agent_is_shown_to_those_who_run_the_bot_until_it_works(play, agent):
    refused(play, BAD_TOKEN)
    reply = agent.reply(PSID, "Hello.")
    assert findings_of(play) == [findings.TOKEN_REFUSED]

    agent.retry(reply.id)

    assert findings_of(play) == []


def test_a_page_that_credentials_yml_does_not_list_is_told_as_a_token_that_is_refused(make_play):
    play = make_play(pages=(Page("11", "one"), Page("22", "two")))
    play.hands_over()
    play.calls()
    agent = an_agent(play)

    reply = agent.reply(PSID, "Hello.")

    assert reply.state == FAILED
    assert "has no page" in reply.error
    assert play.calls() == []
    assert (findings_of(play), play.row.obstacle) == ([findings.TOKEN_REFUSED], "token")
