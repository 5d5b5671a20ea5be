"""Keeps deliveries: stored before Meta gets its 200, processed in order within a thread, each once.

Besides Meta's events the queue carries notes to the worker: `returned` (tell Rasa that the thread is back)
and `muted` (mirror the handover in Rasa's slots). A note comes before whatever waits in its thread: it tells
what has already happened.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any, Dict, Iterable, List, Mapping, Optional, Sequence, Tuple

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from handover_channel.messenger.webhook import Item
from handover_channel.store.listener import tell
from handover_channel.store.prepared import Connected, Prepared
from handover_channel.store.schema import claims, deliveries
from handover_channel.store.upsert import insert_new, insert_one

EVENT, RETURNED, MUTED = "event", "returned", "muted"

#: Outcome of a delivery that waits again, because a person wants it answered, however old it is.
RETRIED = "retried"

_NOTE_TIMESTAMP = -1

#: Interruptions from which on a delivery is processed alone. With 1 every one hit by a restart would be.
SUSPECT = 3

#: So many of the oldest deliveries are looked at for threads that wait: a look costs the same, however many.
OLDEST_LOOKED_AT = 500


@dataclass(frozen=True)
class Delivery:
    """A delivery is one event of Meta's, or one note of ours, on its way through the queue of its thread."""

    id: int
    thread: str
    kind: str
    body: str
    received_at: float
    attempts: int  #: begun so often before
    failures: int  #: failed so often before
    outcome: str = ""  #: "" or RETRIED
    rounds: int = 0  #: its own effect sent it back so often


#: Locks of those who look for work have this number, and that of a delivery up to the greatest
#: that such a lock takes.
_LOOKED_AT, _GREATEST = 72144809, 2**31 - 1
# Less than PostgreSQL's `deadlock_timeout`.
_HURRY = sa.text("SET LOCAL lock_timeout = '500ms'")
# Asked every half second.
_WAITS = Prepared(
    sa.select(deliveries.c.id)
    .where(
        deliveries.c.done_at.is_(None),
        deliveries.c.thread.not_in(sa.select(claims.c.thread).where(claims.c.until > sa.bindparam("now"))),
    )
    .order_by(deliveries.c.received_at, deliveries.c.id)
    .limit(1)
)
# Asked every half second by who has little to do.
_WAITS_BEHIND = Prepared(
    sa.select(deliveries.c.thread)
    .join(claims, claims.c.thread == deliveries.c.thread)
    .where(
        deliveries.c.done_at.is_(None),
        claims.c.until > sa.bindparam("now"),
        claims.c.worker != sa.bindparam("by"),
    )
    .group_by(deliveries.c.thread)
    .having(sa.func.count() > 1)
    .limit(1)
)
# These run for every message.
_NEXT_TWO = Prepared(
    sa.select(*(deliveries.c[name] for name in Delivery.__dataclass_fields__))
    .where(deliveries.c.thread == sa.bindparam("of"), deliveries.c.done_at.is_(None))
    .order_by(deliveries.c.timestamp, deliveries.c.id)
    .limit(2)
)
_STARTED = Prepared(
    sa.update(deliveries)
    .where(deliveries.c.id == sa.bindparam("delivery"))
    .values(attempts=deliveries.c.attempts + 1)
)
_MARK_DONE = Prepared(
    sa.update(deliveries)
    .where(deliveries.c.id == sa.bindparam("delivery"))
    .values(done_at=sa.bindparam("now"), outcome=sa.bindparam("new_outcome"))
)
_RELEASE_CLAIM = Prepared(
    sa.delete(claims).where(claims.c.thread == sa.bindparam("of"), claims.c.worker == sa.bindparam("by"))
)
_RENEW = Prepared(
    sa.update(claims)
    .where(claims.c.thread == sa.bindparam("of"), claims.c.worker == sa.bindparam("by"))
    .values(until=sa.bindparam("new_until"))
)
_IS_BUSY = Prepared(
    sa.select(
        sa.or_(
            sa.exists().where(claims.c.thread == sa.bindparam("of")),
            sa.exists().where(deliveries.c.thread == sa.bindparam("of"), deliveries.c.done_at.is_(None)),
        ).label("is_busy")
    )
)
_CLAIMED = Prepared(sa.select(claims.c.worker, claims.c.until).where(claims.c.thread == sa.bindparam("of")))
_CLAIM = Prepared(
    sa.text(
        "INSERT INTO claims (thread, worker, until) VALUES (:thread, :worker, :until) "
        "ON CONFLICT (thread) DO UPDATE SET worker = excluded.worker, until = excluded.until "
        "WHERE claims.until <= :now OR claims.worker = excluded.worker"
    )
)


