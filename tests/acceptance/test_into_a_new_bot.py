"""The bot that `rasa init` makes, with the wheel and `handover init`: to the inbox, and back by each way.

Everything is a process, as on a developer's machine, and imports what the wheel has, not this checkout. One
thing differs: Rasa's default pipeline and two of its default policies train for minutes, and start slowly, so
the pipeline here is one that trains in a second, and these two policies are left out. `WHOLE_TRAINING=1`
leaves the bot as `rasa init` and `handover init` make it; `--durations=0` then tells what each step takes.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Dict, Iterator

import pytest
import yaml
from distributions import PIP, build, run
from foreign_bots import PIPELINE
from rasa_commands import RASA
from stack import Person, Server, Stack, eventually, free_port, rasa_server

if TYPE_CHECKING:
    from _pytest.tmpdir import TempPathFactory

rasa_cli = pytest.importorskip("rasa.cli", reason="Rasa stops at Python 3.10")

pytestmark = [pytest.mark.rasa, pytest.mark.timeout(900)]

STARTER = Path(rasa_cli.__file__).parent / "initial_project"
#: Of Rasa's default policies, those that `handover init` writes out, too.
SLOW = ("TEDPolicy", "UnexpecTEDIntentPolicy")
ASK = "I want to talk to a human"
ANSWER = "I am a bot, powered by Rasa."


class NewBot(Stack):
    """A bot's folder, in which the wheel's `handover` and Rasa are run."""

    def __init__(self, folder: Path, packages: Path) -> None:
        # Not Stack's own: that copies the example bot, and plays Messenger in the process of the tests.
        self.folder = folder
        self._handover = str(packages / "bin" / "handover")
        self.environment: Dict[str, str] = {"PYTHONPATH": str(packages)}
        rasa, self.actions_port, messenger = free_port(), free_port(), free_port()
        self.url = f"http://127.0.0.1:{rasa}"
        self.simulator_url = f"http://127.0.0.1:{messenger}"
        callback = f"{self.url}/webhooks/facebook/webhook"
        simulate = [self._handover, "simulate", "--port", str(messenger), "--callback", callback]
        run_actions = [*RASA, "run", "actions", "--port", str(self.actions_port)]
        health = f"http://127.0.0.1:{self.actions_port}/health"
        self.servers = [
            Server("simulator", simulate, folder, f"{self.simulator_url}/", **self.environment),
            Server("actions", run_actions, folder, health, **self.environment),
            rasa_server("rasa", folder, rasa, **self.environment),
        ]

    @contextmanager
    def running(self) -> Iterator[Stack]:
        """Start the three, and stop them in the end."""
        try:
            self.start_servers()
            yield self
        finally:
            for server in reversed(self.servers):
                server.stop()
        assert "Traceback" not in self.logs(), self.logs()[-6000:]

    def does(self, *command: str) -> str:
        """Run a command that must end well; returns what it says."""
        environment = {name: value for name, value in os.environ.items() if name != "HANDOVER_CONFIG"}
        done = subprocess.run(
            command,
            cwd=self.folder,
            env={**environment, **self.environment},
            capture_output=True,
            text=True,
            timeout=400,
        )
        assert done.returncode == 0, f"{command}: {done.stdout[-3000:]}{done.stderr[-3000:]}"
        return done.stdout

    def handover(self, *arguments: str) -> str:
        """Run `handover`."""
        return self.does(self._handover, *arguments)


@pytest.fixture(scope="module")
def bot(tmp_path_factory: TempPathFactory) -> NewBot:
    """The new bot, after `handover init`, on ports and with a time limit for a test."""
    packages, folder = tmp_path_factory.mktemp("packages"), tmp_path_factory.mktemp("new") / "bot"
    wheel = build(tmp_path_factory.mktemp("tree"), tmp_path_factory.mktemp("dist")).wheel
    run(*PIP, "install", "--no-deps", "--no-index", "--target", str(packages), str(wheel), cwd=packages)
    shutil.copytree(STARTER, folder, ignore=shutil.ignore_patterns("__pycache__"))
    bot = NewBot(folder, packages)
    bot.handover("init", "--yes")
    if not os.environ.get("WHOLE_TRAINING"):
        _train_in_seconds(folder / "config.yml")
    _move(folder / "endpoints.yml", "http://localhost:5055", f"http://127.0.0.1:{bot.actions_port}")
    _move(folder / "handover.yml", "http://127.0.0.1:8090", bot.simulator_url)
    settings = yaml.safe_load((folder / "handover.yml").read_text(encoding="utf-8"))
    settings["targets"]["short"] = {"kind": "inbox", "time_limit": "6 seconds"}
    (folder / "handover.yml").write_text(yaml.safe_dump(settings, allow_unicode=True), encoding="utf-8")
    return bot


def _move(path: Path, old: str, new: str) -> None:
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new), encoding="utf-8")


def _train_in_seconds(path: Path) -> None:
    config = yaml.safe_load(path.read_text(encoding="utf-8"))
    assert config["pipeline"] is None, "the default one"
    config["pipeline"] = yaml.safe_load(PIPELINE)["pipeline"]
    config["policies"] = [each for each in config["policies"] if each["name"] not in SLOW]
    assert len(config["policies"]) == 3, "memory, rules and ours"
    path.write_text(yaml.safe_dump(config), encoding="utf-8")


@pytest.fixture(scope="module")
def trained(bot: NewBot) -> NewBot:
    """The new bot with a model."""
    bot.does(*RASA, "train")
    return bot


@pytest.fixture(scope="module")
def stack(trained: NewBot) -> Iterator[Stack]:
    """Simulator, action server and Rasa of the new bot."""
    with trained.running() as running:
        yield running


def test_what_runs_is_the_wheel_and_not_this_checkout(bot):
    said = bot.does(sys.executable, "-c", "import handover_channel as it; print(it.__file__)")

    assert said.startswith(bot.environment["PYTHONPATH"])


def test_rasa_finds_the_new_bot_valid(bot):
    bot.does(*RASA, "data", "validate")


def test_the_new_bot_passes_its_tests(trained):
    trained.does(*RASA, "test", "--stories", "tests")

    results = trained.folder / "results"
    assert not (yaml.safe_load((results / "failed_test_stories.yml").read_text()) or {}).get("stories")
    passed = yaml.safe_load((results / "story_report.json").read_text())
    assert passed["conversation_accuracy"]["accuracy"] == 1
    assert passed["conversation_accuracy"]["total"] >= 1


def test_a_second_init_finds_nothing_to_do(bot):
    assert "Nothing to do" in bot.handover("init", "--check")


def _taps_the_button(bot: NewBot, person: Person) -> None:
    person.does("tap")  # the latest message with buttons is the notice


def _writes_a_keyword(bot: NewBot, person: Person) -> None:
    person.says("back to bot")


def _waits(bot: NewBot, person: Person) -> None:
    """Do nothing: the time limit comes."""


def _is_returned(bot: NewBot, person: Person) -> None:
    bot.handover("reply", person.psid, "How can I help?")
    bot.handover("return", person.psid)


WAYS_BACK = {
    "button": _taps_the_button,
    "keyword": _writes_a_keyword,
    "time_limit": _waits,
    "agent": _is_returned,
}


def _asks(person: Person, text: str = "are you a bot?") -> None:
    person.says(text)
    person.settled()


@pytest.mark.parametrize("way", WAYS_BACK)
def test_a_person_gets_to_the_inbox_and_back_and_hears_the_bot_again(trained, stack, way):
    person = stack.person()
    _asks(person)
    assert person.heard() == [ANSWER]

    if way == "time_limit":
        person.goes_to("short")
    else:
        _asks(person, ASK)
        assert person.control == "inbox"
        _asks(person)
        assert ANSWER not in person.heard()[1:], "the bot is silent"
    WAYS_BACK[way](trained, person)

    eventually(lambda: person.control == "bot", f"back by {way}")
    person.settled()
    assert [each["reason"] for each in person.changes() if each["control"] == "bot"] == [way]
    eventually(lambda: re.search("back|again", person.heard()[-1]), "the person is told")
    _asks(person)
    assert person.heard()[-1] == ANSWER
