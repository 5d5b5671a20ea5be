"""Describes the pages, their apps and their threads as JSON, for the snapshot of the control API."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any, Dict, List

from handover_channel.simulator import thread_control
from handover_channel.simulator.connected_app import PAGE_INBOX, App
from handover_channel.simulator.page import SimulatedPage
from handover_channel.simulator.thread import Thread

_Json = Dict[str, Any]


def state(page: SimulatedPage, psid: str = "", *, alone: bool = False) -> _Json:
    """Return the state of everything, or of one thread and its events if *psid* is given.

    What there is of each page is *page*'s; threads and events are those of all pages, or *alone* of this one.
    """
    with page.lock:
        pages = [page] if alone else list(page.meta.pages.values())
        return {
            "page": {"id": page.page_id, "name": page.page_name},
            "pages": [_page(each) for each in page.meta.pages.values()],
            "mode": page.settings.mode.value,
            "default_app": page.default_app or None,
            "switches": asdict(page.switches),
            "now": page.now(),
            "ahead": page.clock.offset,
            "faults": [fault.shown() for fault in page.faults],
            "revision": page.journal.revision,
            "apps": [_app(page, app) for app in page.apps.values()],
            "threads": [
                _thread(each, thread)
                for each in pages
                for thread in each.threads.values()
                if not psid or thread.psid == psid
            ],
            "events": {app_id: _events(pages, app_id, psid) for app_id in page.apps},
        }


def _page(page: SimulatedPage) -> _Json:
    routing = {"mode": page.settings.mode.value, "default_app": page.default_app or None}
    return {"id": page.page_id, "name": page.page_name, **routing}


def _events(pages: List[SimulatedPage], app_id: str, psid: str) -> List[_Json]:
    """Return what an app was sent on these pages, oldest first on each."""
    on = [page for page in pages if app_id in page.apps]
    return [event for page in on for event in page.events_of(app_id, psid)]


def _app(page: SimulatedPage, app: App) -> _Json:
    settings = {key: getattr(app, key) for key in ("id", "name", "callback", "may_take")}
    disabled = page.deliveries.is_disabled(app)
    return {**settings, "bot": app is page.bot, "inbox": app.id == PAGE_INBOX, "disabled": disabled}


def _thread(page: SimulatedPage, thread: Thread) -> _Json:
    now, settings = page.now(), page.settings
    owner = thread.control.owner_at(now)
    return {
        "psid": thread.psid,
        "page": page.page_id,
        "person": thread.person,
        "name": thread.name,
        "owner": owner or None,
        "owner_name": page.apps[owner].name if owner else None,
        "expires": thread.control.expires if owner else None,
        "speaks": [app for app in page.apps if thread_control.speaks(thread.control, app, settings, now)],
        "last_action": thread.last_action,
        "typing": thread.typing or None,
        "unread": len(thread.unread),
        "chat": [dict(entry) for entry in thread.chat],
    }
