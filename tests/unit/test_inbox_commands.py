"""Tests what agents do on the page (inbox/commands.py), and what it shows of it (inbox/queries.py)."""

from __future__ import annotations

import dataclasses
from datetime import timedelta

import pytest
import sqlalchemy as sa
from play import PSID

from handover_channel.control.thread_control import ThreadControl
from handover_channel.errors import Refused
from handover_channel.inbox import timeline
from handover_channel.inbox.commands import Commands
from handover_channel.inbox.queries import BotHistory, Queries
from handover_channel.inbox.view_models import ControlChange, Filters, PrivateNote, Said
from handover_channel.replies.service import AgentReplies
from handover_channel.store import agents, page_updates, presence, profiles, replies, transcript
from handover_channel.store.agents import Agent as Person
from handover_channel.store.transcript import AGENT, PERSON, Line


@pytest.fixture
def commands(play):
    with play.store.writing() as connection:
        for name, shown in (("sara", "Sara"), ("omar", "Omar")):
            agents.add(connection, Person(name, shown, "hash", created_at=play.clock()))
    return Commands(play.settings, play.store, play.thread_control, play.clock)


@pytest.fixture
def queries(play):
    agent = AgentReplies(
        play.settings, play.store, play.graph, play.thread_control, play.clock, sleep=lambda seconds: None
    )
    return Queries(play.settings, play.store, agent.sending_rules, play.clock)


def view(queries, play, agent="sara", bot=None, **given):
    given.setdefault("link", lambda address: f"/file?of={address}")
    return queries.thread(queries.row(PSID), bot or BotHistory(), agent=agent, **given)


def entries(queries, play, kind=Said, **given):
    return [each for each in view(queries, play, **given).entries if isinstance(each, kind)]


def items(queries, name, agent="sara"):
    return queries.list(Filters(list=name), agent=agent).items


# --- claiming -------------------------------------------------------------------------------------


def test_of_two_who_claim_at_the_same_time_one_gets_it_and_the_other_reads_who(play, commands, queries):
    play.hands_over()
    commands.assign(PSID, to="sara", seen="", by="sara")

    with pytest.raises(Refused, match="Sara was faster"):
        commands.assign(PSID, to="omar", seen="", by="omar")

    assert [item.assignee for item in items(queries, "mine")] == ["Sara"]
    assert not items(queries, "mine", agent="omar")


def test_a_claimed_conversation_waits_for_nobody_else(play, commands, queries):
    play.hands_over()
    assert [item.thread for item in items(queries, "waiting")] == [PSID]

    commands.assign(PSID, to="omar", seen="", by="sara")

    assert not items(queries, "waiting")
    assert view(queries, play).assignee_shown == "Omar"


def test_nothing_is_given_to_somebody_who_is_no_agent(play, commands):
    play.hands_over()

    with pytest.raises(Refused, match="no agent is called 'nobody'"):
        commands.assign(PSID, to="nobody", seen="", by="sara")


def test_a_conversation_that_has_gone_back_to_the_bot_cannot_be_claimed(play, commands):
    play.hands_over()
    play.says("back to bot")

    with pytest.raises(Refused, match="not in the inbox any more"):
        commands.assign(PSID, to="sara", seen="", by="sara")


def test_who_answers_first_has_it_and_nobody_is_overridden(play, commands, queries):
    play.hands_over()
    commands.claim_for_answer(play.row, "sara")
    commands.claim_for_answer(play.row, "omar")

    assert view(queries, play).assignee == "sara"


def test_what_is_not_in_the_inbox_is_nobodys_whoever_answers(play, commands):
    play.says("hello")

    commands.claim_for_answer(play.row, "sara")

    assert (play.control, play.row.assignee) == ("bot", "")


def test_the_person_hears_on_other_channels_too_who_has_joined_and_once(play, commands):
    inbox = dataclasses.replace(play.settings.inbox, joined="{agent} is here.")
    settings = dataclasses.replace(play.settings, inbox=inbox)
    said = []
    commands = Commands(
        settings,
        play.store,
        ThreadControl(settings, play.store, play.graph, play.clock),
        play.clock,
        port_of=lambda channel: lambda thread, text: said.append((channel, thread, text)),
    )
    row = play.thread_control.hand_over("chat-1", channel="socketio")

    commands.claim_for_answer(row, "sara")
    commands.assign("chat-1", to="", seen="sara", by="sara")
    commands.assign("chat-1", to="omar", seen="", by="omar")

    assert said == [("socketio", "chat-1", "Sara is here.")]


