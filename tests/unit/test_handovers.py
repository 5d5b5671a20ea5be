"""Tests that the table of handovers, written as things happen, says what can be read off all that was kept.

Three times the same: as it is written (store/handovers.py), as the migration fills it by sets, and as the
rule is told here, event by event.
"""

from __future__ import annotations

import importlib
from dataclasses import astuple, dataclass
from typing import Optional

import pytest
import sqlalchemy as sa
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from play import DAY, HOUR, PSID, START
from sqlalchemy.engine import make_url

from handover_channel.errors import HandoverError
from handover_channel.rules.control import TRANSITIONS, Control, State
from handover_channel.simulator.refusals import PASS_NOT_OWNER
from handover_channel.store import Store, acts, changes, retention, transcript
from handover_channel.store.schema import handovers, metadata

THREADS, AGENTS = ("7001", "7002"), ("sara", "omar")
fill = importlib.import_module("handover_channel.store.migrations.versions.0012_handovers").fill


@dataclass
class Told:
    """A handover as the rule tells it: the columns of the table."""

    change: int
    thread: str
    target: str
    reason: str
    began_at: float
    taken_at: Optional[float] = None
    agent: str = ""
    answered_at: Optional[float] = None
    ended_at: Optional[float] = None
    return_reason: str = ""
    again: int = 0

    def has(self, at):
        return self.ended_at is None or at <= self.ended_at


class History:
    """Writes what happens, as the product does, and remembers it for the rule."""

    def __init__(self, connection):
        self.connection, self.now = connection, START
        self.states = {thread: State() for thread in THREADS}
        self.changes, self.takings, self.answers, self.mids = [], [], [], set()

    def happens(self, thread, what, later, late, agent):
        self.now += later
        if what == "claim":
            self.claimed(thread, agent or AGENTS[0])
        elif what in (transcript.AGENT, transcript.APP):
            self.answered(thread, what, agent, self.now - late)
        else:
            self.changed(thread, what)

    def changed(self, thread, number):
        before = self.states[thread]
        possible = sorted(set(TRANSITIONS[before.control].values()))
        control = possible[number % len(possible)]
        after = State(control, target="" if control is Control.BOT else f"target {number}")
        self.states[thread], reason = after, f"reason {number}"
        changes.add(self.connection, thread, before, after, reason=reason, who="bot", now=self.now)
        self.changes.append((thread, before.control, after, reason, self.now))

    def claimed(self, thread, agent):
        if self.states[thread].control is Control.INBOX:  # threads.assign allows no other
            acts.assigned(self.connection, thread, to=agent, before="", by="kim", now=self.now)
            self.takings.append((self.now, agent, thread))

    def answered(self, thread, author, agent, at):
        mid = f"m{int(at) % 7}"  # the same again: what was heard of before is nothing new
        line = transcript.Line(author, "hi", int(at * 1000), mid=mid, agent=agent)
        transcript.add(self.connection, thread, line)
        if (thread, mid) not in self.mids:
            self.mids.add((thread, mid))
            self.answers.append((at, agent, thread))

    def told(self):
        found = {thread: [] for thread in THREADS}
        for number, (thread, before, after, reason, at) in enumerate(self.changes, start=self.first_change()):
            of, silent = found[thread], (Control.BOT, Control.PASSING)
            if before in silent and after.control not in silent:
                if of and of[-1].ended_at is not None and at - of[-1].ended_at <= DAY:
                    of[-1].again = 1
                of.append(Told(number, thread, after.target, reason, at))
            elif before not in silent and after.control is Control.BOT:
                of[-1].ended_at, of[-1].return_reason = at, reason
        for at, agent, thread in sorted(self.takings + self.answers):
            during = [each for each in found[thread] if each.began_at <= at][-1:]
            for each in during:
                if agent and each.has(at) and each.taken_at is None:
                    each.taken_at, each.agent = at, agent
        for at, _, thread in sorted(self.answers):
            for each in [each for each in found[thread] if each.began_at <= at][-1:]:
                if each.has(at) and each.answered_at is None:
                    each.answered_at = at
        every = [each for of in found.values() for each in of]
        return sorted(map(astuple, every))

    def first_change(self):
        return self.connection.execute(sa.text("SELECT min(id) FROM changes")).scalar() or 0


def written(connection):
    return [tuple(row) for row in connection.execute(sa.select(handovers).order_by(handovers.c.change))]


