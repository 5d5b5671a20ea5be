"""Deletes what is old, in small transactions: others who wait for the database get in between.

1. Only what is done is deleted; what was given up stays until a person has seen to it, or lets it go.
2. The newest row of each table stays: SQLite would give its id again, and ids say what came before what.
"""

from __future__ import annotations

import time
from typing import Callable

import sqlalchemy as sa

from handover_channel.rules.control import Control
from handover_channel.store import Store, findings
from handover_channel.store.personal_data import columns
from handover_channel.store.queue_admin import GIVEN_UP
from handover_channel.store.replies import DROPPED, SENT
from handover_channel.store.replies import FAILED as UNSENT
from handover_channel.store.schema import (
    acts,
    changes,
    deliveries,
    edits,
    handovers,
    people,
    remarks,
    replies,
    sent,
    thread_events,
    threads,
    transcript,
)
from handover_channel.store.search_schema import searched
from handover_channel.store.search_sources import KIND_OF_NAMES

#: Tables with what was said, done or is to be done in a thread: while there is any of it, the thread stays.
_CONTENT = frozenset(
    {"deliveries", "transcript", "changes", "acts", "replies", "remarks", "deadlines", "claims"}
)

#: Rows looked at in one transaction.
BATCH = 1000
#: Seconds between two.
PAUSE_BETWEEN_BATCHES = 0.02

_Sleep = Callable[[float], None]


def delete_deliveries(store: Store, *, before: float, sleep: _Sleep = time.sleep) -> int:
    """Delete deliveries done before that time (seconds since the epoch), and what is kept about sending."""
    gone = sa.and_(deliveries.c.done_at < before, deliveries.c.outcome.not_in(GIVEN_UP))
    count = _delete(store, deliveries, deliveries.c.received_at, before, gone, sleep)
    over = sa.and_(replies.c.at < before, replies.c.state.in_((SENT, DROPPED)))
    _delete(store, replies, replies.c.at, before, over, sleep)
    _delete_by_key(store, sent.c.tag, sent.c.at < before, sleep)
    with store.writing() as connection:
        findings.tidy(connection, now=time.time())
    return count


def delete_transcript(store: Store, *, before: float, sleep: _Sleep = time.sleep) -> int:
    """Delete what was said before that time, and what agents noted; names that nobody has looked at since."""
    at = transcript.c.timestamp / 1000.0
    _delete(store, remarks, remarks.c.at, before, remarks.c.at < before, sleep)
    _delete_by_key(store, people.c.thread, people.c.fetched_at < before, sleep)
    _delete_by_key(store, searched.c.place, _no_longer_searched(before), sleep)
    _forget_words(store, before, sleep)
    for table in (edits, thread_events):
        then = table.c.timestamp / 1000.0
        _delete(store, table, then, before, then < before, sleep)
    return _delete(store, transcript, at, before, at < before, sleep)


def delete_changes(store: Store, *, before: float, sleep: _Sleep = time.sleep) -> int:
    """Delete changes of control before that time, and what agents did; returns how many changes.

    With them go the handovers that began before then and are over.
    """
    over = sa.and_(handovers.c.began_at < before, handovers.c.ended_at.isnot(None))
    _delete_by_key(store, handovers.c.change, over, sleep)
    _delete(store, acts, acts.c.at, before, acts.c.at < before, sleep)
    return _delete(store, changes, changes.c.at, before, changes.c.at < before, sleep)


def delete_given_up(store: Store, *, before: float, sleep: _Sleep = time.sleep) -> int:
    """Delete deliveries given up before that time, and replies that could not be sent, with their files."""
    failed = sa.and_(replies.c.at < before, replies.c.state == UNSENT)
    count = _delete(store, replies, replies.c.at, before, failed, sleep)
    given_up = sa.and_(deliveries.c.done_at < before, deliveries.c.outcome.in_(GIVEN_UP))
    return count + _delete(store, deliveries, deliveries.c.received_at, before, given_up, sleep)


