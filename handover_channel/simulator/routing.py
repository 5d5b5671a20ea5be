"""Decides which apps get an event of a thread, and on which channel. No I/O.

12. The app that may answer gets the event on `messaging`, the others on `standby`; only apps that
    subscribed to the event's field, and to `standby` for standby, at app and at page level.
13. A postback goes to the app that sent the button on `messaging`, with its payload; to all the others on
    `standby`, without the payload.
14. The payload of a quick reply stays visible in `standby`.
15. Every message of the page is echoed to every app, its author included.
16. Handover events go to the app they concern, on `messaging`.

https://developers.facebook.com/documentation/business-messaging/messenger-platform/webhooks/webhook-events/standby
https://developers.facebook.com/documentation/business-messaging/messenger-platform/webhooks/webhook-events/messaging_postbacks
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Callable, Collection, Dict, Iterable, List, Mapping

from handover_channel.simulator.connected_app import STANDBY, WEBHOOK_FIELDS, App

MESSAGING = "messaging"

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
) -> List[RoutedEvent]:
    """Return one event as each app gets it. *speaks*: who may answer; *origin*: whose button was tapped."""
    routed = []
    for app in apps:
        leads = app.id == origin if kind == "postback" else speaks(app.id)
        channel = MESSAGING if leads else STANDBY
        if channel == STANDBY and kind not in STANDBY_KINDS:
            continue
        if app.listens_to(*([WEBHOOK_FIELDS[kind]] if leads else [WEBHOOK_FIELDS[kind], STANDBY])):
            routed.append(RoutedEvent(app, channel, kind, item if leads else _for_standby(item)))
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


def _for_standby(item: Mapping[str, Any]) -> Mapping[str, Any]:
    if "postback" not in item:
        return item
    postback: Dict[str, Any] = {key: value for key, value in item["postback"].items() if key != "payload"}
    return {**item, "postback": postback}
