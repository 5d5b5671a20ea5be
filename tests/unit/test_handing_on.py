"""Tests handing on from the inbox: to an app by Meta's call, to another inbox by the row alone."""

from __future__ import annotations

import dataclasses

import pytest
from play import DAY, HOUR, LOST_ANSWER, OUTAGE, PSID, TARGETS
from test_handovers_outside_hours import OPENS, SHOP

from handover_channel.errors import (
    GraphUnavailable,
    NotAllowed,
    NotKnown,
    NotThreadOwner,
    OutsideHours,
    Refused,
    TargetNotReachable,
    UnknownTarget,
)
from handover_channel.inbox.commands import Commands
from handover_channel.inbox.queries import BotHistory, Queries
from handover_channel.inbox.view_models import ControlChange, Onward
from handover_channel.replies.service import AgentReplies
from handover_channel.settings.inbox import InboxSettings
from handover_channel.settings.loader import PAGE_INBOX_APP_ID
from handover_channel.simulator.refusals import PASS_NOT_OWNER
from handover_channel.store import agents, threads
from handover_channel.store.agents import Agent


@pytest.fixture
def handed(play):
    """A conversation in the inbox, whose agent is Sara."""
    return in_inbox(play)


def in_inbox(play, **more):
    with play.store.writing() as connection:
        for name in ("sara", "omar"):
            agents.add(connection, Agent(name, name.title(), "hash", created_at=play.clock()))
    play.hands_over("inbox", **more)
    with play.store.writing() as connection:
        threads.assign(connection, PSID, agent="sara", seen="", now=play.clock())
    play.meta.calls.clear()
    return play


def commands_of(play, said=None):
    port = None if said is None else (lambda thread, text: said.append((thread, text)))
    return Commands(play.settings, play.store, play.thread_control, play.clock, port_of=lambda channel: port)


def hand_on(play, to, by="sara", **more):
    commands_of(play).hand_on(PSID, by, to, **more)


def view(play, agent="sara"):
    replies = AgentReplies(
        play.settings, play.store, play.graph, play.thread_control, play.clock, sleep=lambda seconds: None
    )
    queries = Queries(play.settings, play.store, replies.sending_rules, play.clock)
    return queries.thread(play.row, BotHistory(), agent=agent, link=str)


# --- to an app ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "owner", "metadata"),
    [("page_inbox", PAGE_INBOX_APP_ID, None), ("sales_bot", "2222", "from the shop bot")],
)
def test_an_app_gets_it_by_metas_call_with_the_targets_metadata(handed, name, owner, metadata):
    hand_on(handed, name)

    (call,) = handed.meta.calls
    assert call[0] == "pass_thread_control"
    assert (str(call[1]["target_app_id"]), call[1].get("metadata")) == (owner, metadata)
    assert (handed.control, handed.row.state.target) == ("app", name)
    assert handed.page.owner(PSID) == owner
    assert (handed.row.assignee, handed.row.waiting_since) == ("", None)


def test_the_bot_is_silent_while_meta_is_asked_and_after_it(handed):
    seen = []
    handed.meta.during = lambda name: seen.append(handed.control)

    hand_on(handed, "sales_bot")
    handed.says("have you got it in blue?")

    assert seen == ["inbox"]
    assert handed.turns == ["a person, please"]  # the one in which it was handed over
    assert handed.mirrored[-1]["target"] == "sales_bot"


def test_the_divider_says_who_handed_it_on_and_to_whom(handed):
    hand_on(handed, "sales_bot", note="  wants it in blue ")

    (change,) = [
        each
        for each in view(handed).entries
        if isinstance(each, ControlChange) and each.reason == "handed_on"
    ]
    assert (change.who, change.target, change.note) == ("Sara", "sales_bot", "wants it in blue")


def test_the_targets_own_time_limit_counts_from_then_on(handed):
    handed.clock.passes(5 * HOUR)

    hand_on(handed, "hootsuite")

    assert handed.deadlines["time_limit"] == 2 * DAY
    assert handed.row.until == handed.clock() + 2 * DAY


def test_a_target_without_a_limit_ends_the_limit(make_play):
    endless = dataclasses.replace(TARGETS[3], time_limit=None)
    play = in_inbox(make_play(targets={"inbox": TARGETS[0], "sales_bot": endless}))

    hand_on(play, "sales_bot")

    assert (play.row.until, play.deadlines) == (None, {})


def test_what_comes_back_from_there_is_the_bots(handed):
    hand_on(handed, "sales_bot")

    handed.page.app("sales_bot").passes(PSID, "1234567890")
    handed.work()

    assert handed.log[-1] == ("bot", "passed_back")


def test_what_meta_refuses_leaves_it_with_its_agent(handed):
    handed.meta.fails("pass_thread_control", PASS_NOT_OWNER)

    with pytest.raises(NotThreadOwner):
        hand_on(handed, "sales_bot")

    assert (handed.control, handed.row.assignee) == ("inbox", "sara")
    assert handed.log[-1] == ("inbox", "handed_over")