def test_a_colleague_has_joined_only_when_they_answer(play, commands):
    inbox = dataclasses.replace(play.settings.inbox, joined="{agent} is here.")
    settings = dataclasses.replace(play.settings, inbox=inbox)
    commands = Commands(
        settings,
        play.store,
        ThreadControl(settings, play.store, play.graph, play.clock),
        play.clock,
        port_of=lambda channel: lambda thread, text: said.append(text),
    )
    said = []
    play.thread_control.hand_over("chat-1", channel="socketio")

    commands.assign("chat-1", to="omar", seen="", by="sara")
    assert said == []

    for _ in range(2):
        commands.claim_for_answer(play.thread_control.find("chat-1"), "omar")
    assert said == ["Omar is here."]


def test_who_works_where_there_are_no_agents_is_no_agent_to_give_work_to(play, commands):
    play.hands_over()

    with pytest.raises(Refused, match="no agent is called 'you'"):
        commands.assign(PSID, to="you", seen="", by="sara")


@pytest.mark.parametrize(
    "act",
    [
        lambda commands: commands.tag("404", "vip", by="sara"),
        lambda commands: commands.add_note("404", "sara", "who?"),
    ],
)
def test_what_was_never_seen_gets_no_tags_and_no_notes(play, commands, act):
    with pytest.raises(Refused, match="does not exist"):
        act(commands)


def test_a_name_in_braces_is_no_placeholder(play, queries):
    inbox = dataclasses.replace(play.settings.inbox, canned_replies={"hello": "Hello {name}, {agent} here."})
    settings = dataclasses.replace(play.settings, inbox=inbox)
    play.hands_over()
    with play.store.writing() as connection:
        profiles.put(connection, profiles.Profile(PSID, "{agent}", "", 0.0))

    shown = view(Queries(settings, play.store, queries._sending_rules, play.clock), play)

    assert shown.canned == {"hello": "Hello {agent}, sara here."}


def test_what_a_colleague_has_only_an_admin_gives_to_somebody_else(play, commands, queries):
    play.hands_over()
    commands.assign(PSID, to="sara", seen="", by="sara")

    with pytest.raises(Refused, match="Sara answers this conversation -> only they, or an admin"):
        commands.assign(PSID, to="omar", seen="sara", by="omar")
    assert view(queries, play).assignee == "sara"

    with play.store.writing() as connection:
        agents.set_role(connection, "omar", agents.ADMIN, now=1.0)
    commands.assign(PSID, to="omar", seen="sara", by="omar")
    assert view(queries, play).assignee == "omar"


# --- control --------------------------------------------------------------------------------------


def test_stepping_in_takes_the_conversation_from_the_bot_and_gives_it_to_the_agent(play, commands, queries):
    play.says("hello")
    assert view(queries, play).can_take_over

    commands.take_over(PSID, "sara")

    shown = view(queries, play)
    assert (shown.control, shown.assignee, shown.can_reply) == ("inbox", "sara", True)


def test_what_goes_back_to_the_bot_carries_the_note_into_the_divider(play, commands, queries):
    play.hands_over()

    commands.return_to_bot(PSID, "sara", note="  refunded  ")

    divider = entries(queries, play, ControlChange)[-1]
    assert (divider.control, divider.reason, divider.who, divider.note) == (
        "bot",
        "agent",
        "Sara",
        "refunded",
    )
    assert not view(queries, play).can_return


def test_more_time_is_given_in_the_words_of_the_settings(play, commands, queries):
    play.hands_over()
    until = view(queries, play).until

    commands.extend(PSID, "sara", "2 hours")

    assert view(queries, play).until == until + 7200
    with pytest.raises(Refused, match="no duration"):
        commands.extend(PSID, "sara", "a while")


def test_elsewhere_a_conversation_is_shown_and_cannot_be_answered(play, commands, queries):
    play.hands_over("sales_bot")

    shown = view(queries, play)

    assert (shown.control, shown.target) == ("app", "sales_bot")
    assert not shown.can_reply
    assert "take it over" in shown.why_not
    assert shown.can_take_over


