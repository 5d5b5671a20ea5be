"""Keeps a recording of what went between a bot and Meta, as JSON Lines: docs/simulator.md says each key.

1. The first line names the format and its version. Each further line is a call or a webhook, with its number
   `n` in the order in which they began; they stand in the order in which they ended.
2. A line is written at once and whole. After a crash the last one may be cut off: it is not there then.
3. All that is wrong with a file is told at once, with file, line, and what was expected.
"""

from __future__ import annotations

import json
import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Dict, List, Mapping, Tuple

from handover_channel.errors import HandoverError
from handover_channel.rules.limits import RECORDING_BYTES

FORMAT, FORMAT_VERSION = "handover-recording", 1
OF_BOT, OF_META = "graph", "webhook"

#: Key -> the type of its value; of every line, and of each kind.
_KEYS_OF_ALL: Mapping[str, Tuple[type, ...]] = {"n": (int,), "at": (int,), "status": (int, type(None))}
_KEYS_OF_KIND: Mapping[str, Mapping[str, Tuple[type, ...]]] = {
    OF_BOT: {"method": (str,), "path": (str,), "query": (dict,)},
    OF_META: {"body": (dict,)},
}
_TYPES_IN_WORDS: Mapping[type, str] = {int: "a number", str: "a text", dict: "an object", type(None): "null"}


@dataclass(frozen=True)
class Entry:
    """A call of the bot's, or a webhook of Meta's. *line*: where it stands. *at*: ms since the epoch."""

    line: int
    kind: str
    facts: Mapping[str, Any]

    @property
    def n(self) -> int:
        """Its place in the order in which they began."""
        return int(self.facts["n"])


@dataclass(frozen=True)
class Recording:
    """A recording that was read."""

    file: Path
    app: str
    page: str
    entries: List[Entry] = field(default_factory=list)


class RecordingWriter:
    """Appends to a recording. Blocks; not for an event loop. Raises OSError where it cannot be written."""

    def __init__(self, path: Path) -> None:
        self._number = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_TRUNC, 0o600)
        self._size = 0

    def write(self, facts: Mapping[str, Any]) -> bool:
        """Append a line; return whether there was room for it."""
        line = json.dumps(facts, ensure_ascii=True, separators=(",", ":")).encode() + b"\n"
        if self._size + len(line) > RECORDING_BYTES.value:
            return False
        self._size += os.write(self._number, line)
        os.fsync(self._number)
        return True

    def close(self) -> None:
        """Close the file."""
        os.close(self._number)


def heading(app: str, page: str, *, keep_texts: bool) -> Dict[str, Any]:
    """Return the first line."""
    texts = "kept" if keep_texts else "masked"
    return {"format": FORMAT, "version": FORMAT_VERSION, "app": app, "page": page, "texts": texts}


def read(file: Path) -> Recording:
    """Return the recording in *file*, in the order in which things began. Raises HandoverError."""
    try:
        if file.stat().st_size > RECORDING_BYTES.value:
            raise HandoverError(
                f"{file}: it is larger than any recording ({RECORDING_BYTES.value} bytes) -> record anew, "
                "or leave lines out"
            )
        lines = file.read_bytes().split(b"\n")
    except OSError as error:
        raise HandoverError(f"{file}: cannot be read ({error.strerror}) -> name a recording") from None
    cut_off = lines.pop()
    problems: List[str] = []
    head = _head(lines[0] if lines else cut_off, problems)
    entries = [_entry(number, each, problems) for number, each in enumerate(lines[1:], 2)]
    if problems:
        raise HandoverError("\n".join(f"{file}:{each}" for each in problems))
    return Recording(file, head["app"], head["page"], sorted(entries, key=lambda entry: entry.n))


def _head(line: bytes, problems: List[str]) -> Dict[str, Any]:
    found = _object(line)
    if found is None or found.get("format") != FORMAT:
        problems.append(
            f'1: a recording is expected: {{"format": "{FORMAT}", "version": {FORMAT_VERSION}, ...}}'
        )
        return {"app": "", "page": ""}
    if found.get("version") != FORMAT_VERSION:
        problems.append(f"1: version {FORMAT_VERSION} is expected, and it is {found.get('version')!r:.20}")
    for key in ("app", "page"):
        if not isinstance(found.get(key), str) or not found[key]:
            problems.append(f'1: "{key}" is expected to be an id')
    return dict(found)


def _entry(number: int, line: bytes, problems: List[str]) -> Entry:
    found = _object(line)
    kind = (found or {}).get("kind")
    if found is None or not isinstance(kind, str) or kind not in _KEYS_OF_KIND:
        problems.append(f'{number}: an object with "kind": "{OF_BOT}" or "{OF_META}" is expected')
        return Entry(number, "", {"n": 0})
    for key, types in {**_KEYS_OF_ALL, **_KEYS_OF_KIND[kind]}.items():
        value = found.get(key)
        if not isinstance(value, types) or isinstance(value, bool):
            expected = " or ".join(_TYPES_IN_WORDS[each] for each in types)
            problems.append(f'{number}: "{key}" is expected to be {expected}')
            found = {**found, "n": 0}
    if isinstance(found.get("at"), int) and not 0 <= found["at"] < 10**14:
        problems.append(f'{number}: "at" is expected to be milliseconds since 1970')
    return Entry(number, kind, found)


def _object(line: bytes) -> Any:
    try:
        found = json.loads(line)
    except (ValueError, RecursionError):
        return None
    return found if isinstance(found, dict) else None
