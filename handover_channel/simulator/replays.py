"""Repeats one line of the journal: sends a webhook once more, or makes a Graph call once more.

1. What is sent is what the line has, as it stands there; it is a new line.
2. A call is made with the token of the app that made it. What went beside it is not in the journal: uploads,
   and the calls of a batch.
"""

from __future__ import annotations

import hmac
from typing import Any, Dict

from handover_channel.simulator import graph, webhooks
from handover_channel.simulator.journal import JournalEntry
from handover_channel.simulator.request import HIDDEN, Request
from handover_channel.simulator.simulator import Simulator
from handover_channel.simulator.webhook_sender import WebhookSender


async def again(simulator: Simulator, sender: WebhookSender, number: int) -> Dict[str, Any]:
    """Repeat the line with that number; returns what came of it: ``status``, and the answer or the error.

    Raises KeyError where there is no such line, ValueError for one that is neither, and for an app that has
    no callback.
    """
    entry = next((each for each in simulator.journal.after(number - 1) if each["n"] == number), None)
    if entry is None:
        raise KeyError(f"the journal has no line {number} any more")
    if entry["kind"] == "graph":
        return _call(simulator, entry)
    if entry["kind"] == "webhook":
        return await _webhook(simulator, sender, entry)
    raise ValueError(f"line {number} is no webhook and no Graph call")


def _call(simulator: Simulator, entry: JournalEntry) -> Dict[str, Any]:
    app = simulator.page(entry["page"] or simulator.page_id).app_called(entry["app"])
    shown = {**entry["query"], **entry["body"]}
    query, body = (
        {key: value for key, value in entry[part].items() if value != HIDDEN} for part in ("query", "body")
    )
    if "appsecret_proof" in shown:
        query["appsecret_proof"] = hmac.new(app.secret.encode(), app.token.encode(), "sha256").hexdigest()
    request = Request(entry["method"], entry["path"], query, body, f"Bearer {app.token}")
    given = graph.answer(simulator, request)
    return {"status": given.status, "answer": given.body}


async def _webhook(simulator: Simulator, sender: WebhookSender, entry: JournalEntry) -> Dict[str, Any]:
    app = simulator.app_called(entry["app"])
    if not app.callback:
        raise ValueError(f"{app.name} lives in the simulator: it has no webhook that could be called")
    facts = {key: entry[key] for key in ("app", "page", "psid", "channel", "event", "body")}
    line = simulator.journal.add("webhook", **facts, status=None, attempts=0, error="")
    status, error = await sender.post(app, webhooks.meta_json(entry["body"]))
    simulator.journal.amend(line, status=status, attempts=1, error=error)
    return {"status": status, "error": error}
