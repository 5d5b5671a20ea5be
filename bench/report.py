"""docs/benchmarks.md, from what the figures gave in one run or in several. No I/O.

1. The first lines say what was measured on which machine, when, for how long, and how much of the machine
   was idle before each figure.
2. A figure that was not reached says so; one that could not be measured says why.
3. Of several runs, a figure is reached where each of them reached it; every run's value is there.
4. How each was measured is the docstring of its module.
"""

from __future__ import annotations

import inspect
from dataclasses import dataclass
from types import ModuleType
from typing import Callable, Dict, List, Mapping, Optional, Sequence

from bench.outcome import NOT_MEASURED, Line, Outcome, Table, verdict

HEADS = ("figure", "Rasa's own channel", "floor", "ours", "to reach", "")

INTRODUCTION = """\
# Benchmarks

Written by `make bench`; edits are lost with the next run. Rasa's own Facebook channel, ours, and a bare floor
(Sanic, HMAC, one durable row in SQLite, many in one commit), measured in one run on one machine, together
with the load and the Graph API that plays Meta. Compare the columns, not these numbers with those of another
machine. Plain HTTP on loopback; every store on disk, SQLite with `synchronous=FULL`."""

SEVERAL = (
    "Measured in {count} runs. A cell with strokes has what each run gave, in their order, - where that run"
    " left the figure out; a figure is reached where each that has it reached it."
)

TOGETHER = (
    "Each figure has the machine for itself, but for {names}: they only count, and are measured at the same"
    " time, two at once."
)

#: Below this share of idle cores before a figure, somebody else was at work.
QUIET = 0.9


@dataclass(frozen=True)
class Run:
    """One run of the bench."""

    begun: str  #: date and time of day, UTC
    machine: Mapping[str, str]
    scale: float
    outcomes: Mapping[str, Outcome]
    idle: Mapping[str, float]  #: share of idle cores before each figure
    seconds: Mapping[str, float]  #: that each figure took
    minutes: float
    together: Sequence[str] = ()  #: figures that were measured at the same time


def render(runs: Sequence[Run], figures: Mapping[str, ModuleType]) -> str:
    """Return the document of one run or of several."""
    parts = [INTRODUCTION, *([SEVERAL.format(count=len(runs))] if len(runs) > 1 else []), _about(runs)]
    parts += dict.fromkeys(warning for run in runs for warning in _warnings(run, _which(run, runs)))
    parts += [_table(HEADS, _summary(runs)), "## What the figures took", _took(runs), "## Raw numbers"]
    for name in _figures(runs):
        parts.append(inspect.cleandoc(figures[name].__doc__ or ""))
        for run in runs:
            if name in run.outcomes:
                parts += _raw(run.outcomes[name], _which(run, runs))
    return "\n\n".join(parts) + "\n"


def failed(error: BaseException) -> str:
    """Return the verdict on a figure that could not be measured."""
    said = str(error).splitlines()[0] if str(error) else ""
    return f"{verdict(False)}: {type(error).__name__}: {said}".rstrip(": ")


def table_in_text(table: Table) -> str:
    """Return a table for the terminal."""
    return f"{table.title}\n{_table(table.heads, table.rows)}"


def _summary(runs: Sequence[Run]) -> List[List[str]]:
    """Return a row for each figure that any of the runs has."""
    by_run: List[Dict[str, Line]] = [
        {line.figure: line for outcome in run.outcomes.values() for line in outcome.lines} for run in runs
    ]
    measured_by = {
        line.figure: name for run in runs for name, outcome in run.outcomes.items() for line in outcome.lines
    }
    return [
        _row(figure, [lines.get(figure) for lines in by_run], sum(name in run.outcomes for run in runs))
        for figure, name in measured_by.items()
    ]


