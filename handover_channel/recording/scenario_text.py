"""Writes scenarios as YAML that `handover test` plays: a line or more for each step, comments between.

Every text is written so that YAML reads the same text: plain where that is certain, else in double quotes.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from typing import Any, Iterable, List, Mapping, Sequence, Union

_CERTAINLY_TEXT = re.compile(r"[A-Za-z][A-Za-z0-9_]*([ ./][A-Za-z0-9_./,!?']+)*[.!?]*", re.ASCII)
_WORDS_OF_YAML = frozenset({"true", "false", "yes", "no", "on", "off", "null", "y", "n"})


@dataclass(frozen=True)
class Line:
    """A step: its name, its value (True for none) and its further keys."""

    step: str
    value: Union[str, bool] = True
    options: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Remark:
    """A comment between two steps: what no step can say."""

    text: str


@dataclass
class ScenarioText:
    """A scenario to be written."""

    name: str
    lines: List[Union[Line, Remark]]


def written(scenarios: Iterable[ScenarioText], heading: Sequence[str] = ()) -> str:
    """Return the text of a file with these scenarios; those without a step are left out."""
    given = [each for each in scenarios if any(isinstance(line, Line) for line in each.lines)]
    lines = [_comment(each, "") for each in heading]
    if given:
        lines.append("scenarios:")
    for each in given:
        lines += [f"  - scenario: {scalar(each.name)}", "    steps:"]
        for line in each.lines:
            lines += _step(line) if isinstance(line, Line) else [_comment(line.text, "      ")]
        lines.append("")
    return "\n".join(lines).rstrip("\n") + "\n"


def scalar(text: str) -> str:
    """Return *text* as YAML reads it back; lone surrogates, which no file can hold, become U+FFFD."""
    text = text.encode("utf-8", "replace" if text.isascii() else "surrogatepass").decode("utf-8", "replace")
    if _CERTAINLY_TEXT.fullmatch(text) and text.lower() not in _WORDS_OF_YAML and len(text) < 90:
        return text
    return "".join(
        each if _is_safe(each) else _escaped(each) for each in json.dumps(text, ensure_ascii=False)
    )


def _is_safe(character: str) -> bool:
    return character == " " or character.isprintable()


def _escaped(character: str) -> str:
    number = ord(character)
    return f"\\U{number:08x}" if number > 0xFFFF else f"\\u{number:04x}"


def _step(line: Line) -> List[str]:
    if line.value is True:
        return [f"      - {line.step}"]
    first = f"      - {line.step}: {scalar(str(line.value))}"
    return [first, *(f"        {key}: {_value(value)}" for key, value in line.options.items())]


def _value(value: Any) -> str:
    if isinstance(value, (list, tuple)):
        return "[" + ", ".join(json_scalar(str(each)) for each in value) + "]"
    return scalar(str(value))


def json_scalar(text: str) -> str:
    """Return *text* in quotes, as it may stand in a list."""
    found = scalar(text)
    return found if found.startswith('"') else f'"{found}"'


def _comment(text: str, indent: str) -> str:
    shown = "".join(each if _is_safe(each) else " " for each in text)
    return f"{indent}# {shown}".rstrip()
