"""Tests the reading of scenarios: what is wrong is told at once, with file, line, and what was expected."""

from __future__ import annotations

import json
from pathlib import Path

import jsonschema
import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from handover_channel.testing import schema
from handover_channel.testing.scenario import ScenarioError, parse, read_all
from handover_channel.testing.steps import STEPS

FILE = Path("shop.yml")
BEGINNING = "scenarios:\n- scenario: a name\n  steps:\n"


def problems(text):
    with pytest.raises(ScenarioError) as caught:
        parse(text, FILE)
    return list(caught.value.problems)


def refusals(text):
    """What is wrong, nothing where it is read."""
    try:
        parse(text, FILE)
    except ScenarioError as error:
        return list(error.problems)
    return []


def wrong(step):
    """What is wrong with one step, which stands in line 4."""
    return problems(BEGINNING + f"  - {step}\n")


def test_what_stands_in_a_value_is_text():
    (scenario,) = parse(BEGINNING + "  - person: 10234\n  - person: no\n  - person: 2026-01-01\n", FILE)

    assert [step.value for step in scenario.steps] == ["10234", "no", "2026-01-01"]


def test_a_step_knows_its_lines():
    text = BEGINNING + "  - person: hello\n  - staff: inbox\n    replies: Hi\n  - silence\n"

    (scenario,) = parse(text, FILE)

    assert [(step.line, step.last_line) for step in scenario.steps] == [(4, 4), (5, 6), (7, 7)]


@pytest.mark.parametrize("step", ["silence", "silence:", "silence: true"])
def test_silence_needs_no_value(step):
    (scenario,) = parse(BEGINNING + f"  - {step}\n", FILE)

    assert [(each.kind, each.value) for each in scenario.steps] == [("silence", True)]


@pytest.mark.parametrize(
    ("step", "said"),
    [
        ("persn: hello", "unknown step 'persn' -> did you mean 'person'?"),
        ("silense", "unknown step 'silense' -> did you mean 'silence'?"),
        ("person", "person needs a value, such as person: I want to talk to a human"),
        ("person:", "person needs a text, such as 'I want to talk to a human'"),
        ("{person: a, reply: b}", "this step is person and reply, and can be only one of them -> write two"),
        ("staff: inbox", "staff needs one of replies, does, and has none"),
        ("{staff: inbox, replies: a, does: done}", "staff needs one of replies, does, and has 2"),
        ("{staff: inbox, does: fly}", "does of staff is 'fly', and not one of done, takes_over"),
        ("{staff: inbox, does: done, refussed: a}", "no key 'refussed' -> did you mean 'refused'?"),
        ("jump: 3 fortnights", "'3 fortnights' is no time to move by"),
        ("{reply: Hi, buttons: Yes}", "buttons of reply needs a list of titles"),
        ("silence: please", "silence takes no value"),
        ("fault: not_ownr", "fault 'not_ownr' is not known -> did you mean 'not_owner'?"),
        ("{fault: code_2, count: often}", 'count of fault needs a number from 1 on, or "always"'),
        ("[person]", 'a step is expected here, such as "- person: hello"'),
        ("{person: a, person: b}", "the key 'person' is there already"),
    ],
)
def test_a_step_that_is_none_is_named_with_its_line_and_what_was_expected(step, said):
    (problem,) = wrong(step)

    assert problem.startswith("shop.yml:4: ")
    assert said in problem


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "shop.yml:1: the file is empty"),
        ("hello", "shop.yml:1: a file is a list of scenarios"),
        ("scenarios:\n- x\n", "shop.yml:2: a scenario is expected"),
        ("scenarios: [\n", "this is no valid YAML"),
        (
            BEGINNING + "  - person: x\n   reply: y\n",
            "shop.yml:5: this is no valid YAML: expected <block end>",
        ),
        (
            BEGINNING + "  - person: x\n   reply: y\n",
            " -> look at the indentation here, and in the line before",
        ),
        (BEGINNING + "  - person: x\n  -\n", "shop.yml:5: this step is empty -> write one, such as"),
        ("scenarios:\n- steps:\n  - silence\n", "shop.yml:2: the scenario has no name"),
        ("scenarios:\n- scenario: x\n", "shop.yml:2: a list of steps is expected"),
        ("stories:\n- story: x\n", "unknown key 'stories' -> known: scenarios"),
    ],
)
def test_a_file_that_is_none_is_named_with_its_line_and_what_was_expected(text, said):
    assert any(said in problem for problem in problems(text))


def test_everything_that_is_wrong_is_told_at_once_from_the_top(tmp_path):
    (tmp_path / "a.yml").write_text(BEGINNING + "  - nobody: x\n  - persn: x\n")
    (tmp_path / "b.yml").write_text("scenarios: []\n")

    with pytest.raises(ScenarioError) as caught:
        read_all([tmp_path, tmp_path / "absent.yml"])

    places = [problem.rpartition(f"{tmp_path}/")[2].split(": ")[0] for problem in caught.value.problems]
    assert places == ["a.yml:4", "a.yml:5", "b.yml:1", "absent.yml"]


@given(st.text(max_size=200))
def test_whatever_stands_in_a_file_it_is_read_or_refused_in_words(text):
    assert all(problem.startswith("shop.yml:") for problem in refusals(text))


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(max_size=8) | st.sampled_from(sorted(STEPS)),
        lambda inner: (
            st.lists(inner, max_size=3)
            | st.dictionaries(
                st.sampled_from([*sorted(STEPS), "steps", "scenario", "does"]), inner, max_size=3
            )
        ),
        max_leaves=12,
    )
)
def test_whatever_the_scenarios_are_they_are_read_or_refused_in_words(value):
    for text in (json.dumps({"scenarios": value}), json.dumps({"scenarios": [value, {"steps": value}]})):
        assert all(problem.startswith("shop.yml:") for problem in refusals(text))


def test_the_schema_that_comes_with_the_package_is_that_of_the_steps():
    assert schema.SCHEMA_FILE.read_text(encoding="utf-8") == schema.text()


def test_the_schema_takes_what_is_read_and_refuses_what_is_not():
    folder = Path(__file__).parents[1] / "scenarios"
    for file in sorted(folder.rglob("*.yml")):
        jsonschema.validate(yaml.safe_load(file.read_text(encoding="utf-8")), schema.schema())

    for step in ({"persn": "x"}, {"staff": "inbox"}, {"fault": "no_such"}, {"person": "a", "reply": "b"}):
        with pytest.raises(jsonschema.ValidationError):
            jsonschema.validate({"scenarios": [{"scenario": "x", "steps": [step]}]}, schema.schema())
