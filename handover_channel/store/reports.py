"""Adds up handovers for `handover report`: how long people waited, for whom, and how often they came again.

1. A handover is counted as the metrics count it (statistics.py), and belongs to the period in which somebody
   else had control.
2. Somebody has taken it once an agent claims it, is assigned it, or answers, whichever comes first, and it
   counts as theirs. Waiting lasts until then, handling from then to the return.
3. Of each time there are the median and the 90th percentile, by nearest rank, of the handovers that have it:
   to the second below two minutes, to 10 seconds below two hours, to the minute above.
   https://en.wikipedia.org/wiki/Percentile#The_nearest-rank_method
4. All of it is one statement that counts. It reads what has happened since the period began, by the indexes
   on time; what happened to a thread is cut into handovers by a running count, without a look-up for each.
"""

from __future__ import annotations

import math
from collections import Counter
from dataclasses import dataclass
from datetime import datetime, timezone
from typing import Any, Dict, List, Mapping, Optional, Tuple

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from handover_channel.messenger.events import MESSENGER
from handover_channel.rules.control import Control
from handover_channel.store.acts import Done
from handover_channel.store.schema import acts, changes, tags, threads, transcript
from handover_channel.store.transcript import AGENT, APP

#: By what handovers are added up, in the order of the report.
SUMMED_BY = ("total", "agent", "target", "reason", "return", "tag", "hour", "day")

#: Seconds in which a handover counts as one more about the same.
AGAIN_WITHIN = 24 * 3600.0

_M_WAITING, _M_FIRST_ANSWER, _M_HANDLING, _M_END = range(4)
#: Values of _M_END: not back, back, back and handed over again.
_NOT_BACK, _IS_BACK, _BACK_AND_AGAIN = range(3)
_CONTROL_BOT, _CONTROL_PASSING = Control.BOT.value, Control.PASSING.value
#: Length of a time as digits, and the space behind it: see `_taken_by`.
_DIGITS_OF_MS = 14


@dataclass(frozen=True)
class Period:
    """From `since` on and before `until`, in seconds since the epoch; None: until now."""

    since: float
    until: Optional[float] = None


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
    key: (
        str  #: the agent, target, reason ...; hours are "0" to "23", days "2026-11-01", both UTC; "" for none
    )
    handovers: int
    returned: int
    again: int  #: handed over again within AGAIN_WITHIN of the return
    waiting: Times
    first_answer: Times
    handling: Times


@dataclass(frozen=True)
class Containment:
    """Conversations on Messenger that were active in a period, and those of them without a handover in it."""

    conversations: int
    without: int


def sums(connection: Connection, period: Period) -> List[Sum]:
    """Return the sums of a period, group by group; the total is always there."""
    found: Dict[Tuple[int, str], Dict[int, Counter[Optional[int]]]] = {(0, ""): {}}
    for group, key, measure, value, count in connection.execute(_statement(connection, period)):
        measures = found.setdefault((group, _key(SUMMED_BY[group], key)), {})
        measures.setdefault(measure, Counter())[None if value is None else int(value)] += count
    made = [_sum(SUMMED_BY[group], key, measures) for (group, key), measures in found.items()]
    return sorted(made, key=_place)


def containment(connection: Connection, period: Period) -> Optional[Containment]:
    """Return how many conversations went without a handover; None for a period that is over.

    Of a conversation only the time of its last activity is kept: who was active since then is known, who was
    active in a time before it is not.
    """
    if period.until is not None:
        return None
    new = (changes.c.thread == threads.c.id, changes.c.at >= period.since)
    handed_over = sa.exists().where(*new, *_BEGINS_HANDOVER)
    query = sa.select(sa.func.count(), sa.func.count(sa.case((~handed_over, 1)))).select_from(threads)
    active = (threads.c.channel == MESSENGER, threads.c.active_at >= period.since)
    conversations, without = connection.execute(query.where(*active)).one()
    return Containment(int(conversations), int(without))


