"""Declares what a test needs of a bot, whether it runs in this process or is reached over HTTP.

Both play on a `Simulator` that lives in the process of the test: acts are its method calls, and what
everybody wrote is read from its threads. They differ in how webhooks reach the bot, and in what can be
learned of it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Collection, Mapping, Protocol

from handover_channel.simulator.connected_app import PAGE_INBOX
from handover_channel.simulator.simulator import Simulator

#: The names that every page has, beside those of its apps: the bot, and Meta's own inbox.
BOT, PAGE_INBOX_NAME = "bot", "page_inbox"


#: What a test may need: that time is moved, that there is HTTP to wait on.
CLOCK, HTTP = "clock", "http"


@dataclass(frozen=True)
class ControlSeen:
    """Who has control of a thread: by the bot's own word, and by Meta's."""

    name: str  #: "bot", the name of a target or app, "page_inbox"; "passing", "beside"
    owner: str  #: app id of the owner by Meta, "" for nobody
    by_bot: bool = True  #: whether *name* is the bot's own word; else it is what Meta says


class ActFailed(Exception):
    """An act of a test could not be done: nothing to tap, a refusal of Meta's, no such target."""


class PagesAtFirst:
    """The settings of the pages that a test may change, as they were at first."""

    def __init__(self, messenger: Simulator) -> None:
        self._messenger, self._switches = messenger, messenger.switches
        self._default_apps = [(page, page.default_app) for page in messenger.pages]

    def restore(self) -> None:
        """Have it be so again."""
        self._messenger.switches = self._switches
        for page, default_app in self._default_apps:
            page.set_default_app(default_app or None)


class BotUnderTest(Protocol):
    """A bot with the pages that it answers for."""

    #: Messenger, and the first of its pages
    page: Simulator
    #: "in process", "over HTTP"
    kind: str
    #: Target or app -> Meta app id, "" for the built-in inbox; with "page_inbox".
    places: Mapping[str, str]

    def cannot(self, needs: Collection[str]) -> str:
        """Return why a test that needs these (`CLOCK`, `HTTP`) cannot be had with this bot, "" if it can."""

    def settle(self, psid: str) -> None:
        """Wait until all that has happened in this thread has had its effect.

        Raises ActFailed where that does not come to an end.
        """

    def wait_for_more(self, psid: str) -> bool:
        """Wait a moment for what may still come; return whether it is worth looking once more."""

    def control(self, psid: str) -> ControlSeen:
        """Return who has control."""

    def agent_replies(self, psid: str, text: str) -> None:
        """Answer in the built-in inbox. Raises ActFailed where it cannot be."""

    def agent_takes_over(self, psid: str) -> None:
        """Take the thread over into the built-in inbox. Raises ActFailed where it cannot be."""

    def agent_returns(self, psid: str) -> None:
        """Give the thread back to the bot, in the built-in inbox. Raises ActFailed where it cannot be."""

    def move_clock(self, by: str, *, stopping: bool) -> None:
        """Let time pass: by a jump, or *stopping* at everything that is due.

        Raises ActFailed where the bot's time cannot be moved, ValueError for what is no duration.
        """

    def begin(self) -> None:
        """Start afresh for the next test: nobody has written, the page is as it was at first."""


def places_of_page(apps: Mapping[str, str]) -> Mapping[str, str]:
    """Return the places of a page with these apps (id -> name)."""
    return {**{name: app_id for app_id, name in apps.items()}, PAGE_INBOX_NAME: PAGE_INBOX}
