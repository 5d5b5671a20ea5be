"""`handover doctor` as it is typed: what is printed, with which exit code, and no secret."""

from __future__ import annotations

import functools
import io
import json
import sys
from typing import NamedTuple

import bots
import pytest
import typer

pytest.importorskip("jinja2")
pytest.importorskip("babel")

from rich.console import Console
from test_doctor_bot_checks import OFFERED

from handover_channel.cli import doctor as cli
from handover_channel.cli import main
from handover_channel.doctor import action_server, facts, version_checks
from handover_channel.doctor.check import Check, Found, fail
from handover_channel.doctor.report import Report, Status
from handover_channel.log import printable
from handover_channel.sentences import Sentence, of_others

WITHOUT_MESSENGER = {"handover_channel.InboxInput": None}


class Ran(NamedTuple):
    exit_code: int
    stdout: str
    stderr: str


@pytest.fixture
def handover(monkeypatch, capsys, tmp_path):
    """Run the command in the folder of a bot."""
    with_mounts = functools.partial(facts.Facts, mounts=tmp_path / "mounts")
    monkeypatch.setattr(facts, "Facts", with_mounts)
    monkeypatch.setattr(action_server, "registered_at", lambda url: OFFERED)
    monkeypatch.setattr(version_checks, "installed", lambda: {"rasa": "3.6.21"})

    def run_in(folder, *arguments):
        monkeypatch.chdir(folder)
        monkeypatch.delenv("HANDOVER_CONFIG", raising=False)
        monkeypatch.delenv("SANIC_WORKERS", raising=False)
        monkeypatch.setattr(sys, "argv", ["handover", "doctor", *arguments])
        with pytest.raises(SystemExit) as end:
            main.main()
        said = capsys.readouterr()
        return Ran(end.value.code, said.out, said.err)

    return run_in


def test_with_everything_right_each_check_has_a_line_and_the_exit_code_is_0(handover, tmp_path):
    ran = handover(bots.make(tmp_path, credentials_yml=WITHOUT_MESSENGER))

    assert (ran.exit_code, ran.stderr) == (0, "")
    lines = ran.stdout.strip().splitlines()
    assert all(line.startswith("ok  ") for line in lines[:-2]), ran.stdout
    assert lines[-1] == f"ok: {len(lines) - 2}"


def test_a_bot_without_messenger_has_no_checks_of_metas(handover, tmp_path):
    ran = handover(bots.make(tmp_path, credentials_yml=WITHOUT_MESSENGER), "--json")

    ids = {each["id"] for each in json.loads(ran.stdout)["checks"]}
    assert "model.there" in ids
    assert not any(each.startswith(("token", "webhook", "routing", "targets")) for each in ids)


def test_what_is_wrong_says_why_where_and_what_to_do(handover, tmp_path):
    ran = handover(bots.make(tmp_path, endpoints_yml={}), "--only", "action_server.endpoint")

    assert ran.exit_code == 1
    for words in (
        "endpoints.yml has no action_endpoint",
        "Rasa cannot run",
        "> endpoints.yml: action_endpoint",
        "Add `",
    ):
        assert words in ran.stdout


def test_json_is_alone_on_stdout(handover, tmp_path):
    ran = handover(
        bots.make(tmp_path, endpoints_yml={}), "--json", "--only", "action_server", "--only", "model.there"
    )

    found = json.loads(ran.stdout)
    assert (ran.exit_code, ran.stderr, found["schema"], found["status"]) == (1, "", 1, "fail")
    assert [each["id"] for each in found["checks"]] == ["model.there", "action_server.endpoint"]


def test_it_speaks_arabic(handover, tmp_path):
    ran = handover(bots.make(tmp_path), "--language", "ar", "--only", "model.policy")

    assert "سياستنا في النموذج" in ran.stdout


def test_what_a_driver_says_stands_behind_our_sentence(handover, tmp_path):
    folder = bots.make(tmp_path, credentials_yml=WITHOUT_MESSENGER)
    (folder / "handover.db").write_bytes(b"nothing of SQLite's" * 100)

    ran = handover(folder, "--only", "database.reachable")

    assert "The database is out of reach. File is not a database." in ran.stdout


