"""Answers the Graph API calls about one thread: the Send API and thread control.

A send is checked in this order: parameters, ownership, window (for the last two Meta documents none, and the
switch `ownership_first` turns them round).
Rule 11: `thread_control` on a send works only with a default app, and if control cannot be changed the
whole send is refused.

https://developers.facebook.com/docs/messenger-platform/reference/send-api
https://developers.facebook.com/documentation/business-messaging/messenger-platform/conversation-routing
"""

from __future__ import annotations

import re
from typing import Any, Dict, Mapping, Optional, Tuple

from handover_channel.simulator import attachments, message_checks, refusals, thread_control
from handover_channel.simulator.graph_call import GraphCall, Handler
from handover_channel.simulator.page import SimulatedPage
from handover_channel.simulator.refusals import Refused, bad_parameter
from handover_channel.simulator.thread import Thread
from handover_channel.simulator.thread_control import DAY, Action, ControlChange, Mode

_Json = Dict[str, Any]

_AN_APP_ID = re.compile(r"[0-9]{1,20}$")
HUMAN_AGENT_WINDOW = 7 * 24 * 60 * 60  #: seconds


def send(page: SimulatedPage, call: GraphCall) -> _Json:
    """Answer POST messages: ``{"recipient_id", "message_id"}``, for a sender action without the second.

    Raises `Refused` as the Send API does.
    """
    otherwise = call.named_otherwise
    message_checks.check(call.parameters, dead_tags=call.guest, needs_type=page.switches.needs_messaging_type)
    if otherwise:
        told = {"recipient_id": page.new_id()} if call.tells_psid else {}
        return {**told, "message_id": page.new_id()}
    thread = call.thread(page)
    action = bool(call.parameters.get("sender_action"))
    if not page.switches.ownership_first and not action:
        _check_window(page, call, thread)
    if not page.may_send(call.app.id, thread.psid):
        raise Refused(refusals.SEND_NOT_OWNER)
    if page.restricted:
        raise Refused(refusals.PAGE_RESTRICTED)
    if action:
        return _act(page, call, thread)
    _check_window(page, call, thread)
    return {"recipient_id": thread.psid, **_write(page, call, thread)}


def _act(page: SimulatedPage, call: GraphCall, thread: Thread) -> _Json:
    action = call.parameters["sender_action"]
    if action in ("typing_on", "typing_off"):
        thread.typing = call.app.id if action == "typing_on" else ""
    return {"recipient_id": thread.psid}


def _check_window(page: SimulatedPage, call: GraphCall, thread: Thread) -> None:
    if call.parameters.get("tag") == message_checks.HUMAN_AGENT and not call.app.human_agent:
        raise Refused(refusals.HUMAN_AGENT_NOT_APPROVED)
    # Somebody the simulator has never seen writing may have written before it was started.
    if thread.last_action is None or not page.switches.window:
        return
    by_hand = call.parameters.get("tag") == message_checks.HUMAN_AGENT
    if page.now() - thread.last_action > (HUMAN_AGENT_WINDOW if by_hand else DAY):
        raise Refused(refusals.OUTSIDE_WINDOW)


def _write(page: SimulatedPage, call: GraphCall, thread: Thread) -> _Json:
    change = _inline_control(page, call) or _taken_by_answering(page, call, thread)
    outcome = page.outcome_of(thread, change) if change else None
    message, attachment_id = attachments.resolved(page, call)
    shown = {key: call.parameters[key] for key in ("persona_id", "tag") if call.parameters.get(key)}
    written = page.write_as_page(thread, call.app, message, **shown, **_persona(page, call))
    if change and outcome:
        page.apply_outcome(thread, change, outcome)
    page.echo(thread, written)
    if outcome and change and change.action is not Action.REQUEST:
        page.send_handover_event(thread, outcome)
    saved = {"attachment_id": attachment_id} if attachment_id else {}
    return {"message_id": written["mid"], **saved}


def _taken_by_answering(page: SimulatedPage, call: GraphCall, thread: Thread) -> Optional[ControlChange]:
    """Return the change of an answer in an idle thread without a default app; the switch is UNSURE."""
    idle = page.settings.mode is Mode.ZERO and not page.owner(thread.psid)
    return ControlChange(Action.REQUEST, call.app.id) if idle and page.switches.send_takes_idle else None


def _persona(page: SimulatedPage, call: GraphCall) -> _Json:
    """Return the name under which the message is shown, where it is not the page's."""
    number = str(call.parameters.get("persona_id") or "")
    known = page.personas.get(number)
    if number and known is None and not call.guest:
        raise bad_parameter("Invalid persona_id")  # code not documented
    return {"persona": known["name"]} if known else {}


def _inline_control(page: SimulatedPage, call: GraphCall) -> Optional[ControlChange]:
    given = call.parameters.get("thread_control")
    if given is None:
        return None
    if page.settings.mode is not Mode.ROUTING:
        raise Refused(refusals.INLINE_WITHOUT_ROUTING)
    if not isinstance(given, Mapping) or given.get("control_type", "release") not in ("pass", "release"):
        raise bad_parameter("Param thread_control[control_type] must be one of {pass, release}")
    if given.get("control_type") == "pass":
        return ControlChange(Action.PASS, call.app.id, target=_target(page, call, given.get("app_id")))
    return ControlChange(Action.RELEASE, call.app.id)


# --- control --------------------------------------------------------------------------------------


def _control(action: Action) -> Handler:
    def handler(page: SimulatedPage, call: GraphCall) -> _Json:
        thread = call.thread(page)
        change = ControlChange(
            action,
            call.app.id,
            target=_target(page, call, call.parameters.get("target_app_id")),
            duration=_seconds(call.parameters.get("duration")),
        )
        metadata = str(call.parameters.get("metadata") or "")
        if page.switches.limits_metadata and len(metadata) > message_checks.METADATA_LIMIT:
            raise bad_parameter(f"Param metadata must be at most {message_checks.METADATA_LIMIT} characters")
        page.change_control(thread.psid, change, metadata)
        return {"success": True}

    return handler


def _target(page: SimulatedPage, call: GraphCall, given: Any) -> str:
    target = "" if given is None else str(given).strip()
    if (call.guest or not page.switches.refuses_unknown_target) and _AN_APP_ID.match(target):
        page.admit(target)
    return target


def _seconds(given: Any) -> float:
    try:
        return float(given)
    except (TypeError, ValueError):
        return 0.0


def thread_owner(page: SimulatedPage, call: GraphCall) -> _Json:
    """Answer GET thread_owner: a list with one owner, or none where there is nothing to show (rule 9)."""
    thread = call.thread(page)
    shown = thread_control.owner_seen_by(thread.control, call.app.id, page.settings, page.now())
    return {"data": [{"thread_owner": shown}] if shown else []}


def pass_metadata(page: SimulatedPage, call: GraphCall) -> _Json:
    """Answer POST pass_thread_metadata: Meta names the call and does not say what it does."""
    call.thread(page)
    return {"success": True}


CALLS: Mapping[Tuple[str, str], Handler] = {
    ("POST", "messages"): send,
    ("POST", "pass_thread_control"): _control(Action.PASS),
    ("POST", "take_thread_control"): _control(Action.TAKE),
    ("POST", "request_thread_control"): _control(Action.REQUEST),
    ("POST", "release_thread_control"): _control(Action.RELEASE),
    ("POST", "extend_thread_control"): _control(Action.EXTEND),
    ("POST", "pass_thread_metadata"): pass_metadata,
    ("GET", "thread_owner"): thread_owner,
}

EDGES = frozenset(edge for _, edge in CALLS)
