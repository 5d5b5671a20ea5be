"""`handover audit`: who did what, and nothing of what was said."""

from __future__ import annotations

import json
import sys

import pytest
from play import DAY, PSID

from handover_channel import services
from handover_channel.cli import main
from handover_channel.inbox.commands import Commands
from handover_channel.store import agents
from handover_channel.store.agents import Agent


@pytest.fixture
def run(play, monkeypatch, capsys):
    """Run the command on the play's database and clock: (exit code, stdout, stderr)."""
    parts = services.Services(play.settings, play.store, play.graph, play.thread_control)
    monkeypatch.setattr(services, "from_config", lambda: parts)
    monkeypatch.setattr("time.time", play.clock)
    monkeypatch.setenv("COLUMNS", "250")

    def call(*arguments):
        monkeypatch.setattr(sys, "argv", ["handover", "audit", *arguments])
        with pytest.raises(SystemExit) as end:
            main.main()
        said = capsys.readouterr()
        return end.value.code, said.out, said.err

    return call


@pytest.fixture
def busy(play):
    """Two agents, and a conversation in which they did something."""
    with play.store.writing() as connection:
        for name, shown in (("sara", "Sara Haddad"), ("omar", "Omar")):
            agents.add(connection, Agent(name, shown, "hash", created_at=play.clock()), by="command line")
    commands = Commands(play.settings, play.store, play.thread_control, play.clock)
    play.hands_over("inbox")
    commands.assign(PSID, to="omar", seen="", by="sara")
    commands.add_note(PSID, "sara", "the SECRET of the parcel")
    play.clock.passes(2 * DAY)
    commands.tag(PSID, "=cmd()", by="omar")
    return commands


def done(out):
    return [(each["who"], each["what"], each["whom"], each["detail"]) for each in json.loads(out)["done"]]


def test_it_tells_everything_in_the_order_of_time(run, busy):
    code, out, _ = run("--json")

    assert code == 0
    assert sorted(done(out)[:2]) == [
        ("command line", "agent_added", "omar", "agent"),
        ("command line", "agent_added", "sara", "agent"),
    ]
    assert ("bot", "control", "", "handed_over") in done(out)
    assert done(out)[-3:] == [
        ("sara", "assigned", "omar", ""),
        ("sara", "noted", "", ""),
        ("omar", "tagged", "", "=cmd()"),
    ]


def test_nothing_of_what_was_said_is_in_it(run, busy):
    for how in ((), ("--json",)):
        assert "SECRET" not in run(*how)[1]


def test_agents_are_called_by_their_names(run, busy):
    _, out, _ = run()
    assert "Sara Haddad" in out
    assert "Omar" in out


def test_it_is_narrowed_by_time_agent_and_thread(run, busy):
    assert [what for _, what, _, _ in done(run("--since", "1 day", "--json")[1])] == ["tagged"]
    assert {"omar"} == {who if what == "tagged" else whom for who, what, whom, _ in done(
        run("--agent", "OMAR", "--json")[1]
    )}  # fmt: skip
    assert "agent_added" not in run("--thread", PSID, "--json")[1]
    assert done(run("--thread", "404", "--json")[1]) == []
    assert run("--thread", "404")[1] == "Nothing was done.\n"


def test_the_newest_are_shown_and_that_there_are_more(run, busy):
    code, out, err = run("--limit", "1")

    assert code == 0
    assert "tagged" in out
    assert "noted" not in out
    assert "There is more before that" in err


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (("--since", "2026-13-99"), "--since: '2026-13-99' is no point in time -> write a day or a time"),
        (("--agent", "nobody"), "--agent: nobody called 'nobody' has done anything"),
    ],
)
def test_what_cannot_be_asked_for_is_a_sentence(run, busy, arguments, sentence):
    code, _, err = run(*arguments)

    assert code == 2
    assert sentence in err
