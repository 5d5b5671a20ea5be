"""docs/benchmarks.md, from what the figures gave. No I/O.

1. The first lines say what was measured on which machine, when, and how much of the machine was idle
   before.
2. A figure that was not reached says so; one that could not be measured says why.
3. How each was measured is the docstring of its module.
"""

from __future__ import annotations

import inspect
from dataclasses import dataclass
from types import ModuleType
from typing import List, Mapping, Sequence

from bench.outcome import Outcome, Table

HEADS = ("figure", "Rasa's own channel", "floor", "ours", "to reach", "")

INTRODUCTION = """\
# Benchmarks

Written by `make bench`; edits are lost with the next run. Rasa's own Facebook channel, ours, and a bare floor
(Sanic, HMAC, one durable row in SQLite, many in one commit), measured in one run on one machine, together
with the load and the Graph API that plays Meta. Compare the columns, not these numbers with those of another
machine. Plain HTTP on loopback; every store on disk, SQLite with `synchronous=FULL`."""

#: Below this share of idle cores before a figure, somebody else was at work.
QUIET = 0.9


@dataclass(frozen=True)
class Run:
    """One run of the bench."""

    date: str
    machine: Mapping[str, str]
    scale: float
    outcomes: Mapping[str, Outcome]
    idle: Mapping[str, float]  #: share of idle cores before each figure
    minutes: float


def render(run: Run, figures: Mapping[str, ModuleType]) -> str:
    """Return the document."""
    lines = [line for outcome in run.outcomes.values() for line in outcome.lines]
    summary = [
        (each.figure, each.stock, each.floor, each.ours, each.to_reach, each.verdict) for each in lines
    ]
    parts = [INTRODUCTION, _about(run), *_warnings(run), _table(HEADS, summary), "## Raw numbers"]
    for name, outcome in run.outcomes.items():
        parts.append(inspect.cleandoc(figures[name].__doc__ or ""))
        parts += [f"**{table.title}**\n\n{_table(table.heads, table.rows)}" for table in outcome.tables]
        parts += outcome.remarks
    return "\n\n".join(parts) + "\n"


def failed(error: BaseException) -> str:
    """Return the verdict on a figure that could not be measured."""
    said = str(error).splitlines()[0] if str(error) else ""
    return f"**NOT reached**: {type(error).__name__}: {said}".rstrip(": ")


def table_in_text(table: Table) -> str:
    """Return a table for the terminal."""
    return f"{table.title}\n{_table(table.heads, table.rows)}"


def _about(run: Run) -> str:
    about = {"Date": run.date, "Took": f"{run.minutes:.0f} minutes", **run.machine}
    return "\n".join(f"- {name}: {value}" for name, value in about.items())


def _warnings(run: Run) -> List[str]:
    found = []
    if run.scale != 1.0:
        found.append(f"**A trial with {run.scale:g} of the full counts: these numbers say little.**")
    busy = [f"{name} ({share:.0%} idle)" for name, share in run.idle.items() if share < QUIET]
    if busy:
        found.append(f"**The machine was not quiet before: {', '.join(busy)}.**")
    return found


def _table(heads: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    lines = [heads, ["---"] * len(heads), *rows]
    return "\n".join("| " + " | ".join(cell.replace("|", "/") for cell in line) + " |" for line in lines)
