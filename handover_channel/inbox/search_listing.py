"""Makes a page of what a search finds: people by their names, then conversations by what was said in them.

The first page begins with people; each conversation is shown by its newest message that has all words, and
the next page goes on with older ones.
"""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Any, Dict, List, Mapping, Optional, Sequence, Tuple

from sqlalchemy.engine import Connection

from handover_channel.inbox.list_items import frame_of, item_of, narrowed_by
from handover_channel.inbox.view_models import (
    BOT,
    MINE,
    OPEN,
    RETURNED,
    WAITING,
    Filters,
    Hit,
    Item,
    ListView,
)
from handover_channel.rules import search_words
from handover_channel.rules.control import Control
from handover_channel.settings.loader import Settings
from handover_channel.store import conversation_lists, search, search_sources, transcript
from handover_channel.store.search import Below

#: Threads on one page of the list.
THREADS_A_PAGE = 50

#: People on the first page of what is found; all others stand on a page of their own.
PEOPLE_FIRST = 5

_CURSOR_OF_SEARCH = re.compile(r"\A([0-9]{1,19})~([0-9]{1,19})\Z")


def found_view(
    connection: Connection,
    settings: Settings,
    filters: Filters,
    *,
    agent: str,
    shown_names: Mapping[str, str],
    now: float,
    after: str = "",
) -> ListView:
    """Return a page of what is found. *after*: cursor of the page before."""
    frame = frame_of(connection, settings, filters, agent=agent, shown_names=shown_names)
    wanted = search_words.wanted_of(filters.search)
    where = search.conditions_of(filters.list if filters.only == "list" else "", narrowed_by(filters))
    below = _below(after)
    people: List[str] = []
    if below is None:
        people = _people(connection, filters, wanted, where, agent)
    if not wanted or filters.only == "names":
        found = search.Found([], {}, Below(0, 0))
    else:
        found = search.messages(
            connection, wanted, conditions=where, agent=agent, below=below or Below(), limit=THREADS_A_PAGE
        )
    most = THREADS_A_PAGE if filters.only == "names" else PEOPLE_FIRST
    shown = [*people[:most], *(hit.thread for hit in found.hits)]
    items = _items(connection, settings, shown, agent, shown_names, now)
    return ListView(
        items=[_with_hit(items[hit.thread], hit, found, wanted) for hit in found.hits if hit.thread in items],
        people=[
            replace(items[each], named=search_words.marked(items[each].name, wanted))
            for each in people[:most]
            if each in items
        ],
        has_more_people=len(people) > most,
        after="" if found.is_last else f"{found.below.line}~{found.below.searched}",
        is_signs=not wanted and not people,
        missing_before=_missing_before(connection),
        **frame,
    )


def _people(
    connection: Connection, filters: Filters, wanted: Sequence[str], where: Sequence[Any], agent: str
) -> List[str]:
    """Return whose names have the words, and the thread that has them as its id."""
    by_id = conversation_lists.rows_of(connection, [filters.search], agent=agent)
    named: List[str] = []
    if wanted:
        limit = THREADS_A_PAGE + 1
        named = search.names(connection, wanted, conditions=where, agent=agent, limit=limit)
    return list(dict.fromkeys([*by_id, *named]))


def _items(
    connection: Connection,
    settings: Settings,
    ids: Sequence[str],
    agent: str,
    shown_names: Mapping[str, str],
    now: float,
) -> Dict[str, Item]:
    rows = conversation_lists.rows_of(connection, list(dict.fromkeys(ids)), agent=agent)
    tags = conversation_lists.tags_of(connection, list(rows))
    return {
        thread: replace(
            item_of(row, settings, agent, shown_names, tags.get(thread, ()), now), state=_state(row, agent)
        )
        for thread, row in rows.items()
    }


def _state(row: Mapping[str, Any], agent: str) -> str:
    """Return the list in which agents would look for it."""
    if row["control"] == Control.BOT.value:
        return RETURNED if row["reason"] else BOT
    if agent and row["assignee"] == agent:
        return MINE
    return WAITING if row["waiting_since"] is not None and not row["assignee"] else OPEN


def _with_hit(item: Item, hit: search.Hit, found: search.Found, wanted: Sequence[str]) -> Item:
    words = search_words.snippet(hit.text, wanted)
    shown = Hit(hit.key, hit.timestamp / 1000, hit.author, words, found.more.get(hit.thread, 0))
    return replace(item, hit=shown)


def _missing_before(connection: Connection) -> float:
    """Return before what time nothing can be found yet, as what there was is still being brought in."""
    line = search_sources.missing_since(connection)
    return transcript.said_at(connection, below=line) / 1000 if line is not None else 0.0


def _below(after: str) -> Optional[Below]:
    found = _CURSOR_OF_SEARCH.match(after)
    return Below(*_numbers(found.groups())) if found else None


def _numbers(given: Sequence[Any]) -> Tuple[int, ...]:
    return tuple(min(int(each), search.TOP) for each in given)
