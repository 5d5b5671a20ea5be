from __future__ import annotations

import dataclasses
import sys
from typing import NamedTuple

import pytest
from play import settings_with

from handover_channel import services
from handover_channel.cli import main
from handover_channel.errors import SettingsError, TakeNotAllowed, UnknownTarget
from handover_channel.graph_api.client import ThreadOwner
from handover_channel.rules.control import Control, State
from handover_channel.rules.return_reasons import ReturnReason
from handover_channel.store.changes import LoggedChange
from handover_channel.store.thread_status import Status
from handover_channel.store.threads import Thread
from handover_channel.store.transcript import Line

PSID = "24680"
NOON = 1_700_049_600.0  # 2023-11-15 12:00 UTC


class FakeControl:
    """One thread, with Hootsuite."""

    def __init__(self, *, refusal: str = "", text: str = "I need help"):
        self.refusal = refusal
        self.text = text
        self.returned = []

    def status(self, thread):
        if thread != PSID:
            return None
        state = State(Control.APP, owner="3333", target="hootsuite")
        row = Thread(
            PSID, state=state, reason="handed_over", changed_at=NOON, until=NOON + 3600, refusal=self.refusal
        )
        log = [LoggedChange(NOON, "bot", "app", "3333", "hootsuite", "handed_over", "bot")]
        return Status(row, log, [Line("person", self.text, int(NOON * 1000))])

    def return_to_bot(self, thread, reason, *, who):
        self.returned.append((thread, reason))
        return not self.refusal


class FakeGraph:
    """Says that Hootsuite has control."""

    def thread_owner(self, token, thread):
        return ThreadOwner("3333")


class Ran(NamedTuple):
    exit_code: int
    stdout: str
    stderr: str


@pytest.fixture
def handover(monkeypatch, capsys):
    """Run the command against a thread control of a few lines, or with settings that raise `error`."""

    def run(*arguments, thread_control=None, error=None):
        def from_config():
            if error:
                raise error
            return services.Services(settings_with(), None, FakeGraph(), thread_control or FakeControl())

        monkeypatch.setattr(services, "from_config", from_config)
        monkeypatch.setattr(sys, "argv", ["handover", *arguments])
        monkeypatch.setenv("COLUMNS", "160")
        with pytest.raises(SystemExit) as end:
            main.main()
        said = capsys.readouterr()
        return Ran(end.value.code, said.out, said.err)

    return run


def test_status_tells_who_has_control_until_when_and_why(handover):
    ran = handover("status", PSID)

    assert ran.exit_code == 0
    assert "Control:  app hootsuite" in ran.stdout
    assert "Until:    2023-11-15 13:00:00 UTC" in ran.stdout
    assert "handed_over" in ran.stdout
    assert "I need help" in ran.stdout


def test_status_says_what_meta_refused_and_what_to_do(handover):
    ran = handover("status", PSID, thread_control=FakeControl(refusal="(#27) no default app -> set one"))

    assert "Refused:  (#27) no default app -> set one" in ran.stdout


@pytest.mark.parametrize("text", ["", " \u200b"])
def test_status_says_where_a_message_has_no_content(text, handover):
    assert "[nothing]" in handover("status", PSID, thread_control=FakeControl(text=text)).stdout


def test_what_a_person_wrote_does_not_steer_the_terminal(handover):
    ran = handover("status", PSID, thread_control=FakeControl(text="\x1b[2J\x07gone [red]not markup[/red]"))

    assert "\x1b" not in ran.stdout
    assert "\x07" not in ran.stdout
    assert "[red]not markup[/red]" in ran.stdout


def test_no_fact_of_a_thread_steers_the_terminal_or_forges_a_line(handover):
    forged = "7001\nControl:  bot\x1b[2J\u202e"

    class Forged(FakeControl):
        def status(self, thread):
            found = super().status(PSID)
            row = dataclasses.replace(found.thread, id=forged, reason=forged)
            log = [dataclasses.replace(found.log[0], who=forged, reason=forged)]
            return dataclasses.replace(found, thread=row, log=log)

    ran = handover("status", PSID, thread_control=Forged(refusal=forged))

    assert "\x1b" not in ran.stdout
    assert "\u202e" not in ran.stdout
    assert "\nControl:  bot" not in ran.stdout
    assert "7001\\nControl:  bot" in ran.stdout


def test_return_gives_the_thread_back_as_an_agent(handover):
    thread_control = FakeControl()

    ran = handover("return", PSID, thread_control=thread_control)

    assert ran.exit_code == 0
    assert thread_control.returned == [(PSID, ReturnReason.AGENT)]


def test_a_refused_return_says_what_meta_said_and_fails(handover):
    ran = handover("return", PSID, thread_control=FakeControl(refusal="(#27) no default app -> set one"))

    assert ran.exit_code == 1
    assert "Meta refused to give control back: (#27) no default app -> set one" in ran.stderr


@pytest.mark.parametrize("command", ["status", "return"])
def test_a_thread_that_was_never_seen_is_a_plain_refusal(handover, command):
    ran = handover(command, "1")

    assert ran.exit_code == 2
    assert ran.stderr == "thread 1 was never seen -> is it the customer's PSID on this page?\n"


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (
            SettingsError(["handover.yml: one", "credentials.yml: two"]),
            "handover.yml: one\ncredentials.yml: two\n",
        ),
        (UnknownTarget("no target 'x'"), "no target 'x'\n"),
        (TakeNotAllowed("(#27) refused", remedy="set a default app"), "(#27) refused -> set a default app\n"),
    ],
)
def test_an_error_with_a_name_is_plain_text_and_no_traceback(handover, error, said):
    ran = handover("status", PSID, error=error)

    assert ran.exit_code == 2
    assert ran.stderr == said
    assert not ran.stdout


def test_the_simulator_does_not_sign_with_another_secret_than_the_demos_unless_told(
    tmp_path, monkeypatch, capsys
):
    from handover_channel import simulator

    started = []
    monkeypatch.setattr(simulator, "run", lambda **given: started.append(given["secret"]))
    monkeypatch.chdir(tmp_path)
    (tmp_path / "handover.yml").write_text('app_id: "1111"')

    def simulate(secret, *more):
        block = f"{{verify: w, secret: {secret}, page-access-token: t}}"
        (tmp_path / "credentials.yml").write_text(f"handover_channel.MessengerInput: {block}")
        monkeypatch.setattr(sys, "argv", ["handover", "simulate", *more])
        with pytest.raises(SystemExit) as end:
            main.main()
        return end.value.code, capsys.readouterr().err

    code, said = simulate("0123456789abcdef0123456789abcdef")
    assert code == 2
    assert "--any-secret" in said
    assert "0123456789abcdef" not in said
    assert simulate("demo-app-secret")[0] == 0
    assert simulate("another", "--any-secret")[0] == 0
    assert started == ["demo-app-secret", "another"]
