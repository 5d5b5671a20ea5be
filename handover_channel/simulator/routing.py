"""Decides which apps get an event of a thread, and on which channel. No I/O.

12. The app that may answer gets the event on `messaging`, the others on `standby`; only apps that
    subscribed to the event's field, and to `standby` for standby, at app and at page level.
13. A postback goes to the app that sent the button on `messaging`, with its payload; to all the others on
    `standby`, without the payload.
14. The payload of a quick reply stays visible in `standby` (to apps that did not offer it: a switch).
15. Every message of the page is echoed to every app, its author included; whoever has the thread when an echo
    is delivered decides its channel.
16. Handover events go to the app they concern, on `messaging`.

https://developers.facebook.com/documentation/business-messaging/messenger-platform/webhooks/webhook-events/standby
https://developers.facebook.com/documentation/business-messaging/messenger-platform/webhooks/webhook-events/messaging_postbacks
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Callable, Collection, Dict, Iterable, List, Mapping

from handover_channel.simulator.connected_app import STANDBY, WEBHOOK_FIELDS, App
from handover_channel.simulator.switches import Switches

MESSAGING = "messaging"
SWITCHES = Switches()

#: The kinds Meta lists for standby, and echoes, which its echo page shows there. No page says whether
#: the others are sent to apps without control: they are not.
STANDBY_KINDS = frozenset({"message", "echo", "postback", "delivery", "read"})


@dataclass(frozen=True)
class RoutedEvent:
    """One event for one app."""

    app: App
    channel: str  #: MESSAGING or STANDBY
    kind: str  #: a key of WEBHOOK_FIELDS
    item: Mapping[str, Any]


def route(
    kind: str,
    item: Mapping[str, Any],
    apps: Iterable[App],
    *,
    speaks: Callable[[str], bool],
    origin: str = "",
    left_open: Switches = SWITCHES,
) -> List[RoutedEvent]:
    """Return one event as each app gets it.

    *speaks*: who may answer; *origin*: whose button, or quick reply, was tapped; *left_open*: what Meta's
    pages leave open.
    """
    routed = []
    own_field = [WEBHOOK_FIELDS[kind]]
    on_standby = [*(own_field if left_open.standby_needs_own_field else ()), STANDBY]
    for app in apps:
        leads = app.id == origin if kind == "postback" else speaks(app.id)
        channel = MESSAGING if leads else STANDBY
        if channel == STANDBY and kind not in STANDBY_KINDS and not left_open.standby_of_every_kind:
            continue
        if app.listens_to(*(own_field if leads else on_standby)):
            payload = left_open.standby_shows_quick_replies or app.id == origin
            routed.append(
                RoutedEvent(app, channel, kind, item if leads else _for_standby(item, quick_reply=payload))
            )
    return routed


def route_handover(
    kind: str, item: Mapping[str, Any], apps: Iterable[App], to: Collection[str]
) -> List[RoutedEvent]:
    """Return a handover event for each of the apps named by *to*."""
    return [
        RoutedEvent(app, MESSAGING, kind, item)
        for app in apps
        if app.id in to and app.listens_to(WEBHOOK_FIELDS[kind])
    ]


def _for_standby(item: Mapping[str, Any], *, quick_reply: bool) -> Mapping[str, Any]:
    if not quick_reply and "quick_reply" in item.get("message", ()):
        return {**item, "message": {**item["message"], "quick_reply": {}}}
    if "postback" not in item:
        return item
    postback: Dict[str, Any] = {key: value for key, value in item["postback"].items() if key != "payload"}
    return {**item, "postback": postback}
