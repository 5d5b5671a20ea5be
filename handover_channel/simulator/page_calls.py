"""Answers the Graph API calls about the page, its apps and its people.

Most calls store a value or return it; none changes who controls a thread.

https://developers.facebook.com/documentation/business-messaging/messenger-platform/reference/messenger-profile-api
https://developers.facebook.com/documentation/business-messaging/messenger-platform/send-messages/personas
https://developers.facebook.com/docs/graph-api/reference/page/subscribed_apps
"""

from __future__ import annotations

import re
from typing import Any, Dict, List, Mapping, Tuple

from handover_channel.simulator import attachments, refusals
from handover_channel.simulator.graph_call import GraphCall, Handler
from handover_channel.simulator.page import SimulatedPage
from handover_channel.simulator.refusals import Refused, bad_parameter, unknown_path
from handover_channel.simulator.thread import LATER_NAMES, Thread
from handover_channel.simulator.thread_control import Mode

_Json = Dict[str, Any]

_AN_ID = re.compile(r"[0-9A-Za-z_-]+$")


def _names(given: Any) -> List[str]:
    """Return field names from a list or comma-separated text."""
    if isinstance(given, str):
        given = given.strip("[]").replace('"', "").split(",")
    return (
        [str(name).strip() for name in given if str(name).strip()] if isinstance(given, (list, tuple)) else []
    )


def _picked(record: Mapping[str, Any], call: GraphCall, default: Tuple[str, ...]) -> _Json:
    """Return the fields that were asked for, and always the id."""
    wanted = _names(call.parameters.get("fields")) or default
    return {key: value for key, value in record.items() if key in (*wanted, "id")}


# --- the page and its objects ---------------------------------------------------------------------


def get_page(page: SimulatedPage, call: GraphCall) -> _Json:
    """Answer GET /me: name and id, or the fields asked for."""
    record = {
        "name": page.page_name,
        "id": page.page_id,
        "messaging_feature_status": {
            "hop_v2": False,
            "msgr_multi_app": page.settings.mode is Mode.ROUTING,
            "ig_multi_app": False,
        },
    }
    return _picked(record, call, ("name",))


def of_object(call: GraphCall) -> Handler:
    """Return the handler of ``/<id>`` for a call; raises `Refused` for a path that does not exist."""
    handler = {"GET": _object, "DELETE": _delete_object}.get(call.verb)
    if handler is None or not _AN_ID.match(call.node):
        raise unknown_path(f"/{call.node}")
    return handler


def _object(page: SimulatedPage, call: GraphCall) -> _Json:
    if call.node == page.page_id:
        return get_page(page, call)
    if call.node in page.personas:
        return page.personas[call.node]
    if call.node in page.apps:
        return {"id": call.node, "name": page.apps[call.node].name}
    if page.switches.strict and call.node not in page.threads:
        raise Refused(refusals.NO_SUCH_OBJECT)
    person = page.threads.get(call.node) or Thread(call.node, LATER_NAMES[0])
    profile = person.profile()
    if page.base_url:
        profile["profile_pic"] = f"{page.base_url}/simulator/pictures/{person.psid}.png"
    return _picked(profile, call, ("first_name", "last_name", "profile_pic"))


def _delete_object(page: SimulatedPage, call: GraphCall) -> _Json:
    if page.personas.pop(call.node, None) is None and not call.guest:
        raise Refused(refusals.NO_SUCH_OBJECT)
    return {"success": True}


def debug_token(page: SimulatedPage, call: GraphCall) -> _Json:
    """Answer GET /debug_token: every token is valid, and for a page."""
    scopes = ["pages_messaging", "pages_manage_metadata"]
    token = {"app_id": call.app.id, "type": "PAGE", "application": call.app.name, "expires_at": 0}
    return {"data": {**token, "is_valid": True, "scopes": scopes, "profile_id": page.page_id}}


# --- personas, Messenger profile, menus -----------------------------------------------------------


def create_persona(page: SimulatedPage, call: GraphCall) -> _Json:
    """Answer POST personas: ``{"id"}``. Raises `Refused` for a missing or too long name."""
    name = call.parameters.get("name")
    if not name or len(str(name)) > 50:
        raise bad_parameter("The parameter name is required, with at most 50 characters")
    number = str(8_000_000_000_000_001 + len(page.personas))
    picture = call.parameters.get("profile_picture_url", "")
    page.personas[number] = {"id": number, "name": str(name), "profile_picture_url": picture}
    return {"id": number}


def personas(page: SimulatedPage, call: GraphCall) -> _Json:
    """Answer GET personas, all on one page."""
    return {"data": list(page.personas.values())}


def get_profile(page: SimulatedPage, call: GraphCall) -> _Json:
    """Answer GET messenger_profile: one object with the fields that are set, or no object."""
    wanted = _names(call.parameters.get("fields"))
    found = {key: value for key, value in page.profile.items() if key in wanted}
    return {"data": [found] if found else []}


def set_profile(page: SimulatedPage, call: GraphCall) -> _Json:
    """Answer POST messenger_profile."""
    given = call.parameters.items()
    page.profile.update(
        {key: value for key, value in given if key not in ("access_token", "appsecret_proof")}
    )
    return {"result": "success"}


def delete_profile(page: SimulatedPage, call: GraphCall) -> _Json:
    """Answer DELETE messenger_profile."""
    for key in _names(call.parameters.get("fields")):
        page.profile.pop(key, None)
    return {"result": "success"}