def test_an_outage_leaves_it_where_it_is(handed):
    handed.meta.fails("pass_thread_control", OUTAGE)

    with pytest.raises(GraphUnavailable):
        hand_on(handed, "sales_bot")

    assert (handed.control, handed.row.assignee) == ("inbox", "sara")


def test_where_the_answer_is_lost_meta_is_asked_who_has_it(handed):
    handed.meta.fails("pass_thread_control", LOST_ANSWER)

    hand_on(handed, "sales_bot")

    assert [name for name, _ in handed.meta.calls] == ["pass_thread_control", "thread_owner"]
    assert (handed.control, handed.row.state.target) == ("app", "sales_bot")


# --- to another inbox ---------------------------------------------------------------------------------


def test_another_inbox_gets_it_without_asking_meta_and_it_waits_there_for_anybody(handed):
    handed.clock.passes(HOUR)

    hand_on(handed, "patient")

    assert handed.meta.calls == []
    assert (handed.control, handed.row.state.target) == ("inbox", "patient")
    assert (handed.row.assignee, handed.row.waiting_since) == ("", handed.clock())
    assert handed.deadlines == {"time_limit": 12 * HOUR, "no_answer": 600.0}
    assert handed.log[-1] == ("inbox", "handed_on")


def test_there_the_person_hears_how_many_wait_before_them_as_at_a_handover(make_play):
    play = in_inbox(make_play(inbox=InboxSettings(ahead="{count} before you")))
    play.thread_control.hand_over("another", "patient", channel="rest")
    play.clock.passes(1)

    hand_on(play, "patient")

    assert [body["message"]["text"] for name, body in play.meta.calls if name == "messages"] == [
        "1 before you"
    ]


def test_on_another_channel_they_hear_it_by_that_channel(make_play):
    play = make_play(inbox=InboxSettings(ahead="{count} before you"))
    for name, to in (("another", "patient"), ("mine", "inbox")):
        play.thread_control.hand_over(name, to, channel="telegram")
    play.clock.passes(1)
    said = []

    commands_of(play, said).hand_on("mine", "sara", "patient")

    assert said == [("mine", "1 before you")]


def test_outside_its_business_hours_nothing_goes_to_an_inbox(make_play):
    play = in_inbox(make_play(targets={"inbox": TARGETS[0], "shop": SHOP}))
    assert view(play).onward == [Onward("shop", is_open=False)]

    with pytest.raises(OutsideHours, match="'shop' before 09:00"):
        hand_on(play, "shop")
    assert (play.row.state.target, play.row.assignee) == ("inbox", "sara")

    play.clock.now = OPENS
    assert view(play).onward == [Onward("shop", is_open=True)]
    hand_on(play, "shop")
    assert play.row.state.target == "shop"


# --- what cannot be -----------------------------------------------------------------------------------


def test_an_unknown_target_is_refused_and_named(handed):
    with pytest.raises(UnknownTarget, match="nowhere"):
        hand_on(handed, "nowhere")


def test_where_it_is_already_it_is_not_handed_on_to(handed):
    with pytest.raises(Refused, match="with 'inbox' already|with inbox already"):
        hand_on(handed, "inbox")


def test_what_is_not_in_the_inbox_is_not_handed_on(play):
    play.hands_over("sales_bot")
    play.meta.calls.clear()

    with pytest.raises(Refused, match="not in the inbox any more"):
        hand_on(play, "page_inbox")
    assert play.meta.calls == []


def test_what_was_never_seen_is_not_handed_on(play):
    with pytest.raises(NotKnown):
        hand_on(play, "page_inbox")


def test_a_colleagues_is_not_handed_on(handed):
    with pytest.raises(NotAllowed, match="Sara answers"):
        hand_on(handed, "page_inbox", by="omar")

    assert handed.control == "inbox"
    assert view(handed, agent="omar").onward == []


def test_what_has_changed_hands_meanwhile_is_told(handed):
    def someone_returns_it(name):
        if name == "pass_thread_control":
            with handed.store.writing() as connection:
                connection.exec_driver_sql("UPDATE threads SET control = 'bot', target = ''")

    handed.meta.during = someone_returns_it

    with pytest.raises(Refused, match="changed hands"):
        hand_on(handed, "sales_bot")


def test_the_page_offers_every_other_target_that_the_channel_can_be_handed_to(handed):
    assert [each.name for each in view(handed).onward] == ["patient", "page_inbox", "sales_bot", "hootsuite"]


def test_on_other_channels_only_inboxes_are_offered(make_play):
    play = make_play()
    play.thread_control.hand_over("mine", "inbox", channel="telegram")
    queries = Queries(play.settings, play.store, lambda row: _Rules(), play.clock)

    shown = queries.thread(queries.row("mine"), BotHistory(), agent="sara", link=str)

    assert [each.name for each in shown.onward] == ["patient"]
    with pytest.raises(TargetNotReachable):
        commands_of(play).hand_on("mine", "sara", "page_inbox")


class _Rules:
    can_reply, why_not, hint = True, "", ""
