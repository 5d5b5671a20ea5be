"""Holds the switches: what Meta's documentation leaves open, and how strict the simulator is."""

from __future__ import annotations

from dataclasses import dataclass, fields, replace
from typing import Any, Mapping

_ACCEPTED = {"done": ("pass", "release", "nothing"), "ids": ("meta", "string", "number")}


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
            if not isinstance(value, types[key]) or value not in _ACCEPTED.get(key, (value,)):
                accepted = _ACCEPTED.get(key, ("true", "false"))
                raise ValueError(f"{key!r} is {value!r}; it must be one of {', '.join(accepted)}")
        return replace(self, **changes)
