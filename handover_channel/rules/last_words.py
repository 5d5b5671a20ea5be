"""The newest thing that the person and the bot said, as a list of conversations shows it: one line.

While the bot has control nothing is in the transcript, and Rasa's tracker is not read for each row of a list:
so these words are kept with the thread (store/threads.py). The bot's are known by their echoes. What others
wrote is in the transcript.
"""

from __future__ import annotations

from typing import NamedTuple, Optional

from handover_channel.events import Event, MessageEchoed, MessageReceived, PostbackReceived
from handover_channel.routing import OUR_METADATA

#: Characters that are kept.
LONGEST = 200

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
    file = event.attachments[0].type or "file" if event.attachments else ""
    if not (event.text.strip() or file):
        return None
    if isinstance(event, MessageReceived):
        return words_said("person", event.text, file, event.timestamp)
    if event.metadata.startswith(OUR_METADATA) and not event.metadata.startswith(_REPLY):
        return words_said("bot", event.text, file, event.timestamp)
    return None


def words_said(author: str, text: str, file: str, at: int) -> Words:
    """Return what is kept of a message."""
    return Words(author, " ".join(text[: LONGEST * 4].split())[:LONGEST], file, at)
