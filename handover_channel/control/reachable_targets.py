"""Decides which targets can be reached from a thread's channel: Meta's apps only get threads of Messenger."""

from __future__ import annotations

from handover_channel.errors import HandoverRefused, TargetNotReachable
from handover_channel.messenger.events import MESSENGER
from handover_channel.settings.targets import Target, TargetKind
from handover_channel.store.threads import Thread


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
    if to.kind is not TargetKind.INBOX and row.channel != MESSENGER:
        raise TargetNotReachable(
            "target %(name)r is a Meta app and thread %(thread)s is on channel %(channel)r: hand it over to "
            "a target of kind inbox",
            name=to.name,
            thread=row.id,
            channel=row.channel,
        )