# --- notes, tags, what was read -------------------------------------------------------------------


def test_an_internal_note_is_shown_to_colleagues_and_sent_to_nobody(play, commands, queries):
    play.hands_over()
    play.calls()

    commands.add_note(PSID, "sara", "is angry, rightly")

    assert [(each.name, each.text) for each in entries(queries, play, PrivateNote, agent="omar")] == [
        ("Sara", "is angry, rightly")
    ]
    assert play.calls() == []


@pytest.mark.parametrize("text", ["", "  \n", "x" * 10_001])
def test_a_note_that_is_none_is_refused(play, commands, text):
    play.hands_over()

    with pytest.raises(Refused, match="the note"):
        commands.add_note(PSID, "sara", text)


def test_tags_come_and_go(play, commands, queries):
    play.hands_over()

    commands.tag(PSID, "  late   delivery ", by="sara")
    assert view(queries, play).tags == ("late delivery",)

    commands.tag(PSID, "late delivery", by="sara", remove=True)
    assert view(queries, play).tags == ()


def test_unread_is_what_the_person_wrote_since_this_agent_looked(play, commands, queries):
    play.hands_over()
    assert items(queries, "waiting")[0].unread

    queries.looked_at(queries.row(PSID), "sara")
    assert not items(queries, "waiting")[0].unread
    assert items(queries, "waiting", agent="omar")[0].unread

    play.says("hello?")
    assert items(queries, "waiting")[0].unread


# --- together -------------------------------------------------------------------------------------


def test_colleagues_see_who_looks_and_who_types(play, commands, queries):
    play.hands_over()
    commands.note_page_open("p1", agent="omar", thread=PSID)
    commands.note_typing("p1", PSID)

    omar = next(each for each in view(queries, play).colleagues if each.name == "omar")
    assert (omar.here, omar.looking, omar.typing) == (True, True, True)

    play.clock.passes(presence.TYPES_FOR)
    omar = next(each for each in view(queries, play).colleagues if each.name == "omar")
    assert (omar.looking, omar.typing) == (True, False)

    commands.note_page_closed("p1", PSID)
    omar = next(each for each in view(queries, play).colleagues if each.name == "omar")
    assert (omar.here, omar.looking) == (True, False)


def test_who_opens_another_thread_looks_at_it_however_late_the_first_one_is_left(play, commands, queries):
    play.hands_over()
    commands.note_page_open("p1", agent="omar", thread="")
    commands.note_page_open("p1", agent="omar", thread=PSID, arrived=True)

    commands.note_page_closed("p1", "")

    omar = next(each for each in view(queries, play).colleagues if each.name == "omar")
    assert omar.looking


def test_who_has_been_away_for_too_long_has_nothing_any_more(play, commands, queries):
    play.hands_over()
    commands.assign(PSID, to="sara", seen="", by="sara")
    commands.note_page_open("p1", agent="sara", thread=PSID)

    play.clock.passes(4 * 60)
    commands.tidy()
    assert view(queries, play).assignee == "sara"

    play.clock.passes(2 * 60)
    commands.tidy()
    assert view(queries, play).assignee == ""
    assert [item.thread for item in items(queries, "waiting")] == [PSID]


def test_what_is_given_to_a_colleague_who_is_not_here_waits_for_them_for_a_while(play, commands, queries):
    play.hands_over()
    commands.assign(PSID, to="omar", seen="", by="sara")

    commands.tidy()
    assert view(queries, play).assignee == "omar"

    play.clock.passes(6 * 60)
    commands.tidy()
    assert view(queries, play).assignee == ""


def test_an_agent_who_may_be_away_for_long_is_remembered_as_long(play, queries, commands):
    inbox = dataclasses.replace(play.settings.inbox, offline_after=timedelta(days=14))
    settings = dataclasses.replace(play.settings, inbox=inbox)
    commands = Commands(settings, play.store, play.thread_control, play.clock)
    play.hands_over()
    commands.assign(PSID, to="sara", seen="", by="sara")
    play.clock.passes(timedelta(days=5).total_seconds())
    commands.note_page_open("p1", agent="sara", thread=PSID)

    play.clock.passes(timedelta(days=10).total_seconds())
    commands.tidy()
    commands.tidy()

    assert view(queries, play).assignee == "sara"


