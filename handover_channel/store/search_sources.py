"""Brings into the search what there is: lines of the transcript, names, and what was said to the bot.

1. Lines get in by steps of the inbox (inbox/search_indexing.py), so that writing one down costs nothing more:
   what is new, and what was there before the search was, the newest first. A step is short, and can be
   repeated; of several processes one does it.
2. A name gets in when it is kept (profiles.py); what an edit changes, when it does (edits.py).
3. What was said to the bot gets in after a handover, the last MOST_HEARD messages of it.
"""

from __future__ import annotations

from contextlib import suppress
from typing import Dict, List, Mapping, NamedTuple, Optional, Sequence, Tuple

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from handover_channel.rules.control import Control
from handover_channel.store import Store, search_index
from handover_channel.store.schema import changes, people, transcript
from handover_channel.store.search_index import LINES, OF_NAMES, SEARCHED
from handover_channel.store.search_schema import search_progress, searched
from handover_channel.store.upsert import insert

#: Rows of one step, and how many of the newest ones are looked at again: what commits later may have been
#: numbered earlier.
ROWS_A_STEP, ROWS_LOOKED_AT_AGAIN = 1000, 200
#: Messages to and of the bot that are kept of one handover, and characters of each.
MOST_HEARD, LONGEST_HEARD = 200, 2000
#: Handovers of one step; and of those from before the search was, how many of the newest are looked at.
HANDOVERS_A_STEP, HANDOVERS_FROM_BEFORE = 10, 10_000

KIND_OF_NAMES = "name"

#: Names of rows of `search_progress`: above `lines_to` all is new, below `lines_from` nothing is in yet.
_LINES_TO, _LINES_FROM, _NAMES_TO, _CHANGES_TO = "lines_to", "lines_from", "names", "changes"


class Heard(NamedTuple):
    """One message to the bot, or of the bot's."""

    number: int  #: of the event in Rasa's tracker
    who: str  #: "person", "bot"
    timestamp: int  #: ms
    text: str


def has_begun(connection: Connection) -> bool:
    """Tell whether it is noted where the search begins."""
    return connection.execute(sa.select(search_progress.c.name).limit(1)).first() is not None


def begin(connection: Connection) -> None:
    """Note where the search begins, once. What is there already is brought in from there backwards."""
    newest = int(connection.execute(sa.select(sa.func.max(transcript.c.id))).scalar() or 0)
    change = int(connection.execute(sa.select(sa.func.max(changes.c.id))).scalar() or 0)
    begun = {
        _LINES_TO: newest,
        _LINES_FROM: newest + 1,
        _NAMES_TO: "",
        _CHANGES_TO: max(change - HANDOVERS_FROM_BEFORE, 0),
    }
    rows = [{"name": name, "value": str(value)} for name, value in begun.items()]
    connection.execute(insert(connection, search_progress).on_conflict_do_nothing(), rows)


def missing_since(connection: Connection) -> Optional[int]:
    """Return below which id lines are not in yet; None: all are."""
    value = _progress(connection).get(_LINES_FROM)
    if value is None or int(value) <= 0:
        return None
    return int(value)


def bring_in_lines(store: Store) -> bool:
    """Do one step for the lines of transcripts. True: there is more to do."""
    with store.reading() as connection:
        known = _progress(connection)
        to, down_to = int(known[_LINES_TO]), int(known[_LINES_FROM])
        new = _lines(connection, transcript.c.id > to - ROWS_LOOKED_AT_AGAIN, transcript.c.id)
        older = _lines(connection, transcript.c.id < down_to, transcript.c.id.desc()) if down_to > 0 else []
    # In the order of their ids: FTS5 begins a new part of its index where one goes back.
    terms = search_index.terms_of(sorted(older) + sorted(new))
    now_to = max([to, *(number for number, _ in new)])
    now_from = min(number for number, _ in older) if len(older) == ROWS_A_STEP else 0
    if not any(terms.values()) and (now_to, now_from) == (to, down_to):
        return False
    with suppress(_Overtaken), store.writing(durable=False) as connection:
        _advance(connection, known, {_LINES_TO: str(now_to), _LINES_FROM: str(now_from)})
        search_index.put(connection, LINES, terms)
    return len(new) == ROWS_A_STEP or now_from > 0


def leave_out_deleted(store: Store) -> None:
    """Have nothing left in SQLite's file of words whose rows are deleted. Others write in between."""
    for index in (LINES, SEARCHED):
        is_begun = False
        while True:
            with store.writing(durable=False) as connection:
                if not search_index.write_anew(connection, index, begin=not is_begun):
                    break
            is_begun = True


def bring_in_names(store: Store) -> bool:
    """Do one step for the names that were there before the search was. True: there is more to do."""
    with store.reading() as connection:
        known = _progress(connection)
        if known[_NAMES_TO] == _LAST_NAME:
            return False
        query = sa.select(people.c.thread, people.c.name).where(people.c.thread > known[_NAMES_TO])
        found = connection.execute(query.order_by(people.c.thread).limit(ROWS_A_STEP)).all()
    last = found[-1][0] if len(found) == ROWS_A_STEP else _LAST_NAME
    with suppress(_Overtaken), store.writing(durable=False) as connection:
        _advance(connection, known, {_NAMES_TO: last})
        for thread, name in found:
            bring_in_name(connection, thread, name)
    return last != _LAST_NAME


