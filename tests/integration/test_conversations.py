"""The stories in tests/conversations, run by `rasa test` as a developer runs them."""

from __future__ import annotations

import os
import shutil
import subprocess
from datetime import datetime, timezone
from pathlib import Path
from typing import Any, List, Set

import pytest
import yaml
from rasa_commands import RASA

from handover_channel.rules.business_hours import DAYS

pytestmark = [pytest.mark.rasa, pytest.mark.timeout(600)]

ROOT = Path(__file__).parents[2]
STORIES = ROOT / "tests" / "conversations"
POLICY = "handover_channel.HandoverPolicy"
#: Here the bot keeps control: no policy needed. All the other files are about being muted.
WITH_CONTROL = "test_bot_has_control.yml"


@pytest.fixture(scope="session")
def config_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the settings: the store must not be the one of the demo."""
    folder = tmp_path_factory.mktemp("settings")
    shutil.copy(ROOT / "credentials.yml", folder)
    settings = yaml.safe_load((ROOT / "handover.yml").read_text(encoding="utf-8"))
    # Nobody is there now, which changes nothing: no clock decides how a story goes.
    in_two_days = DAYS[(datetime.now(timezone.utc).weekday() + 2) % 7]
    settings["targets"]["inbox"]["hours"] = {"timezone": "UTC", in_two_days: "9:00-9:01"}
    (folder / "handover.yml").write_text(yaml.safe_dump(settings, allow_unicode=True), encoding="utf-8")
    return folder


@pytest.fixture(scope="session")
def model_without_policy(model: Path, tmp_path_factory: pytest.TempPathFactory, config_folder: Path) -> Path:
    """The same bot without HandoverPolicy. Only the dialogue part is trained anew."""
    folder = tmp_path_factory.mktemp("without_policy")
    config = yaml.safe_load((ROOT / "config.yml").read_text(encoding="utf-8"))
    config["policies"] = [policy for policy in config["policies"] if policy["name"] != POLICY]
    (folder / "config.yml").write_text(yaml.safe_dump(config), encoding="utf-8")
    _rasa(
        config_folder,
        "train",
        "--config",
        str(folder / "config.yml"),
        "--out",
        str(folder),
        "--fixed-model-name",
        "mute",
    )
    return folder / "mute.tar.gz"


def test_every_conversation_goes_as_it_is_told(model, config_folder, tmp_path):
    assert _failed(model, config_folder, tmp_path) == set()


def test_without_the_policy_every_conversation_about_silence_fails(
    model_without_policy, config_folder, tmp_path
):
    about_silence = {
        story
        for file in STORIES.glob("test_*.yml")
        if file.name != WITH_CONTROL
        for story in _names(_read(file))
    }

    assert _failed(model_without_policy, config_folder, tmp_path) == about_silence


def _failed(model: Path, config_folder: Path, out: Path) -> Set[str]:
    """Return the names of the stories that `rasa test` saw fail."""
    stories = ["--stories", str(STORIES), "--e2e"]
    _rasa(config_folder, "test", "core", "--model", str(model), *stories, "--out", str(out), "--no-plot")
    # Rasa adds the file to the name.
    return {name.rsplit(" (", 1)[0] for name in _names(_read(out / "failed_test_stories.yml"))}


def _read(file: Path) -> Any:
    return yaml.safe_load(file.read_text(encoding="utf-8"))


def _names(stories: Any) -> List[str]:
    return [story["story"] for story in (stories or {}).get("stories", ())]


def _rasa(config_folder: Path, *arguments: str) -> None:
    environ = {**os.environ, "HANDOVER_CONFIG": str(config_folder / "handover.yml")}
    ran = subprocess.run([*RASA, *arguments], cwd=ROOT, env=environ, capture_output=True, text=True)
    assert ran.returncode == 0, ran.stderr[-3000:]
