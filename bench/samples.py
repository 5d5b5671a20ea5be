"""Percentiles and counts of a load. No I/O."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import List, Sequence


def percentile(values: Sequence[float], percent: float) -> float:
    """Return the percentile of *values*, linear between its neighbours; NaN where there are none."""
    ordered = sorted(values)
    if not ordered:
        return float("nan")
    place = (len(ordered) - 1) * percent / 100
    low = int(place)
    high = min(low + 1, len(ordered) - 1)
    return ordered[low] + (ordered[high] - ordered[low]) * (place - low)


@dataclass
class Load:
    """What came back for many requests."""

    seconds: List[float] = field(default_factory=list)  #: from the send to the answer, one each
    statuses: Counter[int] = field(default_factory=Counter)  #: HTTP status -> how often; 0: no answer
    wall: float = 0.0  #: seconds from the first send to the last answer

    def add(self, status: int, seconds: float) -> None:
        """Count one answer."""
        self.statuses[status] += 1
        self.seconds.append(seconds)

    def join(self, other: Load) -> None:
        """Count those of *other*, which came after them."""
        self.seconds += other.seconds
        self.statuses += other.statuses
        self.wall += other.wall

    @property
    def count(self) -> int:
        """How many requests there were."""
        return len(self.seconds)

    @property
    def accepted(self) -> int:
        """How many were answered 200."""
        return self.statuses[200]

    @property
    def rate(self) -> float:
        """Accepted requests a second."""
        return self.accepted / self.wall if self.wall else float("nan")

    def ms(self, percent: float) -> float:
        """Return a percentile in milliseconds."""
        return percentile(self.seconds, percent) * 1000

    def cells(self) -> List[str]:
        """Return n, p50, p95, p99, slowest and the statuses, for a table of the report."""
        numbers = [f"{self.ms(percent):.1f}" for percent in (50, 95, 99, 100)]
        statuses = ", ".join(
            f"{count} x {status or 'none'}" for status, count in sorted(self.statuses.items())
        )
        return [str(self.count), *numbers, statuses]


#: The heads of `Load.cells`.
CELLS = ("requests", "p50 ms", "p95 ms", "p99 ms", "slowest ms", "answers")
