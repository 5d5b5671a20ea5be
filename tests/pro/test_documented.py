"""The blocks of docs/calm.md are read by Rasa Pro's loaders, and by ours."""

from __future__ import annotations

import ast
import re

import pytest

pytest.importorskip("rasa.dialogue_understanding", reason="Rasa Pro is not installed: make test-pro has it")

import yaml
from calm_engine import domain, flows
from rasa.shared.core.flows import FlowsList
from rasa.shared.core.flows.yaml_flows_io import YAMLFlowsReader
from rasa.shared.utils.common import class_from_module_path
from rasa_commands import ROOT

from handover_channel.settings import loader

pytestmark = pytest.mark.pro

BLOCKS = re.findall(
    r"```(yaml|python)\n# (.*?)\n(.*?)```", (ROOT / "docs" / "calm.md").read_text("utf-8"), re.DOTALL
)


def block(begin):
    return next(text for _, title, text in BLOCKS if title.startswith(begin))


def test_the_flow_for_a_further_target_is_valid_beside_the_others():
    further = YAMLFlowsReader.read_from_string(block("an addition to data/flows.yml"))

    FlowsList.from_multiple_flows_lists(flows(), further).validate(domain())


def test_the_policies_and_channels_are_classes_that_there_are():
    policies = [each["name"] for each in yaml.safe_load(block("config.yml"))["policies"]]
    names = [name for name in (*policies, *yaml.safe_load(block("credentials.yml"))) if "." in name]

    assert len(names) == 3
    assert all(isinstance(class_from_module_path(name), type) for name in names)


def test_the_settings_are_complete(tmp_path):
    place = tmp_path / "handover.yml"
    place.write_text(block("handover.yml"), encoding="utf-8")
    (tmp_path / "credentials.yml").write_text("handover_channel.InboxInput:\n", encoding="utf-8")

    assert loader.load(str(place)).default_target == "inbox"


def test_the_actions_are_python():
    tree = ast.parse(block("actions/handover.py"))

    assert [alias.name for alias in tree.body[0].names] == ["ActionHandover", "ActionHandoverReturn"]
