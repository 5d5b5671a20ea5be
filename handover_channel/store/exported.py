"""Reads handovers and lines of transcripts for `handover export`, however many there are.

1. A handover is counted as the metrics count it (statistics.py): once somebody else has control, by a pass
   once that has succeeded. From one app to another it is the same handover.
2. It is read in pages by key, never by OFFSET: the memory it takes does not grow with the rows, and each page
   costs the same. Who wants one view of all pages gives a connection of `Store.snapshot`.
3. Rows of people who were forgotten (personal_data.py, rule 3) are nobody's, and left out.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any, Dict, Iterator, List, Mapping, Optional, Sequence, Tuple

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from handover_channel.rules.control import Control
from handover_channel.store import Store
from handover_channel.store.schema import changes, people, threads, transcript
from handover_channel.store.transcript import AGENT, APP

#: Rows of a page.
PAGE_OF_ROWS = 1000


@dataclass(frozen=True)
class Wanted:
    """Which rows: from `since` on and before `until`, in seconds since the epoch; of a target, "" for all."""

    since: Optional[float] = None
    until: Optional[float] = None
    target: str = ""

    def has(self, at: float) -> bool:
        """Tell whether that time is one of these."""
        return (self.since is None or at >= self.since) and (self.until is None or at < self.until)


@dataclass(frozen=True)
class Handover:
    """One handover. Times are seconds since the epoch, by our clock; that of the answer is Meta's."""

    thread: str
    page: str
    channel: str
    target: str
    reason: str
    who: str  #: asked for it
    handed_over_at: float
    first_answer_at: Optional[float]  #: of an agent or another app; None: nobody answered, or it is deleted
    returned_at: Optional[float]  #: None: the bot does not have it back
    return_reason: str


@dataclass(frozen=True)
class SaidLine:
    """One line of a transcript: see transcript.Line."""

    thread: str
    page: str
    channel: str
    target: str  #: whose the thread was at the time
    at: float  #: seconds since the epoch, by Meta's clock
    author: str
    agent: str
    app_id: str
    text: str
    attachments: List[Mapping[str, Any]]
    mid: str
    reply_to: str
    original: Optional[str]  #: the text before the first edit


def handovers(connection: Connection, wanted: Wanted) -> Iterator[Handover]:
    """Yield the handovers that began in that time, in the order in which somebody else had control."""
    conditions = [*_ARE_HANDOVERS]
    if wanted.since is not None:
        conditions.append(changes.c.at >= wanted.since)  # a pass began before it had succeeded: more below
    if wanted.target:
        conditions.append(changes.c.target == wanted.target)
    for row in _paged(connection, _all_of_a_handover(_page_of(_HANDOVER_ITSELF, changes.c.id, conditions))):
        if wanted.has(row["handed_over_at"]):
            yield Handover(**row)


def lines(connection: Connection, wanted: Wanted) -> Iterator[SaidLine]:
    """Yield the lines of transcripts that were said in that time, in the order in which they were kept."""
    conditions = [transcript.c.thread != ""]
    if wanted.since is not None:
        conditions.append(wanted.since <= _SAID_AT)
    if wanted.until is not None:
        conditions.append(wanted.until > _SAID_AT)
    if wanted.target:
        conditions.append(_TARGET_THEN == wanted.target)  # noqa: SIM300  (SQLAlchemy's, not ours)
    for row in _paged(connection, _all_of_a_line(_page_of(_LINE_ITSELF, transcript.c.id, conditions))):
        yield SaidLine(**{**row, "attachments": json.loads(row["attachments"])})


def is_known_target(connection: Connection, target: str) -> bool:
    """Tell whether a thread was ever handed over to *target*: it may be gone from the settings."""
    query = sa.select(changes.c.id).where(changes.c.target == target).limit(1)
    return connection.execute(query).first() is not None


def people_by_thread(store: Store, since: Optional[float] = None) -> Iterator[Tuple[str, str]]:
    """Yield every thread that was active since then, with the person's name, "" where Meta told none.

    Each page is read on its own: what is done with a thread may take its time.
    """
    last = ""
    while True:
        query = (
            sa.select(threads.c.id, sa.func.coalesce(people.c.name, ""))
            .select_from(threads.outerjoin(people, people.c.thread == threads.c.id))
            .where(threads.c.id > last, *([] if since is None else [threads.c.active_at >= since]))
            .order_by(threads.c.id)
            .limit(PAGE_OF_ROWS)
        )
        with store.reading() as connection:
            found = connection.execute(query).all()
        yield from ((thread, name) for thread, name in found)
        if len(found) < PAGE_OF_ROWS:
            return
        last = found[-1][0]


def _paged(connection: Connection, query: sa.sql.Select) -> Iterator[Dict[str, Any]]:
    last = 0
    while True:
        found = connection.execute(query, {"last": last}).mappings().all()
        for row in found:
            values = dict(row)
            last = values.pop("id")
            yield values
        if len(found) < PAGE_OF_ROWS:
            return


