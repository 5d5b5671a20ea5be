"""Tests the log of what agents do beside answering: its rows, its dividers, and what deletes it."""

from __future__ import annotations

import pytest
import sqlalchemy as sa
from play import DAY, PSID

from handover_channel.errors import NotAllowed, Refused
from handover_channel.inbox.commands import Commands
from handover_channel.inbox.queries import BotHistory, Queries
from handover_channel.inbox.rendering import Pages
from handover_channel.inbox.view_models import AgentActs, PrivateNote
from handover_channel.replies.service import AgentReplies
from handover_channel.store import acts, agents, audit, page_updates, personal_data, retention, transcript
from handover_channel.store.agents import Agent
from handover_channel.store.schema import acts as table
from handover_channel.store.transcript import PERSON, Line


@pytest.fixture
def commands(play):
    with play.store.writing() as connection:
        for name, shown in (("sara", "Sara"), ("omar", "Omar")):
            agents.add(connection, Agent(name, shown, "hash", created_at=play.clock()))
    return Commands(play.settings, play.store, play.thread_control, play.clock)


def rows(play, thread=PSID):
    query = sa.select(table).where(table.c.thread == thread).order_by(table.c.id)
    with play.store.reading() as connection:
        return [
            (each["kind"], each["agent"], each["whom"], each["detail"])
            for each in connection.execute(query).mappings()
        ]


def shown(play, kind=AgentActs, **given):
    replies = AgentReplies(play.settings, play.store, play.graph, play.thread_control, play.clock)
    queries = Queries(play.settings, play.store, replies.sending_rules, play.clock)
    found = queries.thread(queries.row(PSID), BotHistory(), agent="sara", link=str, **given)
    return [each for each in found.entries if isinstance(each, kind)]


def test_every_act_of_an_agent_is_a_row_with_who_and_to_whom(play, commands):
    play.hands_over()

    commands.assign(PSID, to="sara", seen="", by="sara")
    commands.assign(PSID, to="omar", seen="sara", by="sara")
    commands.assign(PSID, to="", seen="omar", by="omar")
    commands.tag(PSID, "vip", by="omar")
    commands.tag(PSID, "vip", by="sara")  # it has the tag: nothing is done
    commands.tag(PSID, "vip", by="sara", remove=True)
    commands.tag(PSID, "vip", by="sara", remove=True)
    commands.add_note(PSID, "sara", "A secret")

    assert rows(play) == [
        ("claimed", "sara", "sara", ""),
        ("assigned", "sara", "omar", "sara"),
        ("unassigned", "omar", "omar", ""),
        ("tagged", "omar", "", "vip"),
        ("untagged", "sara", "", "vip"),
        ("noted", "sara", "", ""),
    ]


def test_who_answers_first_or_takes_over_has_claimed(play, commands):
    play.says("hello")
    commands.take_over(PSID, "sara")

    assert rows(play) == [("claimed", "sara", "sara", "")]


def test_what_was_refused_is_no_row(play, commands):
    play.hands_over()
    commands.assign(PSID, to="sara", seen="", by="sara")

    with pytest.raises(Refused):
        commands.assign(PSID, to="omar", seen="", by="omar")
    with pytest.raises(NotAllowed):
        commands.assign(PSID, to="omar", seen="sara", by="omar")

    assert len(rows(play)) == 1


def test_an_act_that_was_not_written_leaves_nothing_else_either(play, commands, monkeypatch):
    play.hands_over()

    def breaks(*given, **named):
        raise RuntimeError

    monkeypatch.setattr(acts, "add", breaks)
    for act in (
        lambda: commands.assign(PSID, to="sara", seen="", by="sara"),
        lambda: commands.tag(PSID, "vip", by="sara"),
        lambda: commands.add_note(PSID, "sara", "a note"),
    ):
        with pytest.raises(RuntimeError):
            act()

    with play.store.reading() as connection:
        kept = personal_data.held(connection, PSID)
    assert play.row.assignee == ""
    assert not {"tags", "remarks", "acts"} & set(kept)


def test_who_is_away_for_too_long_is_the_one_whom_it_was_taken_from(play, commands):
    play.hands_over()
    commands.assign(PSID, to="sara", seen="", by="sara")
    play.clock.passes(6 * 60)

    commands.tidy()

    assert rows(play)[-1] == ("freed", "", "sara", "")


def test_agents_that_come_and_go_and_their_roles_are_rows_of_no_thread(play, commands):
    play.hands_over()
    commands.assign(PSID, to="omar", seen="", by="omar")
    with play.store.writing() as connection:
        agents.set_role(connection, "sara", agents.ADMIN, now=play.clock(), by="command line")
        agents.remove(connection, "omar", now=play.clock(), by="command line")

    assert rows(play, "")[2:] == [
        ("role_changed", "command line", "sara", "admin"),
        ("agent_removed", "command line", "omar", ""),
    ]
    assert rows(play)[-1] == ("freed", "", "omar", "")


def test_acts_in_a_row_are_one_divider_and_what_is_said_parts_them(play, commands):
    play.hands_over()
    commands.assign(PSID, to="sara", seen="", by="sara")
    play.clock.passes(1)
    commands.tag(PSID, "vip", by="sara")
    play.clock.passes(1)
    with play.store.writing() as connection:
        line = Line(PERSON, text="hello?", timestamp=int(play.clock() * 1000))
        transcript.add(connection, PSID, line)
    play.clock.passes(1)
    commands.tag(PSID, "late", by="omar")

    first, second = shown(play)

    assert [(each.kind, each.who) for each in first.acts] == [("claimed", "Sara"), ("tagged", "Sara")]
    assert [(each.kind, each.who, each.detail) for each in second.acts] == [("tagged", "Omar", "late")]


def test_a_note_stands_for_itself(play, commands):
    play.hands_over()
    commands.add_note(PSID, "sara", "wet parcel")

    assert not shown(play)
    assert [each.text for each in shown(play, PrivateNote)] == ["wet parcel"]


@pytest.mark.parametrize("language", ["en", "ar"])
def test_every_kind_of_divider_has_words(language):
    from handover_channel.inbox import labels

    texts = Pages()._environments[language]  # each kind is drawn with its own sentence
    for kind in set(acts.Done) - {acts.Done.NOTED, acts.Done.EXPORTED, *audit.WITHOUT_THREAD}:
        drawn = texts.from_string("{{ _(wording.ACT_LABELS[kind], who='<b>', whom='Omar', tag='vip') }}")
        assert "<b>" not in drawn.render(kind=kind.value)
    assert set(labels.ACT_LABELS) <= {kind.value for kind in acts.Done}


def test_rows_go_with_the_log_and_with_the_person(play, commands):
    play.clock.passes(100 * DAY)
    play.hands_over()
    commands.tag(PSID, "old", by="sara")
    play.clock.passes(10 * DAY)
    commands.tag(PSID, "new", by="sara")

    retention.delete_changes(play.store, before=play.clock() - DAY, sleep=lambda seconds: None)
    assert rows(play) == [("tagged", "sara", "", "new")]

    with play.store.reading() as connection:
        assert [row["detail"] for row in personal_data.export(connection, PSID)["acts"]] == ["new"]
    with play.store.writing() as connection:
        personal_data.forget(connection, PSID, now=play.clock())
        page_updates.tidy(connection, before=play.clock() + 1)
    assert rows(play) == []