def _sum(by: str, key: str, measures: Mapping[int, Counter[Optional[int]]]) -> Sum:
    ends = measures.get(_M_END, Counter())
    return Sum(
        by,
        key,
        handovers=sum(ends.values()),
        returned=ends[_IS_BACK] + ends[_BACK_AND_AGAIN],
        again=ends[_BACK_AND_AGAIN],
        waiting=_times(measures.get(_M_WAITING, {})),
        first_answer=_times(measures.get(_M_FIRST_ANSWER, {})),
        handling=_times(measures.get(_M_HANDLING, {})),
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


def _key(by: str, key: Any) -> str:
    if by == "day":
        return datetime.fromtimestamp(int(key) * 86400, timezone.utc).strftime("%Y-%m-%d")
    return "" if key is None else str(key)


def _place(each: Sum) -> Tuple[Any, ...]:
    first = SUMMED_BY.index(each.by)
    if each.by == "hour":
        return first, int(each.key)
    return (first, each.key) if each.by == "day" else (first, -each.handovers, each.key)


# --- the statement --------------------------------------------------------------------------------

_BEGINS_HANDOVER = (
    changes.c.control_before.in_([_CONTROL_BOT, _CONTROL_PASSING]),
    changes.c.control.not_in([_CONTROL_BOT, _CONTROL_PASSING]),
    changes.c.thread != "",
)
_ENDS_HANDOVER = (
    changes.c.control == _CONTROL_BOT,
    changes.c.control_before.not_in([_CONTROL_BOT, _CONTROL_PASSING]),
    changes.c.thread != "",
)
_E_HANDOVER, _E_RETURN, _E_TAKEN, _E_ANSWER = "1h", "2r", "3t", "4a"


def _statement(connection: Connection, period: Period) -> Any:
    """Return the query of (number of the group, key, measure, value, how many)."""
    to_whole = _floor if connection.dialect.name == "postgresql" else _cut
    handovers = _handovers(period, to_whole)
    keys: Mapping[str, Any] = {
        "total": sa.literal(""),
        "agent": handovers.c.agent,
        "target": handovers.c.target,
        "reason": handovers.c.reason,
        "return": handovers.c.ended,
        "hour": sa.cast(handovers.c.second.op("/")(3600).op("%")(24), sa.Text),
        "day": sa.cast(handovers.c.second.op("/")(86400), sa.Text),
    }
    parts = []
    for number, group in enumerate(SUMMED_BY):
        rows = handovers
        key = keys.get(group)
        if key is None:
            rows, key = handovers.join(tags, tags.c.thread == handovers.c.thread), tags.c.tag
        for measure, value in enumerate(("waiting", "first_answer", "handling", "end")):
            column = handovers.c[value]
            query = sa.select(
                sa.literal(number), key.label("key"), sa.literal(measure), column, sa.func.count()
            )
            query = query.select_from(rows).group_by(sa.text("2"), column)
            parts.append(query)
    return sa.union_all(*parts)


def _handovers(period: Period, to_whole: Any) -> Any:
    """Return the handovers that began in the period: one row each, with its times cut to steps."""
    each = _by_handover(_events(period))
    back = each.c.returned_at
    taken = sa.case((_is_before(each.c.taken_at, back), each.c.taken_at))
    answered = sa.case((_is_before(each.c.answered_at, back), each.c.answered_at))
    first = sa.case((sa.or_(answered.is_(None), taken <= answered), taken), else_=answered)
    following = sa.func.lead(each.c.began_at).over(partition_by=each.c.thread, order_by=each.c.number)
    end = sa.case(
        (back.is_(None), _NOT_BACK),
        (sa.and_(following.isnot(None), following - back <= AGAIN_WITHIN), _BACK_AND_AGAIN),
        else_=_IS_BACK,
    )
    in_period = sa.select(
        each.c.thread,
        each.c.target,
        each.c.reason,
        each.c.began_at,
        sa.case((first.is_(None), ""), else_=sa.func.coalesce(each.c.agent, "")).label("agent"),
        sa.func.coalesce(each.c.ended, "").label("ended"),
        to_whole(each.c.began_at).label("second"),
        _step(first - each.c.began_at, to_whole).label("waiting"),
        _step(answered - each.c.began_at, to_whole).label("first_answer"),
        _step(back - first, to_whole).label("handling"),
        end.label("end"),
    ).subquery("in_period")
    query = sa.select(in_period)
    if period.until is not None:
        query = query.where(in_period.c.began_at < period.until)
    return query.cte("handovers")


def _is_before(at: Any, back: Any) -> Any:
    return sa.or_(back.is_(None), at <= back)


def _events(period: Period) -> Any:
    """Return what happened since the period began: handovers, returns, and who took or answered them."""
    nothing = sa.literal("")
    kind = sa.case((changes.c.control == _CONTROL_BOT, _E_RETURN), else_=_E_HANDOVER)
    parts = (
        sa.select(
            changes.c.thread, changes.c.at, kind.label("kind"), changes.c.id, changes.c.target.label("name"),
            changes.c.reason,
        ).where(
            changes.c.at >= period.since, sa.or_(sa.and_(*_BEGINS_HANDOVER), sa.and_(*_ENDS_HANDOVER))
        ),
        sa.select(
            acts.c.thread, acts.c.at, sa.literal(_E_TAKEN), acts.c.id, acts.c.whom, nothing,
        ).where(acts.c.at >= period.since, acts.c.kind.in_([Done.CLAIMED.value, Done.ASSIGNED.value])),
        sa.select(
            transcript.c.thread, transcript.c.timestamp / 1000.0, sa.literal(_E_ANSWER), transcript.c.id,
            transcript.c.agent, nothing,
        ).where(transcript.c.timestamp >= int(period.since * 1000), transcript.c.author.in_([AGENT, APP])),
    )  # fmt: skip
    return sa.union_all(*parts).subquery("events")


def _by_handover(events: Any) -> Any:
    """Return a row for each handover, made of the events from it on to the next one of the thread."""
    begins = sa.case((events.c.kind == _E_HANDOVER, 1), else_=0)
    number = sa.func.sum(begins).over(
        # No column of a table: SQLite would walk over all there ever was, to spare itself a sort.
        partition_by=events.c.thread.op("||")(""),
        order_by=(events.c["at"], events.c.kind, events.c.id),
        rows=(None, 0),
    )
    numbered = sa.select(*events.c, number.label("number")).subquery("numbered")

    def of(kind: str, value: Any) -> Any:
        return sa.case((numbered.c.kind == kind, value))

    at = numbered.c["at"]
    return (
        sa.select(
            numbered.c.thread,
            numbered.c.number,
            sa.func.min(of(_E_HANDOVER, at)).label("began_at"),
            sa.func.max(of(_E_HANDOVER, numbered.c.name)).label("target"),
            sa.func.max(of(_E_HANDOVER, numbered.c.reason)).label("reason"),
            sa.func.min(of(_E_RETURN, at)).label("returned_at"),
            sa.func.max(of(_E_RETURN, numbered.c.reason)).label("ended"),
            sa.func.min(of(_E_TAKEN, at)).label("taken_at"),
            sa.func.min(of(_E_ANSWER, at)).label("answered_at"),
            _taken_by(numbered).label("agent"),
        )
        .where(numbered.c.number > 0)
        .group_by(numbered.c.thread, numbered.c.number)
        .subquery("each_handover")
    )


def _taken_by(numbered: Any) -> Any:
    """Return the name that stands at the earliest time: the smallest of "<time in ms> <name>"."""
    ms = sa.cast(sa.cast(numbered.c["at"] * 1000, sa.BigInteger), sa.Text)
    named = sa.and_(numbered.c.kind.in_([_E_TAKEN, _E_ANSWER]), numbered.c.name != "")
    return sa.func.substr(sa.func.min(sa.case((named, ms + " " + numbered.c.name))), _DIGITS_OF_MS + 1)


def _step(seconds: Any, to_whole: Any) -> Any:
    """Cut a time to the step by which it is counted (rule 3); clocks that differ make it 0, never less."""
    whole = to_whole(seconds)
    return sa.case(
        (seconds < 0, 0),
        (seconds < 120, whole),
        (seconds < 7200, whole - whole.op("%")(10)),
        (seconds >= 7200, whole - whole.op("%")(60)),
    )


def _floor(value: Any) -> Any:
    return sa.cast(sa.func.floor(value), sa.BigInteger)


def _cut(value: Any) -> Any:
    return sa.cast(value, sa.BigInteger)  # SQLite cuts, PostgreSQL would round
