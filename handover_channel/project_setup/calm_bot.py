"""Gives a bot of CALM flows (Rasa Pro) flows and end-to-end tests in place of rules, examples and stories.

The files are those of the folder `calm/`, which docs/calm.md has people copy.
"""

from __future__ import annotations

from pathlib import Path
from typing import Mapping, Tuple

from handover_channel.project_setup.project import NoProject, Planned
from handover_channel.project_setup.yaml_text import Document
from handover_channel.rules.bot_contract import HANDOVER_FLOW, RETURNED_FLOW

FILE = "handover.yml"
TESTS = f"e2e_tests/{FILE}"

_CALM_FILES = Path(__file__).parent / "calm"
_OUR_FLOWS = (HANDOVER_FLOW, RETURNED_FLOW, "pattern_human_handoff")


def plan(data: Mapping[str, Document], data_folder: str) -> Planned:
    """Add the flows and their tests. Raises NoProject where the bot has a flow of the same name."""
    path = f"{data_folder}/{FILE}"
    if path in data:
        return Planned()
    flows = {name: place for place, document in data.items() for name in document.names("flows")}
    taken = next((name for name in _OUR_FLOWS if name in flows), None)
    if taken is not None:
        raise NoProject(
            f"{flows[taken]} has a flow {taken}, as ours is called -> take it out or rename it, then once "
            "more (docs/calm.md)"
        )
    created = {path: _text("data"), TESTS: _text("e2e_tests")}
    return Planned(created=created, remarks=_remarks(flows))


def _text(folder: str) -> str:
    return (_CALM_FILES / folder / FILE).read_text(encoding="utf-8")


def _remarks(flows: Mapping[str, str]) -> Tuple[str, ...]:
    alike = [name for name in flows if "handoff" in name or "human" in name]
    return tuple(
        f"{flows[name]}: the flow {name} may be for the same wish as ours -> let it end with "
        "`link: handover`, or take it out (docs/calm.md)"
        for name in alike
    )
