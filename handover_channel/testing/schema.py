"""Writes the JSON schema of scenario files, for editors, from the table of steps.

`python -m handover_channel.testing.schema FILE`. In an editor with a YAML language server the first line of a
file names it: `# yaml-language-server: $schema=...`. https://json-schema.org/draft-07
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any, Dict

from handover_channel.testing.steps import STEPS, Kind, Option

#: The schema that comes with the package.
SCHEMA_FILE = Path(__file__).with_name("scenario.schema.json")

_TEXT: Dict[str, Any] = {"type": ["string", "number", "boolean"]}


def text() -> str:
    """Return the schema as JSON."""
    return json.dumps(schema(), indent=2) + "\n"


def schema() -> Dict[str, Any]:
    """Return the schema."""
    steps = [{"enum": [name for name, kind in STEPS.items() if kind.value == "nothing"]}]
    scenario = {
        "type": "object",
        "required": ["scenario", "steps"],
        "additionalProperties": False,
        "properties": {
            "scenario": {"description": "What it shows, in a sentence.", **_TEXT},
            "steps": {
                "type": "array",
                "minItems": 1,
                "items": {"anyOf": [*steps, *(_step(name, kind) for name, kind in STEPS.items())]},
            },
        },
    }
    return {
        "$schema": "http://json-schema.org/draft-07/schema#",
        "title": "Scenarios of a bot's handovers (handover test)",
        "type": "object",
        "required": ["scenarios"],
        "additionalProperties": False,
        "properties": {
            "version": _TEXT,
            "scenarios": {"type": "array", "minItems": 1, "items": scenario},
        },
    }


def _step(name: str, kind: Kind) -> Dict[str, Any]:
    value = {"type": ["boolean", "null"]} if kind.value == "nothing" else _TEXT
    if kind.choices:
        value = {"enum": list(kind.choices)}
    described = {"description": kind.meaning, **value}
    options = {key: _option(option) for key, option in kind.options.items()}
    step: Dict[str, Any] = {
        "type": "object",
        "description": kind.meaning,
        "required": [name],
        "additionalProperties": False,
        "properties": {name: described, **options},
    }
    if kind.one_of:
        step["oneOf"] = [{"required": [key]} for key in kind.one_of]
    return step


def _option(option: Option) -> Dict[str, Any]:
    if option.type == "titles":
        return {"description": option.meaning, "type": "array", "items": _TEXT}
    return {"description": option.meaning, **({"enum": list(option.choices)} if option.choices else _TEXT)}


if __name__ == "__main__":
    Path(sys.argv[1]).write_text(text(), encoding="utf-8")