def _page_of(columns: Sequence[Any], key: sa.Column, conditions: Sequence[Any]) -> Any:
    """Return the next page of a table. Its LIMIT has PostgreSQL join these rows alone with others.

    In one query without it, PostgreSQL reads the whole of the other table for each page.
    """
    query = sa.select(key, *columns).where(key > sa.bindparam("last"), *conditions)
    return query.order_by(key).limit(PAGE_OF_ROWS).subquery()


# --- handovers: the parts of a row are found by the index on the thread ---
# The `+ 0` is for PostgreSQL: for a plain smallest or largest id it may walk over those of all threads.

_BEFORE, _AFTER, _LEFT, _THE_RETURN = changes.alias(), changes.alias(), changes.alias(), changes.alias()
_OF_THE_BOT, _PASSING = Control.BOT.value, Control.PASSING.value
_MS = 1000.0

_ARE_HANDOVERS = (
    changes.c.control_before.in_([_OF_THE_BOT, _PASSING]),
    changes.c.control.not_in([_OF_THE_BOT, _PASSING]),
    changes.c.thread != "",
)
#: By which the bot lost control: the change itself, or that which began the pass.
_LEFT_ID = sa.select(sa.func.max(_BEFORE.c.id + 0)).where(
    _BEFORE.c.thread == changes.c.thread,
    _BEFORE.c.id <= changes.c.id,
    _BEFORE.c.control_before == _OF_THE_BOT,
)
_RETURN_ID = sa.select(sa.func.min(_AFTER.c.id + 0)).where(
    _AFTER.c.thread == changes.c.thread, _AFTER.c.id > changes.c.id, _AFTER.c.control == _OF_THE_BOT
)
_HANDOVER_ITSELF = (
    *(changes.c[name] for name in ("thread", "target", "reason", "who", "at")),
    _LEFT_ID.scalar_subquery().label("left_id"),
    _RETURN_ID.scalar_subquery().label("return_id"),
)


def _all_of_a_handover(page: Any) -> sa.sql.Select:
    def left(name: str) -> Any:  # the change that began a pass may be deleted already
        return sa.func.coalesce(_LEFT.c[name], page.c[name])

    first_answer = sa.select(sa.func.min(transcript.c.timestamp) / _MS).where(
        transcript.c.thread == page.c.thread,
        transcript.c.author.in_([AGENT, APP]),
        transcript.c.timestamp >= left("at") * _MS,
        sa.or_(_THE_RETURN.c.at.is_(None), transcript.c.timestamp <= _THE_RETURN.c.at * _MS),
    )
    rows = (
        page.outerjoin(threads, threads.c.id == page.c.thread)
        .outerjoin(_LEFT, _LEFT.c.id == page.c.left_id)
        .outerjoin(_THE_RETURN, _THE_RETURN.c.id == page.c.return_id)
    )
    return (
        sa.select(
            page.c.id,
            page.c.thread,
            sa.func.coalesce(threads.c.page, "").label("page"),
            sa.func.coalesce(threads.c.channel, "").label("channel"),
            page.c.target,
            left("reason").label("reason"),
            left("who").label("who"),
            left("at").label("handed_over_at"),
            first_answer.scalar_subquery().label("first_answer_at"),
            _THE_RETURN.c.at.label("returned_at"),
            sa.func.coalesce(_THE_RETURN.c.reason, "").label("return_reason"),
        )
        .select_from(rows)
        .order_by(page.c.id)
    )


# --- lines ---

_SAID_AT = transcript.c.timestamp / _MS


def _target_of(*conditions: Any, newest: bool) -> Any:
    """Return the target of the newest or oldest such change of the line's thread."""
    of_thread = (_AFTER.c.thread == transcript.c.thread, _AFTER.c.control != _OF_THE_BOT)
    order = (_AFTER.c.id + 0).desc() if newest else _AFTER.c.id + 0
    query = sa.select(_AFTER.c.target).where(*of_thread, *conditions)
    return query.order_by(order).limit(1).scalar_subquery()


# A line at the very beginning may have an earlier time: its clock is another one.
_TARGET_THEN = sa.func.coalesce(
    _target_of(_AFTER.c.at * _MS <= transcript.c.timestamp, newest=True), _target_of(newest=False), ""
)
_OF_A_LINE = ("thread", "author", "agent", "app_id", "text", "attachments", "reply_to", "original")
_LINE_ITSELF = (
    *(transcript.c[name] for name in _OF_A_LINE),
    _TARGET_THEN.label("target"),
    _SAID_AT.label("at"),
    sa.func.coalesce(transcript.c.mid, "").label("mid"),
)


def _all_of_a_line(page: Any) -> sa.sql.Select:
    return (
        sa.select(
            *page.c,
            sa.func.coalesce(threads.c.page, "").label("page"),
            sa.func.coalesce(threads.c.channel, "").label("channel"),
        )
        .select_from(page.outerjoin(threads, threads.c.id == page.c.thread))
        .order_by(page.c.id)
    )
