"""Adds up handovers, for `handover report` and the page of reports: how long people waited, and for whom.

1. A handover is a row of handovers.py, and belongs to the period in which somebody else had control.
2. Somebody has taken it once an agent claims it, is assigned it, or answers, whichever comes first, and it
   counts as theirs. Waiting lasts until then, handling from then to the return.
3. Of each time there are the median and the 90th percentile, by nearest rank, of the handovers that have it:
   to the second below two minutes, to 10 seconds below two hours, to the minute above.
   https://en.wikipedia.org/wiki/Percentile#The_nearest-rank_method
4. The database gives the rows of the period, by the index on time, and they are counted here: in pieces, so
   that other threads of the process get their turn in between.
"""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from dataclasses import dataclass
from datetime import datetime, timezone, tzinfo
from typing import Any, Callable, Dict, Iterator, List, Mapping, Optional, Sequence, Tuple

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from handover_channel.messenger.events import MESSENGER
from handover_channel.store.schema import handovers, tags, threads

#: By what handovers are added up, in the order of the report.
SUMMED_BY = ("total", "agent", "target", "reason", "return", "tag", "hour", "day")

#: Of a table of sums, as a file for programs; times are in seconds.
COLUMNS = (
    "by", "key", "handovers", "returned", "again_within_24h",
    "waiting_median", "waiting_p90", "first_answer_median", "first_answer_p90",
    "handling_median", "handling_p90",
)  # fmt: skip

_MEASURES = ("waiting", "first_answer", "handling", "end")
#: Values of "end": not back, back, back and handed over again.
_NOT_BACK, _IS_BACK, _BACK_AND_AGAIN = range(3)
#: Rows counted at a time.
_PIECE = 5000
#: Of no time zone does the hour or the day begin in between: seconds.
_QUARTER = 900


@dataclass(frozen=True)
class Period:
    """From `since` on and before `until`, in seconds since the epoch; None: until now."""

    since: float
    until: Optional[float] = None

    @classmethod
    def so_far(cls, since: float, until: Optional[float], *, now: float) -> Period:
        """Return the period as far as it has come: one that ends after *now* is not over yet."""
        return cls(since, None if until is None or until > now else until)


@dataclass(frozen=True)
class Times:
    """Seconds that something took: of how many handovers, and for half and nine tenths of them at most."""

    number: int = 0
    median: Optional[float] = None
    p90: Optional[float] = None


@dataclass(frozen=True)
class Sum:
    """Handovers that have something in common."""

    by: str  #: one of SUMMED_BY
    key: str  #: the agent, target, reason ...; hours are "0" to "23", days "2026-11-01"; "" for none
    handovers: int
    returned: int
    again: int  #: handed over again within a day of the return
    waiting: Times
    first_answer: Times
    handling: Times


@dataclass(frozen=True)
class Containment:
    """Conversations on Messenger that were active in a period, and those of them without a handover in it."""

    conversations: int
    without: int


#: Of each of _MEASURES: how often a key (an agent, a target ...) has a value.
_Counted = List["Counter[Tuple[str, Optional[int]]]"]
_Column = Sequence[Any]


