"""docs/simulator.md says what the code does: its faults, its calls, its code."""

from __future__ import annotations

import json
import os
import re

import pytest
from documents import ROOT
from echo_bot import EchoBot

from handover_channel.recording import as_scenario, recording_file
from handover_channel.simulator import Simulator
from handover_channel.simulator.api_bodies import check, operations
from handover_channel.simulator.deliveries import RETRY_PAUSES
from handover_channel.simulator.faults import FAULTS
from handover_channel.simulator.journal import KEPT_ENTRIES
from handover_channel.testing.player import play
from handover_channel.testing.scenario import read

DOCUMENT = ROOT / "docs" / "simulator.md"
TEXT = DOCUMENT.read_text(encoding="utf-8")
BEGIN, END = "<!-- faults -->\n", "<!-- /faults -->"


def table() -> str:
    """The table of faults as the code has it. WRITE_DOCUMENTS=1 writes it."""

    def source(given: str) -> str:
        return f"[Meta]({given})" if given.startswith("http") else given

    rows = [
        f"| `{name}` | {fault.where} | {fault.does} | {source(fault.source)} |"
        for name, fault in FAULTS.items()
    ]
    return "\n".join(["| name | where | what it does | source |", "|---|---|---|---|", *rows, ""])


def test_the_table_of_faults_is_that_of_the_code():
    before, _, rest = TEXT.partition(BEGIN)
    written, _, after = rest.partition(END)
    if os.environ.get("WRITE_DOCUMENTS"):
        DOCUMENT.write_text(before + BEGIN + table() + END + after, encoding="utf-8")
        return

    assert written == table()


def test_every_call_is_named_and_no_other():
    section = TEXT.partition("## The control API")[2].partition("\n## ")[0]
    rows = [line for line in section.splitlines() if line.startswith("| `")]
    named = {name for row in rows for name in re.findall(r"`([a-z_]+)`", row.split("|")[1])}
    paths = {operation.path.split("/")[1] for operation in operations()}

    assert named | {"health", "openapi.json"} == paths


def test_every_example_of_a_call_is_accepted():
    by_path = {operation.path: operation.name for operation in operations()}
    calls = re.findall(r"curl -s \$simulator(/\w+) .*-d '(.*)'$", TEXT, re.MULTILINE)

    assert len(calls) > 5
    for path, body in calls:
        check(by_path[path], json.loads(body))


EXAMPLES = re.findall(r"```python\n(.*?)```", TEXT, re.DOTALL)


@pytest.mark.parametrize("code", EXAMPLES, ids=["one page", "several pages"])
def test_the_examples_in_python_are_true(code):
    exec(compile(code, str(DOCUMENT), "exec"), {})  # noqa: S102  (our own document)


def test_the_numbers_are_those_of_the_code():
    assert f"{KEPT_ENTRIES:,} lines are kept" in TEXT
    assert RETRY_PAUSES == (1, 5, 30, 60, 300)


def test_every_option_of_a_fault_is_explained():
    section = TEXT.partition("## Faults")[2]
    simulator = Simulator()
    shown = simulator.fault("duplicate").shown()

    for key in set(shown) - {"number", "happened", "by"}:
        assert f"| `{key}` |" in section


def test_the_sample_of_a_recording_is_one_and_becomes_a_scenario_that_passes(tmp_path):
    sample = TEXT.partition("<!-- recording -->\n```json\n")[2].partition("```\n<!-- /recording -->")[0]
    (tmp_path / "page.jsonl").write_text(sample)

    recording = recording_file.read(tmp_path / "page.jsonl")

    assert as_scenario.write(recording, tmp_path / "bug.yml") == []
    (scenario,) = read(tmp_path / "bug.yml")
    bot = EchoBot()
    bot.says = lambda text: ["Hello, you"]
    assert not play(bot, scenario).failed
    bot.says = lambda text: ["Hello"]
    assert play(bot, scenario).failed
