"""Describes an app's page access token as Meta keeps it, and what `debug_token` tells of it. No I/O.

Meta tells the kind, the app, the page (`profile_id`), the end of its life (0: none), the permissions, and of
each permission the pages for which it was granted (without `target_ids`: for all).

https://developers.facebook.com/docs/graph-api/reference/debug_token
https://developers.facebook.com/docs/facebook-login/guides/access-tokens/get-long-lived
"""

from __future__ import annotations

from dataclasses import dataclass, field, fields, replace
from typing import Any, Dict, FrozenSet, Mapping

#: The permissions that whoever makes a token is asked for.
SCOPES = ("pages_show_list", "pages_messaging", "pages_manage_metadata", "pages_read_engagement")

KINDS = ("PAGE", "USER", "APP")  #: as `debug_token` names them

#: What an app's call needs -> the permission. Edges that are not here need none.
SCOPE_OF_EDGE: Mapping[str, str] = {
    "messages": "pages_messaging",
    "pass_thread_control": "pages_messaging",
    "take_thread_control": "pages_messaging",
    "request_thread_control": "pages_messaging",
    "release_thread_control": "pages_messaging",
    "extend_thread_control": "pages_messaging",
    "thread_owner": "pages_messaging",
    "messenger_profile": "pages_messaging",
    "messaging_feature_review": "pages_messaging",
    "subscribed_apps": "pages_manage_metadata",
}


@dataclass(frozen=True)
class AccessToken:
    """What Meta knows of the token of one app. A new one is right in everything."""

    kind: str = "PAGE"  #: one of KINDS
    valid: bool = True
    app: str = ""  #: app id that it was made for, "" for the app that uses it
    page: str = ""  #: page that it is for, "" for the simulated one
    expires_at: int = 0  #: seconds since the epoch, 0: never
    data_access_expires_at: int = 0  #: the same, for the data of people
    scopes: FrozenSet[str] = field(default_factory=lambda: frozenset(SCOPES))
    granted_for: str = ""  #: page that the permissions were granted for, "" for that of the token

    def with_changes(self, changes: Mapping[str, Any]) -> AccessToken:
        """Return a token with *changes*; raises ValueError, which names the key and what it accepts."""
        types = {item.name: type(getattr(self, item.name)) for item in fields(self)}
        given: Dict[str, Any] = {}
        for key, value in changes.items():
            if key not in types:
                raise ValueError(f"{key!r} is no fact of a token (known: {', '.join(sorted(types))})")
            if key == "scopes" and isinstance(value, (list, tuple, set, frozenset)):
                value = frozenset(str(name) for name in value)
            if not isinstance(value, types[key]) or (key == "kind" and value not in KINDS):
                raise ValueError(f"{key!r} is {value!r}; it must be like {getattr(self, key)!r}")
            given[key] = value
        return replace(self, **given)

    def works_at(self, now: float) -> bool:
        """Whether Meta accepts it."""
        return self.valid and not 0 < self.expires_at <= now

    def for_state(self) -> Dict[str, Any]:
        """Return it as JSON."""
        facts = {item.name: getattr(self, item.name) for item in fields(self)}
        return {**facts, "scopes": sorted(self.scopes)}

    def told(self, app: str, name: str, page: str, now: float) -> Dict[str, Any]:
        """Return what `debug_token` tells of it; *app*, *name* and *page* are those that use it."""
        scopes = [scope for scope in SCOPES if scope in self.scopes] + sorted(self.scopes - set(SCOPES))
        facts: Dict[str, Any] = {
            "app_id": self.app or app,
            "type": self.kind,
            "application": name,
            "expires_at": self.expires_at,
            "data_access_expires_at": self.data_access_expires_at,
            "is_valid": self.works_at(now),
            "scopes": scopes,
        }
        if not facts["is_valid"]:
            facts["error"] = {"code": 190, "message": "Error validating access token", "subcode": 463}
        if self.kind == "APP":
            return {**facts, "scopes": []}
        granted = self.granted_for or self.page or page
        facts["granular_scopes"] = [{"scope": scope, "target_ids": [granted]} for scope in scopes]
        owner = {"profile_id": self.page or page} if self.kind == "PAGE" else {}
        return {**facts, **owner, "user_id": "10000000000000001"}