def rows(items: Iterable[Item], now: float) -> List[Dict[str, Any]]:
    """Return the rows to store for *items*. Those without a thread are for messenger/page_events.py."""
    return [
        {
            "key": item.key,
            "thread": item.event.thread,
            "timestamp": item.event.timestamp or int(now * 1000),
            "kind": EVENT,
            "body": item.body,
            "received_at": now,
            "done_at": None,
            "outcome": "",
            "attempts": 0,
            "failures": 0,
            "rounds": 0,
        }
        for item in items
        if item.event.thread
    ]


def add(connection: Connection, new: List[Dict[str, Any]], *, telling: bool = True) -> None:
    """Store rows; those whose key is there already are repeats, and left out.

    Not *telling*: the caller begins with them in this transaction, or tells the other processes of them.
    """
    if new:
        # Two processes that store the same deliveries at once would wait for each other for ever, had each
        # begun with what the other one ends with. Within a thread the order of arrival stays.
        in_one_order = sorted(new, key=lambda row: (row["thread"], row["timestamp"]))
        insert_new(connection, deliveries, in_one_order)
        if telling:
            tell(connection)


def add_done(connection: Connection, new: Mapping[str, Any], *, outcome: str, now: float) -> bool:
    """Store a row that waits for nothing any more; False: it is a repeat, and left out."""
    return insert_one(connection, deliveries, {**new, "done_at": now, "outcome": outcome})


def add_note(
    connection: Connection, thread: str, kind: str, *, key: str, body: Mapping[str, Any], now: float
) -> None:
    """Queue a note to the worker."""
    row = {"key": key, "thread": thread, "timestamp": _NOTE_TIMESTAMP, "kind": kind, "body": json.dumps(body)}
    counts = {"attempts": 0, "failures": 0, "rounds": 0}
    add(connection, [{**row, "received_at": now, "done_at": None, "outcome": "", **counts}])


def next_of(connection: Connection, thread: str) -> Optional[Delivery]:
    """Return what is to be processed next in *thread*."""
    return next(iter(next_two(connection, thread)), None)


def next_two(connection: Connection, thread: str) -> List[Delivery]:
    """Return what is to be processed next in *thread*, and what after it: whether anything is."""
    return [Delivery(**found) for found in _NEXT_TWO.rows(connection, {"of": thread})]


def started(connection: Connection, delivery: int) -> None:
    """Count an attempt, so that one which kills the process is not tried for ever."""
    _STARTED.changed(connection, {"delivery": delivery})


def count(connection: Connection, delivery: int, **more: int) -> None:
    """Add to the counts of a delivery: `attempts`, `failures`, `rounds`. Nothing is written for zeros."""
    values = {name: deliveries.c[name] + number for name, number in more.items() if number}
    if values:
        connection.execute(sa.update(deliveries).where(deliveries.c.id == delivery).values(**values))


def done(connection: Connection, delivery: int, *, outcome: str, now: float) -> None:
    """Take a delivery off the queue."""
    _MARK_DONE.changed(connection, {"delivery": delivery, "now": now, "new_outcome": outcome})


def newest_id(connection: Connection) -> int:
    """Return the id of the newest delivery: those up to it were received before now."""
    return int(connection.execute(sa.select(sa.func.max(deliveries.c.id))).scalar() or 0)


def bodies_of(connection: Connection, keys: Iterable[str]) -> Dict[str, str]:
    """Return the bodies of the deliveries with these keys, as long as they are kept."""
    query = sa.select(deliveries.c.key, deliveries.c.body).where(deliveries.c.key.in_(list(keys)))
    return {row.key: row.body for row in connection.execute(query)}


def is_anything_waiting(connection: Connected, *, now: float) -> bool:
    """Tell whether there is a thread that has work and is not claimed by anybody."""
    return bool(_WAITS.rows(connection, {"now": now}))


def is_anything_behind_others(connection: Connected, *, worker: str, now: float) -> bool:
    """Tell whether another worker has a thread in which more waits than it is at."""
    return bool(_WAITS_BEHIND.rows(connection, {"now": now, "by": worker}))


