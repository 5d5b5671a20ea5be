"""Finds the step of a scenario for each act at a simulator: of people, staff, other apps, faults. No I/O.

What no step can say becomes a remark: a scenario that leaves something out has to show where.
"""

from __future__ import annotations

from typing import Any, Dict, List, Mapping, Union

from handover_channel.recording.scenario_text import Line, Remark
from handover_channel.simulator.connected_app import PAGE_INBOX
from handover_channel.simulator.faults import FAULTS, OF_PERSON
from handover_channel.simulator.message_checks import buttons_of
from handover_channel.simulator.simulator import Page
from handover_channel.simulator.thread import ChatEntry
from handover_channel.testing.chat import taps_of, text_of

Written = Union[Line, Remark]

_CONTROL_CALLS = {
    "take_thread_control": "takes",
    "request_thread_control": "requests",
    "release_thread_control": "releases",
}


def name_of(page: Page, app_id: str) -> str:
    """Return how a scenario calls an app."""
    if app_id == PAGE_INBOX:
        return "page_inbox"
    if app_id == page.bot.id:
        return "bot"
    app = page.apps.get(app_id)
    return (app.name or app_id) if app else app_id


# --- people -----------------------------------------------------------------------------------------


def of_person(entry: ChatEntry, before: List[ChatEntry]) -> Written:
    """Return what the person has done; *before*: the chat until then."""
    kind = entry["kind"]
    if kind == "postback":
        return _tap(entry, before)
    if kind == "referral":
        return Line("comes_by", str(entry["referral"].get("ref", "")) or "link")
    if kind != "message":
        return Remark(f"the person: {kind}, which no step can say")
    message = entry["message"]
    if message.get("quick_reply"):
        return Line("taps", str(message.get("text", "")))
    if str(message.get("text", "")).strip():
        return Line("person", str(message["text"]))
    for each in message.get("attachments") or ():
        url = str((each.get("payload") or {}).get("url") or "")
        return Line("sends", str(each.get("type") or "file"), {"url": url} if url else {})
    return Remark("the person sends a message without a text, which no step can say")


def _tap(entry: ChatEntry, before: List[ChatEntry]) -> Line:
    title, payload = str(entry.get("title", "")), str(entry.get("payload", ""))
    offering = next((e for e in reversed(before) if title in taps_of(e.get("message") or {})), None)
    buttons = buttons_of(offering["message"]) if offering else ()
    if any(each.get("title") == title and each.get("payload") == payload for each in buttons):
        return Line("taps", title)
    return Line("chooses", payload or title)


# --- the bot ----------------------------------------------------------------------------------------


def of_reply(page: Page, message: Mapping[str, Any]) -> Line:
    """Return what is expected of the bot: this message."""
    text = text_of(message)
    if page.meta.base_url and page.meta.base_url in text:  # a file of this simulator, at a port of its own
        text = text.partition(page.meta.base_url)[0] + "..."
    taps = taps_of(message)
    return Line("reply", text.strip() or "...", {"buttons": taps} if taps else {})


# --- staff and other apps ---------------------------------------------------------------------------


def of_staff(place: str, text: str) -> Written:
    """Return that somebody at *place* has written."""
    if not text.strip():
        return Remark(f"{place} sends a message without a text, which no step can say")
    return Line("staff", place, {"replies": text})


def of_app_message(page: Page, entry: ChatEntry) -> Written:
    """Return that another app has written to the person."""
    name, text = name_of(page, entry["author"]), text_of(entry["message"])
    if not text.strip():
        return Remark(f"{name} sends a message without a text, which no step can say")
    return Line("other_app", name, {"says": text})


def of_call(page: Page, entry: Mapping[str, Any]) -> List[Written]:
    """Return what another app has done by a call of the Graph API; nothing for what it has only asked.

    *entry*: its line in the journal. A message that Meta accepted is in the chat, and told from there.
    """
    edge, refused = entry["path"].rsplit("/", 1)[-1], (entry.get("status") or 0) >= 400
    given = {**entry.get("query", {}), **entry.get("body", {})}
    if entry.get("method") != "POST":
        return []
    does = _CONTROL_CALLS.get(edge)
    options: Dict[str, Any] = {}
    if edge == "messages" and refused and isinstance(given.get("message"), dict):
        options["says"] = str(given["message"].get("text") or "...")
    elif edge == "pass_thread_control":
        options.update(_pass(page, str(given.get("target_app_id") or page.default_app)))
    elif does:
        options["does"] = does
    else:
        return [Remark(f"{name_of(page, entry['app'])} calls {edge}, which no step can say")] * (
            edge == "extend_thread_control"
        )
    if given.get("metadata") and edge in ("pass_thread_control", "request_thread_control"):
        options["metadata"] = str(given["metadata"])
    if refused:
        error = (entry.get("answer") or {}).get("error") or {}
        options["refused"] = f"... {error.get('message', '')}"
    return [Line("other_app", name_of(page, entry["app"]), options)]


def _pass(page: Page, target: str) -> Dict[str, str]:
    return {"does": "passes_back"} if target == page.bot.id else {"passes_to": name_of(page, target) or "bot"}


# --- faults -----------------------------------------------------------------------------------------


def of_fault(page: Page, fault: Mapping[str, Any]) -> Written:
    """Return a fault that was ordered; one of another app's is a remark."""
    name = str(fault["name"])
    if fault["app"] not in ("", page.bot.id) and FAULTS[name].where != OF_PERSON:
        return Remark(f"the fault {name} of {name_of(page, fault['app'])}, which no step can say")
    options: Dict[str, Any] = {key: fault[key] for key in ("call", "event") if fault.get(key)}
    if FAULTS[name].where == OF_PERSON and fault["by"] != PAGE_INBOX:
        options["by"] = fault["by"]
    if fault.get("count") != 1:
        options["count"] = "always" if fault.get("count") is None else fault["count"]
    if fault.get("seconds"):
        options["seconds"] = f"{fault['seconds']:g}"
    if fault.get("takes_effect"):
        options["takes_effect"] = "true"
    return Line("fault", name, options)