def get_user_settings(page: SimulatedPage, call: GraphCall) -> _Json:
    """Answer GET custom_user_settings: the person's own menu, or no object."""
    menu = page.user_settings.get(str(call.parameters.get("psid", "")))
    return {"data": [{"user_level_persistent_menu": menu}] if menu else []}


def set_user_settings(page: SimulatedPage, call: GraphCall) -> _Json:
    """Answer POST custom_user_settings. Raises `Refused` without a PSID."""
    psid = str(call.parameters.get("psid") or "")
    if not psid:
        raise bad_parameter("The parameter psid is required")
    page.user_settings[psid] = call.parameters.get("persistent_menu")
    return {"result": "success"}


def delete_user_settings(page: SimulatedPage, call: GraphCall) -> _Json:
    """Answer DELETE custom_user_settings."""
    page.user_settings.pop(str(call.parameters.get("psid", "")), None)
    return {"result": "success"}


# --- apps and subscriptions -----------------------------------------------------------------------


def subscribed_apps(page: SimulatedPage, call: GraphCall) -> _Json:
    """Answer GET subscribed_apps."""
    apps = page.apps.values()
    return {"data": [{"id": a.id, "name": a.name, "subscribed_fields": sorted(a.page_fields)} for a in apps]}


def subscribe_page(page: SimulatedPage, call: GraphCall) -> _Json:
    """Answer POST subscribed_apps: the page-level half of a subscription."""
    call.app.page_fields = set(_names(call.parameters.get("subscribed_fields")))
    return {"success": True}


def unsubscribe_page(page: SimulatedPage, call: GraphCall) -> _Json:
    """Answer DELETE subscribed_apps."""
    call.app.page_fields = set()
    return {"success": True}


def subscribe_app(page: SimulatedPage, call: GraphCall) -> _Json:
    """Answer POST /<app id>/subscriptions: the app-level half. The callback stays the configured one."""
    app = page.apps.get(call.node)
    fields = _names(call.parameters.get("fields"))
    if app is not None and call.parameters.get("object", "page") == "page" and fields:
        app.fields = set(fields)
    return {"success": True}


def subscriptions(page: SimulatedPage, call: GraphCall) -> _Json:
    """Answer GET /<app id>/subscriptions."""
    app = page.apps.get(call.node, call.app)
    fields = [{"name": name, "version": "v27.0"} for name in sorted(app.fields)]
    return {"data": [{"object": "page", "callback_url": app.callback, "active": True, "fields": fields}]}


def secondary_receivers(page: SimulatedPage, call: GraphCall) -> _Json:
    """Answer GET secondary_receivers: every other app (the call is a relic of the handover protocol)."""
    others = [app for app in page.apps.values() if app is not call.app]
    return {"data": [_picked({"id": app.id, "name": app.name}, call, ("name",)) for app in others]}


def conversations(page: SimulatedPage, call: GraphCall) -> _Json:
    """Answer GET conversations; `is_owner` only with Conversation Routing."""
    wanted = _names(call.parameters.get("fields"))
    found = []
    for thread in page.threads.values():
        one: _Json = {"id": f"t_{thread.psid}"}
        if "messages" in wanted:
            mids = [{"id": entry["mid"]} for entry in reversed(thread.chat) if "mid" in entry]
            one["messages"] = {"data": mids[:25]}
        if "is_owner" in wanted and page.settings.mode is Mode.ROUTING:
            one["is_owner"] = page.owner(thread.psid) == call.app.id
        if thread.chat:
            found.append(one)
    return {"data": found}


# --- answered, and without meaning here -----------------------------------------------------------


def _success(page: SimulatedPage, call: GraphCall) -> _Json:
    return {"success": True}


def _nothing(page: SimulatedPage, call: GraphCall) -> _Json:
    return {"data": []}


def _ids(page: SimulatedPage, call: GraphCall) -> _Json:
    key = "app" if call.edge == "ids_for_apps" else "page"
    named = {"app": (call.app.id, call.app.name), "page": (page.page_id, page.page_name)}[key]
    return {"data": [{"id": call.node, key: {"id": named[0], "name": named[1]}}]}


CALLS: Mapping[Tuple[str, str], Handler] = {
    ("POST", "personas"): create_persona,
    ("GET", "personas"): personas,
    ("GET", "messenger_profile"): get_profile,
    ("POST", "messenger_profile"): set_profile,
    ("DELETE", "messenger_profile"): delete_profile,
    ("GET", "custom_user_settings"): get_user_settings,
    ("POST", "custom_user_settings"): set_user_settings,
    ("DELETE", "custom_user_settings"): delete_user_settings,
    ("GET", "subscribed_apps"): subscribed_apps,
    ("POST", "subscribed_apps"): subscribe_page,
    ("DELETE", "subscribed_apps"): unsubscribe_page,
    ("GET", "subscriptions"): subscriptions,
    ("POST", "subscriptions"): subscribe_app,
    ("GET", "secondary_receivers"): secondary_receivers,
    ("GET", "conversations"): conversations,
    ("POST", "message_attachments"): attachments.save,
    ("GET", "messaging_feature_review"): _nothing,
    ("POST", "nlp_configs"): _success,
    ("POST", "activities"): _success,
    ("GET", "ids_for_apps"): _ids,
    ("GET", "ids_for_pages"): _ids,
}

#: Edges of apps and people: their node is not the page.
EDGES_OF_OTHERS = frozenset({"subscriptions", "activities", "ids_for_apps", "ids_for_pages"})

NODES: Mapping[Tuple[str, str], Handler] = {("GET", "me"): get_page, ("GET", "debug_token"): debug_token}
