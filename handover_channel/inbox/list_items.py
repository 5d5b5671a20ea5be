"""Makes of a row of a list what the page shows of it, and tells what a list can be narrowed to."""

from __future__ import annotations

import json
from typing import Any, Dict, List, Mapping, Optional, Tuple

from sqlalchemy.engine import Connection

from handover_channel.inbox.view_models import MINE, OPEN, WAITING, Filters, Item
from handover_channel.messenger.bubble import shortened, summary
from handover_channel.messenger.content import attachment_of, content_of
from handover_channel.messenger.events import MESSENGER, META_INBOXES
from handover_channel.rules import messaging_window
from handover_channel.rules.control import ANOTHER_APP, Control
from handover_channel.rules.messaging_window import Ending
from handover_channel.rules.obstacle import silence_of
from handover_channel.settings.loader import Settings
from handover_channel.store import conversation_lists, page_names
from handover_channel.store.agents import YOU
from handover_channel.store.conversation_lists import Narrowed
from handover_channel.store.transcript import APP

#: Longest preview, in characters.
PREVIEW = 120

#: Seconds after which somebody waits long, where the target has no `answer_within`.
LONG = 10 * 60


def narrowed_by(filters: Filters) -> Narrowed:
    """Return to what conversations are narrowed."""
    return Narrowed(**{name: getattr(filters, name) for name in Narrowed._fields})


def frame_of(
    connection: Connection,
    settings: Settings,
    filters: Filters,
    *,
    agent: str,
    shown_names: Mapping[str, str],
) -> Dict[str, Any]:
    """Return what stands around each list: the filters, what they can be, and how many there are in lists."""
    counts = {name: conversation_lists.count(connection, name, agent=agent) for name in (WAITING, MINE, OPEN)}
    return {
        "filters": filters,
        "counts": counts,
        **_choices(connection, settings, filters, shown_names),
    }


def item_of(
    row: Mapping[str, Any],
    settings: Settings,
    agent: str,
    shown_names: Mapping[str, str],
    tags: Tuple[str, ...],
    now: float,
) -> Item:
    """Return what the list shows of one thread. *row*: of `conversation_lists.rows_of`."""
    preview, preview_file = _preview(row)
    window = _window(row, now)
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
        answered_by=_answered_by(row, settings),
        unread=row["person_at"] > row["read_to_by_agent"] and row["control"] != "bot",
        waiting_since=row["waiting_since"],
        active_at=row["active_at"],
        waits_long=_waits_long(row, settings, now),
        until=row["until"],
        assignee=shown_names.get(row["assignee"], row["assignee"]),
        is_mine=bool(agent) and row["assignee"] == agent,
        tags=tags,
        person_at=row["person_at"] / 1000,
        window=window.window if window else "",
        window_left=window.left if window else 0.0,
    )


def _window(row: Mapping[str, Any], now: float) -> Optional[Ending]:
    """Return Meta's window that ends soon, of a conversation that agents answer."""
    if row["control"] != Control.INBOX.value or row["channel"] != MESSENGER:
        return None
    opened_at = max(row["person_at"], row["window_at"])
    return messaging_window.ends_soon(silence_of(opened_at, row["obstacle"], now=now))


def _waits_long(row: Mapping[str, Any], settings: Settings, now: float) -> bool:
    """Tell whether somebody waits long: for half of the time after which the bot gets them back, or LONG."""
    target = settings.targets.get(row["target"])
    within = target.answer_within.total_seconds() if target and target.answer_within else None
    long = within / 2 if within else LONG
    return row["waiting_since"] is not None and now - row["waiting_since"] > long


def _answered_by(row: Mapping[str, Any], settings: Settings) -> str:
    """Return who outside the inbox said the last word in a conversation that agents answer."""
    if row["control"] != Control.INBOX.value or row["preview_author"] != APP:
        return ""
    app_id = row["preview_app"]
    target = settings.target_of_app(app_id) if app_id not in ("", *META_INBOXES) else None
    return target.name if target else app_id or ANOTHER_APP


def _preview(row: Mapping[str, Any]) -> Tuple[str, str]:
    """Return the newest words in one line, and what came without words: a key of labels.KINDS."""
    if row["preview_file"] or not row["preview_author"]:
        return shortened(row["preview"], PREVIEW), row["preview_file"]
    attachments = map(attachment_of, json.loads(row["preview_attachments"] or "[]"))
    return summary(content_of(row["preview"], attachments), PREVIEW)


def _choices(
    connection: Connection, settings: Settings, filters: Filters, shown_names: Mapping[str, str]
) -> Dict[str, Any]:
    """Return what the list can be narrowed to."""
    agents = shown_names or {YOU: YOU}
    return {
        "pages": [page.id for page in settings.pages if page.id],
        "page_names": page_names.names(connection) if len(settings.pages) > 1 else {},
        "targets": list(settings.targets),
        "tags": _with(conversation_lists.all_tags(connection), filters.tag),
        "channels": conversation_lists.open_channels(connection),
        "agents": dict(sorted(agents.items(), key=lambda each: each[1].casefold())),
    }


def _with(known: List[str], chosen: str) -> List[str]:
    return known if not chosen or chosen in known else [*known, chosen]
