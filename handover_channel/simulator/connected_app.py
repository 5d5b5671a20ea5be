"""Describes an app that is connected to a page, and the webhook fields that it may subscribe to. No I/O.

https://developers.facebook.com/documentation/business-messaging/messenger-platform/webhooks
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Generic, Mapping, Optional, Set, Type, TypeVar

from handover_channel.simulator.access_token import AccessToken

_T = TypeVar("_T")

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
class RegisteredApp:
    """An app as its developer keeps it at Meta: one for all the pages that it is connected to."""

    id: str
    name: str = ""
    secret: str = field(default="", repr=False)
    verify_token: str = field(default="", repr=False)
    callback: str = ""  #: URL of its webhook, "" for none
    fields: Set[str] = field(default_factory=lambda: set(ALL_FIELDS))  #: subscribed in the app's settings
    human_agent: bool = True  #: App Review has granted the feature Human Agent


class _OfRegistered(Generic[_T]):
    """A fact that is the same on every page: read and changed in `App.registered`."""

    def __set_name__(self, owner: Type[App], name: str) -> None:
        self._name = name

    def __get__(self, app: App, owner: Type[App]) -> _T:
        found: _T = getattr(app.registered, self._name)
        return found

    def __set__(self, app: App, value: _T) -> None:
        setattr(app.registered, self._name, value)


class App:
    """An app connected to a page. One with a callback is a real program; the others live in here.

    Name, secret, webhook and review are the app's own, on whichever page: `registered`. Token, fields of
    `subscribed_apps` and the right to take control are those of one page.
    """

    name = _OfRegistered[str]()
    secret = _OfRegistered[str]()
    verify_token = _OfRegistered[str]()
    callback = _OfRegistered[str]()  #: URL of its webhook, "" for none
    fields = _OfRegistered[Set[str]]()  #: subscribed in the app's settings
    human_agent = _OfRegistered[bool]()  #: App Review has granted the feature Human Agent

    def __init__(
        self,
        id: str,  # noqa: A002 - as Meta calls it
        name: str = "",
        token: str = "",
        secret: str = "",
        verify_token: str = "",
        callback: str = "",
        *,
        fields: Optional[Set[str]] = None,
        page_fields: Optional[Set[str]] = None,
        registered: Optional[RegisteredApp] = None,
    ) -> None:
        """*registered*: what is known of the app already; then name to fields count for nothing."""
        listened = set(ALL_FIELDS) if fields is None else fields
        self.id = id
        self.registered = registered or RegisteredApp(id, name, secret, verify_token, callback, listened)
        self.page_id = ""  #: of the page it is connected to
        self.token = token  #: page access token issued to this app
        self.may_take = True  #: "Allow this app to take control of conversations"
        self.page_fields = set(ALL_FIELDS) if page_fields is None else page_fields  #: by POST subscribed_apps
        self.about_token = AccessToken()  #: what Meta knows of the token
        self.connected = True  #: to the page; one that is not is known to Meta, and may do nothing here

    def __repr__(self) -> str:
        """Show it without token and secret."""
        return f"App({self.id!r}, {self.name!r}, page {self.page_id!r})"

    @property
    def access_token(self) -> str:
        """The token of the app itself, which calls for the app and for no page."""
        return f"{self.id}|{self.secret}"

    def listens_to(self, *names: str) -> bool:
        """Whether the app subscribed to all these fields, at both levels."""
        return self.registered.fields.issuperset(names) and self.page_fields.issuperset(names)


def simulated_app(app_id: str, name: str, token: str = "") -> App:
    """Return an app without a program behind it."""
    token = token or f"token-{app_id}"
    return App(app_id, name, token, fields=set(QUIET_FIELDS), page_fields=set(QUIET_FIELDS))


def on_another_page(app: App, token: str) -> App:
    """Return the same app for a further page, with a token of its own there."""
    return App(app.id, token=token, page_fields=set(app.page_fields), registered=app.registered)
