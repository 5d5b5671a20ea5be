"""Holds what a figure gives: lines of the summary, tables with the raw numbers, remarks."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import List, Sequence

NOT_MEASURED = "-"


@dataclass(frozen=True)
class Line:
    """One line of the summary."""

    figure: str
    stock: str
    floor: str
    ours: str
    to_reach: str
    verdict: str  #: see `verdict`, `skipped`


@dataclass(frozen=True)
class Table:
    """Raw numbers."""

    title: str
    heads: Sequence[str]
    rows: Sequence[Sequence[str]]


@dataclass(frozen=True)
class Outcome:
    """What one figure gave."""

    lines: List[Line]
    tables: List[Table] = field(default_factory=list)
    remarks: List[str] = field(default_factory=list)


def verdict(reached: bool) -> str:
    """Say whether a figure was reached."""
    return "reached" if reached else "**NOT reached**"


def skipped(reason: str) -> str:
    """Say that nothing was measured, and why."""
    return f"skipped: {reason}"
