"""Keeps runs at full counts as JSON, so that what was measured outlasts the interruption of a later run."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import Any, Dict, List

from bench.outcome import Line, Outcome, Table
from bench.report import Run


def keep(run: Run, folder: Path) -> None:
    """Write a run into a file of its own, named by when it began."""
    folder.mkdir(parents=True, exist_ok=True)
    name = "".join(each if each.isalnum() else "-" for each in run.begun)
    content = json.dumps(asdict(run), ensure_ascii=False, indent=1)
    (folder / f"{name}.json").write_text(content, encoding="utf-8")


def kept(folder: Path, count: int) -> List[Run]:
    """Return the newest *count* runs, in the order in which they were made. Raises LookupError for fewer."""
    files = sorted(folder.glob("*.json"))
    if len(files) < count:
        raise LookupError(f"{count} runs at full counts are wanted, {len(files)} are kept")
    return [_read(json.loads(file.read_text(encoding="utf-8"))) for file in files[-count:]]


def _read(given: Dict[str, Any]) -> Run:
    outcomes = {name: _outcome(each) for name, each in given.pop("outcomes").items()}
    return Run(**given, outcomes=outcomes)


def _outcome(given: Dict[str, Any]) -> Outcome:
    lines, tables = [Line(**each) for each in given["lines"]], [Table(**each) for each in given["tables"]]
    return Outcome(lines, tables, given["remarks"])
