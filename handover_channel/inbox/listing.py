"""Reads one page of the list of threads, as the page shows it."""

from __future__ import annotations

import json
import re
from typing import Any, List, Mapping, Optional, Tuple

from sqlalchemy.engine import Connection

from handover_channel.inbox.view_models import LISTS, MINE, OPEN, WAITING, Filters, Item, ListView
from handover_channel.messenger.bubble import shortened, summary
from handover_channel.messenger.content import attachment_of, content_of
from handover_channel.settings.loader import Settings
from handover_channel.store import conversation_lists, page_names

#: Arguments of the list's address.
ARGUMENTS = ("list", "search", "page", "target", "tag", "after")

#: Threads on one page of the list.
THREADS_A_PAGE = 50

#: Longest preview, in characters.
PREVIEW = 120

#: Longest search, in characters: a paste by mistake is not looked for.
LONGEST_SEARCH = 200

_CURSOR = re.compile(r"\A([0-9]{1,12}(?:\.[0-9]{1,9})?)~(.{1,200})\Z", re.DOTALL)


def filters_of(query: Mapping[str, str]) -> Filters:
    """Return what a page's address asks for; what cannot be is left out."""
    wanted = query.get("list", "")
    return Filters(
        list=wanted if wanted in LISTS else WAITING,
        search=query.get("search", "").strip()[:LONGEST_SEARCH],
        page=query.get("page", ""),
        target=query.get("target", ""),
        tag=query.get("tag", ""),
    )


def list_view(
    connection: Connection,
    settings: Settings,
    filters: Filters,
    *,
    agent: str,
    shown_names: Mapping[str, str],
    after: str = "",
) -> ListView:
    """Return one page of the list. *shown_names*: of the agents. *after*: cursor of the page before."""
    rows = conversation_lists.page_of(
        connection,
        filters.list,
        agent=agent,
        search=filters.search,
        page=filters.page,
        target=filters.target,
        tag=filters.tag,
        after=_cursor(after),
        limit=THREADS_A_PAGE + 1,
    )
    shown, more = rows[:THREADS_A_PAGE], len(rows) > THREADS_A_PAGE
    tags = conversation_lists.tags_of(connection, [row["id"] for row in shown])
    return ListView(
        filters=filters,
        counts={
            name: conversation_lists.count(connection, name, agent=agent) for name in (WAITING, MINE, OPEN)
        },
        items=[_item(row, agent, shown_names, tags.get(row["id"], ())) for row in shown],
        after=f"{shown[-1]['sorted_by']:.9f}~{shown[-1]['id']}" if more else "",
        pages=[page.id for page in settings.pages if page.id],
        page_names=page_names.names(connection) if len(settings.pages) > 1 else {},
        targets=list(settings.targets),
        tags=_choices(conversation_lists.all_tags(connection), filters.tag),
    )


def _item(row: Mapping[str, Any], agent: str, shown_names: Mapping[str, str], tags: Tuple[str, ...]) -> Item:
    preview, preview_file = _preview(row)
    return Item(
        thread=row["id"],
        name=row["name"] or row["id"],
        has_picture=bool(row["picture"]),
        channel=row["channel"],
        page=row["page"],
        control=row["control"],
        target=row["target"],
        preview=preview,
        preview_author=row["preview_author"],
        preview_file=preview_file,
        unread=row["person_at"] > row["read_to_by_agent"] and row["control"] != "bot",
        waiting_since=row["waiting_since"],
        active_at=row["active_at"],
        until=row["until"],
        assignee=shown_names.get(row["assignee"], row["assignee"]),
        is_mine=bool(agent) and row["assignee"] == agent,
        tags=tags,
        person_at=row["person_at"] / 1000,
    )


def _preview(row: Mapping[str, Any]) -> Tuple[str, str]:
    """Return the newest words in one line, and what came without words: a key of labels.KINDS."""
    if row["preview_file"] or not row["preview_author"]:
        return shortened(row["preview"], PREVIEW), row["preview_file"]
    attachments = map(attachment_of, json.loads(row["preview_attachments"] or "[]"))
    return summary(content_of(row["preview"], attachments), PREVIEW)


def _cursor(after: str) -> Optional[Tuple[float, str]]:
    found = _CURSOR.match(after)
    return (float(found.group(1)), found.group(2)) if found else None


def _choices(known: List[str], chosen: str) -> List[str]:
    return known if not chosen or chosen in known else [*known, chosen]
