"""Tests a bot without this package, of whichever framework: known are its webhook and its Meta app.

What it does is seen by Meta's side alone. So it has done with an act when it has been quiet for a moment, and
who has control is what Meta says; there is no built-in inbox. Needs no Rasa and no database.
"""

from __future__ import annotations

import contextlib
import time
from typing import Iterator, Mapping

from handover_channel.simulator.connected_app import App
from handover_channel.simulator.simulator import Simulator
from handover_channel.testing.bot_under_test import BOT, ActFailed, ControlSeen, places_of_page
from handover_channel.testing.reached import OverHttp, served

#: Seconds for which the bot is quiet when it has done, and after which it may still be waited for.
QUIET, PATIENT = 0.5, 1.0

_NO_INBOX = "this bot has no built-in inbox"


class BotOfOthers(OverHttp):
    """A bot of which nothing is known but its webhook."""

    def __init__(self, page: Simulator) -> None:
        apps = {app.id: app.name for app in page.apps.values() if app is not page.bot}
        super().__init__(page, places_of_page(apps))
        self._settled_at = 0.0

    def settle(self, psid: str) -> None:
        """See `BotUnderTest`."""
        seen, quiet_since = -1, time.monotonic()

        def is_settled() -> bool:
            nonlocal seen, quiet_since
            revision = self.page.journal.revision
            if revision != seen:
                seen, quiet_since = revision, time.monotonic()
            return not self.is_under_way(psid) and time.monotonic() - quiet_since >= QUIET

        self.until(is_settled, psid)
        self._settled_at = time.monotonic()

    def wait_for_more(self, psid: str) -> bool:
        """See `BotUnderTest`."""
        time.sleep(QUIET / 10)
        return time.monotonic() - self._settled_at < PATIENT

    def move_clock(self, by: str, *, stopping: bool) -> None:
        """See `BotUnderTest`: Meta's clock alone. What the bot itself does later, it does in its own time."""
        clock = self.page.clock
        (clock.run if stopping else clock.jump)(by)

    def control(self, psid: str) -> ControlSeen:
        """See `BotUnderTest`: by Meta's word."""
        owner = self.page.page_for(psid).owner(psid)
        names = {app_id: name for name, app_id in self.places.items()}
        name = BOT if owner in ("", self.page.bot.id) else names.get(owner, owner)
        return ControlSeen(name, owner, by_bot=False)

    def agent_replies(self, psid: str, text: str) -> None:
        """See `BotUnderTest`."""
        raise ActFailed(_NO_INBOX)

    def agent_takes_over(self, psid: str) -> None:
        """See `BotUnderTest`."""
        raise ActFailed(_NO_INBOX)

    def agent_returns(self, psid: str) -> None:
        """See `BotUnderTest`."""
        raise ActFailed(_NO_INBOX)


@contextlib.contextmanager
def running(app: App, url: str, apps: Mapping[str, str], port: int) -> Iterator[BotOfOthers]:
    """Give the bot with the webhook *url* and the Meta app *app*; its Graph API is on *port* (0: a free one).

    *apps*: the other apps of the page, id -> name. Raises HandoverError.
    """
    page = Simulator(
        app_id=app.id,
        token=app.token,
        secret=app.secret,
        verify_token=app.verify_token,
        callback=url,
        apps=apps,
    )
    with served(page, port):
        yield BotOfOthers(page)