def delete_threads(store: Store, *, before: float, sleep: _Sleep = time.sleep) -> int:
    """Delete threads that the bot has, that nobody wrote in since that time, and of which nothing is left.

    With them go tags, names and read marks. What is left: anything in `_CONTENT`, see the other functions.
    """
    named = columns()
    empty = [~sa.exists().where(named[name] == threads.c.id) for name in sorted(_CONTENT)]
    over = sa.and_(threads.c.control == Control.BOT.value, threads.c.active_at < before, *empty)
    size = min(BATCH, 500)  # an old SQLite takes 999 values
    these = sa.select(threads.c.id).where(over).limit(size)
    count, found = 0, size
    while found == size:
        with store.writing() as connection:
            gone = list(connection.execute(these).scalars())
            for name in named.keys() - _CONTENT - {"threads"}:
                connection.execute(sa.delete(named[name].table).where(named[name].in_(gone)))
            # Once more with all conditions: somebody may have written meanwhile.
            count += connection.execute(sa.delete(threads).where(threads.c.id.in_(gone), over)).rowcount
        found = len(gone)
        sleep(PAUSE_BETWEEN_BATCHES)
    return count


def _no_longer_searched(before: float) -> sa.sql.ColumnElement:
    """Return the condition for names that are gone, and for what was said to the bot before that time."""
    is_kept = sa.exists().where(people.c.thread == searched.c.thread)
    return sa.case(
        (searched.c.kind == KIND_OF_NAMES, ~is_kept), else_=searched.c.timestamp < int(before * 1000)
    )


def _forget_words(store: Store, before: float, sleep: _Sleep) -> None:
    """Take the last words out of the threads where they are as old."""
    old = sa.and_(threads.c.last_at > 0, threads.c.last_at < int(before * 1000))
    these = sa.select(threads.c.id).where(old).limit(BATCH)
    changed = BATCH
    while changed == BATCH:
        with store.writing() as connection:
            nothing = {"last_at": 0, "last_author": "", "last_text": "", "last_file": ""}
            changed = connection.execute(
                sa.update(threads).where(threads.c.id.in_(these)).values(**nothing)
            ).rowcount
        sleep(PAUSE_BETWEEN_BATCHES)


def _delete_by_key(store: Store, key: sa.Column, gone: sa.sql.ColumnElement, sleep: _Sleep) -> None:
    """Delete what is gone from a table without numbers."""
    old = sa.select(key).where(gone).limit(BATCH)
    deleted = BATCH
    while deleted == BATCH:
        with store.writing() as connection:
            deleted = connection.execute(sa.delete(key.table).where(key.in_(old))).rowcount
        sleep(PAUSE_BETWEEN_BATCHES)


def _delete(
    store: Store,
    table: sa.Table,
    at: sa.sql.ColumnElement,
    before: float,
    gone: sa.sql.ColumnElement,
    sleep: _Sleep,
) -> int:
    """Walk through *table* by id, as long as there is something from before, and delete what is gone."""
    with store.reading() as connection:
        newest = connection.execute(sa.select(sa.func.max(table.c.id))).scalar() or 0
    count = last = 0
    while True:
        batch = (
            sa.select(table.c.id, at.label("at")).where(table.c.id > last).order_by(table.c.id).limit(BATCH)
        )
        found = batch.subquery()
        with store.reading() as connection:
            until, oldest = connection.execute(
                sa.select(sa.func.max(found.c.id), sa.func.min(found.c["at"]))
            ).one()
        if until is None or oldest >= before:
            return count
        these = (table.c.id > last, table.c.id <= until, table.c.id < newest)
        with store.writing() as connection:
            count += connection.execute(sa.delete(table).where(*these, gone)).rowcount
        last = until
        sleep(PAUSE_BETWEEN_BATCHES)
