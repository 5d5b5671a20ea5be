"""Reaches a bot by its webhook: what all bots have in common that are tested over HTTP.

The simulator is served in the process of the test, so that acts are its method calls all the same.
"""

from __future__ import annotations

import contextlib
import time
from typing import Any, Callable, Collection, Dict, Iterator, List, Mapping

from handover_channel import simulator
from handover_channel.errors import HandoverError
from handover_channel.simulator.simulator import Simulator
from handover_channel.testing.bot_under_test import ActFailed, PagesAtFirst

#: Seconds that an act may take until all has had its effect.
SETTLES_WITHIN = 60.0

_LOOK_EVERY = 0.03

#: What became of webhooks that do not come now: the simulator's own words for it, and refused signatures.
_NOT_UNDER_WAY = ("held", "dropped", 403)


class OverHttp:
    """A bot whose webhook the page calls."""

    kind = "over HTTP"

    def __init__(self, page: Simulator, places: Mapping[str, str]) -> None:
        self.page, self.places = page, places
        self._first = PagesAtFirst(page)

    def cannot(self, needs: Collection[str]) -> str:
        """See `BotUnderTest`."""
        return ""

    def begin(self) -> None:
        """See `BotUnderTest`: earlier people stay, as they do in the bot."""
        self.page.faults.clear()
        self._first.restore()

    def webhooks(self, psid: str) -> List[Dict[str, Any]]:
        """Return the journal's entries of webhooks to the bot about this thread."""
        return [each for each in self.journal(psid) if each["kind"] == "webhook" and self._is_bots(each)]

    def is_under_way(self, psid: str) -> bool:
        """Tell whether a webhook has not come to the bot, and is neither held nor lost by a fault."""
        return any(each["status"] not in (200, *_NOT_UNDER_WAY) for each in self.webhooks(psid))

    def journal(self, psid: str) -> List[Dict[str, Any]]:
        """Return the journal's entries about this thread."""
        return [each for each in self.page.journal.after(0) if each.get("psid") == psid]

    def _is_bots(self, entry: Mapping[str, Any]) -> bool:
        return bool(entry["app"] == self.page.bot.id)

    def until(self, is_settled: Callable[[], bool], psid: str) -> None:
        """Wait until *is_settled*. Raises ActFailed, with what is known, after `SETTLES_WITHIN` seconds."""
        until = time.monotonic() + SETTLES_WITHIN
        while not is_settled():
            if time.monotonic() > until:
                raise ActFailed(self._unsettled(psid))
            time.sleep(_LOOK_EVERY)

    def _unsettled(self, psid: str) -> str:
        refused = [each for each in self.webhooks(psid) if each["status"] not in (200, *_NOT_UNDER_WAY)]
        last = refused[-1] if refused else None
        why = f"its webhook ({last['event']}): {last['error'] or 'no answer yet'}" if last else "at work"
        return f"after {SETTLES_WITHIN:g} seconds the bot is not done with it: {why}"


@contextlib.contextmanager
def served(page: Simulator, port: int) -> Iterator[Simulator]:
    """Serve *page* as the Graph API on *port* (0: a free one). Raises HandoverError where it cannot be."""
    try:
        serving = simulator.running(page, port=port)
        serving.__enter__()
    except OSError as error:
        raise HandoverError(
            f"cannot listen on port {port} ({error.strerror}), where the bot expects the Graph API -> end "
            "what does (handover simulate, handover demo)"
        ) from None
    try:
        yield page
    finally:
        serving.__exit__(None, None, None)
