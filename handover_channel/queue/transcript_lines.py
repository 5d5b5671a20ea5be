"""Turns a message into the line of the transcript that agents read."""

from __future__ import annotations

from typing import Union

from handover_channel.messenger.events import MessageEchoed, MessageReceived, PostbackReceived
from handover_channel.store.transcript import PERSON, Line


def line_of(event: Union[MessageReceived, PostbackReceived, MessageEchoed], author: str = PERSON) -> Line:
    """Return the transcript's line of a message: its words, and all else that agents are to see."""
    return Line(
        author,
        event.title if isinstance(event, PostbackReceived) else event.text,
        event.timestamp,
        mid=event.mid,
        app_id=getattr(event, "app_id", ""),
        attachments=(*getattr(event, "attachments", ()), *event.extras),
        reply_to=getattr(event, "reply_to", ""),
    )
