"""Counts what is in the queue, the open handovers, and how many handovers there have been.

Every query costs what is open, waiting or new, not what has ever been: see the partial indexes in schema.py.
Their conditions are spelt out, because SQLite takes no partial index for a parameter.
"""

from __future__ import annotations

import threading
from collections import Counter
from dataclasses import dataclass, field
from typing import Mapping, NamedTuple, Optional

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from handover_channel.rules.control import Control, bot_may_speak
from handover_channel.rules.return_reasons import ReturnReason
from handover_channel.store import findings
from handover_channel.store.schema import (
    IS_GIVEN_UP,
    IS_OPEN,
    changes,
    claims,
    deadlines,
    deliveries,
    threads,
)

#: Seconds after which a change of control is counted for good: so long a transaction may bring an older id.
SETTLED = 60.0

#: Seconds that a deadline may be late without being overdue.
OVERDUE = 5.0


class Open(NamedTuple):
    """Handovers that are open: by whom, and with a return that Meta has refused or not."""

    control: str
    target: str
    refused: bool


@dataclass(frozen=True)
class Statistics:
    """The state of things. Counts; `oldest_at` in seconds since the epoch."""

    waiting: Mapping[str, int]  #: deliveries by kind
    oldest_at: Optional[float]  #: when the oldest of them was received
    failed: int  #: deliveries given up, and kept
    open: Mapping[Open, int]
    overdue: Mapping[str, int]  #: deadlines by kind
    claims: int  #: threads that a worker has
    findings: Mapping[str, int] = field(default_factory=dict)  #: what is wrong with the set-up, by kind


class Happened(NamedTuple):
    """What a change of control was: `handover`, `return` or `refusal` (of Meta's, to pass control)."""

    what: str
    target: str
    reason: str


# Spelt out, not a parameter: see above.
_REFUSED = threads.c.wanted != sa.literal_column("''")


def read(connection: Connection, *, now: float) -> Statistics:
    """Return the state of things."""
    waiting = connection.execute(
        sa.select(deliveries.c.kind, sa.func.count(), sa.func.min(deliveries.c.received_at))
        .where(deliveries.c.done_at.is_(None))
        .group_by(deliveries.c.kind)
    ).all()
    found = connection.execute(
        sa.select(threads.c.control, threads.c.target, _REFUSED, sa.func.count())
        .where(IS_OPEN)
        .group_by(threads.c.control, threads.c.target, _REFUSED)
    )
    overdue = connection.execute(
        sa.select(deadlines.c.kind, sa.func.count())
        .where(deadlines.c.due_at < now - OVERDUE)
        .group_by(deadlines.c.kind)
    )
    failed = sa.select(sa.func.count()).select_from(deliveries).where(IS_GIVEN_UP)
    claimed = sa.select(sa.func.count()).select_from(claims).where(claims.c.until > now)
    return Statistics(
        waiting={kind: count for kind, count, _ in waiting},
        oldest_at=min((oldest for _, _, oldest in waiting), default=None),
        failed=int(connection.execute(failed).scalar() or 0),
        open={Open(control, target, bool(refused)): count for control, target, refused, count in found},
        overdue={kind: int(count) for kind, count in overdue},
        claims=int(connection.execute(claimed).scalar() or 0),
        findings=findings.counts(connection, now=now),
    )


def oldest_at(connection: Connection) -> Optional[float]:
    """Return when the oldest delivery that waits was received, None where none waits."""
    query = sa.select(sa.func.min(deliveries.c.received_at)).where(deliveries.c.done_at.is_(None))
    found = connection.execute(query).scalar()
    return None if found is None else float(found)


_PREVIOUS = changes.alias()
_TARGET_BEFORE = (
    sa.select(_PREVIOUS.c.target)
    .where(_PREVIOUS.c.thread == changes.c.thread, _PREVIOUS.c.id < changes.c.id)
    .order_by(_PREVIOUS.c.id.desc())
    .limit(1)
    .scalar_subquery()
)
_NEW = sa.select(
    changes.c.control_before,
    changes.c.control,
    changes.c.target,
    changes.c.reason,
    sa.case((changes.c.control == Control.BOT.value, _TARGET_BEFORE), else_=None).label("target_before"),
).where(changes.c.id > sa.bindparam("after"), changes.c.id <= sa.bindparam("last"))


class History:
    """Counts the log of changes. What was counted once is kept: each time costs what is new."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._counted: Counter[Happened] = Counter()
        self._last = 0

    def read(self, connection: Connection, *, now: float) -> Mapping[Happened, int]:
        """Return how often everything has happened so far."""
        with self._lock:
            newest, settled = connection.execute(
                sa.select(
                    sa.func.max(changes.c.id),
                    sa.func.max(sa.case((changes.c.at <= now - SETTLED, changes.c.id), else_=self._last)),
                ).where(changes.c.id > self._last)
            ).one()
            if newest is None:
                return Counter(self._counted)
            self._counted += _count(connection, self._last, settled)
            self._last = settled
            return self._counted + _count(connection, settled, newest)


def _count(connection: Connection, after: int, last: int) -> Counter[Happened]:
    new = _NEW.subquery()
    query = sa.select(new, sa.func.count().label("times")).group_by(*new.c)
    counted: Counter[Happened] = Counter()
    for row in connection.execute(query, {"after": after, "last": last}).mappings():
        happened = _happened(row)
        if happened:
            counted[happened] += row["times"]
    return counted


def _happened(row: Mapping[str, str]) -> Optional[Happened]:
    before, after = Control(row["control_before"]), Control(row["control"])
    returned = row["reason"] in {reason.value for reason in ReturnReason}
    if bot_may_speak(after):
        what = "return" if returned else "refusal"
        return Happened(what, row["target_before"] or "", row["reason"])
    # A pass counts when it has succeeded, not when it begins.
    if after is not Control.PASSING and before in (Control.BOT, Control.PASSING):
        return Happened("handover", row["target"], row["reason"])
    return None
