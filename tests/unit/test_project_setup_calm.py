"""`handover init` in a bot of CALM flows: flows in place of rules, examples and stories."""

from __future__ import annotations

import pytest
import yaml

from handover_channel.project_setup import folder, plan
from handover_channel.project_setup.project import Choices, NoProject

FILES = {
    "config.yml": "recipe: default.v1\nlanguage: en\npipeline: []\npolicies:\n  - name: FlowPolicy\n",
    "domain.yml": 'version: "3.1"\nslots:\n  amount:\n    type: float\n',  # no mappings: the LLM fills it
    "data/flows.yml": "flows:\n  pay:\n    description: Pay.\n    steps:\n      - collect: amount\n",
    "endpoints.yml": 'action_endpoint:\n  actions_module: "actions"\n',
    "credentials.yml": "rest:\n",
}


@pytest.fixture
def bot(tmp_path):
    def made(**changes):
        for path, text in {**FILES, **changes}.items():
            (tmp_path / path).parent.mkdir(exist_ok=True)
            (tmp_path / path).write_text(text, encoding="utf-8")
        return plan.look(folder.read(tmp_path))

    return made


def planned(found):
    return plan.plan(found, Choices(messenger=False))


def test_it_gets_flows_and_end_to_end_tests_and_neither_rules_nor_stories(bot):
    found = planned(bot())

    assert {"data/handover.yml", "e2e_tests/handover.yml", "actions/handover.py", "handover.yml"} <= set(
        found.created
    )
    assert list(yaml.safe_load(found.created["data/handover.yml"])) == ["flows"]
    assert not [path for path in found.created if path.startswith("tests/")]


def test_it_gets_our_policy_and_none_of_rules(bot):
    (edit,) = planned(bot()).edits["config.yml"]

    assert "handover_channel.HandoverPolicy" in edit.inserted
    assert "RulePolicy" not in edit.inserted


def test_its_slots_are_mapped_as_rasa_pro_calls_it(bot):
    inserted = "".join(edit.inserted for edit in planned(bot()).edits["domain.yml"])

    assert inserted.count("type: controlled") >= 2
    assert "type: custom" not in inserted


def test_a_flow_of_the_same_name_is_for_its_author_to_rename(bot):
    text = "flows:\n  pattern_human_handoff:\n    description: x\n    steps:\n      - action: utter_x\n"

    with pytest.raises(NoProject, match=r"data/patterns.yml has a flow pattern_human_handoff"):
        planned(bot(**{"data/patterns.yml": text}))


def test_a_flow_for_the_same_wish_is_named(bot):
    text = "flows:\n  human_handoff:\n    description: x\n    steps:\n      - action: utter_x\n"

    assert any("human_handoff may be" in each for each in planned(bot(**{"data/own.yml": text})).remarks)


def test_a_second_run_adds_no_flows(bot):
    found = planned(bot(**{"data/handover.yml": planned(bot()).created["data/handover.yml"]}))

    assert not {"data/handover.yml", "e2e_tests/handover.yml"} & set(found.created)
