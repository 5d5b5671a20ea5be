"""Reads the events that name no person: those about the page, and any other without a thread. No I/O.

Rule 1: each is worth a log line with its kind; no event is dropped silently.
Rule 2: Meta tells a page of its policies by `policy_enforcement`: a warning, a block, an end of it.
        https://developers.facebook.com/documentation/business-messaging/messenger-platform/reference/webhook-events/messaging_policy_enforcement
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import Any, Iterable, Iterator, Tuple

from handover_channel.messenger.events import Event, Noted

POLICY_KINDS = ("policy_enforcement", "policy-enforcement")

#: Characters of Meta's own words that a log line takes.
_LOGGED_CHARACTERS = 300

_ENVELOPE = ("sender", "recipient", "timestamp")

REMEDY = (
    "-> open Meta Business Support Home (https://business.facebook.com/business-support-home), choose the "
    "page, read what is wrong, and request a review there; until then people may get no answer"
)


@dataclass(frozen=True)
class PageEvent:
    """One event that concerns a page, or nobody that we know."""

    page: str
    kind: str  #: Meta's key, such as "policy_enforcement", "app_roles", "changes"
    sentence: str = ""  #: of a policy: what Meta does and what to do, for people; else ""
    is_over: bool = False  #: of a policy: no longer enforced


def without_thread(found: Iterable[Tuple[Event, str]]) -> Iterator[PageEvent]:
    """Yield those that belong to no thread, and every enforcement of a policy.

    *found*: events, each with the JSON that it is stored as (`webhook.Item.body`).
    """
    for event, body in found:
        if isinstance(event, Noted) and event.kind in POLICY_KINDS:
            yield _policy(event)
        elif not event.thread:
            yield PageEvent(event.page, _kind(json.loads(body)["item"]))


def unread(found: Iterable[Tuple[str, str]]) -> Iterator[PageEvent]:
    """Yield an event for each page and key of what is no event of Messenger (`webhook.unread_of`)."""
    for page, key in found:
        yield PageEvent(page, _word(key))


def _policy(event: Noted) -> PageEvent:
    action, reason = _word(event.detail.get("action")), _word(event.detail.get("reason"))
    is_over = action.lower() == "unblock"
    said = f"Meta enforces a policy on page {event.page}: action {action or 'unknown'}"
    if reason:
        said += f", reason: {reason}"
    return PageEvent(event.page, POLICY_KINDS[0], said if is_over else f"{said} {REMEDY}", is_over)


def _kind(item: Any) -> str:
    if not isinstance(item, dict):
        return f"no event ({type(item).__name__})"
    names = [_word(name) for name in item if name not in _ENVELOPE]
    return ", ".join(names[:5]) or "empty"


def _word(given: Any) -> str:
    """Return Meta's words on one line, of a length for people."""
    text = given if isinstance(given, str) else "" if given is None else json.dumps(given)
    text = re.sub(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]+", " ", text).strip()
    return text if len(text) <= _LOGGED_CHARACTERS else f"{text[:_LOGGED_CHARACTERS]}..."
