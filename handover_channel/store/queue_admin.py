"""Shows people the queue, what waits and what was given up, and lets them retry or drop a delivery.

1. A delivery that was given up (`GIVEN_UP`) is kept until a person retries or drops it.
2. A retried one is answered now, however old it is. What had gone out before an interruption does not go out
   again.
3. A dropped one is kept as well, with when and by whom; it can be retried, should it have been a mistake.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, List, NamedTuple, Optional

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from handover_channel.rules.turn_outcome import NOT_SENT, OVER_BUDGET
from handover_channel.store.deliveries import RETRIED
from handover_channel.store.schema import IS_GIVEN_UP, claims, deliveries

#: It failed too often, or was interrupted too often.
FAILED = "failed"
#: What was given up: it waits for a person. schema.py has an index for these.
GIVEN_UP = (FAILED, NOT_SENT, OVER_BUDGET)

_DROPPED = "dropped by "


@dataclass(frozen=True)
class Queued:
    """One delivery, without its body. Times in seconds since the epoch."""

    id: int
    thread: str
    kind: str
    received_at: float
    done_at: Optional[float]
    outcome: str
    attempts: int  #: begun, and interrupted
    failures: int
    worker: str  #: that has claimed the thread, "" for none

    @property
    def may_be_retried(self) -> bool:
        """It was given up or dropped: nothing has come of it."""
        return self.outcome in GIVEN_UP or self.outcome.startswith(_DROPPED)

    @property
    def may_be_dropped(self) -> bool:
        """It waits, or was given up."""
        return self.done_at is None or self.outcome in GIVEN_UP


class QueuePage(NamedTuple):
    """The oldest of so many."""

    total: int
    items: List[Queued]


class QueueOfThread(NamedTuple):
    """Deliveries of one thread that somebody may have to look after."""

    waiting: int = 0
    oldest_at: Optional[float] = None  #: when the first that waits was received, in seconds
    given_up: int = 0


_WAITING = deliveries.c.done_at.is_(None)


def waiting(connection: Connection, *, now: float, limit: int) -> QueuePage:
    """Return what is to be processed, the longest waiting first."""
    # By time, not by id: that would tempt the database to walk over all that is done.
    return _page(connection, _WAITING, now, limit, deliveries.c.received_at, deliveries.c.id)


def failed(connection: Connection, *, now: float, limit: int) -> QueuePage:
    """Return what was given up, the oldest first."""
    return _page(connection, IS_GIVEN_UP, now, limit, deliveries.c.id)


def get(connection: Connection, delivery: int, *, now: float) -> Optional[Queued]:
    """Return one delivery, None where there is none with that id."""
    row = connection.execute(_select(now).where(deliveries.c.id == delivery)).mappings().first()
    return Queued(**row) if row else None


def of_thread(connection: Connection, thread: str) -> QueueOfThread:
    """Return what waits in *thread*, and what was given up."""
    of_it = deliveries.c.thread == thread
    waits = sa.select(sa.func.count(), sa.func.min(deliveries.c.received_at)).where(_WAITING, of_it)
    waiting, oldest_at = connection.execute(waits).one()
    given_up = sa.select(sa.func.count()).select_from(deliveries).where(IS_GIVEN_UP, of_it)
    return QueueOfThread(int(waiting), oldest_at, int(connection.execute(given_up).scalar() or 0))


def retry(connection: Connection, found: Queued) -> bool:
    """Put a delivery back into the queue. False: it has changed meanwhile."""
    values = {"done_at": None, "outcome": RETRIED, "failures": 0, "attempts": min(found.attempts, 1)}
    return _update(connection, found, **values)


def drop(connection: Connection, found: Queued, *, who: str, now: float) -> bool:
    """Take a delivery off the queue for good. False: it has changed meanwhile."""
    return _update(connection, found, done_at=now, outcome=f"{_DROPPED}{who}")


def _update(connection: Connection, found: Queued, **values: object) -> bool:
    as_it_was = (deliveries.c.id == found.id, deliveries.c.outcome == found.outcome)
    done = connection.execute(sa.update(deliveries).where(*as_it_was).values(**values))
    return bool(done.rowcount == 1)


def _page(connection: Connection, which: Any, now: float, limit: int, *order: object) -> QueuePage:
    total = connection.execute(sa.select(sa.func.count()).select_from(deliveries).where(which)).scalar()
    found = connection.execute(_select(now).where(which).order_by(*order).limit(limit)).mappings()
    return QueuePage(int(total or 0), [Queued(**row) for row in found])


def _select(now: float) -> sa.sql.Select:
    claimed = sa.and_(claims.c.thread == deliveries.c.thread, claims.c.until > now)
    columns = [deliveries.c[name] for name in Queued.__dataclass_fields__ if name != "worker"]
    worker = sa.func.coalesce(claims.c.worker, "").label("worker")
    return sa.select(*columns, worker).select_from(deliveries.outerjoin(claims, claimed))