def claim(connection: Connection, thread: str, *, worker: str, now: float, until: float) -> bool:
    """Claim *thread* for *worker* until the given time, or renew the claim. False: it is somebody else's."""
    given = {"thread": thread, "worker": worker, "now": now, "until": until}
    return _CLAIM.changed(connection, given) == 1


def claimed(connection: Connection, thread: str) -> Optional[Tuple[str, float]]:
    """Return which worker has claimed *thread*, and until when, however long ago; None: nobody has."""
    found = _CLAIMED.rows(connection, {"of": thread})
    return (found[0]["worker"], found[0]["until"]) if found else None


def is_busy(connection: Connection, thread: str) -> bool:
    """Tell whether anything waits in *thread*, or anybody has claimed it, however long ago."""
    return bool(_IS_BUSY.rows(connection, {"of": thread})[0]["is_busy"])


def hurry(connection: Connection) -> None:
    """Let the rest of the transaction wait for nobody's row longer than half a second; it fails then.

    On SQLite the transaction has waited already, for all others at once.
    """
    if connection.dialect.name == "postgresql":
        connection.execute(_HURRY)


def claim_waiting(connection: Connection, *, worker: str, now: float, until: float, limit: int) -> List[str]:
    """Claim the longest waiting threads that are nobody's, and return them, the least interrupted first.

    Suspects come after all others, whatever the limit: what kills the process is begun after what was only
    hit with it. Workers that look at the same moment get different threads: on PostgreSQL each passes over
    what another one looks at, SQLite lets one of them write at a time.
    """
    interrupted = deliveries.c.attempts
    # A subquery with a limit: the outer one asks, in its order, for no more locks than it finds threads.
    heads = (
        sa.select(deliveries.c.id, deliveries.c.thread, deliveries.c.attempts)
        .where(
            deliveries.c.id.in_(_heads(connection, now, OLDEST_LOOKED_AT)),
            deliveries.c.thread.not_in(_claimed_at(now)),  # again: others have looked since
        )
        .order_by(
            sa.case((interrupted < SUSPECT, 0), else_=interrupted),
            deliveries.c.received_at,
            deliveries.c.id,
        )
        .limit(OLDEST_LOOKED_AT)
        .subquery()
    )
    query = sa.select(heads.c.thread, heads.c.attempts).limit(limit)
    if connection.dialect.name == "postgresql":
        # Not locks of the rows: whoever has just claimed one of these threads is about to write there, and
        # would wait for us as we wait for its claim.
        number = sa.cast(heads.c.id % _GREATEST, sa.Integer)
        query = query.where(sa.func.pg_try_advisory_xact_lock(_LOOKED_AT, number))
    found = {row.thread: row.attempts for row in connection.execute(query)}
    # In one order everywhere: of two workers none waits for the other one in a circle.
    claimed = {
        thread for thread in sorted(found) if claim(connection, thread, worker=worker, now=now, until=until)
    }
    return sorted((thread for thread in found if thread in claimed), key=lambda thread: found[thread])


def renew(connection: Connection, threads: Sequence[str], *, worker: str, until: float) -> None:
    """Renew the claims that *worker* has on these threads."""
    for thread in sorted(threads):  # in one order everywhere: see `claim_waiting`
        _RENEW.changed(connection, {"of": thread, "by": worker, "new_until": until})


def release(connection: Connection, *, worker: str, thread: Optional[str] = None) -> None:
    """Give up the claim on *thread*, or every claim of *worker*."""
    if thread is None:
        connection.execute(sa.delete(claims).where(claims.c.worker == worker))
    else:
        _RELEASE_CLAIM.changed(connection, {"of": thread, "by": worker})


def claiming_workers(connection: Connection) -> List[str]:
    """Return the names of the workers that have claims."""
    return list(connection.execute(sa.select(claims.c.worker).distinct()).scalars())


def _claimed_at(now: float) -> Any:
    return sa.select(claims.c.thread).where(claims.c.until > now)


def _heads(connection: Connection, now: float, window: int) -> List[int]:
    """Return the longest waiting delivery of each thread that is nobody's, as far as *window* reaches."""
    oldest = (
        sa.select(deliveries.c.id, deliveries.c.thread)
        .where(deliveries.c.done_at.is_(None), deliveries.c.thread.not_in(_claimed_at(now)))
        .order_by(deliveries.c.received_at, deliveries.c.id)
        .limit(window)
    )
    first: Dict[str, int] = {}
    for found, thread in connection.execute(oldest):
        first.setdefault(thread, found)
    return list(first.values())
