"""Describes a page, its apps and its threads as JSON, for the snapshot of the control API."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any, Dict

from handover_channel.simulator import thread_control
from handover_channel.simulator.connected_app import PAGE_INBOX, App
from handover_channel.simulator.page import SimulatedPage
from handover_channel.simulator.thread import Thread

_Json = Dict[str, Any]


def state(page: SimulatedPage, psid: str = "") -> _Json:
    """Return the state of the whole page, or of one thread and its events if *psid* is given."""
    with page.lock:
        shown = [thread for thread in page.threads.values() if not psid or thread.psid == psid]
        return {
            "page": {"id": page.page_id, "name": page.page_name},
            "mode": page.settings.mode.value,
            "default_app": page.default_app or None,
            "switches": asdict(page.switches),
            "now": page.now(),
            "ahead": page.clock.offset,
            "faults": [fault.shown() for fault in page.faults],
            "revision": page.journal.revision,
            "apps": [_app(page, app) for app in page.apps.values()],
            "threads": [_thread(page, thread) for thread in shown],
            "events": {app_id: page.events_of(app_id, psid) for app_id in page.apps},
        }


def _app(page: SimulatedPage, app: App) -> _Json:
    settings = {key: getattr(app, key) for key in ("id", "name", "callback", "may_take")}
    disabled = page.deliveries.is_disabled(app)
    return {**settings, "bot": app is page.bot, "inbox": app.id == PAGE_INBOX, "disabled": disabled}


def _thread(page: SimulatedPage, thread: Thread) -> _Json:
    now, settings = page.now(), page.settings
    owner = thread.control.owner_at(now)
    return {
        "psid": thread.psid,
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
