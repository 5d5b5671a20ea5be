"""Maps paths of the control API to the actions of people and apps. No I/O.

An action takes the JSON body, and raises KeyError for a key that the body lacks.
"""

from __future__ import annotations

from typing import Any, Callable, Dict, Mapping

from handover_channel.simulator.apps import AppClient
from handover_channel.simulator.person import Person
from handover_channel.simulator.request import Response

Given = Mapping[str, Any]


def _choice(given: Given) -> Dict[str, Any]:
    picked = {"payload": given["payload"]} if "payload" in given else {"index": int(given.get("index", 0))}
    return {"mid": str(given.get("mid", "")), **picked}


def postback(person: Person, given: Given, app_id: str) -> Any:
    """Tap a button, or with `menu` an item of the menu that *app_id* set ("" for the bot).

    Raises KeyError for a key that *given* lacks, `NothingToTap` if there is no such button.
    """
    if given.get("menu"):
        return person.taps_menu(given["payload"], given.get("title", ""), app_id=app_id)
    return person.taps(**_choice(given))


#: The last segment of the path -> what the person does.
PERSON_ACTIONS: Mapping[str, Callable[[Person, Given], Any]] = {
    "text": lambda person, given: person.says(str(given["text"])),
    "attachment": lambda person, given: person.sends(
        given["type"], given.get("url", ""), given.get("payload")
    ),
    "quick_reply": lambda person, given: person.chooses(**_choice(given)),
    "referral": lambda person, given: person.comes_by(given["ref"], given.get("source", "SHORTLINK")),
    "optin": lambda person, given: person.opts_in(
        given["payload"], given.get("type", "notification_messages")
    ),
    "reaction": lambda person, given: person.reacts(
        given["mid"], given.get("reaction", "love"), given.get("emoji", "\u2764")
    ),
    "read": lambda person, given: person.reads(),
}

#: The last segment of the path -> the app's Graph API call.
APP_ACTIONS: Mapping[str, Callable[[AppClient, str, Given], Response]] = {
    "reply": lambda app, psid, given: app.sends(psid, given.get("message") or {"text": given["text"]}),
    "pass": lambda app, psid, given: app.passes(psid, given.get("to") or "", given.get("metadata", "")),
    "take": lambda app, psid, given: app.takes(psid, given.get("metadata", "")),
    "request": lambda app, psid, given: app.requests(psid, given.get("metadata", "")),
    "release": lambda app, psid, given: app.releases(psid),
    "extend": lambda app, psid, given: app.extends(psid, given["seconds"]),
}


def named(table: Mapping[str, Any], action: str) -> Any:
    """Return the action of that name; raises ValueError, which names the known ones."""
    if action not in table:
        raise ValueError(f"{action!r} is not an act (known: {', '.join(sorted(table))})")
    return table[action]
