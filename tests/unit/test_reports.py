"""Tests what `handover report` adds up (store/reports.py), and how it is shown and written."""

from __future__ import annotations

import csv
import io
import math
import sys
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st
from play import DAY, HOUR

from handover_channel import services
from handover_channel.cli import main
from handover_channel.rules.control import Control, State
from handover_channel.store import acts, agents, changes, conversation_lists, reports, threads, transcript
from handover_channel.store.reports import Containment, Period


class Log:
    """Writes what happened at times of its own, counted from `start`."""

    def __init__(self, play):
        self.play, self.start = play, math.floor(play.clock() / DAY) * DAY + 9 * HOUR

    def change(self, thread, at, before, after, *, target="", reason="handed_over"):
        states = State(Control(before)), State(Control(after), target=target)
        with self.play.store.writing() as connection:
            threads.get_or_add(connection, thread, channel="facebook", page="p", now=self.start + at)
            changes.add(connection, thread, *states, reason=reason, who="bot", now=self.start + at)

    def hand_over(self, thread, at, target="inbox", reason="handed_over"):
        self.change(thread, at, "bot", "inbox", target=target, reason=reason)

    def returned(self, thread, at, reason="agent"):
        self.change(thread, at, "inbox", "bot", reason=reason)

    def claimed(self, thread, at, agent):
        with self.play.store.writing() as connection:
            acts.assigned(connection, thread, to=agent, before="", by=agent, now=self.start + at)

    def answered(self, thread, at, agent):
        line = transcript.Line(
            transcript.AGENT, "hi", int((self.start + at) * 1000), agent=agent, mid=f"{thread}.{at}"
        )
        with self.play.store.writing() as connection:
            transcript.add(connection, thread, line)

    def sums(self, since=-1.0, until=None):
        period = Period(self.start + since, None if until is None else self.start + until)
        with self.play.store.reading() as connection:
            return {(each.by, each.key): each for each in reports.sums(connection, period)}


@pytest.fixture
def log(play):
    return Log(play)


def test_waiting_first_answer_and_handling_are_told_apart(log):
    log.hand_over("a", 0)
    log.claimed("a", 30, "sara")
    log.answered("a", 90, "sara")
    log.answered("a", 95, "omar")
    log.returned("a", 630)

    total = log.sums()["total", ""]

    assert (total.handovers, total.returned, total.again) == (1, 1, 0)
    assert (total.waiting.median, total.first_answer.median, total.handling.median) == (30, 90, 600)


def test_who_took_it_first_has_it_in_the_report(log):
    log.hand_over("a", 0)
    log.claimed("a", 30, "sara")
    log.answered("a", 20, "omar")
    log.hand_over("b", 0)

    found = log.sums()

    assert found["agent", "omar"].waiting.median == 20
    assert found["agent", ""].handovers == 1
    assert found["agent", ""].waiting.median is None
    assert ("agent", "sara") not in found


def test_it_is_added_up_by_target_reason_return_tag_hour_and_day(log):
    log.hand_over("a", 0, target="inbox")
    log.returned("a", 100, reason="time_limit")
    log.hand_over("b", 2 * HOUR, target="sales_bot", reason="took_over")
    with log.play.store.writing() as connection:
        conversation_lists.add_tag(connection, "b", "=cmd()")

    counts = {key: each.handovers for key, each in log.sums().items()}
    (day,) = (key for by, key in counts if by == "day")

    assert len(day) == len("2026-11-01")
    assert counts == {
        ("total", ""): 2,
        ("agent", ""): 2,
        ("target", "inbox"): 1,
        ("target", "sales_bot"): 1,
        ("reason", "handed_over"): 1,
        ("reason", "took_over"): 1,
        ("return", "time_limit"): 1,
        ("return", ""): 1,
        ("tag", "=cmd()"): 1,
        ("hour", "9"): 1,
        ("hour", "11"): 1,
        ("day", day): 2,
    }


def test_a_handover_soon_after_the_return_is_one_more_about_the_same(log):
    log.hand_over("a", 0)
    log.returned("a", 100)
    log.hand_over("a", 100 + DAY)
    log.returned("a", 200 + DAY)
    log.hand_over("a", 201 + 2 * DAY)

    total = log.sums()["total", ""]

    assert (total.handovers, total.returned, total.again) == (3, 2, 1)