def test_where_nobody_is_unassigned_by_the_clock_everything_stays(play, queries):
    inbox = dataclasses.replace(play.settings.inbox, offline_after=None)
    settings = dataclasses.replace(play.settings, inbox=inbox)
    with play.store.writing() as connection:
        agents.add(connection, Person("sara", "Sara", "hash", created_at=play.clock()))
    commands = Commands(settings, play.store, play.thread_control, play.clock)
    play.hands_over()
    commands.assign(PSID, to="sara", seen="", by="sara")

    play.clock.passes(timedelta(hours=10).total_seconds())
    commands.tidy()

    assert view(queries, play).assignee == "sara"


def test_every_act_is_news_and_old_news_is_forgotten(play, commands):
    play.hands_over()
    with play.store.reading() as connection:
        before, _ = page_updates.newest(connection)

    commands.tag(PSID, "late", by="sara")
    commands.add_note(PSID, "sara", "a note")
    commands.assign(PSID, to="sara", seen="", by="sara")

    with play.store.reading() as connection:
        found = page_updates.since(
            connection, news_id=before + page_updates.ROWS_BACK, change_id=10**9, at=float("inf")
        )
    assert [thread for _, thread in found] == [PSID] * 3

    play.clock.passes(3600)
    commands.note_page_open("p1", agent="sara", thread="")
    commands.tidy()
    with play.store.reading() as connection:
        assert (
            len(page_updates.since(connection, news_id=0, change_id=10**9, at=float("inf"))) == 1
        )  # the newest


# --- what it costs ---


@pytest.fixture
def statements(play):
    """Count the statements of a call."""
    found = []

    def note(connection, cursor, statement, *given):
        found.append(statement)

    def count(function, *given, **named):
        found.clear()
        function(*given, **named)
        return len(found)

    sa.event.listen(play.store._engine, "before_cursor_execute", note)
    yield count
    sa.event.remove(play.store._engine, "before_cursor_execute", note)


def test_a_thread_and_a_list_take_a_few_statements_however_much_there_is(play, commands, queries, statements):
    play.hands_over()
    row = queries.row(PSID)
    given = {"agent": "sara", "link": str}

    def cost():
        thread = statements(queries.thread, row, BotHistory(), **given)
        return thread, statements(queries.list, Filters(list="open", tag="vip"), agent="sara")

    commands.tag(PSID, "vip", by="sara")
    few = cost()
    with play.store.writing() as connection:
        for number in range(20):
            name = f"agent{number}"
            agents.add(connection, Person(name, name, "hash", created_at=play.clock()))
            presence.seen(connection, name, agent=name, thread=PSID, now=play.clock())
            transcript.add(connection, PSID, Line(AGENT, "hi", number, mid=f"m{number}", agent=name))
            replies.add(connection, PSID, key=name, agent=name, text="hi", now=play.clock())
    for number in range(20):
        commands.add_note(PSID, f"agent{number}", "a note")
        commands.tag(PSID, f"tag {number}", by="sara")
        play.thread_control.hand_over(f"chat-{number}", channel="socketio")
        commands.tag(f"chat-{number}", "vip", by="sara")
        commands.claim_for_answer(queries.row(f"chat-{number}"), f"agent{number}")

    assert cost() == few
    assert max(few) <= 13  # one of them for the canned replies that were saved in the page


# --- the conversation -----------------------------------------------------------------------------


def test_what_everybody_said_stands_in_the_order_of_time(play, commands, queries):
    play.hands_over()
    play.says("is anybody there?")
    said = play.clock()
    bot = BotHistory([Said("b1", said - 10, "person", "", "hi"), Said("b2", said - 9, "bot", "", "Hello!")])
    commands.add_note(PSID, "sara", "late again")

    shown = view(queries, play, bot=bot).entries

    assert [type(each).__name__ for each in shown] == ["Said", "Said", "ControlChange", "Said", "PrivateNote"]
    assert [each.text for each in shown if isinstance(each, Said)] == ["hi", "Hello!", "is anybody there?"]


def test_a_question_that_the_bot_could_not_answer_is_shown_once_and_no_answer_with_it(
    play, commands, queries
):
    play.hands_over()
    with play.store.writing() as connection:
        transcript.add(
            connection, PSID, Line(PERSON, "when do you open?", int(play.clock() * 1000), mid="m2")
        )
    said = [
        Said("b1", play.clock() - 1, "person", "", "when do you open?", mid="m2", turn="m2"),
        Said("b2", play.clock() - 1, "bot", "", "At nine.", turn="m2"),
    ]

    shown = view(queries, play, bot=BotHistory(said)).entries

    assert [each.text for each in shown if isinstance(each, Said)] == ["when do you open?"]


