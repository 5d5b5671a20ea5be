"""Writes the table of checks in docs/doctor.md from the checks that there are.

`python -m handover_channel.doctor.reference docs/doctor.md` (or `make docs`) rewrites the file; what is
written around the table stays.
"""

from __future__ import annotations

import re
import sys
from pathlib import Path
from typing import Iterable, Iterator

from handover_channel.doctor.check import Check
from handover_channel.doctor.run import CHECKS

_CHECKS_TABLE = re.compile(r"^\| id \|.*\n(?:\|.*\n)+", re.MULTILINE)


def with_reference(text: str) -> str:
    """Return the document *text* with the table of all checks. Raises ValueError where it has none."""
    found, times = _CHECKS_TABLE.subn(lambda _: table(CHECKS), text)
    if times != 1:
        raise ValueError("there is no table of checks, or there are several")
    return found


def table(checks: Iterable[Check]) -> str:
    """Return the checks as a table in Markdown."""
    head = ("| id | what should be | when Rasa starts | `--fix` |", "|---|---|---|---|")
    return "".join(f"{row}\n" for row in (*head, *_rows(checks)))


def _rows(checks: Iterable[Check]) -> Iterator[str]:
    for each in checks:
        marks = ("yes" if given else "" for given in (each.at_start, each.fix))
        yield f"| `{each.id}` | {each.title} |{'|'.join(f' {mark} ' if mark else ' ' for mark in marks)}|"


if __name__ == "__main__":
    document = Path(sys.argv[1])
    document.write_text(with_reference(document.read_text(encoding="utf-8")), encoding="utf-8")
