"""Writes the table of checks in docs/doctor.md from the checks that there are.

`python -m handover_channel.doctor.reference docs/doctor.md` (or `make docs`) rewrites the file; what is
written around the table stays.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Iterable, Iterator

from handover_channel.doctor.check import Check
from handover_channel.doctor.run import CHECKS
from handover_channel.settings.reference import rewrite, table_of, with_tables

_HEADING = "The checks"


def with_reference(text: str) -> str:
    """Return the document *text* with the table of all checks. Raises ValueError where it has none."""
    return with_tables(text, {_HEADING: table(CHECKS)})


def table(checks: Iterable[Check]) -> str:
    """Return the checks as a table in Markdown."""
    return table_of(("id", "what should be", "when Rasa starts", "`--fix`"), _rows(checks))


def _rows(checks: Iterable[Check]) -> Iterator[str]:
    for each in checks:
        marks = ("yes" if given else "" for given in (each.at_start, each.fix))
        yield f"| `{each.id}` | {each.title} |{'|'.join(f' {mark} ' if mark else ' ' for mark in marks)}|"


if __name__ == "__main__":
    rewrite(Path(sys.argv[1]), with_reference)
