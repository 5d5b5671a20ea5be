"""Describes an app that is connected to the page, and the webhook fields that it may subscribe to. No I/O.

https://developers.facebook.com/documentation/business-messaging/messenger-platform/webhooks
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Mapping, Set

from handover_channel.simulator.access_token import AccessToken

PAGE_INBOX = "263902037430900"  #: Meta's app id of the Page inbox

STANDBY = "standby"

#: Kind of event -> the webhook field an app subscribes to for it.
WEBHOOK_FIELDS: Mapping[str, str] = {
    "message": "messages",
    "echo": "message_echoes",
    "postback": "messaging_postbacks",
    "delivery": "message_deliveries",
    "read": "message_reads",
    "referral": "messaging_referrals",
    "optin": "messaging_optins",
    "reaction": "message_reactions",
    "pass_thread_control": "messaging_handovers",
    "take_thread_control": "messaging_handovers",
    "request_thread_control": "messaging_handovers",
    "message_edit": "message_edits",
    "account_linking": "messaging_account_linking",
    "policy_enforcement": "messaging_policy_enforcement",
}

ALL_FIELDS = frozenset(WEBHOOK_FIELDS.values()) | {STANDBY}

#: What an app that lives in the simulator listens to: no receipts, which nobody there would read.
QUIET_FIELDS = ALL_FIELDS - {"message_deliveries", "message_reads"}


@dataclass
class App:
    """An app connected to the page. One with a callback is a real program; the others live in here."""

    id: str
    name: str = ""
    token: str = field(default="", repr=False)  #: page access token issued to this app
    secret: str = field(default="", repr=False)
    verify_token: str = field(default="", repr=False)
    callback: str = ""  #: URL of its webhook, "" for none
    may_take: bool = True  #: "Allow this app to take control of conversations"
    fields: Set[str] = field(default_factory=lambda: set(ALL_FIELDS))  #: subscribed in the app's settings
    page_fields: Set[str] = field(default_factory=lambda: set(ALL_FIELDS))  #: by POST subscribed_apps
    about_token: AccessToken = field(default_factory=AccessToken)  #: what Meta knows of the token
    human_agent: bool = True  #: App Review has granted the feature Human Agent
    connected: bool = True  #: to the page; one that is not is known to Meta, and may do nothing here

    @property
    def access_token(self) -> str:
        """The token of the app itself, which calls for the app and for no page."""
        return f"{self.id}|{self.secret}"

    def listens_to(self, *names: str) -> bool:
        """Whether the app subscribed to all these fields, at both levels."""
        return self.fields.issuperset(names) and self.page_fields.issuperset(names)
