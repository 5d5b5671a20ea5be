"""How the simulator looks from outside: its state for the page and for tests, a message as its echo."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Any, Dict

from handover_channel.simulator import thread_control
from handover_channel.simulator.connected_app import PAGE_INBOX, App
from handover_channel.simulator.thread import Thread

if TYPE_CHECKING:
    from handover_channel.simulator.page import Simulator

_Json = Dict[str, Any]


def state(simulator: Simulator, psid: str = "") -> _Json:
    """Return everything there is to see; only one thread and its events where *psid* is given."""
    with simulator.lock:
        shown = [thread for thread in simulator.threads.values() if not psid or thread.psid == psid]
        return {
            "page": {"id": simulator.page_id, "name": simulator.page_name},
            "mode": simulator.settings.mode.value,
            "default_app": simulator.default_app or None,
            "switches": asdict(simulator.switches),
            "now": simulator.now(),
            "revision": simulator.journal.revision,
            "apps": [_app(simulator, app) for app in simulator.apps.values()],
            "threads": [_thread(simulator, thread) for thread in shown],
            "events": {app_id: simulator.events_of(app_id, psid) for app_id in simulator.apps},
        }


def _app(simulator: Simulator, app: App) -> _Json:
    settings = {key: getattr(app, key) for key in ("id", "name", "callback", "may_take")}
    return {**settings, "bot": app is simulator.bot, "inbox": app.id == PAGE_INBOX}


def _thread(simulator: Simulator, thread: Thread) -> _Json:
    now, settings = simulator.now(), simulator.settings
    owner = thread.control.owner_at(now)
    return {
        "psid": thread.psid,
        "name": thread.name,
        "owner": owner or None,
        "owner_name": simulator.apps[owner].name if owner else None,
        "expires": thread.control.expires if owner else None,
        "speaks": [
            app for app in simulator.apps if thread_control.speaks(thread.control, app, settings, now)
        ],
        "typing": thread.typing or None,
        "unread": len(thread.unread),
        "chat": [dict(entry) for entry in thread.chat],
    }
