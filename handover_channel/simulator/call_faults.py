"""Answers Graph API calls that are to go wrong (faults.py), instead of or around their real answer. No I/O.

With `takes_effect` Meta does what the call asks for, and answers as if it had not; `slow` is answered in
truth, later. Codes and texts: https://developers.facebook.com/documentation/business-messaging/messenger-platform/error-codes
"""

from __future__ import annotations

import json
from contextlib import suppress
from typing import Any, Callable, Dict, Mapping

from handover_channel.simulator import refusals
from handover_channel.simulator.faults import OF_CALL, Fault
from handover_channel.simulator.graph_call import GraphCall
from handover_channel.simulator.journal import JournalEntry
from handover_channel.simulator.page import SimulatedPage
from handover_channel.simulator.refusals import Refusal, Refused
from handover_channel.simulator.request import Response

CODE_2 = Refusal(2, "(#2) Service temporarily unavailable")
RATE_LIMITED = Refusal(613, "(#613) Calls to this API have exceeded the rate limit")
TOKEN_EXPIRED = Refusal(190, "Error validating access token: Session has expired", 463)

GATEWAY_PAGE = (
    "<!DOCTYPE html><html><head><title>502 Bad Gateway</title></head><body><h1>Bad Gateway</h1></body></html>"
)

_NOT_OWNER = {
    "release_thread_control": refusals.RELEASE_NOT_OWNER,
    "extend_thread_control": refusals.EXTEND_NOT_OWNER,
    "pass_thread_control": refusals.PASS_NOT_OWNER,
}


def answered(
    page: SimulatedPage, call: GraphCall, entry: JournalEntry, handle: Callable[[], Any]
) -> Response:
    """Return the answer to *call*, which *handle* carries out; raises `Refused` with Meta's refusal."""
    what = _named(call)
    fault = (
        page.faults.first(OF_CALL, what, entry["psid"], call.app.id, page.page_id) if page.faults else None
    )
    if fault is None:
        return Response(200, handle())
    page.journal.amend(entry, faults=[fault.name])
    if fault.name == "slow":
        return Response(200, handle(), delay=fault.seconds)
    if fault.takes_effect:
        with suppress(Refused):
            handle()
    return ANSWERS[fault.name](page, fault, what)


def _named(call: GraphCall) -> str:
    if call.edge == "messages" and call.parameters.get("sender_action"):
        return "sender_action"
    return call.edge or call.node


def _refuses(refusal: Refusal) -> Callable[[SimulatedPage, Fault, str], Response]:
    def answer(page: SimulatedPage, fault: Fault, what: str) -> Response:
        raise Refused(refusal)

    return answer


def _not_owner(page: SimulatedPage, fault: Fault, what: str) -> Response:
    raise Refused(_NOT_OWNER.get(what, refusals.SEND_NOT_OWNER))


def _as_given(page: SimulatedPage, fault: Fault, what: str) -> Response:
    raise Refused(Refusal(fault.code, fault.message, fault.subcode))


def _rate_limited(page: SimulatedPage, fault: Fault, what: str) -> Response:
    minutes = max(1, round(fault.seconds / 60))
    usage: Dict[str, Any] = {"type": "messenger", "call_count": 100, "total_cputime": 100, "total_time": 100}
    usage["estimated_time_to_regain_access"] = minutes
    headers = {"X-Business-Use-Case-Usage": json.dumps({page.page_id: [usage]})}
    return Response(RATE_LIMITED.status, RATE_LIMITED.body(page.new_id()), headers)


#: Fault -> the answer that it gives; `slow` gives the true one.
ANSWERS: Mapping[str, Callable[[SimulatedPage, Fault, str], Response]] = {
    "code_2": _refuses(CODE_2),
    "refused": _as_given,
    "refused_27": _refuses(refusals.TAKE_WITHOUT_ROUTING),
    "token_expired": _refuses(TOKEN_EXPIRED),
    "not_owner": _not_owner,
    "rate_613": _rate_limited,
    "hang": lambda page, fault, what: Response(0, None, delay=fault.seconds, hangs=True),
    "html": lambda page, fault, what: Response(502, GATEWAY_PAGE, {"Content-Type": "text/html"}),
    "owner_hidden": lambda page, fault, what: Response(200, {"data": []}),
}