def test_behind_many_answers_that_could_not_be_sent_the_conversation_goes_on(play, commands, queries):
    play.hands_over()
    said = [Said("b0", play.clock() - 1000, "bot", "", "Hello!", turn="m")]
    with play.store.writing() as connection:
        for number in range(timeline.ENTRIES + timeline.MORE):
            at, mid = play.clock() - 500 + number, f"m{number}"
            transcript.add(connection, PSID, Line(PERSON, "hello?", int(at * 1000), mid=mid))
            said += [Said(f"b{mid}{each}", at, "bot", "", "never sent", turn=mid) for each in range(3)]

    seen, before = [], None
    while True:
        shown = view(queries, play, bot=BotHistory(said), before=before)
        seen = [each.text for each in shown.entries if isinstance(each, Said)] + seen
        if not shown.earlier:
            break
        before = float(shown.earlier)

    assert seen == ["Hello!"] + ["hello?"] * (timeline.ENTRIES + timeline.MORE)


def test_a_long_conversation_is_shown_in_stretches_without_holes(play, commands, queries):
    play.hands_over()
    for number in range(70):
        play.says(f"message {number}")

    texts, before = [], None
    while True:
        shown = view(queries, play, before=before)
        texts = [each.text for each in shown.entries if isinstance(each, Said)] + texts
        if not shown.earlier:
            break
        before = float(shown.earlier)

    assert texts == [f"message {number}" for number in range(70)]


def test_what_was_said_in_the_same_moment_is_never_lost_between_two_stretches(play, commands, queries):
    play.hands_over()
    at = play.clock() + 0.4996  # ours, to the microsecond; Meta's to the millisecond
    bot = BotHistory([Said(f"b{number}", at, "bot", "", f"bot {number}") for number in range(3)])
    for number in range(timeline.ENTRIES - 2):
        play.clock.passes(1)
        commands.add_note(PSID, "sara", f"note {number}")
    with play.store.writing() as connection:
        for number in range(3):
            transcript.add(connection, PSID, Line(PERSON, f"line {number}", int(at * 1000), mid=f"m{number}"))

    seen, before = [], None
    while True:
        shown = view(queries, play, bot=bot, before=before)
        seen = [each.text for each in shown.entries if not isinstance(each, ControlChange)] + seen
        if not shown.earlier:
            break
        before = float(shown.earlier)

    same = [f"line {number}" for number in range(3)] + [f"bot {number}" for number in range(3)]
    assert seen == same + [f"note {number}" for number in range(timeline.ENTRIES - 2)]


def test_people_are_called_by_the_name_that_meta_gives(play, commands, queries):
    play.hands_over()
    play.says("hello")
    with play.store.writing() as connection:
        profiles.put(connection, profiles.Profile(PSID, "Layla Haddad", "https://x.org/p.png", 0.0))

    assert view(queries, play).name == "Layla Haddad"
    assert entries(queries, play)[-1].name == "Layla Haddad"
    assert items(queries, "open")[0].has_picture


def test_files_are_shown_by_addresses_of_this_server_alone(play, commands, queries):
    play.hands_over()
    play.clock.passes(1)
    play.person.sends("image", url="https://scontent.xx.fbcdn.net/a.png")
    play.work()

    assert entries(queries, play)[-1].files[0].url == "/file?of=https://scontent.xx.fbcdn.net/a.png"


def test_delivery_and_read_marks_stand_on_what_the_page_wrote(play, commands, queries):
    play.hands_over()
    at = play.clock()
    bot = BotHistory([Said("b", at - 1, "bot", "", "Hello!"), Said("p", at - 2, "person", "", "hi")])
    play.deliver(
        {
            "sender": {"id": PSID},
            "recipient": {"id": "1"},
            "timestamp": int(at * 1000),
            "read": {"watermark": int(at * 1000)},
        }
    )
    play.work()

    marks = {each.key: each.mark for each in entries(queries, play, bot=bot)}
    assert (marks["b"], marks["p"]) == ("read", "")
