"""docs/simulator-spec.md is the table of rules, and the table is true: tests, switches, pages."""

from __future__ import annotations

import os
import re
from dataclasses import fields
from pathlib import Path

import pytest
from other_frameworks import STEPS
from simulator_rules import PAGES, RULES, named_switches, switch_rows, written

from handover_channel.simulator import Switches

TESTS = Path(__file__).parents[1]
DOCUMENT = TESTS.parent / "docs" / "simulator-spec.md"
EVERY_TEST = "\n".join(
    path.read_text(encoding="utf-8") for path in sorted(TESTS.glob("*/test_simulator_*.py"))
)


def test_the_document_is_what_the_table_says():
    """WRITE_DOCUMENTS=1 writes it."""
    if os.environ.get("WRITE_DOCUMENTS"):
        DOCUMENT.write_text(written(), encoding="utf-8")

    assert DOCUMENT.read_text(encoding="utf-8") == written()


def test_there_are_27_rules_each_once():
    assert [rule.number for rule in RULES] == list(range(1, 28))


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: str(rule.number))
def test_every_rule_has_a_test_named_after_it(rule):
    text = (TESTS / rule.file).read_text(encoding="utf-8")

    assert re.search(rf"^def test_(\d+_)*{rule.number}_", text, re.MULTILINE)


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: str(rule.number))
def test_what_is_unsure_in_a_rule_has_a_switch_and_a_source_that_is_known(rule):
    assert set(rule.pages) <= set(PAGES)
    assert rule.pages or "UNSURE" in rule.sure
    assert "UNSURE" not in rule.sure or rule.switches


def test_every_switch_belongs_to_a_rule_and_is_tried_in_a_test():
    known = {field.name for field in fields(Switches)}

    assert set(named_switches()) == known
    untried = {name for name in known if not re.search(rf"\b{name}\b", EVERY_TEST)}
    assert not untried


def test_every_page_is_used():
    assert {page for rule in RULES for page in rule.pages} == set(PAGES)


def test_the_conformance_test_makes_every_step():
    text = (TESTS / "integration" / "test_bots_of_other_frameworks.py").read_text(encoding="utf-8")

    assert re.findall(r'seen\.append\("(\w+)"\)', text) == list(STEPS)


def test_every_switch_is_explained_in_the_document():
    assert [row.split("`")[1] for row in switch_rows()] == [field.name for field in fields(Switches)]
