"""Reads the open threads, those that the bot does not have: for `handover status`, and to return them all.

1. The list begins with the people who wait for an agent, the longest waiting first; then come the others, and
   among them those in which nothing has happened for longest.
2. A page costs what it shows: each of the two parts has an index in that order (schema.py), and the next page
   begins where the one before ended (`Place`).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, List, NamedTuple, Optional, Sequence

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from handover_channel.sentences import Sentence, restored
from handover_channel.store.findings import OF_THREADS
from handover_channel.store.schema import IS_GIVEN_UP, IS_OPEN, IS_WAITING, deliveries, findings, threads


class Place(NamedTuple):
    """Where a thread stands in the list: behind it the next page begins."""

    part: int  #: 0: the person waits for an agent; 1: the others
    at: float
    thread: str


@dataclass(frozen=True)
class OpenThread:
    """One thread that the bot does not have. Times in seconds since the epoch, by our clock."""

    id: str
    channel: str
    page: str
    control: str
    target: str
    owner: str
    reason: str
    changed_at: float
    until: Optional[float]
    active_at: float
    waiting_since: Optional[float]
    assignee: str
    last_at: int  #: ms, Meta's clock: when the person or the bot last said something; 0: not known
    refusal: Sentence  #: what Meta said of a return, "" for nothing
    attempts: int
    given_up: int  #: deliveries
    finding: str  #: what was found about this thread, "" for nothing
    place: Place


class Handover(NamedTuple):
    """One handover that is open: it is another one as soon as control has changed again."""

    thread: str
    control: str
    target: str
    changed_at: float


_COLUMNS_SHOWN = tuple(
    name
    for name in OpenThread.__dataclass_fields__
    if name not in ("refusal", "given_up", "finding", "place")
)

_given_up = (
    sa.select(deliveries.c.thread, sa.func.count().label("number"))
    .where(IS_GIVEN_UP)
    .group_by(deliveries.c.thread)
    .subquery("given_up")
)
_about = (
    sa.select(findings.c.subject, sa.func.max(findings.c.text).label("text"))
    .where(findings.c.kind.in_(sorted(OF_THREADS)))
    .group_by(findings.c.subject)
    .subquery("about")
)


def page(connection: Connection, *, limit: int, after: Optional[Place] = None) -> List[OpenThread]:
    """Return a page of the list, in the order of rule 1. *after*: the place of the last one before."""
    waiting = _part(0, threads.c.waiting_since, (IS_WAITING,), limit, after)  # in the inbox, so open
    others = _part(1, threads.c.active_at, (IS_OPEN, threads.c.waiting_since.is_(None)), limit, after)
    both = sa.union_all(sa.select(waiting), sa.select(others)).subquery("both")
    query = (
        sa.select(
            both,
            sa.func.coalesce(_given_up.c.number, 0).label("given_up"),
            sa.func.coalesce(_about.c.text, "").label("finding"),
        )
        .select_from(
            both.outerjoin(_given_up, _given_up.c.thread == both.c.id).outerjoin(
                _about, _about.c.subject == both.c.id
            )
        )
        .order_by(both.c.part, both.c.at, both.c.id)
        .limit(limit)
    )
    return [_open_thread(row) for row in connection.execute(query).mappings()]


def handovers(
    connection: Connection, *, targets: Sequence[str] = (), before: Optional[float] = None
) -> List[Handover]:
    """Return the open handovers, the oldest first. *targets*: to these alone; *before*: begun before that."""
    columns = (threads.c.id, threads.c.control, threads.c.target, threads.c.changed_at)
    query = sa.select(*columns).where(IS_OPEN)
    if targets:
        query = query.where(threads.c.target.in_(list(targets)))
    if before is not None:
        query = query.where(threads.c.changed_at <= before)
    query = query.order_by(threads.c.changed_at, threads.c.id)
    return [Handover(*row) for row in connection.execute(query)]


def _part(number: int, by: Any, which: Sequence[Any], limit: int, after: Optional[Place]) -> Any:
    columns = [threads.c[name] for name in (*_COLUMNS_SHOWN, "refusal")]
    query = sa.select(*columns, sa.literal(number).label("part"), by.label("at")).where(*which)
    if after is not None and after.part == number:
        # As a row: an OR would read everything that comes before, too.
        query = query.where(sa.tuple_(by, threads.c.id) > sa.tuple_(after.at, after.thread))
    elif after is not None and after.part > number:
        query = query.where(sa.false())
    return query.order_by(by, threads.c.id).limit(limit).subquery(f"part_{number}")


def _open_thread(row: Any) -> OpenThread:
    return OpenThread(
        **{name: row[name] for name in _COLUMNS_SHOWN},
        refusal=restored(row["refusal"]),
        given_up=int(row["given_up"]),
        finding=row["finding"],
        place=Place(row["part"], row["at"], row["id"]),
    )
