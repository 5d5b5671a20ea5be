"""Adds up the handovers of some days, for admins. Takes the database, so a thread."""

from __future__ import annotations

import csv
import io
import time
from dataclasses import dataclass
from datetime import timedelta, timezone, tzinfo
from typing import Callable, List, Mapping, Optional, Sequence, Tuple
from zoneinfo import ZoneInfo

from handover_channel.rules import report_periods
from handover_channel.rules.report_periods import Days
from handover_channel.rules.spreadsheets import cell
from handover_channel.store import Store, agents, reports
from handover_channel.store.reports import Containment, Period, Sum

UTC = "UTC"
#: What is drawn as columns, because it has an order.
_IN_ORDER = ("hour", "day")
#: Without it Excel does not take a file for UTF-8.
_UTF_8 = "\ufeff"


@dataclass(frozen=True)
class Asked:
    """What somebody asks for, as the address has it."""

    period: str = ""
    first: str = ""
    last: str = ""
    zone: str = ""  #: name of a time zone; "": not told, so UTC


@dataclass(frozen=True)
class Group:
    """The sums by one thing, with the most handovers that one of them has."""

    by: str  #: one of reports.SUMMED_BY
    sums: List[Sum]
    most: int
    #: Key and handovers of every hour or day, those without any too; of other groups nothing.
    columns: Sequence[Tuple[str, int]] = ()


@dataclass(frozen=True)
class ReportView:
    """A report as the page shows it."""

    total: Sum
    groups: List[Group]
    contained: Optional[Containment]  #: None: the days are over, so nobody knows
    agents: Mapping[str, str]  #: shown names by the names they sign in with


class Reports:
    """Makes reports."""

    def __init__(self, store: Store, clock: Callable[[], float] = time.time) -> None:
        self._store = store
        self._clock = clock

    def days(self, asked: Asked) -> Days:
        """Return the days that somebody asks for. Raises NoDays."""
        _, zone = zone_of(asked.zone)
        return report_periods.days_of(asked.period, asked.first, asked.last, zone=zone, now=self._clock())

    def of(self, days: Days) -> ReportView:
        """Return the report of these days."""
        period = self._period(days)
        with self._store.snapshot() as connection:
            names = {each.name: each.shown_name for each in agents.every(connection)}
            found = reports.sums(connection, period, days.zone)
            contained = reports.containment(connection, period)
        total, *others = found
        groups = [_group(by, others, days) for by in reports.SUMMED_BY[1:]]
        return ReportView(total, [each for each in groups if each.sums], contained, names)

    def table(self, days: Days) -> str:
        """Return the same as a CSV file: no cell is a formula, times are in seconds."""
        with self._store.snapshot() as connection:
            found = reports.sums(connection, self._period(days), days.zone)
        stream = io.StringIO(newline="")
        writer = csv.writer(stream)
        writer.writerow(reports.COLUMNS)
        for each in found:
            writer.writerow([cell(value) for value in reports.row(each).values()])
        return _UTF_8 + stream.getvalue()

    def _period(self, days: Days) -> Period:
        return Period.so_far(days.since, days.until, now=self._clock())


def zone_of(name: str) -> Tuple[str, tzinfo]:
    """Return the time zone of that name ("Asia/Riyadh") and its name; UTC where there is none of it."""
    try:
        return name, ZoneInfo(name)
    except (KeyError, ValueError, OSError):  # unknown, no name at all, a folder of names
        return UTC, timezone.utc


def _group(by: str, found: Sequence[Sum], days: Days) -> Group:
    sums = [each for each in found if each.by == by]
    most = max((each.handovers for each in sums), default=0)
    return Group(by, sums, most, _columns(by, sums, days) if by in _IN_ORDER else ())


def _columns(by: str, sums: Sequence[Sum], days: Days) -> List[Tuple[str, int]]:
    counts = {each.key: each.handovers for each in sums}
    return [(key, counts.get(key, 0)) for key in (map(str, range(24)) if by == "hour" else _keys_of(days))]


def _keys_of(days: Days) -> List[str]:
    number = (days.last - days.first).days + 1
    return [(days.first + timedelta(days=each)).isoformat() for each in range(number)]
