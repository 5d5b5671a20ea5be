"""Reads scenarios: YAML files in which each line is an act or an expectation, as in Rasa's test stories.

1. All that is wrong with a file is told at once, each with file, line, and what was expected there.
2. What stands in a value is text: `person: 10234` and `person: no` are what the person writes.
3. Anchors and references work as ever in YAML; a key that is there twice is refused.

Without Rasa, database and web server: pages in other languages may want to read the same files.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any, FrozenSet, Iterable, Iterator, List, Optional, Sequence, Tuple

from ruamel.yaml import YAML
from ruamel.yaml.error import MarkedYAMLError, YAMLError
from ruamel.yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode

from handover_channel.errors import HandoverError
from handover_channel.simulator.faults import FAULTS
from handover_channel.testing.bot_under_test import CLOCK, HTTP
from handover_channel.testing.steps import STEPS, Kind, Step, problem_of_option, problem_of_value
from handover_channel.testing.wording import did_you_mean

_NULL = "tag:yaml.org,2002:null"
_STEPS_EXPECTED = 'a list of steps is expected, such as "- person: hello"'
_FILE_EXPECTED = "a file is a list of scenarios, below the key scenarios:"
_LIST_EXPECTED = 'a list is expected: "- scenario: its name"'
_SCENARIO_EXPECTED = 'a scenario is expected: "- scenario: its name", and its steps:'
_KEYS_OF_SCENARIO = ("scenario", "steps")


class ScenarioError(HandoverError):
    """Files that are no scenarios. ``problems``: a line each, "file:line: what is wrong"."""

    def __init__(self, problems: Sequence[str]) -> None:
        super().__init__("\n".join(problems))
        self.problems = tuple(problems)


@dataclass(frozen=True)
class Scenario:
    """One conversation as it should be."""

    name: str
    file: Path
    line: int
    steps: Tuple[Step, ...]
    source: Tuple[str, ...]  #: the lines of the file

    @property
    def needs(self) -> FrozenSet[str]:
        """What it asks of a bot under test, see `BotUnderTest.cannot`."""
        moves = {CLOCK for step in self.steps if STEPS[step.kind].moves_time}
        faults = {step.value for step in self.steps if step.kind == "fault"}
        return frozenset(moves | {HTTP for name in faults if FAULTS[name].http_only})


def read_all(paths: Iterable[Path]) -> List[Scenario]:
    """Return the scenarios of these files, and of the files in these folders (*.yml), in order.

    Raises ScenarioError with everything that is wrong, in whichever file.
    """
    found: List[Scenario] = []
    problems: List[str] = []
    for path in paths:
        files = sorted(path.rglob("*.yml")) if path.is_dir() else [path]
        if not files:
            problems.append(f"{path}: there is no scenario in this folder -> write one, NAME.yml")
        for file in files:
            try:
                found.extend(read(file))
            except ScenarioError as error:
                problems.extend(error.problems)
    if problems:
        raise ScenarioError(problems)
    return found


def read(file: Path) -> List[Scenario]:
    """Return the scenarios of *file*. Raises ScenarioError."""
    try:
        text = file.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        reason = (error.strerror or error) if isinstance(error, OSError) else "it is not UTF-8"
        raise ScenarioError([f"{file}: cannot be read ({reason})"]) from None
    return parse(text, file)


def parse(text: str, file: Path) -> List[Scenario]:
    """Return the scenarios of *text*, which is that of *file*. Raises ScenarioError."""
    reader = _Reader(text, file)
    found = list(reader.scenarios())
    if reader.problems:
        raise ScenarioError(reader.problems)
    return found


class _Reader:
    def __init__(self, text: str, file: Path) -> None:
        self._text, self._file = text, file
        self._found: List[Tuple[int, str]] = []

    @property
    def problems(self) -> List[str]:
        """What is wrong, a line each, from the top of the file to its end."""
        in_order = sorted(self._found, key=lambda each: each[0])
        return [f"{self._file}:{line}: {said}" for line, said in in_order]

    def scenarios(self) -> Iterator[Scenario]:
        root = self._composed()
        if root is None:
            return
        listed = self._keys_of(root, ("scenarios",), _FILE_EXPECTED)
        for node in self._list(listed.get("scenarios"), root, _LIST_EXPECTED):
            found = self._keys_of(node, _KEYS_OF_SCENARIO, _SCENARIO_EXPECTED)
            if not found:
                continue
            name = self._text_of(found.get("scenario"))
            if not name:
                self._wrong(node, 'the scenario has no name -> write "- scenario: what it shows"')
            steps = [self._step(each) for each in self._list(found.get("steps"), node, _STEPS_EXPECTED)]
            lines = tuple(self._text.splitlines())
            known = tuple(step for step in steps if step is not None)
            yield Scenario(name, self._file, node.start_mark.line + 1, known, lines)

    def _composed(self) -> Optional[Node]:
        try:
            root: Optional[Node] = YAML(typ="safe", pure=True).compose(self._text)
        except YAMLError as error:
            self._explain(error)
            return None
        if root is None:
            self._found.append((1, "the file is empty -> write scenarios:, and a list of them"))
        return root

    def _explain(self, error: YAMLError) -> None:
        mark = getattr(error, "problem_mark", None)
        said = error.problem if isinstance(error, MarkedYAMLError) and error.problem else type(error).__name__
        where = (
            " -> look at the indentation here, and in the line before" if said.startswith("expected") else ""
        )
        self._found.append((mark.line + 1 if mark else 1, f"this is no valid YAML: {said}{where}"))

    def _step(self, node: Node) -> Optional[Step]:
        if isinstance(node, ScalarNode):
            return self._bare(node)
        if not isinstance(node, MappingNode):
            self._wrong(node, 'a step is expected here, such as "- person: hello"')
            return None
        pairs = self._pairs(node)
        kinds = [name for name in pairs if name in STEPS]
        if len(kinds) != 1:
            self._unclear(node, list(pairs), kinds)
            return None
        name = kinds[0]
        kind = STEPS[name]
        value = self._value_of(kind, pairs[name][1])
        problem = problem_of_value(kind, value)
        if problem:
            self._wrong(pairs[name][0], f"{name} {problem}")
        options = self._options(name, kind, pairs)
        self._check_one_of(node, name, kind, options)
        return Step(name, value, dict(options), *_lines_of(node))

    def _bare(self, node: ScalarNode) -> Optional[Step]:
        name = str(node.value)
        if name in STEPS and STEPS[name].value == "nothing":
            return Step(name, True, {}, *_lines_of(node))
        if name in STEPS:
            self._wrong(node, f"{name} needs a value, such as {name}: {STEPS[name].example}")
        elif not name:
            self._wrong(node, 'this step is empty -> write one, such as "- person: hello"')
        else:
            self._wrong(node, f"unknown step {name!r}{did_you_mean(name, STEPS)}")
        return None

    def _unclear(self, node: Node, names: List[str], kinds: List[str]) -> None:
        if kinds:
            both = " and ".join(kinds)
            self._wrong(node, f"this step is {both}, and can be only one of them -> write two steps")
        for name in names[:1] if not kinds else ():
            self._wrong(node, f"unknown step {name!r}{did_you_mean(name, STEPS)}")
        if not names:
            self._wrong(node, 'a step is expected here, such as "- person: hello"')

    def _options(self, name: str, kind: Kind, pairs: Any) -> List[Tuple[str, Any]]:
        found = []
        for key, (node, value_node) in pairs.items():
            if key == name:
                continue
            if key not in kind.options:
                hint = did_you_mean(key, kind.options) if kind.options else " -> it has none"
                self._wrong(node, f"{name} has no key {key!r}{hint}")
                continue
            value = _plain(value_node)
            problem = problem_of_option(kind.options[key], value)
            if problem:
                self._wrong(node, f"{key} of {name} {problem}")
            found.append((key, value))
        return found

    def _check_one_of(self, node: Node, name: str, kind: Kind, options: List[Tuple[str, Any]]) -> None:
        given = [key for key, _ in options if key in kind.one_of]
        if kind.one_of and len(given) != 1:
            self._wrong(node, f"{name} needs one of {', '.join(kind.one_of)}, and has {len(given) or 'none'}")

    def _value_of(self, kind: Kind, node: Node) -> Any:
        if kind.value == "nothing" and isinstance(node, ScalarNode):
            return node.tag == _NULL or node.value == "true"
        return _plain(node)

    # --- nodes ------------------------------------------------------------------------------------

    def _pairs(self, node: MappingNode) -> Any:
        found = {}
        for key, value in node.value:
            name = str(key.value)
            if name in found:
                self._wrong(key, f"the key {name!r} is there already")
            found[name] = (key, value)
        return found

    def _keys_of(self, node: Node, known: Sequence[str], expected: str) -> Any:
        if not isinstance(node, MappingNode):
            self._wrong(node, expected)
            return {}
        pairs = self._pairs(node)
        for name in pairs:
            if name not in (*known, "version"):  # Rasa's own files begin with it
                self._wrong(pairs[name][0], f"unknown key {name!r}{did_you_mean(name, known)}")
        return {name: value for name, (_, value) in pairs.items()}

    def _list(self, node: Optional[Node], around: Node, expected: str) -> List[Node]:
        if isinstance(node, SequenceNode) and node.value:
            return list(node.value)
        if isinstance(around, MappingNode):
            self._wrong(node or around, expected)
        return []

    def _text_of(self, node: Optional[Node]) -> str:
        return str(node.value).strip() if isinstance(node, ScalarNode) and node.tag != _NULL else ""

    def _wrong(self, node: Node, said: str) -> None:
        self._found.append((node.start_mark.line + 1, said))


def _plain(node: Node) -> Any:
    """Return text for a scalar, a list for a list; None for nothing, and for what no step takes."""
    if isinstance(node, ScalarNode):
        return None if node.tag == _NULL else str(node.value)
    return [_plain(each) for each in node.value] if isinstance(node, SequenceNode) else None


def _lines_of(node: Node) -> Tuple[int, int]:
    return node.start_mark.line + 1, max(_last_line(node), node.start_mark.line + 1)


def _last_line(node: Node) -> int:
    """Return the line of the last scalar: a block's own end is where the next one begins."""
    if isinstance(node, MappingNode) and node.value:
        return max(_last_line(part) for part in node.value[-1])
    if isinstance(node, SequenceNode) and node.value:
        return _last_line(node.value[-1])
    end: int = node.end_mark.line + (1 if node.end_mark.column else 0)
    return end
