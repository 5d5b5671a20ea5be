"""Records what people, staff and another app do with the running bot, and plays it with `handover test`."""

from __future__ import annotations

import subprocess
import sys
from contextlib import contextmanager
from pathlib import Path
from typing import Iterator

import pytest
from stack import Server, Stack, free_port, write_settings

from handover_channel.testing.scenario import read

pytestmark = pytest.mark.rasa

RECORDED = "recorded.yml"


class RecordedStack(Stack):
    """The stack with `handover simulate --record` as its Messenger: a process beside the bot."""

    @contextmanager
    def serving_messenger(self) -> Iterator[str]:
        """Serve it; gives its URL."""
        port = free_port()
        self.simulator_url = f"http://127.0.0.1:{port}"
        write_settings(self.folder, self.simulator_url, self.database)
        command = [sys.executable, "-m", "handover_channel", "simulate", "--port", str(port), "--any-secret"]
        command += ["--callback", self.webhook, "--record", RECORDED]
        simulate = Server("simulate", command, self.folder, f"{self.simulator_url}/health")
        simulate.start()
        try:
            simulate.ready()
            yield self.simulator_url
        finally:
            simulate.stop()


@pytest.fixture(scope="module")
def recorded(tmp_path_factory: pytest.TempPathFactory, model: Path) -> Path:
    """The folder of a bot with which two people have talked, and a recording of it."""
    stack = RecordedStack(tmp_path_factory.mktemp("recorded"), model)
    with stack.running():
        _to_the_inbox_and_back(stack)
        _to_another_app_and_back(stack)
    return stack.folder


def _to_the_inbox_and_back(stack):
    person = stack.person()
    for text in ("hello", "I want to talk to a human"):
        person.says(text)
        person.settled()
    assert person.control == "inbox"
    person.says("my parcel is wet")
    person.settled()
    assert stack.command("reply", person.psid, "We send you a new one").returncode == 0
    person.settled()
    person.does("tap")  # the button of the notice
    person.settled()
    assert person.control == "bot"


def _to_another_app_and_back(stack):
    person = stack.person()
    person.says("talk to sales")
    person.settled()
    assert person.control == "app"
    assert stack.app("sales_bot", "reply", person, text="Which lamp?")["status"] == 200
    person.says("the blue one")
    person.settled()
    assert stack.app("sales_bot", "pass", person, to="bot")["status"] == 200
    person.settled()
    person.says("when are you open")
    person.settled()


def test_each_thread_is_a_scenario_of_what_was_done_said_and_who_had_control(recorded):
    inbox, app = read(recorded / RECORDED)

    assert _acts(inbox) == ["person", "person", "person", "staff", "taps"]
    assert _acts(app) == ["person", "other_app", "person", "other_app", "person"]
    text = (recorded / RECORDED).read_text()
    assert text.startswith("# Recorded by handover simulate --record.")
    assert "control: inbox" in text
    assert "control: sales_bot" in text


def _acts(scenario):
    return [step.kind for step in scenario.steps if step.kind not in ("reply", "silence", "control")]


def test_handover_test_plays_it_and_it_passes(recorded):
    ran = _played(recorded)

    assert ran.returncode == 0, ran.stdout + ran.stderr
    assert "2 passed, 0 failed" in ran.stdout


def test_it_fails_where_the_bot_says_something_else(recorded):
    file = recorded / RECORDED
    text = file.read_text()
    assert "We are open" in text
    (recorded / "changed.yml").write_text(text.replace("We are open", "We are closed"))

    ran = _played(recorded, "changed.yml")

    assert ran.returncode == 1, ran.stdout + ran.stderr
    assert "1 passed, 1 failed" in ran.stdout


def _played(folder: Path, file: str = RECORDED) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "handover_channel", "test", file]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=300)
