"""Defines the events of Messenger's webhooks as values.

One frozen class per kind of webhook event, and `Unrecognised` for all the others: Meta adds kinds
without notice, and a new one must never stop the bot. Ids are text, because Meta itself mixes
numbers and strings for them. Times are milliseconds since the epoch by Meta's clock.

Shapes: https://developers.facebook.com/documentation/business-messaging/messenger-platform/webhooks/webhook-events
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Mapping, Optional, Tuple

#: Name of Rasa's channel for Messenger, and of ours: only there Meta has a say.
MESSENGER = "facebook"

#: Begins the `metadata` of all that we send, so that our echoes are known without an app id.
OUR_METADATA = "rasa-handover:"

#: Meta's own apps: the inbox of a Facebook page, that of Instagram.
#: https://developers.facebook.com/documentation/business-messaging/messenger-platform/conversation-routing
PAGE_INBOX_APP_ID = "263902037430900"
INSTAGRAM_INBOX_APP_ID = "1217981644879628"
META_INBOXES = (PAGE_INBOX_APP_ID, INSTAGRAM_INBOX_APP_ID)


@dataclass(frozen=True)
class Attachment:
    """One attachment of a message."""

    type: str  #: image, audio, video, file, location, fallback, template, sticker, reel ...
    url: str = ""  #: "" where Meta gives none (location, some fallbacks)
    title: str = ""
    payload: Mapping[str, Any] = field(default_factory=dict)  #: as Meta sent it


@dataclass(frozen=True)
class Event:
    """Something that happened in one thread."""

    thread: str  #: page-scoped id (PSID) of the person; "" where the event names nobody
    page: str  #: id of the page
    timestamp: int  #: ms, Meta's clock; 0 where the event has none
    standby: bool  #: True when it came in `standby[]`: another app controls the thread


@dataclass(frozen=True)
class MessageReceived(Event):
    """The person wrote to the page, or tapped a quick reply."""

    mid: str = ""
    text: str = ""
    payload: Optional[str] = None  #: of the quick reply that was tapped; None: the person typed
    attachments: Tuple[Attachment, ...] = ()
    referral: Mapping[str, Any] = field(default_factory=dict)
    reply_to: str = ""  #: mid of the message that this one answers
    is_unsent: bool = False  #: Instagram: the message with that `mid` was taken back
    extras: Tuple[Attachment, ...] = ()  #: what else it carries: drawn for agents (messenger/content.py)


@dataclass(frozen=True)
class PostbackReceived(Event):
    """The person tapped a button. `payload` is None for buttons of other apps."""

    mid: str = ""
    title: str = ""
    payload: Optional[str] = None
    referral: Mapping[str, Any] = field(default_factory=dict)
    extras: Tuple[Attachment, ...] = ()


@dataclass(frozen=True)
class MessageEchoed(Event):
    """The page wrote to the person: we, another app, or a person in the Page inbox."""

    mid: str = ""
    text: str = ""
    app_id: str = ""  #: who wrote; "" where Meta does not say
    metadata: str = ""
    attachments: Tuple[Attachment, ...] = ()
    ai_generated: bool = False  #: Meta's own AI wrote it
    reply_to: str = ""
    extras: Tuple[Attachment, ...] = ()


@dataclass(frozen=True)
class ControlPassed(Event):
    """`pass_thread_control`: somebody passed control to `new_owner`."""

    new_owner: str = ""
    previous_owner: str = ""  #: "" when the thread was idle
    metadata: str = ""


@dataclass(frozen=True)
class ControlTaken(Event):
    """`take_thread_control`: `new_owner` took control from `previous_owner`."""

    new_owner: str = ""
    previous_owner: str = ""
    metadata: str = ""


@dataclass(frozen=True)
class ControlRequested(Event):
    """`request_thread_control`: `requested_by` asks us for control."""

    requested_by: str = ""
    metadata: str = ""


@dataclass(frozen=True)
class RolesChanged(Event):
    """`app_roles` of the retired handover protocol: kept for the log."""

    roles: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Referred(Event):
    """The person came back by a link or an ad (`messaging_referrals`)."""

    referral: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class OptedIn(Event):
    """The person opted in (`messaging_optins`)."""

    optin: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Noted(Event):
    """An event that changes nothing about control: delivery, read, reaction, edit, account linking ..."""

    kind: str = ""  #: Meta's key: "delivery", "read", "reaction", "message_edit", ...
    detail: Mapping[str, Any] = field(default_factory=dict)
    about: str = ""  #: mid of the message that it is about, "" for none
    by_page: bool = False  #: the page did it, not the person


@dataclass(frozen=True)
class Unrecognised(Event):
    """A kind we do not know, or an item that is not even an event. Kept, never refused."""

    item: Any = None