def sums(connection: Connection, period: Period, zone: tzinfo = timezone.utc) -> List[Sum]:
    """Return the sums of a period, group by group; the total is always there.

    *zone*: whose hours and days they are.
    """
    counted: Dict[str, _Counted] = {by: [Counter() for _ in _MEASURES] for by in SUMMED_BY[1:]}
    hours = _Hours(zone)
    known: Dict[str, str] = {}
    each = handovers.c
    every = _of(connection, period, each.began_at, each.agent, each.target, each.reason, each.return_reason)
    for began, agent, target, reason, returned, *values in _columns(connection, every):
        hour, day = zip(*(hours[at // _QUARTER] for at in began))
        keys = {"agent": agent, "target": target, "reason": reason, "return": returned}
        for by, key in {**keys, "hour": hour, "day": day}.items():
            # Equal keys are found faster if they are the same.
            _count(counted[by], [known.setdefault(one, one) for one in key], values)
    tagged = _of(connection, period, tags.c.tag).join(tags, tags.c.thread == each.thread)
    for tag, *values in _columns(connection, tagged):
        _count(counted["tag"], tag, values)
    total = _sums("total", [_without_key(counter) for counter in counted["target"]])
    return total + [each for by in SUMMED_BY[1:] for each in _sums(by, counted[by])]


def containment(connection: Connection, period: Period) -> Optional[Containment]:
    """Return how many conversations went without a handover; None for a period that is over.

    Of a conversation only the time of its last activity is kept: who was active since then is known, who was
    active in a time before it is not.
    """
    if period.until is not None:
        return None
    new = (handovers.c.thread == threads.c.id, handovers.c.began_at >= period.since)
    query = sa.select(sa.func.count(), sa.func.count(sa.case((~sa.exists().where(*new), 1))))
    active = (threads.c.channel == MESSENGER, threads.c.active_at >= period.since)
    conversations, without = connection.execute(query.select_from(threads).where(*active)).one()
    return Containment(int(conversations), int(without))


def row(each: Sum) -> Mapping[str, Any]:
    """Return the row of such a table: a value for each of COLUMNS, None for a time that nothing took."""
    times = (each.waiting, each.first_answer, each.handling)
    counts = (each.by, each.key, each.handovers, each.returned, each.again)
    return dict(zip(COLUMNS, [*counts, *(value for of in times for value in (of.median, of.p90))]))


class _Hours(Dict[float, Tuple[str, str]]):
    """The hour and the day, in a time zone, of each quarter of an hour since the epoch."""

    def __init__(self, zone: tzinfo) -> None:
        super().__init__()
        self._zone = zone

    def __missing__(self, quarter: float) -> Tuple[str, str]:
        at = datetime.fromtimestamp(quarter * _QUARTER, self._zone)
        self[quarter] = str(at.hour), at.date().isoformat()
        return self[quarter]


def _columns(connection: Connection, query: Any) -> Iterator[Sequence[_Column]]:
    """Yield what *query* finds in pieces: its columns, each with the values of some thousand rows."""
    for rows in connection.execute(query).partitions(_PIECE):
        yield list(zip(*rows))


def _count(counted: _Counted, key: _Column, values: Sequence[_Column]) -> None:
    for counter, value in zip(counted, values):
        counter.update(zip(key, value))


def _without_key(counter: Counter[Tuple[str, Optional[int]]]) -> Counter[Tuple[str, Optional[int]]]:
    found: Counter[Tuple[str, Optional[int]]] = Counter()
    for (_, value), count in counter.items():
        found["", value] += count
    return found


def _sums(by: str, counted: _Counted) -> List[Sum]:
    by_key: Dict[str, List[Counter[Optional[int]]]] = defaultdict(lambda: [Counter() for _ in _MEASURES])
    if by == "total":
        by_key[""]  # also of nothing
    for place, counter in enumerate(counted):
        for (key, value), count in counter.items():
            by_key[key][place][value] = count
    return sorted((_sum(by, key, *each) for key, each in by_key.items()), key=_place)


def _sum(by: str, key: str, *measures: Counter[Optional[int]]) -> Sum:
    waiting, first_answer, handling, ends = measures
    return Sum(
        by,
        key,
        handovers=sum(ends.values()),
        returned=ends[_IS_BACK] + ends[_BACK_AND_AGAIN],
        again=ends[_BACK_AND_AGAIN],
        waiting=_times(waiting),
        first_answer=_times(first_answer),
        handling=_times(handling),
    )


def _times(counts: Mapping[Optional[int], int]) -> Times:
    known = sorted((value, count) for value, count in counts.items() if value is not None)
    number = sum(count for _, count in known)
    return Times(number, _ranked(known, number, 0.5), _ranked(known, number, 0.9)) if number else Times()


def _ranked(known: List[Tuple[int, int]], number: int, part: float) -> float:
    rank, so_far = math.ceil(round(number * part, 6)), 0
    for value, count in known:
        so_far += count
        if so_far >= rank:
            return float(value)
    raise AssertionError("a rank is at most the number")


def _place(each: Sum) -> Tuple[Any, ...]:
    if each.by == "hour":
        return (int(each.key),)
    return (each.key,) if each.by == "day" else (-each.handovers, each.key)


# --- the statement --------------------------------------------------------------------------------


def _of(connection: Connection, period: Period, *keys: Any) -> Any:
    """Return the query of the handovers of a period: *keys*, and behind them the values of _MEASURES."""
    whole = _floor if connection.dialect.name == "postgresql" else _cut
    each = handovers.c
    taken = sa.case(
        (each.answered_at.is_(None), each.taken_at),
        (each.taken_at <= each.answered_at, each.taken_at),
        else_=each.answered_at,
    )
    times = (taken - each.began_at, each.answered_at - each.began_at, each.ended_at - taken)
    end = sa.case((each.ended_at.is_(None), _NOT_BACK), (each.again == 1, _BACK_AND_AGAIN), else_=_IS_BACK)
    query = sa.select(*keys, *(_step(seconds, whole) for seconds in times), end)
    query = query.select_from(handovers).where(each.began_at >= period.since)
    return query if period.until is None else query.where(each.began_at < period.until)


def _step(seconds: Any, whole: Callable[[Any], Any]) -> Any:
    """Cut a time to the step by which it is counted (rule 3); clocks that differ make it 0, never less."""
    return sa.case(
        (seconds < 0, 0),
        (seconds < 120, whole(seconds)),
        (seconds < 7200, whole(seconds / 10) * 10),
        (seconds >= 7200, whole(seconds / 60) * 60),
    )


def _floor(value: Any) -> Any:
    return sa.cast(sa.func.floor(value), sa.BigInteger)


def _cut(value: Any) -> Any:
    return sa.cast(value, sa.BigInteger)  # SQLite cuts, PostgreSQL would round
