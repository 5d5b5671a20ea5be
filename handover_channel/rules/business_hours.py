"""Decides whether a target is open, and when it opens: business hours in their own time zone. No I/O.

1. Hours are spans of each weekday, to the minute. A span ends on the day it begins: 24:00 is its latest end.
2. What counts is what a clock shows there. Where it is put forward in the middle of a span, or over its
   beginning, the span is shorter; where it is put back, that hour of the span comes twice.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta, timezone, tzinfo
from typing import Iterator, List, Mapping, NamedTuple, Optional, Sequence, Tuple

DAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")

#: Minutes of a day.
MIDNIGHT = 24 * 60

#: Days that are looked at for the next opening: a week, and another one where clocks jump over a span.
_AHEAD = 15

_SPAN = re.compile(r"(\d{1,2}):(\d\d)\s*[-–—]\s*(\d{1,2}):(\d\d)", re.ASCII)


class Span(NamedTuple):
    """From one minute of the day to another one, which is not part of it."""

    opens: int
    closes: int


@dataclass(frozen=True)
class Hours:
    """The business hours of a week."""

    zone: tzinfo
    week: Mapping[int, Tuple[Span, ...]]  #: weekday (0: Monday) -> its spans, in order

    def is_open(self, now: float) -> bool:
        """Tell whether somebody is there at *now* (seconds since the epoch)."""
        there = self._there(now)
        minute = there.hour * 60 + there.minute
        return any(span.opens <= minute < span.closes for span in self.week.get(there.weekday(), ()))

    def opens_at(self, now: float) -> Optional[float]:
        """Return when somebody is there next: *now* itself while they are. None: never."""
        if self.is_open(now):
            return now
        today = self._there(now).date()
        for day in range(-1, _AHEAD):  # yesterday: clocks that are put back at midnight
            later = (at for at in self._openings(today + timedelta(days=day)) if at > now)
            found = min(filter(self.is_open, later), default=None)
            if found is not None:
                return found
        return None

    def text(self, at: float, now: float) -> str:
        """Return *at* as a clock there shows it, with the date unless it is today: "2026-03-01 09:00"."""
        then = self._there(at)
        same_day = then.date() == self._there(now).date()
        return then.strftime("%H:%M" if same_day else "%Y-%m-%d %H:%M")

    def _there(self, at: float) -> datetime:
        return datetime.fromtimestamp(at, timezone.utc).astimezone(self.zone)

    def _openings(self, day: date) -> Iterator[float]:
        """Yield the moments of *day* at which it may open: its spans begin, or clocks are put on or back."""
        for span in self.week.get(day.weekday(), ()):
            opens = datetime.combine(day, time(*divmod(span.opens, 60)), tzinfo=self.zone)
            yield opens.timestamp()
            yield opens.replace(fold=1).timestamp()  # the same time shown again, after clocks were put back
        begins = datetime.combine(day, time(), tzinfo=self.zone).timestamp()
        yield from self._changes(begins, begins + 25 * 3600)

    def _changes(self, begin: float, end: float) -> Iterator[float]:
        """Yield when clocks there are changed between two moments, as far as they are only once."""
        before = self._there(begin).utcoffset()
        if before == self._there(end).utcoffset():
            return
        while end - begin > 1:
            middle = (begin + end) // 2
            if self._there(middle).utcoffset() == before:
                begin = middle
            else:
                end = middle
        yield end


def all_open_at(every: Sequence[Hours], now: float) -> Optional[float]:
    """Return when all of them are open next, but for those that never are. None: never together."""
    at = now
    while at < now + _AHEAD * 86400:
        openings = (hours.opens_at(at) for hours in every)
        latest = max((opens for opens in openings if opens is not None), default=at)
        if latest == at:
            return at
        at = latest
    return None


def parse_days(text: str) -> List[int]:
    """Return the weekdays of "saturday" or "sunday-thursday". Raises ValueError with what to write."""
    names = [name.strip().lower() for name in re.split(r"[-–—]", text)]
    if len(names) > 2 or not all(name in DAYS for name in names):
        raise ValueError(f"write a day or two, as in sunday-thursday, of {', '.join(DAYS)}")
    first, last = DAYS.index(names[0]), DAYS.index(names[-1])
    return [(first + number) % 7 for number in range((last - first) % 7 + 1)]


def parse_spans(text: str) -> Tuple[Span, ...]:
    """Return the spans of "9:00-12:00, 13:00-17:00". Raises ValueError with what to write."""
    spans = sorted(_span(part.strip()) for part in text.split(","))
    for earlier, later in zip(spans, spans[1:]):
        if later.opens < earlier.closes:
            raise ValueError("two of the times overlap: write them as one")
    return tuple(spans)


def _span(text: str) -> Span:
    found = _SPAN.fullmatch(text)
    if found is None:
        raise ValueError('write times as in "9:00-17:00" or "9:00-12:00, 13:00-17:00"')
    hours, minutes = (int(found[1]), int(found[3])), (int(found[2]), int(found[4]))
    opens, closes = (hour * 60 + minute for hour, minute in zip(hours, minutes))
    if max(minutes) > 59 or max(opens, closes) > MIDNIGHT:
        raise ValueError("there is no such time: write 0:00 to 24:00")
    if opens >= closes:
        raise ValueError("it ends before it begins: end at 24:00, and begin the next day at 0:00")
    return Span(opens, closes)
