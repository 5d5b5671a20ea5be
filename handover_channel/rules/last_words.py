"""Shortens the newest words of the person and of the bot to the one line that lists of conversations show.

While the bot has control nothing is in the transcript, and Rasa's tracker is not read for each row of a list:
so these words are kept with the thread (store/thread_activity.py). The bot's are known by their echoes. What
others wrote is in the transcript. The notice of a handover (it has the button "Back to Bot") is not counted:
every thread that waits would read the same.
"""

from __future__ import annotations

from typing import NamedTuple, Optional

from handover_channel.messenger.bubble import mappings, storable
from handover_channel.messenger.events import (
    OUR_METADATA,
    Attachment,
    Event,
    MessageEchoed,
    MessageReceived,
    PostbackReceived,
)
from handover_channel.messenger.links import file_name_in
from handover_channel.messenger.return_button import is_button

#: Characters that are kept.
LAST_WORDS_KEPT = 200

#: Begins the metadata of what agents wrote.
_REPLY = f"{OUR_METADATA}reply."


class Words(NamedTuple):
    """One thing said."""

    author: str  #: "person", "bot"
    text: str  #: one line; "" where there was none
    file: str  #: type of the first attachment, "" where there was none
    at: int  #: ms


def words_of(event: Event) -> Optional[Words]:
    """Return what *event* says, None where neither the person nor the bot says anything."""
    if isinstance(event, PostbackReceived):
        return words_said("person", event.title, "", event.timestamp) if event.title else None
    if not isinstance(event, (MessageReceived, MessageEchoed)):
        return None
    first = event.attachments[0] if event.attachments else None
    file = first.type or "file" if first else ""
    text = event.text if event.text.strip() or first is None else text_of(first)
    if not (text.strip() or file):
        return None
    if isinstance(event, MessageReceived):
        return words_said("person", text, file, event.timestamp)
    is_ours = event.metadata.startswith(OUR_METADATA) and not event.metadata.startswith(_REPLY)
    if not is_ours or (first is not None and _is_notice(first)):
        return None
    return words_said("bot", text, file, event.timestamp)


def text_of(attachment: Attachment) -> str:
    """Return the text of a template, or the title of its first card; the name of a file; else ""."""
    text = attachment.payload.get("text") or attachment.payload.get("title") or ""
    cards = mappings(attachment.payload.get("elements"))
    name = file_name_in(attachment.url) if attachment.type == "file" else ""
    return str(text or (cards and cards[0].get("title")) or name)


def _is_notice(attachment: Attachment) -> bool:
    return any(is_button(str(each.get("payload"))) for each in mappings(attachment.payload.get("buttons")))


def words_said(author: str, text: str, file: str, at: int) -> Words:
    """Return what is kept of a message."""
    return Words(author, " ".join(storable(text[: LAST_WORDS_KEPT * 4]).split())[:LAST_WORDS_KEPT], file, at)
