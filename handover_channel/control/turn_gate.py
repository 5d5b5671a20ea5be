"""Answers what Rasa is asked for: may the bot hear this message, may it act, what do people have to be told.

The door of the server (rasa/door.py) asks before Rasa sees a message of another channel than Messenger, the
policy before each action, the way out (rasa/way_out.py) before anything is said.

1. While the bot does not have control, a message is written down for the agents, and Rasa does not get it.
2. A keyword or the payload of our button ends the handover: Rasa gets the turn of a return, and what else the
   message asks.
3. What comes by another channel than the thread's is no word of the person's: neither kept nor a way back.
   A program that names no channel is believed, but not about people on Messenger: their words come from Meta.

`SettingsGate` answers from handover.yml and the store. `OpenGate` stands in for it where there are no usable
settings, as in training, `rasa data validate` and `rasa test`: it knows no thread and no keyword, and nobody
is closed.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import FrozenSet, Optional, Protocol, Tuple

from handover_channel import log
from handover_channel.control import reachable_targets
from handover_channel.control.thread_control import ThreadControl
from handover_channel.control.transcript_writer import TranscriptWriter
from handover_channel.messenger.events import MESSENGER
from handover_channel.rules import time_limit
from handover_channel.rules.bot_contract import HANDOVER_INTENT, reason_of_payload
from handover_channel.rules.control import bot_may_speak
from handover_channel.rules.keywords import Keywords
from handover_channel.rules.return_reasons import ReturnReason
from handover_channel.settings.loader import WhileMuted
from handover_channel.settings.return_options import keywords_of
from handover_channel.store import threads
from handover_channel.store.threads import Thread
from handover_channel.store.transcript import PERSON, Line

logger = log.logger(__name__)


@dataclass(frozen=True)
class Said:
    """A message of a person, as it came to the server."""

    thread: str
    channel: str  #: "" where a program passes it on and names none
    text: str  #: "" where there is none
    mid: str
    timestamp: int  #: in ms


@dataclass(frozen=True)
class Held:
    """Who has the thread of a message that was kept for the agents."""

    target: str
    until: Optional[float]  #: in seconds since the epoch; None: without a limit
    tells: bool  #: the channel's client wants to know (`rest_while_muted`)


@dataclass(frozen=True)
class Heard:
    """What is to become of it."""

    by_bot: bool  #: Rasa gets it as it is
    returned: Optional[ReturnReason] = None  #: it has ended the handover: Rasa gets the turn of a return
    rest: str = ""  #: what it asks beside that, where the bot is to answer it
    rest_always: bool = False  #: also if the bot does not understand it
    held: Optional[Held] = None  #: neither is so


_BY_BOT = Heard(by_bot=True)

#: What the agents read for a tap where no button has a title any more.
_TAPPED = "Back to Bot"

#: As what it counts in a thread on Messenger that a program names no channel.
_A_PROGRAM = "Rasa's HTTP API"


class TurnGate(Protocol):
    """What a policy asks about a thread, a target and a text."""

    @property
    def keywords(self) -> Keywords:
        """The keywords that bring a thread back."""

    @property
    def requests(self) -> FrozenSet[str]:
        """The intents by which people ask for people."""

    def hear(self, said: Said) -> Heard:
        """Decide who hears a message, and write it down where that is not the bot.

        Raises StoreUnavailable: nobody has heard it.
        """

    def is_muted(self, thread: str) -> Optional[bool]:
        """Tell whether the bot must be silent in *thread*, None where nothing is known of it.

        Raises StoreUnavailable.
        """

    def is_nobody_there(self, target: Optional[str], channel: str) -> bool:
        """Tell whether nobody can be reached now at that target from *channel*; None: the default one."""

    def note(self, thread: str, channel: str, mid: str, text: str, timestamp: int) -> None:
        """Have a message of the person written down for the agents. Returns at once. *timestamp*: in ms."""


class SettingsGate:
    """Answer from handover.yml and the store."""

    def __init__(self, thread_control: ThreadControl) -> None:
        self._thread_control = thread_control
        self._transcript_writer = TranscriptWriter(thread_control.store)
        self.keywords = keywords_of(thread_control.settings.returning)
        self.requests = frozenset(thread_control.settings.handover_intents)
        self._settings = thread_control.settings

    def hear(self, said: Said) -> Heard:
        """Decide who hears a message, and write it down where that is not the bot.

        Raises StoreUnavailable: nobody has heard it.
        """
        if not self._may_be_muted(said.thread):
            return _BY_BOT
        row, muted = self._look(said.thread)
        if row is None or not muted:
            return _BY_BOT
        said = _by_a_channel(said, row)
        payload = reason_of_payload(said.text)
        text = said.text if payload is None else self._settings.returning.button or _TAPPED
        if text:
            line = Line(PERSON, text, said.timestamp, mid=said.mid)
            self._transcript_writer.keep(said.thread, said.channel, line)
        reason = payload or (ReturnReason.KEYWORD if self.keywords.match(said.text) else None)
        if reason is not None and self._return(said, reason):
            when = self._settings.returning.rest
            rest = "" if when == "never" or payload is not None else self.keywords.rest(said.text)
            return Heard(by_bot=False, returned=reason, rest=rest, rest_always=when == "always")
        tells = self._settings.rest_while_muted is WhileMuted.HANDOVER
        return Heard(by_bot=False, held=Held(row.state.target, row.until, tells))

    def is_muted(self, thread: str) -> Optional[bool]:
        """Tell whether the bot must be silent in *thread*, None where the store has no row of it.

        On channels other than Messenger it ends a handover whose time is up, as perhaps no worker does.
        Raises StoreUnavailable.
        """
        may_be = self._may_be_muted(thread)
        return self._look(thread)[1] if may_be else may_be

    def _may_be_muted(self, thread: str) -> Optional[bool]:
        """Ask for no more than who has control, which is the bot mostly; None where there is no row."""
        with self._thread_control.store.glancing() as connection:
            control = threads.control_of(connection, thread)
        return None if control is None else not bot_may_speak(control)

    def _look(self, thread: str) -> Tuple[Optional[Thread], bool]:
        """Return the row of *thread*, and whether the bot must be silent: decided here for all who ask."""
        with self._thread_control.store.glancing() as connection:
            row = threads.get(connection, thread)
        if row is None or bot_may_speak(row.state.control):
            return row, False
        if row.channel != MESSENGER and time_limit.is_unattended(row.until, self._thread_control.clock()):
            return row, not self._thread_control.return_to_bot(
                thread, ReturnReason.TIME_LIMIT, who="clock", tell=False
            )
        return row, True

    def _return(self, said: Said, reason: ReturnReason) -> bool:
        # Rasa gets its turn from whoever has the message: nobody has to tell it.
        return self._thread_control.return_to_bot(
            said.thread, reason, who="person", tell=False, channel=said.channel
        )

    def is_nobody_there(self, target: Optional[str], channel: str) -> bool:
        """Tell whether it is outside that target's business hours, or no target for *channel*."""
        control = self._thread_control
        return reachable_targets.is_nobody_there(control.settings, target, channel, control.clock())

    def note(self, thread: str, channel: str, mid: str, text: str, timestamp: int) -> None:
        """Have a message of the person written down for the agents. Returns at once. *timestamp*: in ms."""
        self._transcript_writer.write(thread, channel, mid, text, timestamp)

    def close(self) -> None:
        """Wait until everything is written."""
        self._transcript_writer.close()


def _by_a_channel(said: Said, row: Thread) -> Said:
    if said.channel:
        return said
    return replace(said, channel=_A_PROGRAM if row.channel == MESSENGER else row.channel)


class OpenGate:
    """Hold nothing back: the bot's slots alone decide."""

    keywords = Keywords(())
    requests = frozenset({HANDOVER_INTENT})

    def hear(self, said: Said) -> Heard:
        """Have the bot hear everything."""
        return _BY_BOT

    def is_muted(self, thread: str) -> Optional[bool]:
        """Know no thread."""
        return None

    def is_nobody_there(self, target: Optional[str], channel: str) -> bool:
        """Find somebody everywhere."""
        return False

    def note(self, thread: str, channel: str, mid: str, text: str, timestamp: int) -> None:
        """Write nothing down."""
