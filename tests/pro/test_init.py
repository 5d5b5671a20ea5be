"""`handover init` in a project as Rasa Pro's own templates make it: what comes of it, Pro's loaders read."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

pytest.importorskip("rasa.dialogue_understanding", reason="Rasa Pro is not installed: make test-pro has it")

import rasa
from rasa.e2e_test.utils.io import read_test_cases
from rasa.shared.core.domain import Domain
from rasa.shared.core.flows import FlowsList
from rasa.shared.core.flows.yaml_flows_io import YAMLFlowsReader, is_flows_file
from typer.testing import CliRunner

from handover_channel.cli.main import app

pytestmark = pytest.mark.pro

TEMPLATES = Path(rasa.__file__).parent / "cli" / "project_templates"


@pytest.mark.parametrize(("template", "places"), [("tutorial", "domain.yml"), ("default", "domain")])
def test_a_project_of_rasas_with_handover_is_valid(template, places, tmp_path):
    bot = tmp_path / "bot"
    shutil.copytree(TEMPLATES / template, bot)

    done = CliRunner().invoke(app, ["init", str(bot), "--yes"])

    assert done.exit_code == 0, done.output
    domain = Domain.load([str(bot / places)])
    files = [path for path in (bot / "data").rglob("*.yml") if is_flows_file(path)]
    flows = FlowsList.from_multiple_flows_lists(*map(YAMLFlowsReader.read_from_file, files))
    flows.validate(domain)
    assert {"handover", "handover_returned"} <= flows.flow_ids
    assert {"action_handover", "utter_handover", "utter_handover_returned"} <= set(
        domain.action_names_or_texts
    )
    assert read_test_cases(str(bot / "e2e_tests" / "handover.yml")).test_cases
