"""Reads which days a report is about: the last 7, 30 or 90, or from one day to another. No I/O.

Days are those of a time zone, whole ones, today's as far as it has come. Whoever asks gets every reason
at once why what they typed is none.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta, tzinfo
from typing import Dict, Mapping, Optional, Tuple

from handover_channel.sentences import Sentence

#: Numbers of days that are offered, and the one that is taken where nobody asks for another.
LAST_DAYS: Tuple[int, ...] = (7, 30, 90)
BY_DEFAULT = 30
#: In place of a number: from one day to another.
CHOSEN = "chosen"

#: A report reads all of them: a year.
MOST_DAYS = 366


@dataclass(frozen=True)
class Days:
    """Days of a time zone, from `first` to `last`, both of them included."""

    first: date
    last: date
    zone: tzinfo

    @property
    def since(self) -> float:
        """Return when they begin, in seconds since the epoch."""
        return datetime(self.first.year, self.first.month, self.first.day, tzinfo=self.zone).timestamp()

    @property
    def until(self) -> float:
        """Return when they are over."""
        following = self.last + timedelta(days=1)
        return datetime(following.year, following.month, following.day, tzinfo=self.zone).timestamp()


class NoDays(ValueError):
    """What was typed are no days: `problems` has a sentence for each field, by its name (`from`, `to`)."""

    def __init__(self, problems: Mapping[str, Sentence]) -> None:
        super().__init__(*problems.values())
        self.problems = problems


def days_of(period: str, first: str, last: str, *, zone: tzinfo, now: float) -> Days:
    """Return the days that somebody asks for; a *period* that is not offered is BY_DEFAULT. Raises NoDays.

    *first*, *last*: as typed, for CHOSEN; until today where *last* is "".
    """
    today = datetime.fromtimestamp(now, zone).date()
    if period == CHOSEN:
        return _chosen(first.strip(), last.strip(), zone, today)
    number = int(period) if period in map(str, LAST_DAYS) else BY_DEFAULT
    return Days(today - timedelta(days=number - 1), today, zone)


def _chosen(first: str, last: str, zone: tzinfo, today: date) -> Days:
    problems: Dict[str, Sentence] = {}
    begin, end = _day(first, "from", problems), _day(last, "to", problems) if last else today
    if begin is None or end is None:
        raise NoDays(problems)
    if begin > end:
        raise NoDays({"to": _ENDS_FIRST})
    if (end - begin).days >= MOST_DAYS:
        raise NoDays({"to": _TOO_LONG})
    return Days(begin, end, zone)


def _day(text: str, field: str, problems: Dict[str, Sentence]) -> Optional[date]:
    try:
        found = date.fromisoformat(text)
        if _EARLIEST <= found <= _LATEST:
            return found
    except ValueError:
        pass
    no_day = Sentence("%(text)r is no day -> write it as in 2026-11-30", text=text)
    problems[field] = no_day if text else _WHICH_DAY
    return None


#: What every time zone and database can reckon with.
_EARLIEST, _LATEST = date(1971, 1, 1), date(9998, 1, 1)

_WHICH_DAY = Sentence("choose the day on which the period begins")
_ENDS_FIRST = Sentence("the period ends before it begins -> choose a later last day")
_TOO_LONG = Sentence("a period lasts a year at most -> choose days that are closer together")