#: No thread's id comes after it.
_LAST_NAME = "\U0010ffff"


def bring_in_name(connection: Connection, thread: str, name: str) -> None:
    """Have a person found by this name, in place of the one before; "" for none."""
    its = (searched.c.thread == thread, searched.c.kind == KIND_OF_NAMES)
    if not name:
        connection.execute(sa.delete(searched).where(*its))
        return
    values = {"thread": thread, "kind": KIND_OF_NAMES, "number": 0, "timestamp": 0, "text": name}
    new = insert(connection, searched).values(**values)
    keys = [searched.c.thread, searched.c.kind, searched.c.number]
    connection.execute(new.on_conflict_do_update(index_elements=keys, set_={"text": name}))
    place = connection.execute(sa.select(searched.c.place).where(*its)).scalar_one()
    search_index.put(connection, SEARCHED, search_index.terms_of([(place, name)], OF_NAMES))


def bring_in_line(connection: Connection, thread: str, mid: str) -> None:
    """Have a line found by the words that it has now."""
    its = (transcript.c.thread == thread, transcript.c.mid == mid)
    rows = connection.execute(sa.select(transcript.c.id, transcript.c.text).where(*its)).all()
    search_index.put(connection, LINES, search_index.terms_of((number, text) for number, text in rows))


class Handovers(NamedTuple):
    """Threads that the bot has lost, and up to which change they are all of them."""

    threads: List[str]
    since: str
    until: str


def handed_over(connection: Connection, *, before: float) -> Handovers:
    """Return the threads that the bot has lost since the last step, some at most. *before*: that time."""
    since = _progress(connection)[_CHANGES_TO]
    query = (
        sa.select(changes.c.id, changes.c.thread, changes.c.control_before, changes.c.control)
        .where(changes.c.id > int(since), changes.c.at < before)
        .order_by(changes.c.id)
        .limit(ROWS_A_STEP)
    )
    found: List[str] = []
    until = since
    for number, thread, of, to in connection.execute(query):
        if of == Control.BOT.value != to and thread and thread not in found:
            if len(found) == HANDOVERS_A_STEP:
                break
            found.append(thread)
        until = str(number)
    return Handovers(found, since, until)


def bring_in_heard(store: Store, handovers: Handovers, heard: Mapping[str, Sequence[Heard]]) -> None:
    """Have what was said to the bot in these threads found, and note that they were seen to."""
    if handovers.since == handovers.until:
        return
    with suppress(_Overtaken), store.writing(durable=False) as connection:
        _advance(connection, {_CHANGES_TO: handovers.since}, {_CHANGES_TO: handovers.until})
        for thread, said in heard.items():
            _bring_in(connection, thread, said)


def _bring_in(connection: Connection, thread: str, said: Sequence[Heard]) -> None:
    its = (searched.c.thread == thread, searched.c.kind != KIND_OF_NAMES)
    newest = connection.execute(sa.select(sa.func.max(searched.c.number)).where(*its)).scalar()
    rows = [
        {
            "thread": thread,
            "kind": each.who,
            "number": each.number,
            "timestamp": each.timestamp,
            "text": each.text[:LONGEST_HEARD],
        }
        for each in said[-MOST_HEARD:]
        if each.text and each.number > (-1 if newest is None else newest)
    ]
    if not rows:
        return
    connection.execute(insert(connection, searched).on_conflict_do_nothing(), rows)
    query = sa.select(searched.c.place, searched.c.text).where(*its, searched.c.number >= rows[0]["number"])
    places = connection.execute(query.order_by(searched.c.place)).all()
    search_index.put(connection, SEARCHED, search_index.terms_of((place, text) for place, text in places))


def _lines(
    connection: Connection, which: sa.sql.ColumnElement, by: sa.sql.ColumnElement
) -> List[Tuple[int, str]]:
    missing = search_index.is_missing(connection, LINES, transcript.c.id)
    query = sa.select(transcript.c.id, transcript.c.text).where(which, missing).order_by(by)
    return [(number, text) for number, text in connection.execute(query.limit(ROWS_A_STEP))]


def _progress(connection: Connection) -> Dict[str, str]:
    rows = connection.execute(sa.select(search_progress.c.name, search_progress.c.value))
    return {name: str(value) for name, value in rows}


class _Overtaken(Exception):
    """Another process was there first: this one has nothing to do."""


def _advance(connection: Connection, known: Mapping[str, str], values: Mapping[str, str]) -> None:
    """Note how far it is. Raises _Overtaken, which undoes the transaction."""
    for name, value in values.items():
        as_known = (search_progress.c.name == name, search_progress.c.value == known[name])
        done = connection.execute(sa.update(search_progress).where(*as_known).values(value=value))
        if done.rowcount != 1:
            raise _Overtaken