#: Few values, so that things happen at the same moment, or just a day apart.
_later = st.sampled_from([1.0, 2.0, 5.25, DAY])
_steps = st.tuples(
    st.sampled_from(THREADS),
    st.one_of(st.integers(0, 9), st.sampled_from(["claim", transcript.AGENT, transcript.APP])),
    _later,  # than the step before
    st.one_of(st.just(0.0), _later),  # than it was said, its echo comes
    st.sampled_from(["", *AGENTS]),
)
_TO_INBOX, _BACK = ("7001", 2, 1.0, 0.0, ""), ("7001", 1, 1.0, 0.0, "")
_here = settings(max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)


@_here
@given(st.lists(_steps, max_size=25))
@example([_TO_INBOX, ("7001", "agent", 5.25, 0.0, "sara"), ("7001", "agent", 1.0, 2.0, "omar")])
@example([_TO_INBOX, _BACK, ("7001", "agent", 1.0, 1.0, "sara")])  # said at the moment of the return
@example([_TO_INBOX, ("7001", "claim", 1.0, 0.0, "sara"), ("7001", "app", 1.0, 1.0, "omar")])
@example([_TO_INBOX, _BACK, ("7001", 2, DAY, 0.0, ""), _BACK])  # handed over again just a day later
def test_the_table_says_what_the_rule_and_the_migration_say(store, steps):
    with store.writing() as connection:
        for name in ("handovers", "changes", "acts", "transcript"):
            connection.execute(sa.delete(metadata.tables[name]))
        history = History(connection)
        for step in steps:
            history.happens(*step)
        as_it_happened = written(connection)
        connection.execute(sa.delete(handovers))
        fill(connection)

        assert as_it_happened == history.told()
        assert written(connection) == as_it_happened


@pytest.mark.postgres
def test_on_postgresql_the_tables_are_made_and_filled_without_the_privilege_temporary(postgresql):
    url = make_url(postgresql.create())
    postgresql.run("CREATE ROLE plain LOGIN")
    postgresql.run(f'REVOKE TEMPORARY ON DATABASE "{url.database}" FROM PUBLIC')
    postgresql.run("GRANT CREATE, USAGE ON SCHEMA public TO plain", url.database)
    store = Store(url.set(username="plain").render_as_string(hide_password=False))

    store.migrate()

    with store.writing() as connection:
        with pytest.raises(sa.exc.ProgrammingError, match="permission denied"), connection.begin_nested():
            connection.execute(sa.text("CREATE TEMPORARY TABLE refused (a INTEGER)"))
        history = History(connection)
        for step in (_TO_INBOX, ("7001", "agent", 5.25, 0.0, "sara"), _BACK):
            history.happens(*step)
        connection.execute(sa.delete(handovers))
        fill(connection)
        assert written(connection) == history.told()
    store.close()


# --- in the product -------------------------------------------------------------------------------


@pytest.fixture
def rows(store):
    def read():
        with store.reading() as connection:
            return [dict(row) for row in connection.execute(sa.select(handovers)).mappings()]

    return read


def test_a_handover_that_ran_its_course_is_one_row(play, rows):
    play.hands_over("inbox")
    play.clock.passes(60)
    with play.store.writing() as connection:
        line = transcript.Line(transcript.AGENT, "hi", int(play.clock() * 1000), mid="m_1", agent="sara")
        transcript.add(connection, PSID, line)
    play.clock.passes(HOUR)
    play.says("back to bot")

    (row,) = rows()
    assert (row["thread"], row["target"], row["reason"]) == (PSID, "inbox", "handed_over")
    assert (row["agent"], row["return_reason"]) == ("sara", "keyword")
    assert row["answered_at"] - row["began_at"] == 60
    assert row["ended_at"] == play.row.changed_at


def test_a_pass_that_meta_refuses_is_no_handover(play, rows):
    play.meta.fails("pass_thread_control", PASS_NOT_OWNER)

    with pytest.raises(HandoverError):
        play.hands_over("sales_bot")
    assert rows() == []


def test_tidying_leaves_what_is_still_going_on(play, store, rows):
    play.hands_over("inbox")
    play.says("back to bot")
    play.hands_over("inbox")
    play.clock.passes(100 * DAY)

    retention.delete_changes(store, before=play.clock() - 30 * DAY, sleep=lambda seconds: None)

    (row,) = rows()
    assert row["ended_at"] is None
    play.says("back to bot")
    retention.delete_changes(store, before=play.clock() - 30 * DAY, sleep=lambda seconds: None)
    assert rows() == []
