"""Hands out, or deletes, all that is kept about one person, by the thread (conversation) with them.

1. Every table with a column `thread` belongs to it, and those of `_BY_OTHER_NAMES`. `WITHOUT_PEOPLE` are the
   others; a test fails while a table is in neither.
2. It is deleted in one transaction, with the claim on the thread held: no worker is at it meanwhile.
3. On SQLite the newest row of a table that counts its rows keeps its number and what is nobody's: the number
   would be given again, and numbers say what came before what.

https://gdpr-info.eu/art-15-gdpr/, https://gdpr-info.eu/art-17-gdpr/
"""

from __future__ import annotations

import json
from typing import Any, Dict, List

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from handover_channel.sentences import restored
from handover_channel.store import deliveries as queue
from handover_channel.store.admin_schema import agent_links, canned_replies
from handover_channel.store.schema import deliveries, findings, metadata, sent, threads, transcript
from handover_channel.store.search_schema import search_progress

_BY_OTHER_NAMES = {"threads": threads.c.id, "findings": findings.c.subject}

#: Tables that say nothing about a person; `sent` goes with the deliveries that it names.
WITHOUT_PEOPLE = frozenset(
    {
        "agents",
        agent_links.name,
        canned_replies.name,
        "sign_ins",
        "entrance_keys",
        "failed_sign_ins",
        "pages",
        "sent",
        search_progress.name,
    }
)

#: What the numbered rows that stay may go on telling: none of it is about a person.
_NOBODYS = frozenset({"control", "control_before", "reason", "target", "kind", "state", "outcome"})

_FORGOTTEN = "forgotten"
_WORKER = "handover forget"

#: Columns whose text is JSON.
_JSON_COLUMNS = frozenset({"body", "context", "attachments"})

#: Columns with a sentence: sentences.py.
_SENTENCES = frozenset({"refusal", "error"})


def columns() -> Dict[str, sa.Column]:
    """Return the column that names the thread, of every table that has one."""
    named = {name: table.c.thread for name, table in metadata.tables.items() if "thread" in table.c}
    return {**named, **_BY_OTHER_NAMES}


def held(connection: Connection, thread: str) -> Dict[str, int]:
    """Return how many rows each table holds about the person; tables with none are left out."""
    counts = {
        name: connection.execute(sa.select(sa.func.count()).where(column == thread)).scalar()
        for name, column in columns().items()
    }
    return {name: int(count) for name, count in counts.items() if count}


def export(connection: Connection, thread: str) -> Dict[str, List[Dict[str, Any]]]:
    """Return every row about the person, by table; of a file its size instead of its bytes."""
    found = {
        name: [
            {key: _plain(key, value) for key, value in row.items()}
            for row in connection.execute(sa.select(column.table).where(column == thread)).mappings()
        ]
        for name, column in columns().items()
    }
    return {name: rows for name, rows in found.items() if rows}


def claim(connection: Connection, thread: str, *, now: float, until: float) -> bool:
    """Keep workers off the thread. False: one is at it now."""
    return queue.claim(connection, thread, worker=_WORKER, now=now, until=until)


def give_back(connection: Connection, thread: str) -> None:
    """Let workers have the thread again."""
    queue.release(connection, worker=_WORKER, thread=thread)


def forget(connection: Connection, thread: str, *, now: float) -> Dict[str, int]:
    """Delete it all, and return how many rows of each table."""
    if connection.dialect.name == "sqlite":
        # Whole pages too, which costs more than is good for every day: see Store.
        connection.execute(sa.text("PRAGMA secure_delete=ON"))
    counts = held(connection, thread)
    _forget_sent(connection, thread)
    for column in columns().values():
        _blank_the_newest(connection, column, thread, now)
        connection.execute(sa.delete(column.table).where(column == thread))
    return counts


def _forget_sent(connection: Connection, thread: str) -> None:
    numbers = sa.select(deliveries.c.id).where(deliveries.c.thread == thread)
    mids = sa.select(transcript.c.mid).where(transcript.c.thread == thread, transcript.c.mid.isnot(None))
    connection.execute(sa.delete(sent).where(sent.c.mid.in_(mids), sent.c.mid != ""))
    mine = {str(number) for (number,) in connection.execute(numbers)}
    tags = [tag for (tag,) in connection.execute(sa.select(sent.c.tag)) if tag.partition(".")[0] in mine]
    for begin in range(0, len(tags), 500):
        connection.execute(sa.delete(sent).where(sent.c.tag.in_(tags[begin : begin + 500])))


def _blank_the_newest(connection: Connection, column: sa.Column, thread: str, now: float) -> None:
    table = column.table
    number = table.c.get("id")
    if connection.dialect.name != "sqlite" or number is None or isinstance(number.type, sa.Text):
        return  # it does not count its rows, or never gives a number again
    newest = connection.execute(sa.select(sa.func.max(table.c.id))).scalar()
    blank = {each.name: _blank(each, newest, now) for each in table.c if each.name not in _NOBODYS}
    values = {name: value for name, value in blank.items() if value is not ...}
    connection.execute(sa.update(table).where(table.c.id == newest, column == thread).values(**values))


def _blank(column: sa.Column, number: int, now: float) -> Any:
    if column.name == "key":
        return f"{_FORGOTTEN}:{number}"
    if column.name == "done_at":
        return now  # nobody works it off
    if column.nullable:
        return None
    return "" if isinstance(column.type, sa.Text) else ...


def _plain(key: str, value: Any) -> Any:
    if isinstance(value, (bytes, memoryview)):
        return {"bytes": len(value)}
    if key in _SENTENCES and isinstance(value, str):
        return str(restored(value))
    if key in _JSON_COLUMNS and isinstance(value, str) and value:
        try:
            return json.loads(value)
        except ValueError:
            return value
    return value
