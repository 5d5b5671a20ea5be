from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest
import yaml

from handover_channel.messenger.return_button import BUTTON_PAYLOAD, is_button
from handover_channel.rules import bot_contract
from handover_channel.rules.return_reasons import ReturnReason

ROOT = Path(__file__).parents[2]
PACKAGE = ROOT / "handover_channel"

#: Section of a domain -> suffix of the constants whose names belong there.
SECTIONS = {
    "intents": "_INTENT",
    "entities": "_ENTITY",
    "slots": "_SLOT",
    "actions": "_ACTION",
    "responses": "_RESPONSE",
}
#: Rasa has it in every domain.
OF_RASA = {bot_contract.LISTEN_ACTION}


def _names(section):
    """The contract's names of a section."""
    suffix = SECTIONS[section]
    return {value for name, value in vars(bot_contract).items() if name.endswith(suffix)} - OF_RASA


GUIDE = "docs/guides/set-up-handover.md"


def _block_of_the_guide(name):
    text = (ROOT / GUIDE).read_text(encoding="utf-8")
    (block,) = re.findall(rf"^```yaml\n# {re.escape(name)}\n(.*?)```", text, re.DOTALL | re.MULTILINE)
    return yaml.safe_load(block)


DOMAINS = {
    "domain.yml": yaml.safe_load((ROOT / "domain.yml").read_text(encoding="utf-8")),
    GUIDE: _block_of_the_guide("domain/handover.yml"),
}
#: What a domain may do without: the guide says which bots need it.
OPTIONAL = {GUIDE: {bot_contract.SESSION_START_ACTION, bot_contract.SUMMARY_SLOT}}


@pytest.mark.parametrize("section", SECTIONS)
@pytest.mark.parametrize("where", DOMAINS)
def test_a_domain_has_every_name_that_the_package_counts_on(where, section):
    assert _names(section)
    assert _names(section) - OPTIONAL.get(where, set()) <= set(DOMAINS[where][section])


def _steps(rules):
    return [(kind, name) for each in rules["rules"] for step in each["steps"] for kind, name in step.items()]


@pytest.mark.parametrize(
    "rules",
    [
        yaml.safe_load((ROOT / "data" / "rules.yml").read_text(encoding="utf-8")),
        _block_of_the_guide("data/handover.yml"),
    ],
    ids=["data/rules.yml", GUIDE],
)
def test_the_rules_run_the_actions_for_the_intents_of_the_contract(rules):
    steps = _steps(rules)

    for step in (
        ("intent", bot_contract.HANDOVER_INTENT),
        ("action", bot_contract.HANDOVER_RESPONSE),
        ("action", bot_contract.HANDOVER_ACTION),
        ("intent", bot_contract.RETURNED_INTENT),
        ("action", bot_contract.RETURN_ACTION),
    ):
        assert step in steps


@pytest.mark.parametrize(
    "path", sorted((ROOT / "docs").rglob("*.md")) + [ROOT / "README.md"], ids=lambda p: p.name
)
def test_the_documents_name_nothing_of_a_handover_that_the_domain_lacks(path):
    known = {name for domain in DOMAINS.values() for section in SECTIONS for name in domain[section]}
    named = re.findall(r"\b(?:utter|action)_(?:handover|session)\w*", path.read_text(encoding="utf-8"))

    assert set(named) <= known


def test_the_examples_of_nlu_name_targets_by_the_entity_of_the_contract():
    text = (ROOT / "data" / "nlu.yml").read_text(encoding="utf-8")

    assert f"]({bot_contract.TARGET_ENTITY})" in text
    assert f"- intent: {bot_contract.HANDOVER_INTENT}\n" in text


def test_the_button_sends_the_payload_of_a_return():
    assert bot_contract.returned_payload(ReturnReason.BUTTON.value) == BUTTON_PAYLOAD
    assert is_button(bot_contract.returned_payload(ReturnReason.BUTTON.value))


@pytest.mark.parametrize("reason", ReturnReason)
def test_the_turn_of_a_return_is_understood_as_its_payload_would_be(reason):
    found = bot_contract.returned_parse_data(reason)

    assert found["text"] == bot_contract.returned_payload(reason.value)
    assert found["intent"] == {"name": bot_contract.RETURNED_INTENT, "confidence": 1.0}
    assert [(each["entity"], each["value"]) for each in found["entities"]] == [("reason", reason.value)]


def test_no_other_module_spells_a_name_of_the_contract():
    # "handover" and "reason" are words, too.
    names = {name for section in SECTIONS for name in _names(section) if "_" in name} | OF_RASA
    spelled = {
        (str(path.relative_to(PACKAGE)), node.value)
        for path in PACKAGE.rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Constant) and node.value in names
    }

    assert {path for path, _ in spelled} == {"rules/bot_contract.py"}


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        (BUTTON_PAYLOAD, ReturnReason.BUTTON),
        ('/handover_returned{"reason": "agent"}', ReturnReason.AGENT),
        ("/handover_returned", ReturnReason.BUTTON),
        ('/handover_returned{"reason": ["x"]}', ReturnReason.BUTTON),
        ("/handover_returned{", ReturnReason.BUTTON),
        ("/handover_returned" + "{" * 100_000, ReturnReason.BUTTON),
        ("/handover_returned_twice", None),
        ("back to bot", None),
        ("", None),
    ],
)
def test_the_payload_of_a_return_is_known_by_its_text_alone(text, reason):
    assert bot_contract.reason_of_payload(text) is reason
