"""Answers Graph API requests: identifies the app, dispatches the call, writes the journal. No I/O.

1. The token says which app calls. A caller with an unknown token is a *guest*: it counts as the bot, and
   what only Meta could know about it is not checked (its other apps, its app secret, retired tags). The
   switch `strict` refuses guests (190).
2. A call about a thread always needs a token; the rest only in `strict`.
3. `appsecret_proof` is checked if it is given and the app's secret is known.
4. A refusal is a response like any other; nothing that a caller sends raises.

https://developers.facebook.com/docs/graph-api/guides/secure-requests , .../docs/graph-api/batch-requests
"""

from __future__ import annotations

import hashlib
import hmac
import json
import secrets
from typing import Any, Dict, List, Mapping, Tuple
from urllib.parse import parse_qsl, urlsplit

from handover_channel.simulator import page_calls, refusals, thread_calls
from handover_channel.simulator.connected_app import App
from handover_channel.simulator.graph_call import GraphCall, Handler
from handover_channel.simulator.page import SimulatedPage
from handover_channel.simulator.refusals import Refused, bad_parameter, unknown_path
from handover_channel.simulator.request import Request, Response, decode_body

MOST_IN_A_BATCH = 50


def answer(page: SimulatedPage, request: Request) -> Response:
    """Answer a Graph API request, or a batch of them; a refusal is returned, not raised."""
    if request.method == "POST" and not request.steps:
        return _batch(page, request)
    with page.lock:
        # The line comes before those of the webhooks that the call causes.
        entry = page.journal.add("graph", app="", psid=_about(request), **request.for_log(), status=None)
        app, status = page.bot, 200
        try:
            app, guest = _caller(page, request)
            body = _handled(page, _call(page, request, app, guest=guest))
        except Refused as refused:
            status = refused.refusal.status
            body = refused.refusal.body(secrets.token_urlsafe(16))
        page.journal.amend(entry, app=app.id, status=status, answer=body)
    return Response(status, body)


def refusal(refused: Refused) -> Response:
    """Return the response to a request that is refused before it is a call."""
    return Response(refused.refusal.status, refused.refusal.body(secrets.token_urlsafe(16)))


def proof(token: str, secret: str) -> str:
    """Return the `appsecret_proof` that belongs to a token."""
    return hmac.new(secret.encode(), token.encode(), hashlib.sha256).hexdigest()


def _caller(page: SimulatedPage, request: Request) -> Tuple[App, bool]:
    """Return the calling app, and whether it is a guest in its name."""
    if not request.steps:
        raise unknown_path(request.path)
    token = request.token
    app = next((app for app in page.apps.values() if app.token and app.token == token), None)
    if app is not None:
        _check_proof(page, request, app)
        return app, False
    if not token and (page.switches.strict or request.steps[-1] in thread_calls.EDGES):
        raise Refused(refusals.NO_TOKEN)
    if page.switches.strict:
        raise Refused(refusals.BAD_TOKEN)
    return page.bot, True


def _check_proof(page: SimulatedPage, request: Request, app: App) -> None:
    given = request.parameters.get("appsecret_proof")
    if not given and page.switches.require_proof:
        raise Refused(refusals.PROOF_MISSING)
    if given and app.secret and str(given) != proof(app.token, app.secret):
        raise Refused(refusals.PROOF_WRONG)


def _call(page: SimulatedPage, request: Request, app: App, *, guest: bool) -> GraphCall:
    node, *edges = request.steps
    if len(edges) > 1:
        raise unknown_path(request.path)
    return GraphCall(request.verb, node, "".join(edges), request.parameters, app, guest, request.files)


def _handled(page: SimulatedPage, call: GraphCall) -> Any:
    return _handler(page, call)(page, call)


def _handler(page: SimulatedPage, call: GraphCall) -> Handler:
    if not call.edge:
        return page_calls.NODES.get((call.verb, call.node)) or page_calls.of_object(call)
    edges: Mapping[Tuple[str, str], Handler] = {**thread_calls.CALLS, **page_calls.CALLS}
    handler = edges.get((call.verb, call.edge))
    if handler is None:
        raise unknown_path(f"/{call.edge}")
    of_page = call.edge not in page_calls.EDGES_OF_OTHERS
    if of_page and not call.guest and call.node not in ("me", page.page_id):
        raise Refused(refusals.NO_SUCH_OBJECT)
    return handler


def _about(request: Request) -> str:
    """Return the PSID a request is about, "" where there is none."""
    recipient = request.parameters.get("recipient")
    psid = recipient.get("id") if isinstance(recipient, Mapping) else recipient
    return str(psid) if isinstance(psid, (str, int)) else ""


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