def _row(figure: str, lines: Sequence[Optional[Line]], wanted: int) -> List[str]:
    """Return the row of a figure. *lines*: what each run said of it; None: nothing. *wanted*: by how many."""

    def of(column: Callable[[Line], str]) -> List[str]:
        return [NOT_MEASURED if line is None else column(line) for line in lines]

    goals = [goal for goal in dict.fromkeys(of(lambda line: line.to_reach)) if goal != NOT_MEASURED]
    return [
        figure,
        _side_by_side(of(lambda line: line.stock)),
        _side_by_side(of(lambda line: line.floor)),
        _side_by_side(of(lambda line: line.ours)),
        " / ".join(goals) or NOT_MEASURED,
        _together([line.verdict for line in lines if line is not None], wanted, len(lines)),
    ]


def _side_by_side(cells: Sequence[str]) -> str:
    """Join what the runs gave; once where none gave anything."""
    return NOT_MEASURED if set(cells) == {NOT_MEASURED} else " / ".join(cells)


def _together(verdicts: Sequence[str], wanted: int, of: int) -> str:
    """Return the verdict on the *wanted* ones *of* all runs: one that failed has none."""
    if len(verdicts) == wanted and len(set(verdicts)) == 1:
        return verdicts[0] if wanted == of else f"{verdicts[0]} ({wanted} of {of} runs have it)"
    reached = verdicts.count(verdict(True))
    plain = {verdict(True), verdict(False)}
    reasons = [each for each in dict.fromkeys(verdicts) if each not in plain]
    return "; ".join([f"**reached in {reached} of {wanted}**", *reasons])


def _about(runs: Sequence[Run]) -> str:
    """Say when the runs were made, and on what: once where it was the same."""
    about = [(f"Begun{_which(run, runs)}", f"{run.begun}, took {run.minutes:.0f} minutes") for run in runs]
    for name in dict.fromkeys(name for run in runs for name in run.machine):
        found = [run.machine.get(name, NOT_MEASURED) for run in runs]
        if len(set(found)) == 1:
            about.append((name, found[0]))
        else:
            about += [(f"{name}{_which(run, runs)}", value) for run, value in zip(runs, found)]
    return "\n".join(f"- {name}: {value}" for name, value in about)


def _warnings(run: Run, which: str) -> List[str]:
    found = []
    if run.scale != 1.0:
        found.append(f"**A trial with {run.scale:g} of the full counts: these numbers say little.**")
    busy = [f"{name} ({share:.0%} idle)" for name, share in run.idle.items() if share < QUIET]
    if busy:
        found.append(f"**The machine was not quiet before{which}: {', '.join(busy)}.**")
    return found


def _took(runs: Sequence[Run]) -> str:
    """Say how long each figure took, and how much of the machine was idle before."""

    def each(found: Callable[[Run], Mapping[str, float]], name: str, form: str) -> str:
        return " / ".join(
            format(found(run)[name], form) if name in found(run) else NOT_MEASURED for run in runs
        )

    rows = [
        [name, each(lambda run: run.seconds, name, ".0f"), each(lambda run: run.idle, name, ".0%")]
        for name in _figures(runs)
    ]
    took = _table(["`ONLY=`", "seconds", "idle before"], rows)
    together = list(dict.fromkeys(name for run in runs for name in run.together))
    return f"{TOGETHER.format(names=', '.join(together))}\n\n{took}" if together else took


def _figures(runs: Sequence[Run]) -> List[str]:
    return list(dict.fromkeys(name for run in runs for name in run.outcomes))


def _which(run: Run, runs: Sequence[Run]) -> str:
    """Return which of several runs it is; "" for the only one."""
    return f", run {runs.index(run) + 1}" if len(runs) > 1 else ""


def _raw(outcome: Outcome, which: str) -> List[str]:
    tables = [f"**{table.title}{which}**\n\n{_table(table.heads, table.rows)}" for table in outcome.tables]
    return [*tables, *outcome.remarks]


def _table(heads: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    lines = [heads, ["---"] * len(heads), *rows]
    return "\n".join("| " + " | ".join(cell.replace("|", "/") for cell in line) + " |" for line in lines)
