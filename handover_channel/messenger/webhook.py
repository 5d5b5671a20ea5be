"""Verifies the signature of a webhook delivery and parses it into events. No I/O.

1. The signature is checked on the raw bytes, SHA-256, in constant time; the caller never names the algorithm.
2. Every event of every entry is returned, `messaging` and `standby` alike: a malformed one affects no other.
3. Each event has a key by which a repeated delivery is recognised: Meta's `mid` where there is one, otherwise
   thread, time and content.

https://developers.facebook.com/documentation/business-messaging/messenger-platform/webhooks
"""

from __future__ import annotations

import hashlib
import hmac
import json
import re
from dataclasses import dataclass
from typing import Any, Callable, Dict, Iterator, List, Mapping, Optional, Tuple

from handover_channel.errors import InvalidSignature, MalformedWebhook
from handover_channel.messenger.bubble import storable
from handover_channel.messenger.content import extras_of, tap_of
from handover_channel.messenger.events import (
    Attachment,
    ControlPassed,
    ControlRequested,
    ControlTaken,
    Event,
    MessageEchoed,
    MessageReceived,
    Noted,
    OptedIn,
    PostbackReceived,
    Referred,
    RolesChanged,
    Unrecognised,
)

SIGNATURE_PREFIX = "sha256="
#: What ends a refusal of what Meta would not send.
_NOT_META = " -> Meta does not call like this: nothing has to be done"
_SIGNATURE = re.compile(rf"{SIGNATURE_PREFIX}[0-9a-f]+", re.ASCII)

#: Lists of an entry that hold events. Meta sends the first two; `messaging_handovers` is the name of a
#: subscription field that some senders use as the name of the list.
CHANNELS = ("messaging", "standby", "messaging_handovers")

#: So many updates of a delivery, and attachments of a message, are read (rules/limits.py).
MOST_UPDATES, MOST_MESSAGE_ATTACHMENTS = 2000, 100

#: What every entry has, whatever it tells.
_OF_ALL = ("id", "time")

#: Two lead-ad samples of Meta give seconds where everything else gives milliseconds.
_SECONDS_BELOW = 100_000_000_000

#: Bytes of an id. Meta's have some hundred at most; PostgreSQL's indexes take 2,700 of all columns together.
_LONGEST_NAME = 500

_Item = Mapping[str, Any]

#: Of every event: `json.dumps` makes a new encoder each time for separators of one's own.
_write = json.JSONEncoder(separators=(",", ":")).encode


@dataclass(frozen=True)
class Item:
    """One event of a delivery, with all that is needed to store it and to read it again."""

    key: str  #: the same for a repeated delivery, different for everything else
    event: Event
    body: str  #: JSON: {"page", "standby", "item"}; `unmarshal` makes the event of it again


def verify_signature(body: bytes, *, signature: str, secret: str) -> None:
    """Raise InvalidSignature unless *body* was signed with the app secret.

    *signature* is the header `X-Hub-Signature-256`: "sha256=" and 64 lower-case hex digits.
    """
    digest = hmac.digest(secret.encode(), body, "sha256").hex()
    # Compare bytes: compare_digest refuses text that is not ASCII, and this is input.
    if not hmac.compare_digest(signature.encode("utf-8", "replace"), (SIGNATURE_PREFIX + digest).encode()):
        raise InvalidSignature(
            "X-Hub-Signature-256 does not match the body -> check `secret` in credentials.yml "
            "(Meta for Developers > App settings > Basic)"
        )


def check_form_of(signature: str, *, length: int) -> None:
    """Raise InvalidSignature where *signature* can be that of no body: it is not worth reading one."""
    if len(signature) != length or not _SIGNATURE.fullmatch(signature):
        raise InvalidSignature(
            "X-Hub-Signature-256 is missing, or is not sha256= and 64 lower-case hex digits" + _NOT_META
        )


def parse(body: bytes) -> List[Item]:
    """Return every event of a delivery, in Meta's order. Raises as `entries_of`."""
    return items_of(entries_of(body))


def entries_of(body: bytes) -> List[Any]:
    """Return the entries of a delivery.

    Raises MalformedWebhook where the body is no delivery at all: not JSON, no object, no list of entries, or
    more updates than Meta sends in one.
    """
    try:
        delivery = json.loads(body)
    except (ValueError, RecursionError) as error:
        raise MalformedWebhook(f"the body is not JSON: {type(error).__name__}{_NOT_META}") from error
    entries = delivery.get("entry") if isinstance(delivery, dict) else None
    if not isinstance(entries, list):
        raise MalformedWebhook("the body has no list 'entry'" + _NOT_META)
    if sum(map(_count_updates, entries)) > MOST_UPDATES:
        raise MalformedWebhook(
            f"the body has more than {MOST_UPDATES} updates, which Meta never sends in one{_NOT_META}"
        )
    return entries