def test_asking_about_a_thread_makes_no_database(handover, tmp_path):
    folder = bots.make(tmp_path, credentials_yml=WITHOUT_MESSENGER)
    before = sorted(each.name for each in folder.iterdir())

    ran = handover(folder, "24680")

    assert ran.exit_code == 2
    assert "the database does not have the tables of this version" in ran.stderr
    assert "model.there" in ran.stdout
    assert sorted(each.name for each in folder.iterdir()) == before


def test_an_unknown_check_is_refused_with_those_there_are(handover, tmp_path):
    ran = handover(bots.make(tmp_path), "--only", "nothing")

    assert ran.exit_code == 2
    assert "no check is called nothing -> write one of: settings.valid" in ran.stderr


BROKEN = {
    "no settings at all": {"handover_yml": None, "credentials_yml": None, "endpoints_yml": None},
    "a file that is no YAML": {"handover_yml": "app_id: [\n" + bots.SECRETS["password"]},
    "a list for settings": {"handover_yml": "- a\n"},
    "credentials that are no YAML": {"credentials_yml": "a: 'x\n" + bots.SECRETS["secret"]},
    "a database out of reach": {
        "handover_yml": {
            **bots.FILES["handover.yml"],
            "database": f"postgresql://bot:{bots.SECRETS['password']}@127.0.0.1:1/bot",
        }
    },
}


@pytest.mark.parametrize("name", BROKEN)
@pytest.mark.parametrize("arguments", [(), ("--json",), ("--language", "ar")])
def test_bad_input_is_findings_in_sentences_and_no_secret_is_printed(handover, tmp_path, name, arguments):
    ran = handover(bots.make(tmp_path, **BROKEN[name]), *arguments)

    assert ran.exit_code == 1
    assert "Traceback" not in ran.stdout + ran.stderr
    assert not [each for each in bots.SECRETS.values() if each in ran.stdout + ran.stderr]


def test_no_secret_is_printed_whatever_is_wrong(handover, tmp_path, monkeypatch):
    def failing(url):
        raise ValueError(url)

    monkeypatch.setattr(action_server, "registered_at", failing)
    folder = bots.make(tmp_path)
    (folder / "models" / "bot.tar.gz").write_bytes(bots.SECRETS["secret"].encode())
    (folder / "handover.db").write_bytes(bots.SECRETS["password"].encode())

    for arguments in ((), ("--json",), ("--language", "ar")):
        ran = handover(folder, *arguments)
        assert not [each for each in bots.SECRETS.values() if each in ran.stdout + ran.stderr]


# --- how it looks ------------------------------------------------------------------------------------


def shown(results, *, terminal):
    console = Console(record=True, force_terminal=terminal, width=100, file=io.StringIO())
    cli.show(console, Report(tuple(results)), printable)
    return console.export_text()


def test_checks_that_could_not_be_done_for_one_reason_share_a_row():
    said = Sentence("Meta did not answer")
    unseen = Found(Status.COULD_NOT_LOOK, said, remedy=Sentence("look again later"))
    checks = [Check(each, Sentence(each), lambda facts: []) for each in ("a.a", "a.b", "a.c")]
    results = [unseen.result(check) for check in checks]

    for terminal in (True, False):
        text = shown(results, terminal=terminal)
        assert text.count("Meta did not answer") == 1
        assert all(check.id in text for check in checks)


def test_what_somebody_else_said_does_nothing_to_the_terminal():
    found = fail(
        Sentence("Meta: %(said)s", said=of_others("\x1b[31m[bold]red[/]")), Sentence("why"), Sentence("do")
    )
    result = found.result(Check("a.a", Sentence("A"), lambda facts: []))

    for terminal in (True, False):
        text = shown([result], terminal=terminal)
        assert "\x1b" not in text
        assert "[bold]red[/]" in text


def test_the_shell_completes_the_ids_of_checks():
    command = typer.main.get_command(main.app)
    (only,) = [each for each in command.commands["doctor"].params if each.name == "only"]

    offered = only.shell_complete(typer.Context(command), "webhook.")

    assert [each.value for each in offered] == ["webhook.app", "webhook.page", "webhook.self_test"]
