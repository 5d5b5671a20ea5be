"""Reads the side of a bot with this package for the simulator's page: its row of a thread, and scenarios.

Its database is that of handover.yml; nothing is asked of its servers. Scenarios are played by the steps that
`handover test` has, one at a time.
"""

from __future__ import annotations

from contextlib import suppress
from dataclasses import asdict
from typing import Any, Callable, Dict, List, Mapping, Optional, Sequence, TypeVar
from urllib.parse import quote, urlencode, urlsplit

from handover_channel.errors import HandoverError, NotLetIn
from handover_channel.inbox.auth import Auth
from handover_channel.services import Services
from handover_channel.simulator.bot_at_hand import CannotBeAsked
from handover_channel.simulator.simulator import Simulator
from handover_channel.store import changes, deadlines, known_people, threads
from handover_channel.testing import own_bot
from handover_channel.testing.bot_under_test import CLOCK
from handover_channel.testing.conversation import Conversation
from handover_channel.testing.over_http import OwnBot
from handover_channel.testing.player import Playing
from handover_channel.testing.scenario import Scenario

_Json = Dict[str, Any]
_T = TypeVar("_T")

_SHOWN_OF_CHANGE = ("at", "control_before", "control", "target", "reason", "who")


class AtHand:
    """The bot of handover.yml, for the simulator that serves it: see `BotAtHand` of the simulator."""

    def __init__(
        self, page: Simulator, given: Services, scenarios: Sequence[Scenario] = (), inbox_url: str = ""
    ) -> None:
        self.inbox_url = inbox_url
        self._services, self._bot = given, OwnBot(page, given)
        self._scenarios = {f"{each.file.name}:{each.line}": each for each in scenarios}
        self._playing: Optional[Playing] = None

    def words(self, psids: Sequence[str]) -> Mapping[str, _Json]:
        """Return what the rows say of these threads. Raises CannotBeAsked."""
        return _asked(lambda: self._words(psids))

    def way_in(self, psid: str) -> str:
        """Return the address of this thread in the inbox, with a key where nobody signs in there."""
        return _asked(lambda: self._way_in(psid))

    def _way_in(self, psid: str) -> str:
        store = self._services.store
        with store.reading() as connection:
            place = f"thread/{quote(psid, safe='')}" if threads.get(connection, psid) else ""
        with suppress(NotLetIn):  # it has agents: the page asks who one is, and goes on to the thread
            link = Auth(store, self._services.thread_control.clock).one_time_link(self.inbox_url)
            return f"{link}&{urlencode({'next': urlsplit(self.inbox_url).path + place})}"
        return self.inbox_url + place

    def newest_person(self, first: str, last: str) -> str:
        """Return the greatest id between these two that the bot knows. Raises CannotBeAsked."""

        def newest() -> str:
            with self._services.store.reading() as connection:
                return known_people.newest_between(connection, first, last)

        return _asked(newest)

    def _words(self, psids: Sequence[str]) -> Mapping[str, _Json]:
        found = {}
        with self._services.store.reading() as connection:
            for psid in psids:
                row = threads.get(connection, psid)
                if row is not None:
                    log = changes.of(connection, psid)
                    found[psid] = {
                        **_word(row),
                        "deadlines": deadlines.of(connection, psid),
                        "log": [_picked(asdict(change)) for change in reversed(log)],
                    }
        return found

    def scenarios(self) -> List[_Json]:
        """Return the scenarios that can be played."""
        return [
            {
                "id": each_id,
                "name": each.name,
                "file": str(each.file),
                "line": each.line,
                "steps": [_lines(each, step.line, step.last_line) for step in each.steps],
            }
            for each_id, each in self._scenarios.items()
        ]

    def begin(self, scenario: str) -> _Json:
        """Begin with a scenario. Raises KeyError where there is none of that id."""
        if scenario not in self._scenarios:
            raise KeyError(f"there is no scenario {scenario!r} in the folder of --scenarios")
        chosen = self._scenarios[scenario]
        if CLOCK in chosen.needs:
            self._bot.follows()
        skipped = self._bot.cannot(chosen.needs)
        if skipped:
            self._playing = None
            return {"psid": None, "skipped": skipped}
        self._bot.begin()
        conversation = Conversation(self._bot)
        self._playing = Playing(conversation, chosen.steps)
        return {"psid": conversation.psid, "skipped": ""}

    def step(self) -> _Json:
        """Do the next step. Raises ValueError where no scenario has begun, or it is over."""
        playing = self._playing
        if playing is None or playing.is_over:
            raise ValueError("no scenario has begun, or it is over -> begin with one")
        failed, said = playing.step()
        if failed is not None:
            self._playing = None
        over, psid = playing.is_over, playing.psid
        return {"done": playing.done, "failed": failed is not None, "said": said, "over": over, "psid": psid}


def _asked(ask: Callable[[], _T]) -> _T:
    try:
        return ask()
    except HandoverError as error:
        raise CannotBeAsked(str(error)) from None


def _word(row: threads.Thread) -> _Json:
    return {
        "control": row.state.control.value,
        "name": own_bot.name_of(row),
        "reason": row.reason,
        "changed_at": row.changed_at,
        "until": row.until,
        "assignee": row.assignee,
    }


def _picked(change: Mapping[str, Any]) -> _Json:
    return {key: change[key] for key in _SHOWN_OF_CHANGE}


def _lines(scenario: Scenario, first: int, last: int) -> str:
    lines = [line.strip() for line in scenario.source[first - 1 : last]]
    return "\n".join(lines).removeprefix("- ")
