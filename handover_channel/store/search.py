"""Searches names, transcripts and what was said to the bot, over all conversations or those of one list.

A page of what is found begins below a `Below` and costs what it shows: search_index.py says how. What a list
is narrowed to counts for the conversations of what is found.
"""

from __future__ import annotations

import time
from typing import Any, Callable, Dict, List, NamedTuple, Sequence

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from handover_channel.store import conversation_lists, search_index
from handover_channel.store.conversation_lists import Narrowed
from handover_channel.store.list_orders import THREADS_OF
from handover_channel.store.schema import read_marks, threads, transcript
from handover_channel.store.search_index import LINES, OF_NAMES, OF_WORDS, SEARCHED
from handover_channel.store.search_schema import searched

#: No id is as high.
TOP = 2**62

#: Messages that are looked at for one page, in each index: of one conversation the newest is shown.
HITS_A_PAGE = 400


class Below(NamedTuple):
    """Where a page begins: below these ids; 0: there is nothing more in that index."""

    line: int = TOP
    searched: int = TOP


class Hit(NamedTuple):
    """One message in which everything was found that is looked for."""

    timestamp: int  #: ms
    thread: str
    author: str
    text: str
    key: str  #: "line-7", by the id of the transcript's line; "bot-7", by the number of Rasa's event
    id: int  #: in its index


class Found(NamedTuple):
    """One page: the newest hit of each conversation, and where the next page begins."""

    hits: List[Hit]
    more: Dict[str, int]  #: thread -> how many further hits of it were seen
    below: Below

    @property
    def is_last(self) -> bool:
        """Whether there is no other page."""
        return self.below == Below(0, 0)


def names(
    connection: Connection,
    wanted: Sequence[str],
    *,
    conditions: Sequence[Any],
    agent: str,
    limit: int,
    clock: Callable[[], float] = time.monotonic,
) -> List[str]:
    """Return the threads of people whose names have all that is wanted, the last active first."""
    ids = search_index.find(
        connection, SEARCHED, wanted, below=TOP, limit=HITS_A_PAGE, kind=OF_NAMES, clock=clock
    ).ids
    query = (
        _with_marks(
            sa.select(threads.c.id).select_from(searched.join(threads, threads.c.id == searched.c.thread))
        )
        .where(searched.c.place.in_(ids), *conditions)
        .order_by(threads.c.active_at.desc())
        .limit(limit)
    )
    return list(connection.execute(query, {"agent": agent}).scalars()) if ids else []


def messages(
    connection: Connection,
    wanted: Sequence[str],
    *,
    conditions: Sequence[Any],
    agent: str,
    below: Below,
    limit: int,
    clock: Callable[[], float] = time.monotonic,
) -> Found:
    """Return the newest messages that have all that is wanted, of *limit* conversations at most."""
    streams = []
    for index, start, rows in ((LINES, below.line, _lines), (SEARCHED, below.searched, _heard)):
        found = search_index.Hits([], 0)
        if start:
            found = search_index.find(
                connection, index, wanted, below=start, limit=HITS_A_PAGE, kind=OF_WORDS, clock=clock
            )
        hits = rows(connection, found.ids, conditions, agent) if found.ids else []
        streams.append(_Stream(sorted(hits, key=lambda hit: -hit.id), found.reached))
    return _merged(streams, limit)


class _Stream:
    """The hits of one index, the newest first, to be taken one after the other."""

    def __init__(self, hits: List[Hit], reached: int) -> None:
        self._hits, self._reached, self._taken = hits, reached, 0

    @property
    def head(self) -> Any:
        """The next one, None where there is none here."""
        return self._hits[self._taken] if self._taken < len(self._hits) else None

    @property
    def is_cut(self) -> bool:
        """Whether older ones may come that are not known here."""
        return self.head is None and self._reached > 0

    def take(self) -> Hit:
        """Return the next one, and go on."""
        self._taken += 1
        return self._hits[self._taken - 1]

    @property
    def below(self) -> int:
        """Below which id it goes on."""
        return self.head.id + 1 if self.head is not None else self._reached


def _merged(streams: List[_Stream], limit: int) -> Found:
    hits: Dict[str, Hit] = {}
    more: Dict[str, int] = {}
    while any(stream.head for stream in streams):
        if hits and any(stream.is_cut for stream in streams):
            break  # what comes next may be in there
        newest = max((stream for stream in streams if stream.head), key=lambda stream: stream.head.timestamp)
        if newest.head.thread not in hits and len(hits) == limit:
            break
        hit = newest.take()
        if hit.thread in hits:
            more[hit.thread] = more.get(hit.thread, 0) + 1
        hits.setdefault(hit.thread, hit)
    return Found(list(hits.values()), more, Below(*(stream.below for stream in streams)))


def conditions_of(name: str, narrowed: Narrowed) -> List[Any]:
    """Return the conditions for the conversations of the list *name* ("" for all), narrowed."""
    return [*(THREADS_OF[name] if name else ()), *conversation_lists.conditions(narrowed)]


def _with_marks(query: sa.sql.Select) -> sa.sql.Select:
    return query.outerjoin(read_marks, conversation_lists.OWN_MARKS)


def _lines(connection: Connection, ids: Sequence[int], conditions: Sequence[Any], agent: str) -> List[Hit]:
    columns = (
        transcript.c.id,
        transcript.c.thread,
        transcript.c.timestamp,
        transcript.c.author,
        transcript.c.text,
    )
    query = sa.select(*columns).select_from(transcript.join(threads, threads.c.id == transcript.c.thread))
    rows = connection.execute(
        _with_marks(query).where(transcript.c.id.in_(ids), *conditions), {"agent": agent}
    )
    return [
        Hit(at, thread, author, text, f"line-{number}", number) for number, thread, at, author, text in rows
    ]


def _heard(connection: Connection, ids: Sequence[int], conditions: Sequence[Any], agent: str) -> List[Hit]:
    query = sa.select(searched).select_from(searched.join(threads, threads.c.id == searched.c.thread))
    rows = connection.execute(
        _with_marks(query).where(searched.c.place.in_(ids), *conditions), {"agent": agent}
    )
    return [
        Hit(row["timestamp"], row["thread"], row["kind"], row["text"], f"bot-{row['number']}", row["place"])
        for row in rows.mappings()
    ]
