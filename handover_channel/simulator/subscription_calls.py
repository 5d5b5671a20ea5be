"""Answers the Graph API calls about an app and its page: token, webhook, fields, features.

1. A field is delivered if it is subscribed at app level (`subscriptions`, by the app) and at page level
   (`subscribed_apps`, by the page's token).
2. A callback that an app gives by itself is believed: the handshake is for the settings page.
3. Who is the default app is told to nobody; that there is one, is (`messaging_feature_status`).

https://developers.facebook.com/docs/graph-api/reference/page/subscribed_apps
https://developers.facebook.com/docs/graph-api/reference/app/subscriptions
https://developers.facebook.com/docs/graph-api/reference/debug_token
https://developers.facebook.com/documentation/business-messaging/messenger-platform/send-messages/messaging-feature-review-api
"""

from __future__ import annotations

from typing import Any, Dict, Mapping, Tuple

from handover_channel.simulator import refusals
from handover_channel.simulator.caller import app_with
from handover_channel.simulator.connected_app import App
from handover_channel.simulator.fields_asked_for import names, picked
from handover_channel.simulator.graph_call import GraphCall, Handler
from handover_channel.simulator.page import SimulatedPage
from handover_channel.simulator.refusals import Refused, bad_parameter

_Json = Dict[str, Any]

VERSION = "v27.0"  #: of the fields, as Meta lists them


def debug_token(page: SimulatedPage, call: GraphCall) -> _Json:
    """Answer GET debug_token. To a guest every token is right, and for the page.

    Raises `Refused` where the caller is another app than that of the token, or may not ask.
    """
    token = str(call.parameters.get("input_token") or "")
    app = app_with(page, token)
    if call.guest:
        app = app or page.bot
    elif call.kind != "APP" and app is not call.app:
        raise Refused(refusals.VIEWER_MUST_BE_APP)
    elif token == call.app.access_token:
        return {"data": {"app_id": call.app.id, "type": "APP", "is_valid": True, "scopes": []}}
    if app is None:
        error = {"code": 190, "message": "Invalid OAuth access token."}
        return {"data": {"error": error, "is_valid": False, "scopes": []}}
    if not call.guest and call.app.id != (app.about_token.app or app.id):
        raise Refused(refusals.OTHER_VIEWING_APP)
    return {"data": app.about_token.told(app.id, app.name, app.page_id, page.now())}


# --- the page's half of a subscription ------------------------------------------------------------


def subscribed_apps(page: SimulatedPage, call: GraphCall) -> _Json:
    """Answer GET subscribed_apps: the apps with fields, or the caller alone (`Switches.lists_other_apps`)."""
    shown = [app for app in page.apps.values() if page.switches.lists_other_apps or app is call.app]
    listed = [app for app in shown if app.page_fields and app.connected]
    return {
        "data": [{"id": a.id, "name": a.name, "subscribed_fields": sorted(a.page_fields)} for a in listed]
    }


def subscribe_page(page: SimulatedPage, call: GraphCall) -> _Json:
    """Answer POST subscribed_apps: the fields given take the place of those before."""
    call.app.page_fields = set(names(call.parameters.get("subscribed_fields")))
    return {"success": True}


def unsubscribe_page(page: SimulatedPage, call: GraphCall) -> _Json:
    """Answer DELETE subscribed_apps."""
    call.app.page_fields = set()
    return {"success": True}


# --- the app's half -------------------------------------------------------------------------------


def subscribe_app(page: SimulatedPage, call: GraphCall) -> _Json:
    """Answer POST /<app id>/subscriptions: the fields given are added to those before.

    Raises `Refused` where the app has no callback, and gives none.
    """
    app = page.apps.get(call.node)
    fields = names(call.parameters.get("fields"))
    if app is None or call.parameters.get("object", "page") != "page" or not fields:
        return {"success": True}
    if not call.guest:
        _set_callback(app, call)
    app.fields |= set(fields)
    return {"success": True}


def _set_callback(app: App, call: GraphCall) -> None:
    callback, word = (str(call.parameters.get(key) or "") for key in ("callback_url", "verify_token"))
    if not callback or not word:
        raise bad_parameter("(#100) The parameters callback_url and verify_token are required")
    app.callback, app.verify_token = callback, word


def subscriptions(page: SimulatedPage, call: GraphCall) -> _Json:
    """Answer GET /<app id>/subscriptions: nothing where the app has no callback, but for a guest."""
    app = page.apps.get(call.node, call.app)
    if not call.guest and not app.callback:
        return {"data": []}
    fields = [{"name": name, "version": VERSION} for name in sorted(app.fields)]
    return {"data": [{"object": "page", "callback_url": app.callback, "active": True, "fields": fields}]}


# --- roles and features ---------------------------------------------------------------------------


def secondary_receivers(page: SimulatedPage, call: GraphCall) -> _Json:
    """Answer GET secondary_receivers: every other app (the call is a relic of the handover protocol).

    Raises `Refused` where the simulator has retired it (`Switches.lists_secondary_receivers`).
    """
    if not page.switches.lists_secondary_receivers:
        raise Refused(refusals.ROLES_RETIRED)
    others = [app for app in page.apps.values() if app is not call.app and app.connected]
    return {"data": [picked({"id": app.id, "name": app.name}, call, ("name",)) for app in others]}


def feature_review(page: SimulatedPage, call: GraphCall) -> _Json:
    """Answer GET messaging_feature_review: what was asked for in App Review, here Human Agent."""
    if call.guest:
        return {"data": []}
    status = "approved" if call.app.human_agent else "rejected"
    return {"data": [{"feature": "human_agent", "status": status}]}


CALLS: Mapping[Tuple[str, str], Handler] = {
    ("GET", "subscribed_apps"): subscribed_apps,
    ("POST", "subscribed_apps"): subscribe_page,
    ("DELETE", "subscribed_apps"): unsubscribe_page,
    ("GET", "subscriptions"): subscriptions,
    ("POST", "subscriptions"): subscribe_app,
    ("GET", "secondary_receivers"): secondary_receivers,
    ("GET", "messaging_feature_review"): feature_review,
}

NODES_OF_APPS: Mapping[Tuple[str, str], Handler] = {("GET", "debug_token"): debug_token}