def test_a_handover_that_meta_refused_is_none_and_one_to_another_app_stays_the_same(log):
    log.change("a", 0, "bot", "passing", target="sales_bot")
    log.change("a", 1, "passing", "bot", reason="pass_refused")
    log.change("b", 0, "bot", "passing", target="sales_bot")
    log.change("b", 2, "passing", "app", target="sales_bot")
    log.change("b", 9, "app", "app", target="crm", reason="requested")
    log.change("b", 60, "app", "bot", reason="passed_back")

    found = log.sums()

    assert found["total", ""].handovers == 1
    assert found["target", "sales_bot"].returned == 1


def test_only_handovers_that_began_in_the_period_count_and_with_all_that_followed(log):
    log.hand_over("before", -2)
    log.claimed("before", 5, "sara")
    log.hand_over("in", 0)
    log.returned("in", 5000)
    log.hand_over("after", 3000)

    total = log.sums(until=3000)["total", ""]

    assert (total.handovers, total.returned) == (1, 1)


def test_an_empty_period_has_a_total_of_nothing(log):
    total = log.sums()["total", ""]

    assert (total.handovers, total.waiting.number, total.waiting.median) == (0, 0, None)


@given(st.lists(st.integers(min_value=0, max_value=119), min_size=1, max_size=40))
def test_median_and_p90_are_by_nearest_rank(values):
    counts = {value: values.count(value) for value in values}

    found = reports._times({None: 3, **counts})

    ranked = sorted(values)
    assert found.number == len(values)
    assert found.median == ranked[math.ceil(len(values) / 2) - 1]
    assert found.p90 == ranked[-(-len(values) * 9 // 10) - 1]


def test_conversations_without_a_handover_are_told_up_to_now_and_of_no_period_that_is_over(log):
    log.hand_over("a", 0)
    with log.play.store.writing() as connection:
        for name in ("b", "c", "d"):
            threads.get_or_add(connection, name, channel="facebook", page="p", now=log.start)
        threads.get_or_add(connection, "chat", channel="socketio", page="", now=log.start)

    with log.play.store.reading() as connection:
        assert reports.containment(connection, Period(log.start - 1)) == Containment(4, 3)
        assert reports.containment(connection, Period(log.start - 1, log.start + 1)) is None


# --- the command ----------------------------------------------------------------------------------


@pytest.fixture
def run(play, monkeypatch, capfdbinary):
    parts = services.Services(play.settings, play.store, play.graph, play.thread_control)
    monkeypatch.setattr(services, "from_config", lambda: parts)
    monkeypatch.setattr("time.time", lambda: play.clock() + DAY)

    def call(*arguments):
        monkeypatch.setattr(sys, "argv", ["handover", "report", *arguments])
        with pytest.raises(SystemExit) as end:
            main.main()
        said = capfdbinary.readouterr()
        return end.value.code, said.out.decode(), said.err.decode()

    return call


def test_the_table_names_agents_and_says_what_is_contained(log, run):
    with log.play.store.writing() as connection:
        agents.add(connection, agents.Agent("sara", "Sara Haddad", "hash", created_at=1.0))
    log.hand_over("a", 0)
    log.claimed("a", 90, "sara")

    code, out, _ = run()

    assert code == 0
    assert "Sara Haddad" in out
    assert "1 min 30 s" in out
    assert "Conversations without a handover: 0 of 1 that were active on Messenger (0%)." in out
    assert "cannot be told" in run("--until", "1 minute")[1]


def test_a_period_until_the_end_of_today_is_not_over(log, run):
    log.hand_over("a", 0)
    today = time.strftime("%Y-%m-%d", time.gmtime(log.play.clock() + DAY))

    _, out, _ = run("--until", today)

    assert "Conversations without a handover: 0 of 1 that were active on Messenger (0%)." in out


def test_no_cell_of_the_csv_is_a_formula(log, run):
    log.hand_over("a", 0)
    with log.play.store.writing() as connection:
        for tag in ("=cmd()", "+1", "-1", "@x"):
            conversation_lists.add_tag(connection, "a", tag)

    _, out, _ = run("--csv")
    rows = list(csv.DictReader(io.StringIO(out)))

    assert {row["key"] for row in rows if row["by"] == "tag"} == {"'=cmd()", "'+1", "'-1", "'@x"}
    assert rows[0]["handovers"] == "1"


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (("--since", "yesterday"), "--since: 'yesterday' is no point in time -> write a day or a time"),
        (("--until", "2026-02-30"), "--until: '2026-02-30' is no point in time"),
        (("--since", "2026-11-02", "--until", "2026-11-01"), "--since: the period ends before it begins"),
    ],
)
def test_a_broken_date_is_a_sentence(run, arguments, sentence):
    code, _, err = run(*arguments)

    assert code == 2
    assert sentence in err
