"""Handovers and lines of transcripts, read for an export: what is a handover, which rows, how much memory."""

from __future__ import annotations

import re
import tracemalloc
from collections import Counter

import pytest
import sqlalchemy as sa
from databases import on_sqlite
from hypothesis import given
from hypothesis import strategies as st
from play import HOUR, NO_TAKING, PSID, START

from handover_channel.errors import GraphError
from handover_channel.rules.control import TRANSITIONS, Control
from handover_channel.rules.return_reasons import ReturnReason
from handover_channel.store import exported, personal_data
from handover_channel.store.exported import Wanted
from handover_channel.store.schema import changes, people, threads, transcript
from handover_channel.store.statistics import History


def handovers(store, **wanted):
    with store.snapshot() as connection:
        return list(exported.handovers(connection, Wanted(**wanted)))


def lines(store, **wanted):
    with store.snapshot() as connection:
        return list(exported.lines(connection, Wanted(**wanted)))


def change(before, after, *, thread=PSID, at=START, target="", reason="handed_over", who="bot"):
    return {
        "thread": thread,
        "at": at,
        "control_before": before,
        "control": after,
        "owner": "",
        "target": target,
        "reason": reason,
        "who": who,
        "note": "",
    }


def said(text="hello", *, thread=PSID, at=START, author="person", mid=None):
    return {
        "thread": thread,
        "mid": mid,
        "timestamp": int(at * 1000),
        "author": author,
        "app_id": "",
        "text": text,
        "attachments": "[]",
        "agent": "",
        "reply_to": "",
    }


def keep(store, table, rows):
    with store.writing() as connection:
        for begin in range(0, len(rows), 500):
            connection.execute(sa.insert(table), rows[begin : begin + 500])


def test_a_handover_has_a_row_from_its_begin_to_its_return(play):
    play.hands_over("patient")
    at = play.clock()
    play.says("are you there?")

    (found,) = handovers(play.store)

    assert (found.thread, found.channel, found.page) == (PSID, "facebook", play.page.page_id)
    assert (found.target, found.reason, found.who) == ("patient", "handed_over", "bot")
    assert found.handed_over_at == at
    assert (found.first_answer_at, found.returned_at, found.return_reason) == (None, None, "")

    play.says("back to bot")

    (found,) = handovers(play.store)
    assert (found.returned_at, found.return_reason) == (play.clock(), "keyword")


def test_a_pass_counts_from_when_it_was_asked_for_and_a_refused_one_not_at_all(play):
    play.meta.fails("pass_thread_control", NO_TAKING)
    play.says("a person, please")
    with pytest.raises(GraphError):
        play.thread_control.hand_over(PSID, "sales_bot")

    assert handovers(play.store) == []

    play.meta.during = lambda name: play.clock.passes(7) if name == "pass_thread_control" else None
    at = play.clock()
    play.thread_control.hand_over(PSID, "sales_bot")

    (found,) = handovers(play.store)
    assert (found.target, found.handed_over_at) == ("sales_bot", at)


def test_the_first_answer_is_an_agents_or_another_apps_and_of_this_handover(store):
    keep(store, changes, [change("bot", "inbox", at=START + 10, target="inbox")])
    keep(store, changes, [change("inbox", "bot", at=START + 100, reason="agent")])
    keep(
        store,
        transcript,
        [
            said("before", at=START + 5, author="agent"),
            said("me again", at=START + 11),
            said("by itself", at=START + 12, author="automatic_reply"),
            said("second", at=START + 40, author="agent"),
            said("first", at=START + 30.5, author="app"),
            said("after", at=START + 101, author="agent"),
        ],
    )

    (found,) = handovers(store)

    assert found.first_answer_at == START + 30.5


def test_which_handovers_is_decided_by_when_they_began_and_by_their_target(store):
    rows = [
        change("bot", "inbox", at=START + number * HOUR, target=target, thread=str(number))
        for number, target in enumerate(["inbox", "sales_bot", "inbox"])
    ]
    keep(store, changes, rows)

    def threads_of(**wanted):
        return [each.thread for each in handovers(store, **wanted)]

    assert threads_of(since=START + HOUR) == ["1", "2"]
    assert threads_of(until=START + HOUR) == ["0"]
    assert threads_of(since=START + 1, until=START + 2 * HOUR) == ["1"]
    assert threads_of(target="inbox") == ["0", "2"]
    assert threads_of(target="nobody") == []


def test_a_line_tells_whose_the_thread_was_when_it_was_said(play):
    play.hands_over("inbox")
    play.says("one")
    play.says("back to bot")
    play.hands_over("sales_bot")
    play.says("two")

    found = [(line.text, line.target) for line in lines(play.store)]

    assert ("one", "inbox") in found
    assert ("two", "sales_bot") in found
    assert [line.text for line in lines(play.store, target="sales_bot")] == [
        text for text, target in found if target == "sales_bot"
    ]


def test_lines_come_with_their_files_and_within_a_time(store):
    keep(store, transcript, [said("one", at=START), said("two", at=START + HOUR)])
    keep(store, transcript, [{**said("", at=START + 2), "attachments": '[{"type": "image", "url": "u"}]'}])

    found = lines(store, until=START + 60)

    assert [(line.text, line.attachments) for line in found] == [
        ("one", []),
        ("", [{"type": "image", "url": "u"}]),
    ]
    assert [line.text for line in lines(store, since=START + 60)] == ["two"]


def test_more_than_a_page_of_rows_comes_whole_and_in_order(store, monkeypatch):
    monkeypatch.setattr(exported, "PAGE_OF_ROWS", 7)
    rows = [change("bot", "inbox", thread=f"{number:03}", target="inbox") for number in range(50)]
    keep(store, changes, rows)
    keep(store, transcript, [said(str(number)) for number in range(49)])

    assert [each.thread for each in handovers(store)] == [row["thread"] for row in rows]
    assert [line.text for line in lines(store)] == [str(number) for number in range(49)]


