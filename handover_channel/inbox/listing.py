"""Reads one page of the list of threads, as the page shows it."""

from __future__ import annotations

import re
from typing import Mapping, Optional

from sqlalchemy.engine import Connection

from handover_channel.inbox.list_items import frame_of, item_of, narrowed_by
from handover_channel.inbox.search_listing import THREADS_A_PAGE, found_view
from handover_channel.inbox.view_models import LISTS, WAITING, Filters, ListView
from handover_channel.settings.loader import Settings
from handover_channel.store import conversation_lists
from handover_channel.store.list_orders import ORDERS, Place, order_of

#: Arguments of the list's address.
ARGUMENTS = ("list", "search", "page", "target", "tag", "agent", "channel", "unread", "only", "after")

#: Longest search, in characters: a paste by mistake is not looked for.
LONGEST_SEARCH = 200

_CURSOR = re.compile(r"\A([a-z]{1,20})~([0-9])~([0-9]{1,14}(?:\.[0-9]{1,9})?)~(.{1,500})\Z", re.DOTALL)


def filters_of(query: Mapping[str, str]) -> Filters:
    """Return what a page's address asks for; what cannot be is left out."""
    wanted = query.get("list", "")
    return Filters(
        list=wanted if wanted in LISTS else WAITING,
        search=query.get("search", "").strip()[:LONGEST_SEARCH],
        page=query.get("page", ""),
        target=query.get("target", ""),
        tag=query.get("tag", ""),
        agent=query.get("agent", ""),
        channel=query.get("channel", ""),
        unread="1" if query.get("unread") else "",
        only=query.get("only", "") if query.get("only") in ("list", "names") else "",
    )


def list_view(
    connection: Connection,
    settings: Settings,
    filters: Filters,
    *,
    agent: str,
    shown_names: Mapping[str, str],
    now: float,
    order: str = "",
    after: str = "",
) -> ListView:
    """Return one page of the list. *shown_names*: of the agents. *after*: cursor of the page before.

    Where something is looked for, it is what search_listing.py finds.
    """
    if filters.search:
        return found_view(
            connection, settings, filters, agent=agent, shown_names=shown_names, now=now, after=after
        )
    place = _place(after, filters.list)
    order = order_of(filters.list, place.order if place else order)
    rows = conversation_lists.page_of(
        connection,
        filters.list,
        agent=agent,
        now=now,
        order=order,
        narrowed=narrowed_by(filters),
        after=place,
        limit=THREADS_A_PAGE + 1,
    )
    shown, more = rows[:THREADS_A_PAGE], len(rows) > THREADS_A_PAGE
    tags = conversation_lists.tags_of(connection, [row["id"] for row in shown])
    return ListView(
        items=[item_of(row, settings, agent, shown_names, tags.get(row["id"], ()), now) for row in shown],
        after=_cursor(shown[-1]["place"]) if more else "",
        order=order,
        orders=list(ORDERS[filters.list]),
        **frame_of(connection, settings, filters, agent=agent, shown_names=shown_names),
    )


def _cursor(place: Place) -> str:
    return f"{place.order}~{place.phase}~{place.moment:.9f}~{place.thread}"


def _place(after: str, name: str) -> Optional[Place]:
    """Return the place that a cursor names; None for what is none, or of another list."""
    found = _CURSOR.match(after)
    if found is None or found.group(1) not in ORDERS[name]:
        return None
    return Place(found.group(1), int(found.group(2)), float(found.group(3)), found.group(4))
