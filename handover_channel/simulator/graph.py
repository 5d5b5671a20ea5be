"""Answers Graph API requests: identifies the app, dispatches the call, writes the journal. No I/O.

1. Who calls, for which page, and whether they may, is for `caller`.
2. A refusal is a response like any other; nothing that a caller sends raises.
3. Apps younger than Graph v27 may not override the method, ask for several ids, name fields otherwise or have
   JSONP, on any version (switch `young_apps`).

https://developers.facebook.com/docs/graph-api/batch-requests
https://developers.facebook.com/docs/graph-api/changelog/versions/
"""

from __future__ import annotations

import json
import secrets
from typing import Any, Dict, List, Mapping, Tuple
from urllib.parse import parse_qsl, urlsplit

from handover_channel.simulator import call_faults, page_calls, refusals, subscription_calls, thread_calls
from handover_channel.simulator.caller import Caller, check_rights, identify
from handover_channel.simulator.fields_asked_for import names
from handover_channel.simulator.graph_call import GraphCall, Handler
from handover_channel.simulator.page import SimulatedPage
from handover_channel.simulator.refusals import Refused, bad_parameter, unknown_path
from handover_channel.simulator.request import Request, Response, decode_body

MOST_IN_A_BATCH = 50


def answer(page: SimulatedPage, request: Request) -> Response:
    """Answer a Graph API request, or a batch of them; a refusal is returned, not raised.

    *page*: the one that is meant where neither the token nor the call says which.
    """
    if request.retired and page.switches.young_apps:
        return refusal(refusals.retired(request.retired))
    if request.method == "POST" and not request.steps and request.verb == "POST":
        return _batch(page, request)
    if request.verb == "GET" and not request.steps and request.parameters.get("ids"):
        return _several(page, request)
    page.clock.tick()
    with page.lock:
        # The line comes before those of the webhooks that the call causes.
        about = {"app": "", "page": "", "psid": request.psid}
        entry = page.journal.add("graph", **about, **request.for_log(), status=None)
        app, called = page.bot, page
        try:
            about_thread = request.steps[-1:] and request.steps[-1] in thread_calls.EDGES
            caller = identify(page, request, needs_token=bool(about_thread))
            app, called = caller.app, caller.page
            call = _call(request, caller)
            given = call_faults.answered(called, call, entry, lambda: _handled(call, caller))
        except Refused as refused:
            given = refusal(refused)
        told = {"app": app.id, "page": called.page_id}
        page.journal.amend(entry, **told, status=given.status, answer=given.body)
    return given


def refusal(refused: Refused) -> Response:
    """Return the response to a request that is refused before it is a call."""
    return Response(refused.refusal.status, refused.refusal.body(secrets.token_urlsafe(16)))


def _call(request: Request, caller: Caller) -> GraphCall:
    node, *edges = request.steps
    if len(edges) > 1:
        raise unknown_path(request.path)
    edge = "".join(edges)
    return GraphCall(
        request.verb, node, edge, request.parameters, caller.app, caller.guest, request.files, caller.kind
    )


def _handled(call: GraphCall, caller: Caller) -> Any:
    return _handler(call, caller)(caller.page, call)


_NODES: Mapping[Tuple[str, str], Handler] = {**page_calls.NODES, **subscription_calls.NODES_OF_APPS}
_EDGES: Mapping[Tuple[str, str], Handler] = {
    **thread_calls.CALLS,
    **page_calls.CALLS,
    **subscription_calls.CALLS,
}

#: What a fault may be bound to: edges, and what is no edge of anything.
NAMED_CALLS = frozenset(name for _, name in (*_EDGES, *_NODES)) | {"sender_action"}


def _handler(call: GraphCall, caller: Caller) -> Handler:
    if not call.edge:
        return _NODES.get((call.verb, call.node)) or page_calls.of_object(call)
    handler = _EDGES.get((call.verb, call.edge))
    if handler is None:
        raise unknown_path(f"/{call.edge}")
    of_page = call.edge not in page_calls.EDGES_OF_OTHERS
    check_rights(caller, call.edge, of_page=of_page)
    if of_page and not call.guest and call.node not in ("me", caller.page.page_id):
        raise Refused(refusals.NO_SUCH_OBJECT)
    return handler


def _several(page: SimulatedPage, request: Request) -> Response:
    """Answer GET /?ids=: the objects by their ids; refused as a whole where one of them is."""
    given = {key: value for key, value in request.parameters.items() if key not in ("ids", "method")}
    found: Dict[str, Any] = {}
    for name in names(request.parameters["ids"]):
        one = answer(page, Request("GET", f"/{name}", given, authorization=request.authorization))
        if one.status != 200:
            return one
        found[name] = one.body
    return Response(200, found)


# --- batches --------------------------------------------------------------------------------------


def _batch(page: SimulatedPage, request: Request) -> Response:
    calls = request.parameters.get("batch")
    if not isinstance(calls, list) or not all(isinstance(call, dict) for call in calls):
        return refusal(bad_parameter("The parameter batch must be an array of requests"))
    if len(calls) > MOST_IN_A_BATCH:
        return refusal(
            bad_parameter(f"Too many requests in batch message. Maximum batch size is {MOST_IN_A_BATCH}")
        )
    headers = request.parameters.get("include_headers") not in (False, "false", 0, "0")
    return Response(200, [_part(page, request, call, headers=headers) for call in calls])


def _part(page: SimulatedPage, outer: Request, call: Mapping[str, Any], *, headers: bool) -> Dict[str, Any]:
    url = urlsplit(str(call.get("relative_url", "")))
    try:
        body = decode_body(str(call.get("body") or "").encode(), "")
    except Refused as refused:
        return _in_batch(refusal(refused), headers=headers)
    inner = Request(
        str(call.get("method") or "GET").upper(),
        "/" + url.path.lstrip("/"),
        {"access_token": outer.token, **dict(parse_qsl(url.query))},
        body,
        files=outer.files,
    )
    if not inner.steps:
        return _in_batch(refusal(unknown_path("/")), headers=headers)
    return _in_batch(answer(page, inner), headers=headers)


def _in_batch(given: Response, *, headers: bool) -> Dict[str, Any]:
    part: Dict[str, Any] = {"code": given.status}
    if headers:
        types: List[Dict[str, str]] = [{"name": "Content-Type", "value": "text/javascript; charset=UTF-8"}]
        part["headers"] = types
    part["body"] = json.dumps(given.body, separators=(",", ":"))
    return part
