"""After handover init Rasa takes each bot: by importer, validator, rules, training and tests."""

from __future__ import annotations

import shutil
import subprocess
import warnings
from pathlib import Path
from typing import Any, List, Mapping

import pytest
import yaml
from documents import blocks

pytest.importorskip("rasa", reason="Rasa stops at Python 3.10")

import rasa.cli
from foreign_bots import BOTS, PIPELINE
from rasa.core.policies.rule_policy import InvalidRule, RulePolicy
from rasa.engine.graph import ExecutionContext, GraphSchema
from rasa.engine.storage.local_model_storage import LocalModelStorage
from rasa.engine.storage.resource import Resource
from rasa.shared.core.generator import TrainingDataGenerator
from rasa.shared.importers.importer import TrainingDataImporter
from rasa.validator import Validator
from rasa_commands import RASA
from typer.testing import CliRunner

from handover_channel.cli.main import app

pytestmark = [
    pytest.mark.rasa,
    pytest.mark.timeout(600),
    # What Rasa finds worth a warning in small bots is no fault of theirs.
    pytest.mark.filterwarnings("ignore::UserWarning"),
    pytest.mark.filterwarnings("ignore::FutureWarning"),
]

STARTER = Path(rasa.cli.__file__).parent / "initial_project"


def _write(folder: Path, texts: Mapping[str, str]) -> Path:
    for path, text in texts.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_bytes(text.encode("utf-8"))
    return folder


def _starter(folder: Path) -> Path:
    """Make the project that `rasa init --no-prompt` makes."""
    shutil.copytree(STARTER, folder, dirs_exist_ok=True, ignore=shutil.ignore_patterns("__pycache__"))
    return folder


def _init(folder: Path, *arguments: str) -> None:
    result = CliRunner().invoke(app, ["init", str(folder), "--yes", *arguments])
    assert result.exit_code == 0, result.output + repr(result.exception)


def _importer(folder: Path) -> TrainingDataImporter:
    domain = folder / "domain.yml"
    return TrainingDataImporter.load_from_config(
        str(folder / "config.yml"),
        str(domain if domain.exists() else folder / "domain"),
        [str(folder / "data")],
    )


def _problems(folder: Path) -> List[str]:
    """Return which of Rasa's validations fail, as `rasa data validate --fail-on-warnings` makes them."""
    validator = Validator.from_importer(_importer(folder))
    checks = {
        "domain": validator.verify_domain_validity,
        "nlu": lambda: validator.verify_nlu(ignore_warnings=False),
        "stories": lambda: validator.verify_story_structure(ignore_warnings=False),
        "forms": validator.verify_forms_in_stories_rules,
        "actions": validator.verify_actions_in_stories_rules,
        "slots": validator.verify_slot_mappings,
        "slots of forms": validator.verify_form_slots,
    }
    return [name for name, check in checks.items() if not check()]


def _train_rules(folder: Path, storage: Path) -> None:
    """Train RulePolicy alone. Raises InvalidRule where rules and stories contradict each other."""
    importer = _importer(folder)
    domain = importer.get_domain()
    trackers = TrainingDataGenerator(
        importer.get_stories(), domain, augmentation_factor=0, remove_duplicates=False
    ).generate()
    storage.mkdir()
    policy = RulePolicy.create(
        RulePolicy.get_default_config(),
        LocalModelStorage(storage),
        Resource("rules"),
        ExecutionContext(GraphSchema({})),
    )
    policy.train(trackers, domain)


@pytest.mark.parametrize("bot", [*BOTS, "rasa init"])
def test_rasa_finds_no_fault_in_a_bot_that_handover_was_put_into(bot, tmp_path):
    folder = tmp_path / "bot"
    folder = _starter(folder) if bot == "rasa init" else _write(folder, BOTS[bot])
    before = _problems(folder)

    _init(folder)

    assert _problems(folder) == before
    _train_rules(folder, tmp_path / "storage")


@pytest.mark.parametrize("bot", ["forms with from_text", "rasa init"])
def test_what_rasa_warns_of_about_our_names_stands_in_the_documents(bot, tmp_path):
    folder = _starter(tmp_path) if bot == "rasa init" else _write(tmp_path, BOTS[bot])
    _init(folder)

    with warnings.catch_warnings(record=True) as shown:
        warnings.simplefilter("always")
        assert _problems(folder) == []
    lines = {str(each.message).strip() for each in shown if "handover" in str(each.message)}

    assert "\n".join(sorted(lines)) == "\n".join(sorted(_documented_warnings()))


def _documented_warnings() -> List[str]:
    shown = [each for each in blocks("text") if each.document == "docs/init.md"]
    return [line for each in shown for line in each.text.splitlines()]


def test_a_bot_that_keeps_its_intent_beside_ours_has_no_contradictions(tmp_path):
    folder = _write(tmp_path / "bot", BOTS["own hand-off with stories"])

    _init(folder, "--intent", "handover")

    _train_rules(folder, tmp_path / "storage")


def test_stories_that_were_left_as_they_are_would_contradict_the_rule(tmp_path):
    folder = _write(tmp_path / "bot", BOTS["own hand-off with stories"])
    _init(folder)

    _write(folder, {"data/stories.yml": BOTS["own hand-off with stories"]["data/stories.yml"]})

    with pytest.raises(InvalidRule, match="Contradicting rules or stories"):
        _train_rules(folder, tmp_path / "storage")


def test_the_policies_written_out_are_those_that_rasa_would_have_used(tmp_path):
    from rasa.engine.recipes.default_recipe import DefaultV1Recipe

    folder = _starter(tmp_path)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        automatic = DefaultV1Recipe.complete_config({"recipe": "default.v1", "language": "en"}, {"policies"})
    _init(folder)

    written = yaml.safe_load((folder / "config.yml").read_text(encoding="utf-8"))["policies"]
    assert written[:-1] == automatic["policies"]


def _rasa(folder: Path, *arguments: str) -> str:
    ran = subprocess.run([*RASA, *arguments], cwd=folder, capture_output=True, text=True, timeout=500)
    assert ran.returncode == 0, ran.stderr[-3000:]
    return ran.stdout + ran.stderr


# Two bots are trained: one with rules alone and forms that take any text, one with stories, an
# intent of its own and its own tests. What else differs between bots is in files, which the tests above load.
@pytest.mark.parametrize("bot", ["forms with from_text", "own hand-off with stories"])
def test_a_bot_that_handover_was_put_into_trains_and_passes_its_tests(bot, tmp_path):
    texts = dict(BOTS[bot])
    folder = _write(tmp_path, texts)
    _init(folder)

    _rasa(folder, "train")
    _rasa(folder, "test", "core", "--stories", "tests", "--e2e", "--fail-on-prediction-errors", "--no-plot")

    report: Any = yaml.safe_load((folder / "results" / "failed_test_stories.yml").read_text(encoding="utf-8"))
    assert not (report or {}).get("stories")
    assert PIPELINE in texts["config.yml"]
