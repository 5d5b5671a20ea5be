"""Decides which target a person means, and whether it can be reached.

1. Meta's apps only get threads of Messenger.
2. What a person asks for that is no target, or none for their channel, stands for the default one: they have
   asked for people all the same.
"""

from __future__ import annotations

from typing import Optional, Tuple

from handover_channel.errors import HandoverRefused, OutsideHours, TargetNotReachable
from handover_channel.messenger.events import MESSENGER
from handover_channel.rules.bot_contract import TARGET_ENTITY
from handover_channel.settings.loader import Settings
from handover_channel.settings.section import quoted
from handover_channel.settings.targets import Target, TargetKind, known_name
from handover_channel.store.threads import Thread


def gets_threads_of(channel: str, to: Target) -> bool:
    """Whether a target gets threads of a channel at all."""
    return to.kind is TargetKind.INBOX or channel == MESSENGER


def meant(settings: Settings, said: Optional[str], channel: str) -> Tuple[Target, str]:
    """Return the target to hand over to if *said* is what a person on *channel* wants (None: anybody).

    And why it is not the one that was said, with what to do; "" if it is.
    """
    default = settings.target()
    name = known_name(settings.targets, said)
    if said and name is None:
        return default, (
            f"none is called {quoted(said)}: handover.yml has {', '.join(settings.targets)} -> give the "
            f"entity {TARGET_ENTITY} synonyms that are its names"
        )
    to = settings.target(name)
    if to is not default and not gets_threads_of(channel, to):
        return default, (
            f"{to.name!r} is a Meta app, which gets no threads of channel {channel!r} -> offer it on "
            "Messenger alone"
        )
    return to, ""


def is_nobody_there(settings: Settings, said: Optional[str], channel: str, now: float) -> bool:
    """Whether who asks for *said* on *channel* reaches nobody: by the channel, or outside business hours.

    *now*: in seconds since the epoch.
    """
    to, _ = meant(settings, said, channel)
    try:
        to.expect_open(now)
    except OutsideHours:
        return True
    return not gets_threads_of(channel, to)


def expect_reachable(row: Thread, to: Target, *, channel: str) -> None:
    """Check that the thread of *row* can be handed over to *to*, as was asked on *channel*.

    Raises HandoverRefused where the thread is on another channel, TargetNotReachable where *to* is no inbox.
    """
    if row.channel != channel:
        raise HandoverRefused(
            "thread %(thread)s is on channel %(channel)r, and %(asking)r asks to hand it over -> let nobody "
            "choose a sender id there (docs/deployment.md)",
            thread=row.id,
            channel=row.channel,
            asking=channel,
        )
    if not gets_threads_of(row.channel, to):
        raise TargetNotReachable(
            "target %(name)r is a Meta app and thread %(thread)s is on channel %(channel)r -> hand it "
            "over to "
            "a target of kind inbox",
            name=to.name,
            thread=row.id,
            channel=row.channel,
        )
