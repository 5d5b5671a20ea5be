"""Keeps what `handover init` put in, so that `--undo` takes out exactly that. No I/O.

One JSON file beside handover.yml. It holds what was put in and what stood there before, which is never a
secret: names of keys, comments, steps of stories.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass, replace
from typing import Any, Dict, List, Mapping, Optional, Tuple

from handover_channel.errors import HandoverError
from handover_channel.project_setup import edits, remains, yaml_text
from handover_channel.project_setup.edits import Trace
from handover_channel.project_setup.project import Planned

NAME = ".handover-init.json"
_FORMAT = 1


@dataclass(frozen=True)
class Entry:
    """What one run did to one file."""

    path: str
    created: bool
    digest: str  #: of the text as the run left it
    traces: Tuple[Trace, ...] = ()


@dataclass(frozen=True)
class Run:
    """What one run did."""

    entries: Tuple[Entry, ...]
    folders: Tuple[str, ...] = ()


@dataclass(frozen=True)
class Undone:
    """What taking everything out leaves: path -> text, None for a file that goes."""

    texts: Mapping[str, Optional[str]]
    folders: Tuple[str, ...]
    kept: Tuple[str, ...]  #: files of ours that were changed since
    left: Tuple[str, ...] = ()  #: what was changed since in somebody's file, and stays there: where it is
    runs: Tuple[Run, ...] = ()  #: what to keep of the record, for what is left


def digest(text: str) -> str:
    """Return what tells whether a text is still the same."""
    return hashlib.sha256(text.encode("utf-8", "surrogateescape")).hexdigest()


def carry_out(
    planned: Planned, texts: Mapping[str, str], folders: Tuple[str, ...]
) -> Tuple[Dict[str, str], Run]:
    """Return the new texts of a plan, and what to keep about it."""
    changed: Dict[str, str] = dict(planned.created)
    entries = [Entry(path, True, digest(text)) for path, text in planned.created.items()]
    for path, each in planned.edits.items():
        if each:
            changed[path], traces = edits.apply(texts[path], each)
            entries.append(Entry(path, False, digest(changed[path]), traces))
    return changed, Run(tuple(entries), folders)


def undo(runs: List[Run], texts: Mapping[str, str]) -> Undone:
    """Return the texts without what the runs put in, the latest first.

    What is gone already counts as taken out. A file of ours that was changed since stays, and is named; so
    does what was put into somebody's file and is there, but not as it was.
    """
    now: Dict[str, Optional[str]] = {}
    kept: List[str] = []
    missing: Dict[str, List[Trace]] = {}
    for run in reversed(runs):
        for entry in run.entries:
            text = now.get(entry.path, texts.get(entry.path))
            if text is None:
                continue  # it is gone
            same = digest(text) == entry.digest
            if not entry.created:
                rest = remains.take_out(text, entry.traces, unchanged=same)
                now[entry.path] = rest.text
                missing.setdefault(entry.path, []).extend(rest.missing)
            elif same:
                now[entry.path] = None
            else:
                kept.append(entry.path)
    entangled = {path for path, text in now.items() if _breaks(path, texts[path], text)}
    left = [f"{path}: handover is part of what you have written there" for path in sorted(entangled)]
    waiting = [entry for run in runs for entry in run.entries if entry.path in entangled]
    for path, traces in missing.items():
        places = remains.changed(now[path] or "", traces) if path not in entangled else []
        left += [f"{path}, line {line}: {name} is not as handover init wrote it" for line, name in places]
        waiting += [Entry(path, False, "", tuple(traces))] if places else []
    changed = {path: text for path, text in now.items() if path not in entangled and text != texts[path]}
    folders = tuple(each for run in reversed(runs) for each in run.folders)
    return Undone(
        changed,
        folders,
        tuple(dict.fromkeys(kept)),
        tuple(left),
        (Run(tuple(replace(each, digest="") for each in waiting)),) if waiting else (),
    )


def _breaks(path: str, before: str, after: Optional[str]) -> bool:
    """Whether a file would not be read any more."""
    return after is not None and _is_readable(path, before) and not _is_readable(path, after)


def _is_readable(path: str, text: str) -> bool:
    if not path.endswith((".yml", ".yaml")):
        return True
    try:
        yaml_text.read(path, text)
    except yaml_text.Unreadable:
        return False
    return True


def dump(runs: List[Run]) -> str:
    """Return the text of the record."""
    return json.dumps({"format": _FORMAT, "runs": [asdict(each) for each in runs]}, indent=1) + "\n"


def parse(text: str) -> List[Run]:
    """Return what the text of a record says. Raises HandoverError for a text that is none."""
    try:
        given = json.loads(text)
        if given["format"] != _FORMAT:
            raise ValueError("another format")
        return [_run(each) for each in given["runs"]]
    except (ValueError, KeyError, TypeError) as error:
        raise HandoverError(f"{NAME}: this is no record of handover init ({error}): restore it") from None


def _run(given: Dict[str, Any]) -> Run:
    entries = tuple(
        Entry(
            each["path"], each["created"], each["digest"], tuple(Trace(**trace) for trace in each["traces"])
        )
        for each in given["entries"]
    )
    return Run(entries, tuple(given["folders"]))