def items_of(entries: List[Any]) -> List[Item]:
    """Return every event of these entries, in Meta's order."""
    return [_item(position, *found) for position, found in enumerate(_items(entries))]


def unread_of(entries: List[Any]) -> Iterator[Tuple[str, str]]:
    """Yield page and key of what the entries hold beside events of Messenger: a page's `changes`."""
    for entry in entries:
        if not isinstance(entry, dict):
            yield "", f"entry ({type(entry).__name__})"
            continue
        for key, found in entry.items():
            is_read = key in _OF_ALL or (key in CHANNELS and isinstance(found, list))
            if found and not is_read:
                yield _name(entry.get("id")), key


def unmarshal(body: str) -> Event:
    """Make the event of a stored `Item.body` again."""
    stored = json.loads(body)
    return read(stored["item"], page=stored["page"], time=stored["time"], standby=stored["standby"])


def read(item: Any, *, page: str, time: int = 0, standby: bool = False) -> Event:
    """Return the event that one item of `messaging[]` or `standby[]` stands for. Never raises."""
    if not isinstance(item, dict):
        return Unrecognised(thread="", page=page, timestamp=time, standby=standby, item=item)
    common: Dict[str, Any] = {
        "thread": _thread(item, page),
        "page": page or _id(item.get("recipient")),
        "timestamp": _milliseconds(item.get("timestamp")) or time,
        "standby": standby,
    }
    for kind, read_kind in _READERS.items():
        content = item.get(kind)
        # Some senders write every key, with null for those that are not meant.
        if isinstance(content, dict):
            return read_kind(kind, content, item, common)
    return Unrecognised(**common, item=item)


def _count_updates(entry: Any) -> int:
    if not isinstance(entry, dict):
        return 1
    given = (found for key, found in entry.items() if key not in _OF_ALL)
    return max(sum(len(found) if isinstance(found, list) else 1 for found in given), 1)


def _items(entries: List[Any]) -> Iterator[Tuple[Any, str, int, bool]]:
    for entry in entries:
        if not isinstance(entry, dict):
            continue
        page, time = _name(entry.get("id")), _milliseconds(entry.get("time"))
        for channel in CHANNELS:
            items = entry.get(channel)
            for item in items if isinstance(items, list) else ():
                yield item, page, time, channel == "standby"


def _item(position: int, item: Any, page: str, time: int, standby: bool) -> Item:
    event = read(item, page=page, time=time, standby=standby)
    try:
        body = _write({"page": page, "time": time, "standby": standby, "item": item})
        return Item(key=_key(event, item, position), event=event, body=body)
    except RecursionError:  # nested so deeply that it could just be read: nothing of Meta's
        return _item(position, None, page, time, standby)


def _key(event: Event, item: Any, position: int) -> str:
    kind, mid = type(event).__name__, getattr(event, "mid", "")
    if isinstance(event, PostbackReceived) and event.payload is None:
        # Meta sends other apps the same tap without its payload: it must not hide the one that has it.
        kind += "-"
    if mid:
        return key_of(kind, event.page, event.thread, mid)
    digest = hashlib.sha256(json.dumps(item, sort_keys=True).encode()).hexdigest()[:32]
    # No id and no time of its own: the place in the body tells a second "hello" from a repeated first one.
    timed = isinstance(item, dict) and _milliseconds(item.get("timestamp"))
    when = event.timestamp if timed else f"{event.timestamp}#{position}"
    return f"{kind}:{event.page}:{event.thread}:{when}:{digest}"


def key_of(kind: str, page: str, thread: str, mid: str) -> str:
    """Return the key of the event of class *kind* ("MessageEchoed") that brought the message *mid*."""
    return f"{kind}:{page}:{thread}:{mid}"


def _thread(item: _Item, page: str) -> str:
    """Return the PSID: who of sender and recipient is not the page."""
    sender, recipient = _id(item.get("sender")), _id(item.get("recipient"))
    message = item.get("message")
    if isinstance(message, dict) and message.get("is_echo"):
        return recipient
    return recipient if sender and sender == page else sender


def _is_from_page(item: _Item, page: str) -> bool:
    """Tell whether the page wrote it: whatever it is not marked as, it is none of the person's words."""
    return bool(page) and _id(item.get("sender")) == page


def _message(kind: str, content: _Item, item: _Item, common: Dict[str, Any]) -> Event:
    mid = _name(content.get("mid")) or _name(item.get("mid"))
    attachments = tuple(_attachments(content.get("attachments") or content.get("attachment")))
    reply_to = _name(_mapping(content.get("reply_to")).get("mid"))
    extras = tuple(extras_of(content))
    if content.get("is_echo") or _is_from_page(item, common["page"]):
        return MessageEchoed(
            **common,
            mid=mid,
            text=_text(content.get("text")),
            app_id=_text(content.get("app_id")),
            metadata=_text(content.get("metadata")),
            attachments=attachments,
            ai_generated=content.get("ai_generated") in (True, "true"),
            reply_to=reply_to,
            extras=extras,
        )
    return MessageReceived(
        **common,
        mid=mid,
        text=_text(content.get("text")),
        payload=_tapped(content.get("quick_reply")),
        attachments=attachments,
        referral=_mapping(content.get("referral")),
        reply_to=reply_to,
        extras=extras,
        is_unsent=content.get("is_deleted") is True,
    )


