"""Holds the switches: what Meta's documentation leaves open, and how strict the simulator is."""

from __future__ import annotations

from dataclasses import dataclass, fields, replace
from typing import Any, Mapping, Tuple

#: What a switch accepts, where it is not true or false.
ACCEPTED: Mapping[str, Tuple[str, ...]] = {
    "done": ("pass", "release", "nothing"),
    "ids": ("meta", "string", "number"),
    "handover_protocol": ("off", "v1", "v2"),
    "take_told_to": ("owner", "all"),
    "extend_from": ("now", "expiry"),
    "menu_tap": ("origin", "owner"),
    "profiles": ("open", "empty", "unavailable"),
}


@dataclass(frozen=True)
class Switches:
    """The settings of a simulator that may change while it runs."""

    #: What "Done" in the Page inbox does: pass to the default app (as documented until 2020; release where
    #: there is none), release, or nothing. No current page of Meta says.
    done: str = "pass"
    #: Types of the app ids in handover events: mixed as in Meta's samples, all strings, all numbers.
    ids: str = "meta"
    #: Whether taking an idle thread is announced, with `previous_owner_app_id: null`, to the other apps.
    take_event_from_idle: bool = False
    #: The retired handover protocol in place of Conversation Routing: with roles (v1), or with idle threads
    #: (v2). The default app is the primary receiver then.
    handover_protocol: str = "off"
    #: Who gets `take_thread_control`: the owner before, or every app (Meta's pages contradict each other).
    take_told_to: str = "owner"
    #: From when an extension counts: from now, or from when control would have ended.
    extend_from: str = "now"
    #: Whether pass and take set control back to 24 hours (documented for ads), or never shorten it.
    action_restarts_day: bool = True
    #: Whether a refusal to an app that is not the owner has the subcode 2534037, documented for Instagram.
    tells_not_owner: bool = True
    #: Whether control is refused to an app that the page does not have; it is connected then, otherwise.
    refuses_unknown_target: bool = True
    #: Whether the metadata of a change of control has the limit of a message's, 1000 characters.
    limits_metadata: bool = False
    #: Without a default app: whether an answer of the Page inbox takes control, as it does with one.
    inbox_takes_idle: bool = True
    #: Without a default app: whether an answer in an idle thread takes control.
    send_takes_idle: bool = False
    #: Whether standby needs the subscription of the event's own field, too.
    standby_needs_own_field: bool = True
    #: Whether reactions, referrals and opt-ins come on standby: Meta lists four kinds of event there.
    standby_of_every_kind: bool = False
    #: Whether the payload of a quick reply is on standby for apps that did not offer it, too.
    standby_shows_quick_replies: bool = True
    #: Who gets the payload of a tap on the menu: the app that set the menu, or the owner of the thread.
    menu_tap: str = "origin"
    #: Whether webhooks are signed with SHA-1, too: today's page knows SHA-256 alone.
    signs_sha1: bool = True
    #: Whether `/`, `<`, `%` and `@` are escaped in webhooks, beside what is not ASCII.
    escapes_punctuation: bool = True
    #: Whether a send is refused for its ownership before it is refused for the window.
    ownership_first: bool = True
    #: Whether `messaging_type` is required, as Meta's reference has it; most clients leave it out.
    needs_messaging_type: bool = False
    #: What the User Profile API tells: everything, nothing (no access), 100/2018218 (no profile).
    profiles: str = "open"
    #: Whether the apps are younger than Graph v27 (4 November 2026), and refused what it has retired.
    young_apps: bool = True
    #: Whether sends are refused when the messaging window is closed (24 hours; 7 days for HUMAN_AGENT).
    window: bool = True
    #: Whether delivery and read events follow the page's messages.
    receipts: bool = True
    #: Refuse unknown tokens, calls without a token, and people who have never written.
    strict: bool = False
    #: Refuse calls without `appsecret_proof` (one that is there is checked anyhow).
    require_proof: bool = False
    #: Whether GET subscribed_apps lists every app of the page, or the caller alone: no page of Meta says.
    lists_other_apps: bool = True
    #: Whether GET secondary_receivers, of the retired handover protocol, still answers.
    lists_secondary_receivers: bool = True
    #: Whether GET /me still tells `messaging_feature_status`.
    tells_feature_status: bool = True
    #: Disable a webhook that really fails for an hour, as Meta does; what the fault `webhook_down` fails is.
    disable_webhooks: bool = False

    def with_changes(self, changes: Mapping[str, Any]) -> Switches:
        """Return switches with *changes*; raises ValueError, which names the key and what it accepts."""
        types = {item.name: type(item.default) for item in fields(self)}
        for key, value in changes.items():
            if key not in types:
                raise ValueError(f"{key!r} is not a switch (known: {', '.join(sorted(types))})")
            if not isinstance(value, types[key]) or value not in ACCEPTED.get(key, (value,)):
                accepted = ACCEPTED.get(key, ("true", "false"))
                raise ValueError(f"{key!r} is {value!r}; it must be one of {', '.join(accepted)}")
        return replace(self, **changes)
