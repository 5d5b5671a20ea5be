"""docs/doctor.md says what the code does: every check, the JSON, the exit codes."""

from __future__ import annotations

import json
import re
from pathlib import Path

import bots
import pytest

from handover_channel.doctor.check import Found
from handover_channel.doctor.reference import table, with_reference
from handover_channel.doctor.report import SCHEMA, Report, Status, to_json
from handover_channel.doctor.run import CHECKS, examine

TEXT = (Path(__file__).parents[2] / "docs" / "doctor.md").read_text(encoding="utf-8")


def test_the_table_has_every_check():
    assert with_reference(TEXT) == TEXT, "make docs writes it"


@pytest.mark.parametrize("text", ["", TEXT.replace(table(CHECKS), "")])
def test_a_table_that_is_not_there_is_not_passed_over(text):
    with pytest.raises(ValueError, match="no table"):
        with_reference(text)


def test_the_json_of_the_document_is_what_is_printed(tmp_path):
    (shown,) = re.findall(r"```json\n(.*?)```", TEXT, re.DOTALL)
    shown = json.loads(shown)
    facts = bots.facts(bots.make(tmp_path, endpoints_yml={}))

    made = to_json(examine(facts, only=["action_server.endpoint"]))

    assert list(shown) == list(made)
    assert [list(each) for each in shown["checks"]] == [list(each) for each in made["checks"]]
    values = [(shown["schema"], shown["status"])] + [(each["id"], each["where"]) for each in shown["checks"]]
    assert values == [(SCHEMA, made["status"])] + [(each["id"], each["where"]) for each in made["checks"]]
    pairs = zip(shown["checks"], made["checks"])
    assert all(each["remedy"].lower() == its["remedy"].lower() for each, its in pairs)


def test_every_status_and_every_exit_code_is_in_the_document():
    results = [examine_nothing(each) for each in Status]

    assert all(f"`{each.value}`" in TEXT for each in Status)
    assert {report.exit_code for report in results} == {
        int(code) for code in re.findall(r"^\| (\d) \|", TEXT, re.M)
    }


def examine_nothing(status):
    return Report((Found(status, CHECKS[0].title).result(CHECKS[0]),))