def _tapped(quick_reply: Any) -> Optional[str]:
    """Return the payload of a quick reply; "" where Meta keeps it from us, None where none was tapped."""
    if quick_reply is None or quick_reply is False:
        return None
    return _optional(_mapping(quick_reply).get("payload")) or ""


def _postback(kind: str, content: _Item, item: _Item, common: Dict[str, Any]) -> Event:
    if _is_from_page(item, common["page"]):
        return Unrecognised(**common, item=item)
    title = _text(content.get("title"))
    return PostbackReceived(
        **common,
        mid=_name(content.get("mid")) or _name(item.get("mid")),
        title=title,
        payload=_optional(content.get("payload")),
        referral=_mapping(content.get("referral")),
        extras=(*extras_of(content), *(() if title.strip() else (tap_of(content),))),
    )


def _control(kind: str, content: _Item, item: _Item, common: Dict[str, Any]) -> Event:
    event = ControlPassed if kind == "pass_thread_control" else ControlTaken
    return event(
        **common,
        new_owner=_text(content.get("new_owner_app_id")),
        previous_owner=_text(content.get("previous_owner_app_id")),
        metadata=_text(content.get("metadata")),
    )


def _request(kind: str, content: _Item, item: _Item, common: Dict[str, Any]) -> Event:
    return ControlRequested(
        **common,
        requested_by=_text(content.get("requested_owner_app_id")),
        metadata=_text(content.get("metadata")),
    )


def _roles(kind: str, content: _Item, item: _Item, common: Dict[str, Any]) -> Event:
    return RolesChanged(**common, roles=content)


def _referral(kind: str, content: _Item, item: _Item, common: Dict[str, Any]) -> Event:
    return Referred(**common, referral=content)


def _optin(kind: str, content: _Item, item: _Item, common: Dict[str, Any]) -> Event:
    return OptedIn(**common, optin=content)


def _noted(kind: str, content: _Item, item: _Item, common: Dict[str, Any]) -> Event:
    by_page = _id(item.get("sender")) == common["page"] != common["thread"]
    return Noted(**common, kind=kind, detail=content, about=_name(content.get("mid")), by_page=by_page)


#: Meta's key in the item -> how it is read. The first key that is there decides.
_READERS: Mapping[str, Callable[[str, _Item, _Item, Dict[str, Any]], Event]] = {
    "message": _message,
    "postback": _postback,
    "pass_thread_control": _control,
    "take_thread_control": _control,
    "request_thread_control": _request,
    "app_roles": _roles,
    "referral": _referral,
    "optin": _optin,
    "delivery": _noted,
    "read": _noted,
    "reaction": _noted,
    "message_edit": _noted,
    "account_linking": _noted,
    "policy_enforcement": _noted,
    "policy-enforcement": _noted,
    "response_feedback": _noted,
}


def _attachments(given: Any) -> Iterator[Attachment]:
    every = given if isinstance(given, list) else [given] if isinstance(given, dict) else []
    for found in every[:MOST_MESSAGE_ATTACHMENTS]:
        if isinstance(found, dict):
            payload = _mapping(found.get("payload"))
            # Fallbacks have had their address beside the payload, and in capitals.
            url = payload.get("url") or found.get("url") or found.get("URL")
            yield Attachment(
                type=_text(found.get("type")),
                url=_text(url),
                title=_text(found.get("title")) or _text(payload.get("title")),
                payload=payload,
            )


def _id(party: Any) -> str:
    return _name(_mapping(party).get("id"))


def _name(given: Any) -> str:
    """Return an id that a database can look up: what is longer than any of Meta's is told by its digest."""
    text = _text(given)
    return text if len(text.encode()) <= _LONGEST_NAME else hashlib.sha256(text.encode()).hexdigest()


def _mapping(given: Any) -> Mapping[str, Any]:
    return given if isinstance(given, dict) else {}


def _text(given: Any) -> str:
    """Return ids and texts as text. Other JSON (metadata was seen as an object) is kept as JSON."""
    if isinstance(given, str):
        return storable(given)
    if given is None or isinstance(given, bool):
        return ""
    return str(given) if isinstance(given, (int, float)) else json.dumps(given)


def _optional(given: Any) -> Optional[str]:
    return None if given is None else _text(given)


def _milliseconds(given: Any) -> int:
    if isinstance(given, str) and given.isdecimal() and given.isascii() and len(given) < 20:
        given = int(given)
    if isinstance(given, bool) or not isinstance(given, (int, float)) or not 0 < given < 2**53:
        return 0
    return int(given * 1000) if given < _SECONDS_BELOW else int(given)
