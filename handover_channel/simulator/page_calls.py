"""Answers the Graph API calls about the page and its people; those about its apps: `subscription_calls`.

Most calls store a value or return it; none changes who controls a thread.

https://developers.facebook.com/documentation/business-messaging/messenger-platform/reference/messenger-profile-api
https://developers.facebook.com/documentation/business-messaging/messenger-platform/send-messages/personas
"""

from __future__ import annotations

import re
from typing import Any, Dict, Mapping, Tuple

from handover_channel.simulator import attachments, refusals
from handover_channel.simulator.fields_asked_for import names, picked
from handover_channel.simulator.graph_call import GraphCall, Handler
from handover_channel.simulator.page import SimulatedPage
from handover_channel.simulator.refusals import Refused, bad_parameter, unknown_path
from handover_channel.simulator.thread import Thread, later_name
from handover_channel.simulator.thread_control import Mode

_Json = Dict[str, Any]

_AN_ID = re.compile(r"[0-9A-Za-z_-]+$")


# --- the page and its objects ---------------------------------------------------------------------


def get_page(page: SimulatedPage, call: GraphCall) -> _Json:
    """Answer GET /me: name and id, or the fields asked for. /me is what the token is for."""
    token = call.app.about_token
    if not call.guest and call.kind != "PAGE":
        of_app = {"id": call.app.id, "name": call.app.name}
        of_person = {"id": "10000000000000001", "name": "Whoever made the token"}
        return picked(of_app if call.kind == "APP" else of_person, call, ("name",))
    if not call.guest and token.page not in ("", page.page_id):
        return picked({"id": token.page, "name": "Another page"}, call, ("name",))
    record = {
        "name": page.page_name,
        "id": page.page_id,
        "is_published": page.published,
        "messaging_feature_status": {
            "hop_v2": page.settings.mode is Mode.IDLE_THREADS,
            "msgr_multi_app": page.settings.mode is Mode.ROUTING,
            "ig_multi_app": False,
        },
    }
    if not page.switches.tells_feature_status:
        del record["messaging_feature_status"]
    return picked(record, call, ("name",))


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
    if call.node not in page.threads and (page.switches.strict or _is_of_another(page, call.node)):
        raise Refused(refusals.NO_SUCH_OBJECT)
    if page.switches.profiles == "unavailable":
        raise Refused(refusals.NO_PROFILE)
    if page.switches.profiles == "empty":
        return {}
    person = page.threads.get(call.node) or Thread(call.node, later_name(0))
    profile = person.profile()
    if page.meta.base_url:
        profile["profile_pic"] = f"{page.meta.base_url}/simulator/pictures/{person.psid}.png"
    return picked(profile, call, ("first_name", "last_name", "profile_pic"))


def _is_of_another(page: SimulatedPage, node: str) -> bool:
    """Whether it is another page, or a person or a persona of one: no token of this page opens it."""
    others = [each for each in page.meta.pages.values() if each is not page]
    return any(node == each.page_id or node in each.threads or node in each.personas for each in others)


def _delete_object(page: SimulatedPage, call: GraphCall) -> _Json:
    if page.personas.pop(call.node, None) is None and not call.guest:
        raise Refused(refusals.NO_SUCH_OBJECT)
    return {"success": True}


# --- personas, Messenger profile, menus -----------------------------------------------------------


def create_persona(page: SimulatedPage, call: GraphCall) -> _Json:
    """Answer POST personas: ``{"id"}``. Raises `Refused` for a missing or too long name."""
    name = call.parameters.get("name")
    if not name or len(str(name)) > 50:
        raise bad_parameter("The parameter name is required, with at most 50 characters")
    number = str(8_000_000_000_000_001 + page.meta.next_number("persona"))
    picture = call.parameters.get("profile_picture_url", "")
    page.personas[number] = {"id": number, "name": str(name), "profile_picture_url": picture}
    return {"id": number}


def personas(page: SimulatedPage, call: GraphCall) -> _Json:
    """Answer GET personas, all on one page."""
    return {"data": list(page.personas.values())}


def get_profile(page: SimulatedPage, call: GraphCall) -> _Json:
    """Answer GET messenger_profile: one object with the fields that are set, or no object."""
    wanted = names(call.parameters.get("fields"))
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
    for key in names(call.parameters.get("fields")):
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
    if _is_of_another(page, psid):
        raise Refused(refusals.NO_SUCH_PERSON)
    page.user_settings[psid] = call.parameters.get("persistent_menu")
    return {"result": "success"}


def delete_user_settings(page: SimulatedPage, call: GraphCall) -> _Json:
    """Answer DELETE custom_user_settings."""
    page.user_settings.pop(str(call.parameters.get("psid", "")), None)
    return {"result": "success"}


def conversations(page: SimulatedPage, call: GraphCall) -> _Json:
    """Answer GET conversations; `is_owner` only with Conversation Routing."""
    wanted = names(call.parameters.get("fields"))
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


def ids_for_apps(page: SimulatedPage, call: GraphCall) -> _Json:
    """Answer GET ids_for_apps: the person's id for the calling app."""
    return {"data": [{"id": call.node, "app": {"id": call.app.id, "name": call.app.name}}]}


def ids_for_pages(page: SimulatedPage, call: GraphCall) -> _Json:
    """Answer GET ids_for_pages: the person's id on each page that they have come to.

    https://developers.facebook.com/docs/messenger-platform/identity/id-matching
    """
    there = page.meta.page_of(call.node)
    known = [(page, call.node)]
    if there is not None:
        same = page.meta.threads_of_same(there.threads[call.node])
        known = [(each, thread.psid) for each, thread in same]
    return {"data": [{"id": psid, "page": {"id": e.page_id, "name": e.page_name}} for e, psid in known]}


CALLS: Mapping[Tuple[str, str], Handler] = {
    ("POST", "personas"): create_persona,
    ("GET", "personas"): personas,
    ("GET", "messenger_profile"): get_profile,
    ("POST", "messenger_profile"): set_profile,
    ("DELETE", "messenger_profile"): delete_profile,
    ("GET", "custom_user_settings"): get_user_settings,
    ("POST", "custom_user_settings"): set_user_settings,
    ("DELETE", "custom_user_settings"): delete_user_settings,
    ("GET", "conversations"): conversations,
    ("POST", "message_attachments"): attachments.save,
    ("POST", "nlp_configs"): _success,
    ("POST", "activities"): _success,
    ("GET", "ids_for_apps"): ids_for_apps,
    ("GET", "ids_for_pages"): ids_for_pages,
}

#: Edges of apps and people: their node is not the page.
EDGES_OF_OTHERS = frozenset({"subscriptions", "activities", "ids_for_apps", "ids_for_pages"})

NODES: Mapping[Tuple[str, str], Handler] = {("GET", "me"): get_page}