def test_all_pages_show_the_database_as_it_was_at_the_first(store, open_store, monkeypatch):
    monkeypatch.setattr(exported, "PAGE_OF_ROWS", 2)
    keep(store, transcript, [said(str(number)) for number in range(6)])

    with store.snapshot() as connection:
        found = exported.lines(connection, Wanted())
        texts = [next(found).text]
        other = open_store()
        keep(other, transcript, [said("later")])
        with other.writing() as writing:
            writing.execute(sa.delete(transcript).where(transcript.c.text == "5"))
        texts += [line.text for line in found]

    assert texts == ["0", "1", "2", "3", "4", "5"]
    assert [line.text for line in lines(store)] == ["0", "1", "2", "3", "4", "later"]


def test_what_is_left_of_people_who_were_forgotten_is_no_row(play):
    play.hands_over("inbox")
    play.says("in confidence")
    with play.store.writing() as connection:
        personal_data.forget(connection, PSID, now=START)

    assert handovers(play.store) == []
    assert lines(play.store) == []


def test_what_is_left_of_a_handover_whose_begin_was_deleted_is_told(store):
    keep(store, changes, [change("passing", "app", target="sales_bot", who="meta", reason="settled")])

    (found,) = handovers(store)

    assert (found.target, found.reason, found.channel, found.page) == ("sales_bot", "settled", "", "")


_AFTER = {before: sorted({after.value for after in ways.values()}) for before, ways in TRANSITIONS.items()}


@st.composite
def histories(draw):
    """Changes of control of one thread, as the table allows them."""
    control, rows = Control.BOT, []
    for at in range(draw(st.integers(0, 12))):
        after = Control(draw(st.sampled_from(_AFTER[control])))
        back = draw(st.sampled_from([reason.value for reason in ReturnReason]))
        reason = {Control.BOT: "pass_refused" if control is Control.PASSING else back}.get(
            after, "handed_over"
        )
        target = "" if after is Control.BOT else draw(st.sampled_from(["inbox", "sales_bot"]))
        rows.append(change(control.value, after.value, at=START + at, target=target, reason=reason))
        control = after
    return rows


@on_sqlite
def test_there_are_as_many_handovers_as_the_metrics_count(store):
    @given(rows=histories())
    def compare(rows):
        with store.writing() as connection:
            connection.execute(sa.delete(changes))
            if rows:
                connection.execute(sa.insert(changes), rows)
        with store.reading() as connection:
            happened = History().read(connection, now=START + HOUR).items()
        counted: Counter[str] = Counter()
        for each, times in happened:
            counted[each.target] += times if each.what == "handover" else 0

        assert Counter(each.target for each in handovers(store)) == +counted

    compare()


@on_sqlite
def test_memory_does_not_grow_with_the_rows(store):
    def peak():
        tracemalloc.start()
        try:
            with store.snapshot() as connection:
                count = sum(1 for _ in exported.lines(connection, Wanted()))
                count += sum(1 for _ in exported.handovers(connection, Wanted()))
            return count, tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()

    keep(store, transcript, [said("x" * 200, thread=str(number)) for number in range(3000)])
    keep(store, changes, [change("bot", "inbox", thread=str(number)) for number in range(3000)])
    few, before = peak()
    keep(store, transcript, [said("x" * 200, thread=str(number)) for number in range(12_000)])
    keep(store, changes, [change("bot", "inbox", thread=f"b{number}") for number in range(12_000)])
    many, after = peak()

    assert (few, many) == (6000, 30_000)
    assert after < 1.5 * before


def test_people_come_in_pages_with_their_names_and_only_those_who_were_active(store, monkeypatch):
    monkeypatch.setattr(exported, "PAGE_OF_ROWS", 2)
    from handover_channel.store.threads import get_or_add

    with store.writing() as connection:
        for number in range(5):
            get_or_add(connection, str(number), channel="facebook", page="1", now=START + number)
        connection.execute(
            sa.insert(people).values(thread="3", name="Sara Ali", picture="", fetched_at=START)
        )

    assert list(exported.people_by_thread(store, START + 2)) == [("2", ""), ("3", "Sara Ali"), ("4", "")]
    assert len(list(exported.people_by_thread(store))) == 5


def test_a_target_that_is_gone_from_the_settings_is_known_by_its_handovers(store):
    keep(store, changes, [change("bot", "inbox", target="old_inbox")])
    with store.reading() as connection:
        assert exported.is_known_target(connection, "old_inbox")
        assert not exported.is_known_target(connection, "new_inbox")


@on_sqlite
def test_the_parts_of_a_row_are_found_by_an_index(store):
    store.migrate()
    asked = []

    @sa.event.listens_for(store._engine, "before_cursor_execute")
    def note(connection, cursor, statement, parameters, context, executemany):
        asked.append((statement, parameters))

    handovers(store)
    lines(store, target="inbox")
    queries = [each for each in asked if each[0].startswith("SELECT")]
    with store.reading() as connection:
        plans = [
            row[-1]
            for statement, parameters in queries
            for row in connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", parameters)
        ]

    assert len(queries) == 2
    assert not [step for step in plans if re.search(r"SCAN .*\b(changes|transcript|threads)", step)], plans


def test_threads_that_are_gone_leave_page_and_channel_empty(store):
    keep(store, transcript, [said("one", thread="gone")])
    with store.writing() as connection:
        connection.execute(sa.delete(threads))

    (line,) = lines(store)

    assert (line.page, line.channel, line.target, line.text) == ("", "", "", "one")
