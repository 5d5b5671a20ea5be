"""Tests that what a colleague has is theirs, whichever way somebody else comes by it."""

from __future__ import annotations

import itertools
from datetime import timedelta

import pytest
from play import PSID

from handover_channel.errors import Refused
from handover_channel.inbox.commands import Commands
from handover_channel.inbox.queries import BotHistory, Queries
from handover_channel.replies.service import AgentReplies
from handover_channel.rules.rights import Act, Verdict, verdict
from handover_channel.simulator.refusals import Refusal
from handover_channel.store import agents, threads
from handover_channel.store.agents import ADMIN, YOU
from handover_channel.store.agents import Agent as Person
from handover_channel.store.replies import FAILED, SENT

DECIDING = [Act.ASSIGN, Act.RETURN, Act.HAND_ON, Act.TAKE_OVER, Act.EXTEND, Act.DROP]
ANSWERING = [Act.REPLY, Act.RETRY]


# --- the table ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(("act", "agent"), itertools.product(Act, ["eve", "sara"]))
def test_what_nobody_has_or_is_your_own_is_free(act, agent):
    assignee = "" if agent == "eve" else "sara"

    assert verdict(act, assignee=assignee, agent=agent) is Verdict.YES


@pytest.mark.parametrize("act", Act)
def test_of_a_colleagues_every_act_is_refused_or_asked(act):
    assert verdict(act, assignee="sara", agent="eve") is (Verdict.ASK if act in ANSWERING else Verdict.NO)


@pytest.mark.parametrize("act", DECIDING)
def test_an_admin_decides_about_everything(act):
    assert verdict(act, assignee="sara", agent="root", is_admin=True) is Verdict.YES


@pytest.mark.parametrize("act", ANSWERING)
def test_an_admin_is_asked_as_others_are(act):
    assert verdict(act, assignee="sara", agent="root", is_admin=True) is Verdict.ASK


def test_ones_own_reply_may_be_discarded_in_a_colleagues_conversation():
    assert verdict(Act.DROP, assignee="sara", agent="eve", is_theirs=True) is Verdict.YES


# --- in the inbox ------------------------------------------------------------------------------------


@pytest.fixture
def commands(play):
    """Sara has a conversation; Eve is a colleague, Root an admin."""
    with play.store.writing() as connection:
        for name in ("sara", "eve"):
            agents.add(connection, Person(name, name.title(), "hash", created_at=play.clock()))
        agents.add(connection, Person("root", "Root", "hash", role=ADMIN, created_at=play.clock()))
    play.hands_over()
    commands = Commands(play.settings, play.store, play.thread_control, play.clock)
    commands.assign(PSID, to="sara", seen="", by="sara")
    return commands


@pytest.fixture
def agent(play):
    return AgentReplies(
        play.settings, play.store, play.graph, play.thread_control, play.clock, sleep=lambda seconds: None
    )


def view(play, agent, of):
    queries = Queries(play.settings, play.store, agent.sending_rules, play.clock)
    return queries.thread(play.row, BotHistory(), agent=of, link=str)


DEEDS = {
    "assign": lambda commands, by: commands.assign(PSID, to=by, seen="sara", by=by),
    "return": lambda commands, by: commands.return_to_bot(PSID, by),
    "take over": lambda commands, by: commands.take_over(PSID, by),
    "extend": lambda commands, by: commands.extend(PSID, by, "1 hour"),
}


@pytest.mark.parametrize("deed", DEEDS.values(), ids=DEEDS)
def test_a_colleagues_conversation_is_not_got_by_any_act(play, commands, deed):
    before = play.row

    with pytest.raises(Refused, match="Sara answers this conversation -> only they, or an admin"):
        deed(commands, "eve")

    assert play.row == before


def test_return_and_take_over_are_no_way_around_it(play, commands):
    for deed in ("return", "take over"):
        with pytest.raises(Refused):
            DEEDS[deed](commands, "eve")

    assert play.row.assignee == "sara"


@pytest.mark.parametrize("by", ["sara", "root"])
@pytest.mark.parametrize("deed", ["return", "extend"])
def test_who_has_it_and_admins_may(play, commands, by, deed):
    before = play.row.version

    DEEDS[deed](commands, by)

    assert play.row.version > before


def test_on_a_machine_without_agents_the_one_there_is_may_do_everything(play):
    play.hands_over()
    commands = Commands(play.settings, play.store, play.thread_control, play.clock)
    with play.store.writing() as connection:
        threads.assign(connection, PSID, agent="old", seen="", now=play.clock())

    commands.return_to_bot(PSID, YOU)

    assert play.control == "bot"


def test_before_a_reply_in_a_colleagues_conversation_an_agent_is_asked_once(play, commands, agent):
    play.clock.passes(1)
    assert view(play, agent, "eve").asks == "sara"
    with pytest.raises(Refused, match="Sara has this conversation -> look"):
        commands.expect_right(Act.REPLY, PSID, "eve")

    commands.expect_right(Act.REPLY, PSID, "eve", despite="sara")
    assert agent.reply(PSID, "May I help?", agent="eve").state == SENT

    commands.expect_right(Act.REPLY, PSID, "eve")
    assert view(play, agent, "eve").asks == ""


def test_who_was_told_of_one_colleague_is_asked_again_for_another(play, commands, agent):
    commands.assign(PSID, to="root", seen="sara", by="sara")

    with pytest.raises(Refused, match="Root has this conversation"):
        commands.expect_right(Act.REPLY, PSID, "eve", despite="sara")


def test_who_has_it_is_not_asked_and_nobody_is_where_nobody_has_it(play, commands, agent):
    assert view(play, agent, "sara").asks == ""
    commands.assign(PSID, to="", seen="sara", by="sara")

    assert view(play, agent, "eve").asks == ""
    commands.expect_right(Act.REPLY, PSID, "eve")


def test_a_colleagues_failed_reply_is_not_discarded_and_ones_own_is(play, commands, agent):
    play.meta.fails("messages", Refusal(551, "(#551) no", 1545041), 2)
    saras = agent.reply(PSID, "One.", agent="sara")
    eves = agent.reply(PSID, "Two.", agent="eve")
    assert {saras.state, eves.state} == {FAILED}

    with pytest.raises(Refused, match="Sara answers"):
        commands.expect_right(Act.DROP, PSID, "eve", reply=saras.id)
    commands.expect_right(Act.DROP, PSID, "eve", reply=eves.id)


def test_the_page_offers_what_one_may_do(play, commands, agent):
    eves, saras, roots = (view(play, agent, name) for name in ("eve", "sara", "root"))

    assert [(each.can_return, each.can_extend, each.decides) for each in (eves, saras, roots)] == [
        (False, False, False),
        (True, True, True),
        (True, True, True),
    ]
    assert all(each.can_reply for each in (eves, saras, roots))


def test_notes_and_tags_are_everybodys(play, commands, agent):
    commands.add_note(PSID, "eve", "I know her")
    commands.tag(PSID, "vip", by="sara")

    shown = view(play, agent, "sara")
    assert ("I know her" in str(shown), "vip" in str(shown)) == (True, True)


def test_whoever_has_been_away_too_long_has_nothing_that_others_would_have_to_ask_for(play, commands):
    play.clock.passes(timedelta(minutes=6).total_seconds())
    commands.tidy()

    DEEDS["return"](commands, "eve")

    assert play.control == "bot"
