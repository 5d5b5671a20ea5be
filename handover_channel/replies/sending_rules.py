"""Decides whether an agent may answer in a thread now, and as what. No I/O.

1. Only in the built-in inbox: where the bot or another app has control, an answer would be a second voice.
   AgentReplies asks it of the row in the transaction that begins with a reply; the page asks it in advance.
2. Within Meta's messaging window (rules/messaging_window.py) an answer is an ordinary one. Up to 7 days it
   carries the tag HUMAN_AGENT, which is for people only: for a reply that an agent wrote, and nothing else.
   After that Meta takes none. What Meta has refused meanwhile (rules/obstacle.py) outranks the clock.
3. Other channels have no such limits, but have to be reachable: one that only answers requests is not.
4. A reply goes out whole or not at all: what cannot is refused before any message of it is sent.
5. Files of up to 25 MB, on Messenger alone: Rasa's other channels take addresses of files, not files.

https://developers.facebook.com/documentation/business-messaging/messenger-platform/send-messages
https://developers.facebook.com/documentation/business-messaging/messenger-platform/send-messages/saving-assets
"""

from __future__ import annotations

from typing import Callable, NamedTuple, Optional

from handover_channel.errors import NotUsable, Refused, TooLarge
from handover_channel.messenger import messages
from handover_channel.messenger.bubble import is_visible
from handover_channel.messenger.events import MESSENGER
from handover_channel.rules import messaging_window
from handover_channel.rules.control import Control
from handover_channel.rules.obstacle import HINTS
from handover_channel.sentences import Sentence, counted
from handover_channel.store.replies import File
from handover_channel.store.threads import Thread

#: Rasa's channel that has no way to its client but the answer to a request.
#: https://github.com/RasaHQ/rasa/blob/3.6.21/rasa/core/channels/rest.py
ANSWERS_ONLY = "rest"

#: Bytes. For an image that is uploaded too; the 8 MB hold for those that Meta fetches.
LARGEST_FILE = 25 * 1024**2

#: Messages that the text of one reply may need: Meta limits how much one person gets at a time.
#: https://developers.facebook.com/docs/messenger-platform/overview/rate-limiting
MOST_MESSAGES = 20

#: Sends a text to the person of a thread that is not on Messenger: (thread, text). Returns when it is sent;
#: raises HandoverError, in words for the agent, where it cannot be.
Port = Callable[[str, str], None]
#: The port of a channel, by its name; None where nothing can be sent by ourselves.
PortOf = Callable[[str], Optional[Port]]

#: What phones show as a picture; of other images (SVG, TIFF ...) people get the file.
_IMAGES = ("image/png", "image/jpeg", "image/gif", "image/webp")

NOT_HERE = Sentence("This conversation is not in the inbox: take it over to answer.")
TOO_LATE = Sentence(
    "The customer last wrote more than 7 days ago, and Meta delivers nothing after that. "
    "You can answer once they write again."
)
NOT_REACHABLE = Sentence(
    "This channel only answers what the customer asks: nothing can be sent to it from here. "
    "Give the conversation back to the bot, or reach the customer another way."
)
PEOPLE_ONLY = Sentence(
    "The customer last wrote more than 24 hours ago: for 7 days Meta still delivers what a person writes, "
    "but nothing automatic and no advertising."
)

NOT_HEARD = Sentence(
    "The customer last wrote more than 24 hours ago: Meta delivers nothing that the bot says before they "
    "write again."
)


def outside_rasa(channel: str) -> Optional[Port]:
    """Return what refuses to send on *channel*, for programs beside Rasa: the `handover` command.

    None for `rest`, on which Rasa cannot send either: nobody is led to the inbox for that.
    """
    if channel == ANSWERS_ONLY:
        return None

    def refuse(thread: str, text: str) -> None:
        raise Refused(
            "this conversation is on channel %(channel)r, where only Rasa's own process can send -> answer "
            "it in the inbox, at /webhooks/inbox/ of Rasa",
            channel=channel,
        )

    return refuse


class SendingRules(NamedTuple):
    """What the page tells an agent before they write."""

    can_reply: bool
    why_not: str  #: told in place of the reply box
    hint: str  #: told above it


def sending_rules(row: Thread, now: float, port_of: PortOf = lambda channel: None) -> SendingRules:
    """Return what an agent may do in the thread of *row*. Only on Messenger files can be sent."""
    if row.state.control is not Control.INBOX:
        return SendingRules(False, NOT_HERE, "")
    if row.channel != MESSENGER:
        reachable = port_of(row.channel) is not None
        return SendingRules(reachable, "" if reachable else NOT_REACHABLE, "")
    silence = row.silence(now)
    if messaging_window.is_over(silence):
        return SendingRules(False, TOO_LATE, "")
    closed = "" if messaging_window.is_open(silence) else PEOPLE_ONLY
    return SendingRules(True, "", HINTS.get(row.obstacle, closed))


def bots_silence(row: Thread, now: float) -> str:
    """Return why the person does not hear the bot when it gets the thread back now, "" where they do."""
    if row.channel != MESSENGER:
        return ""
    return HINTS.get(row.obstacle, "" if messaging_window.is_open(row.silence(now)) else NOT_HEARD)


def check_reply(text: str, file: Optional[File], channel: str) -> None:
    """Raise NotUsable or TooLarge, in words, for a reply that could not go out as it is, and whole."""
    parts = len(messages.text_messages(text))
    if not is_visible(text) and file is None:
        raise NotUsable("there is nothing to send: the text is empty -> write something")
    if parts > MOST_MESSAGES:
        raise TooLarge(
            counted(
                "the text is as long as %(number)s message, and %(most)s are sent at most -> shorten it, or "
                "send it in several replies",
                "the text is as long as %(number)s messages, and %(most)s are sent at most -> shorten it, "
                "or send it in several replies",
                parts,
                most=MOST_MESSAGES,
            )
        )
    if file is not None:
        check_file(file, channel)


def check_file(file: File, channel: str) -> None:
    """Raise NotUsable or TooLarge, in words, for a file that cannot be sent."""
    if channel != MESSENGER:
        raise NotUsable(
            "files cannot be sent on channel %(channel)r -> put the file where the customer can fetch it, "
            "and send its address",
            channel=channel,
        )
    if not file.content:
        raise NotUsable("the file is empty -> choose another one")
    if len(file.content) > LARGEST_FILE:
        size, most = len(file.content) / 1024**2, LARGEST_FILE // 1024**2
        raise TooLarge(
            "the file has %(size).1f MB, and Meta takes %(most)s MB at most -> make it smaller",
            size=size,
            most=most,
        )


def kind_of(file_type: str) -> str:
    """Return what Meta calls a file of that type: "image", "audio", "video" or "file"."""
    kind = file_type.partition(";")[0].strip().lower()
    if kind in _IMAGES:
        return "image"
    family = kind.partition("/")[0]
    return family if family in ("audio", "video") else "file"
