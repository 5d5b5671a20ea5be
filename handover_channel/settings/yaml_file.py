"""Reads a YAML file of settings to plain values, without the surprises of YAML 1.1.

Rule 1: an unquoted scalar is text, apart from ``true``, ``false``, ``null``, ``~`` and nothing at all.
        So the keyword ``no`` stays a word, and an app id keeps its leading zeros.
Rule 2: ``${NAME}`` is replaced in unquoted scalars only, as Rasa does with the same files
        (https://github.com/RasaHQ/rasa/blob/3.6.21/rasa/shared/utils/io.py, replace_environment_variables).
        A variable that is not set becomes an `Unset`: only the reader of the value knows whether it matters,
        as credentials.yml also holds the sections of other channels.
Rule 3: a key given twice is a problem: YAML would silently keep the last one.

The environment is passed in.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Dict, List, Mapping, Optional, Tuple

import yaml

_YAML_TAG = "tag:yaml.org,2002:"
#: What `os.path.expandvars` replaces, which Rasa calls: both spellings, once a scalar holds "${".
_VARIABLE = re.compile(r"\$(?:\{([^}]*)\}|(\w+))", re.ASCII)
_QUOTED = re.compile(r" '[^'<\\][^']+'")


@dataclass(frozen=True)
class Unset:
    """In place of a value that needs environment variables which are not set."""

    names: Tuple[str, ...]


def read(
    file: Path,
    environ: Mapping[str, str],
    problems: List[str],
    *,
    needed: bool = True,
    text: Optional[str] = None,
) -> Optional[Mapping[Any, Any]]:
    """Return what *file* holds, or would with *text*; None, and *problems*, where that cannot be known.

    Without the file: nothing, if it is not *needed*.
    """
    try:
        text = file.read_text(encoding="utf-8") if text is None else text
    except FileNotFoundError:
        if not needed:
            return {}
        problems.append(
            f"{file.name}: there is no {file}: run `handover init`, or create it (one line is "
            'enough, app_id: "the id of this bot\'s Meta app"), or set HANDOVER_CONFIG to the path of yours'
        )
        return None
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not UTF-8"
        problems.append(f"{file.name}: {file} cannot be read ({reason}): make it a readable UTF-8 text file")
        return None
    value, found = parse(text, environ)
    problems.extend(f"{file.name}: {each}" for each in found)
    if value is not None and not isinstance(value, dict):
        problems.append(f"{file.name}: holds no keys: write lines of the form `key: value`")
        return None
    return None if value is None and found else value or {}


def parse(text: str, environ: Mapping[str, str]) -> Tuple[Any, List[str]]:
    """Return the value of the document *text*, and what is wrong with it ("line 3: ...").

    The value is None where the text is no YAML at all.
    """
    loader = None
    try:
        loader = _Loader(text, environ)
        return loader.get_single_data(), loader.problems
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        return None, [*(loader.problems if loader else ()), _explained(error)]
    finally:
        if loader:
            loader.dispose()


def _explained(error: Exception) -> str:
    mark = getattr(error, "problem_mark", None)
    # Never str(error), which quotes the line, nor the words in quotes: they may be a token.
    said = getattr(error, "problem", None) or getattr(error, "reason", None) or type(error).__name__
    said = _QUOTED.sub("", said)
    where = f"line {mark.line + 1}, column {mark.column + 1}: " if mark else ""
    return f"{where}this is not valid YAML ({said}): correct it"


class _Loader(yaml.SafeLoader):
    yaml_implicit_resolvers: Dict[Any, Any] = {}  # none of SafeLoader's: see rule 1

    def __init__(self, text: str, environ: Mapping[str, str]) -> None:
        super().__init__(text)
        self.environ = environ
        self.problems: List[str] = []

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> Dict[Any, Any]:
        lines: Dict[str, int] = {}
        for key, _ in node.value:
            if isinstance(key, yaml.ScalarNode) and key.tag != f"{_YAML_TAG}merge":
                line = key.start_mark.line + 1
                earlier = lines.setdefault(key.value, line)
                if earlier != line:
                    said = f'the key "{key.value}" is there already, in line {earlier}'
                    self.problems.append(f"line {line}: {said}: keep one of them")
        return super().construct_mapping(node, deep)

    def expanded(self, node: yaml.ScalarNode) -> Any:
        text = self.construct_scalar(node)
        names = [braced or bare for braced, bare in _VARIABLE.findall(text)]
        unset = tuple(name for name in names if name not in self.environ)
        return (
            Unset(unset) if unset else _VARIABLE.sub(lambda found: self.environ[found[1] or found[2]], text)
        )


_Loader.add_implicit_resolver(
    f"{_YAML_TAG}bool", re.compile(r"(?:true|True|TRUE|false|False|FALSE)\Z"), list("tTfF")
)
_Loader.add_implicit_resolver(f"{_YAML_TAG}null", re.compile(r"(?:~|null|Null|NULL|)\Z"), ["~", "n", "N", ""])
_Loader.add_implicit_resolver(f"{_YAML_TAG}merge", re.compile(r"<<\Z"), ["<"])
_Loader.add_implicit_resolver("!env", re.compile(r".*\$\{.*\}", re.DOTALL), None)
_Loader.add_constructor("!env", _Loader.expanded)
