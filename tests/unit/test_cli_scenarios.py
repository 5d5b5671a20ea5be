"""Tests `handover test`: what is printed, what is written, and with which code it ends."""

from __future__ import annotations

import contextlib
import sys
from xml.etree import ElementTree

import pytest
from echo_bot import EchoBot

from handover_channel.cli import main
from handover_channel.testing import start

GOOD = "scenarios:\n- scenario: good\n  steps:\n  - person: hello\n  - reply: You said hello\n"
BAD = "scenarios:\n- scenario: bad\n  steps:\n  - person: hello\n  - reply: Goodbye\n"
LATER = "scenarios:\n- scenario: later\n  steps:\n  - jump: 2 hours\n"


@pytest.fixture
def wanted(monkeypatch, tmp_path):
    """Which bots were asked for, instead of which a bot of a few lines answers."""
    monkeypatch.chdir(tmp_path)
    found = []

    @contextlib.contextmanager
    def bot(given):
        found.append(given)
        yield EchoBot()

    monkeypatch.setattr(start, "bot", bot)
    return found


def run(monkeypatch, *words):
    """Return the exit code."""
    monkeypatch.setattr(sys, "argv", ["handover", "test", *words])
    with pytest.raises(SystemExit) as caught:
        main.main()
    return caught.value.code


def test_scenarios_that_go_as_they_should_end_with_0(wanted, monkeypatch, tmp_path, capsys):
    (tmp_path / "tests" / "scenarios").mkdir(parents=True)
    (tmp_path / "tests" / "scenarios" / "good.yml").write_text(GOOD)

    assert run(monkeypatch) == 0
    printed = capsys.readouterr().out
    assert "ok      tests/scenarios/good.yml: good" in printed
    assert "1 passed, 0 failed, 0 not played" in printed
    assert (wanted[0].kind, wanted[0].folder) == (start.IN_PROCESS, tmp_path)


def test_one_that_does_not_ends_with_1_a_diff_and_the_conversation(wanted, monkeypatch, tmp_path, capsys):
    (tmp_path / "both.yml").write_text(GOOD + BAD.partition("\n")[2])

    assert run(monkeypatch, "both.yml", "--junit", "results/it.xml") == 1

    printed = capsys.readouterr().out
    assert "FAILED  both.yml: bad" in printed
    assert "# the bot replies:  You said hello" in printed
    assert "person        hello" in printed
    assert ElementTree.parse(tmp_path / "results" / "it.xml").getroot().get("failures") == "1"  # noqa: S314


def test_where_nothing_could_be_played_nothing_is_proved(wanted, monkeypatch, tmp_path, capsys):
    (tmp_path / "later.yml").write_text(LATER)

    assert run(monkeypatch, "later.yml") == 1
    assert "-       later.yml: later (this bot has no clock)" in capsys.readouterr().out


def test_a_broken_file_ends_with_2_before_any_bot_is_started(wanted, monkeypatch, tmp_path, capsys):
    (tmp_path / "broken.yml").write_text("scenarios:\n- scenario: x\n  steps:\n  - persn: hello\n")

    assert run(monkeypatch, "broken.yml", "absent.yml") == 2

    told = capsys.readouterr().err
    assert "broken.yml:4: unknown step 'persn' -> did you mean 'person'?" in told
    assert "absent.yml: cannot be read" in told
    assert wanted == []


def test_without_a_folder_of_scenarios_it_says_how_to_name_them(wanted, monkeypatch, capsys):
    assert run(monkeypatch) == 2
    assert "name the scenarios: handover test FILES" in capsys.readouterr().err


def test_a_bot_of_others_is_named_by_its_webhook_and_app(wanted, monkeypatch, tmp_path):
    (tmp_path / "good.yml").write_text(GOOD)
    url = "http://127.0.0.1:3000/webhook"
    words = ["--url", url, "--app-id", "77", "--secret", "s", "--token", "t", "--other-app", "2222=sales_bot"]

    assert run(monkeypatch, "good.yml", *words) == 0

    (given,) = wanted
    assert (given.kind, given.url, given.app.id, given.apps) == (
        start.OVER_HTTP,
        url,
        "77",
        {"2222": "sales_bot"},
    )


def test_a_kind_of_bot_that_is_none_is_told_with_those_that_are(tmp_path):
    with pytest.raises(start.HandoverError, match="did you mean 'over_http'"):
        start.bot(start.Wanted(tmp_path, "over_htp")).__enter__()
