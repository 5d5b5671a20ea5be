"""Decides whether the messaging window is open, what opens it, and with which tag a message may be sent.

1. It is opened by what the person does, never by what the page does: a message, a tap on a button, a
   reaction, a link into the conversation (m.me, ig.me), a plugin. Also by what reaches us on standby.
   https://developers.facebook.com/documentation/business-messaging/messenger-platform/send-messages
2. It is not opened by deliveries, reads, edits, a reaction taken back, an unsent message, a linked account,
   or consent to later notifications: Meta's list does not name them. The click on an ad opens it only with
   the message that follows. Comments and visitor posts open it for one private reply; they come by another
   webhook than Messenger's, which this package does not read.
3. For 24 hours everything goes out. Up to 7 days what a person wrote, with the tag HUMAN_AGENT. Then nothing.
4. After an ad that leads to Messenger the window may last up to 7 days (Meta's policy says "may"): counted
   are 24 hours, so that nothing automatic goes out too late.
5. Where nothing is known of the person (they wrote before we were there) the window counts as open: Meta
   has the last word, and what it says is kept (obstacle.py).
"""

from __future__ import annotations

from typing import Any, Callable, Dict, Mapping, NamedTuple, Optional, Type

from handover_channel.errors import OutsideWindow
from handover_channel.messenger.events import (
    Event,
    MessageReceived,
    Noted,
    OptedIn,
    PostbackReceived,
    Referred,
)

#: Seconds after what opened the window. Source: the page above, "standard messaging" and "human agent".
STANDARD_WINDOW = 24 * 60 * 60
HUMAN_AGENT_WINDOW = 7 * 24 * 60 * 60

#: From how many seconds before its end on agents are told that a window ends.
STANDARD_ENDS_SOON, HUMAN_AGENT_ENDS_SOON = 2 * 60 * 60.0, 24 * 60 * 60.0

#: Lets a person answer when the standard window is over.
HUMAN_AGENT = "HUMAN_AGENT"

#: Sources of a referral that do not open the window: rule 2.
_ADS = ("ADS",)

_OPENS: Mapping[Type[Event], Callable[[Any], bool]] = {
    MessageReceived: lambda event: not event.is_unsent,
    PostbackReceived: lambda event: True,
    Referred: lambda event: str(event.referral.get("source", "")).upper() not in _ADS,
    # With a type it is consent to notifications; without one, the plugin "Send to Messenger".
    OptedIn: lambda event: not event.optin.get("type"),
    Noted: lambda event: (
        event.kind == "reaction" and event.detail.get("action") == "react" and not event.by_page
    ),
}


def opens(event: Event) -> bool:
    """Tell whether *event* is an act of the person that opens the window."""
    return bool(_OPENS.get(type(event), lambda _: False)(event))


def is_open(seconds: Optional[float]) -> bool:
    """Tell whether everything may go out, *seconds* after the window was opened (None: not known)."""
    return seconds is None or seconds < STANDARD_WINDOW


def is_over(seconds: Optional[float]) -> bool:
    """Tell whether nothing at all may go out any more."""
    return seconds is not None and seconds >= HUMAN_AGENT_WINDOW


class Ending(NamedTuple):
    """A window that ends soon, or is over."""

    window: str  #: "standard", "human_agent"; "over": nothing can be sent any more
    left: float  #: seconds; 0 where it is over


def ends_soon(seconds: Optional[float]) -> Optional[Ending]:
    """Return which window ends soon, *seconds* after it was opened (None: not known); None for none."""
    if seconds is None:
        return None
    if is_over(seconds):
        return Ending("over", 0.0)
    if is_open(seconds):
        left, soon, name = STANDARD_WINDOW - seconds, STANDARD_ENDS_SOON, "standard"
    else:
        left, soon, name = HUMAN_AGENT_WINDOW - seconds, HUMAN_AGENT_ENDS_SOON, "human_agent"
    return Ending(name, left) if left <= soon else None


def messaging_type(seconds: Optional[float]) -> Dict[str, Any]:
    """Return what the Send API wants to know of a message that a person wrote.

    *seconds*: since the window was opened, None where that is not known. Raises OutsideWindow after 7 days.
    """
    if is_open(seconds):
        return {"messaging_type": "RESPONSE"}
    if not is_over(seconds):
        return {"messaging_type": "MESSAGE_TAG", "tag": HUMAN_AGENT}
    raise OutsideWindow(
        "the customer last wrote more than 7 days ago, and Meta delivers nothing after that",
        remedy="wait until the customer writes again, or use another way to reach them",
    )
