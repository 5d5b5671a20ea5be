"""Answers what Rasa's policy asks before each action: may the bot act, and what do people have to be told.

`SettingsGate` answers from handover.yml and the store. `OpenGate` stands in for it where there are no usable
settings, as in training, `rasa data validate` and `rasa test`: it knows no thread and no keyword, and nobody
is closed.
"""

from __future__ import annotations

from typing import FrozenSet, Optional, Protocol

from handover_channel.control import reachable_targets
from handover_channel.control.thread_control import ThreadControl
from handover_channel.control.transcript_writer import TranscriptWriter
from handover_channel.messenger.events import MESSENGER
from handover_channel.rules import time_limit
from handover_channel.rules.bot_contract import HANDOVER_INTENT
from handover_channel.rules.control import bot_may_speak
from handover_channel.rules.keywords import Keywords
from handover_channel.rules.return_reasons import ReturnReason
from handover_channel.settings.return_options import keywords_of
from handover_channel.store import threads


class TurnGate(Protocol):
    """What a policy asks about a thread, a target and a text."""

    @property
    def keywords(self) -> Keywords:
        """The keywords that bring a thread back."""

    @property
    def requests(self) -> FrozenSet[str]:
        """The intents by which people ask for people."""

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

    def is_muted(self, thread: str) -> Optional[bool]:
        """Tell whether the bot must be silent in *thread*, None where the store has no row of it.

        On channels other than Messenger it ends a handover whose time is up, as perhaps no worker does.
        Raises StoreUnavailable.
        """
        with self._thread_control.store.glancing() as connection:
            row = threads.get(connection, thread)
        if row is None:
            return None
        if row.channel != MESSENGER and time_limit.is_unattended(row.until, self._thread_control.clock()):
            return not self._thread_control.return_to_bot(
                thread, ReturnReason.TIME_LIMIT, who="clock", tell=False
            )
        return not bot_may_speak(row.state.control)

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


class OpenGate:
    """Hold nothing back: the bot's slots alone decide."""

    keywords = Keywords(())
    requests = frozenset({HANDOVER_INTENT})

    def is_muted(self, thread: str) -> Optional[bool]:
        """Know no thread."""
        return None

    def is_nobody_there(self, target: Optional[str], channel: str) -> bool:
        """Find somebody everywhere."""
        return False

    def note(self, thread: str, channel: str, mid: str, text: str, timestamp: int) -> None:
        """Write nothing down."""
