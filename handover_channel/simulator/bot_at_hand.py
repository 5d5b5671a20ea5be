"""Asks a bot whose own side can be read here who has control by its own word, and notices when that changes.

1. Meta knows apps. Whether the bot answers in a thread of its app, or an agent in its inbox, the bot knows
   alone: whoever serves the simulator may know how to ask it (`BotAtHand`). Nobody guesses.
2. A bot that cannot be asked just now changes nothing: that is said, and it is asked again.
3. A page that is open is told when the answer changes, though nothing has happened at Meta.
4. Who begins with an empty chat is new to the bot: it may be silent for those of an earlier run, or of before
   the simulator was reset, and would be for ever.
"""

from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import Any, Callable, Dict, List, Mapping, Optional, Protocol, Sequence, TypeVar

from handover_channel.simulator.simulator import Simulator
from handover_channel.simulator.thread import FIRST_PSID, LAST_PSID

_Json = Dict[str, Any]

ASKED_EVERY = 0.5  #: seconds between two questions while a page is open
MOST_ASKED = 50  #: threads of each page, the newest


_T = TypeVar("_T")


class CannotBeAsked(Exception):
    """The bot could not be asked; ``str()`` says why, and what to do."""


class BotAtHand(Protocol):
    """A bot that can be asked; each method may take its time, and is never called on an event loop."""

    inbox_url: str  #: where its agents answer, "" for nowhere

    def words(self, psids: Sequence[str]) -> Mapping[str, _Json]:
        """Return what the bot says of these threads, for those that it knows. Raises CannotBeAsked.

        ``control`` ("bot", "inbox", "app", "passing", "beside"), ``name`` of the target, ``reason``,
        ``assignee``, ``deadlines``: kind -> when (s), ``log``: the changes, oldest first.
        """

    def way_in(self, psid: str) -> str:
        """Return the address of this thread in that inbox, or of the inbox where it has none of that id.

        A browser of this machine is let in by it, where the inbox has no agents who sign in.
        Raises CannotBeAsked.
        """

    def newest_person(self, first: str, last: str) -> str:
        """Return the greatest id between these two that the bot knows, "" for none. Raises CannotBeAsked."""

    def scenarios(self) -> List[_Json]:
        """Return the scenarios that can be played: ``id``, ``name``, ``file``, ``line``, ``steps``."""

    def begin(self, scenario: str) -> _Json:
        """Begin with a scenario, with a person who has not written yet: ``psid``, ``skipped``.

        Raises KeyError where there is none of that id.
        """

    def step(self) -> _Json:
        """Do the next step: ``done`` so far, ``failed`` and ``said`` if it went wrong, ``over``, ``psid``.

        Raises ValueError where no scenario has begun, or it is over.
        """


class BotsWord:
    """The bot's own word on the threads of all pages. Lives in one event loop."""

    def __init__(self, page: Simulator, bot: Optional[BotAtHand]) -> None:
        self._page, self.bot = page, bot
        self._said: Mapping[str, _Json] = {}
        self._trouble = ""

    async def add_to(self, state: _Json) -> _Json:
        """Return *state* with it: ``bot_at_hand`` for the page, ``bot_says`` for each thread."""
        await self.look()
        for thread in state["threads"]:
            thread["bot_says"] = self._said.get(thread["psid"])
        known = {"inbox_url": self.bot.inbox_url, "trouble": self._trouble} if self.bot else None
        return {**state, "bot_at_hand": known}

    async def look(self) -> bool:
        """Ask; return whether the answer is another one."""
        if self.bot is None:
            return False
        before = (self._said, self._trouble)
        with self._page.lock:
            asked = [psid for page in self._page.pages for psid in list(page.threads)[-MOST_ASKED:]]
        try:
            self._said, self._trouble = await _apart(lambda: self._ask(asked)), ""
        except CannotBeAsked as error:
            self._said, self._trouble = {}, str(error)
        return before != (self._said, self._trouble)

    def _ask(self, psids: Sequence[str]) -> Mapping[str, _Json]:
        return self.bot.words(psids) if self.bot and psids else {}

    async def watch(self, is_looked_at: Callable[[], bool]) -> None:
        """Go on looking while a page is open (rule 3)."""
        while True:
            await asyncio.sleep(ASKED_EVERY)
            if is_looked_at() and await self.look():
                self._page.journal.changed()

    async def way_in(self, psid: str) -> str:
        """Return where the bot's agents answer this thread. Raises CannotBeAsked, also without an inbox."""
        bot = self.bot
        if bot is None or not bot.inbox_url:
            raise CannotBeAsked("this bot has no inbox that is known here")
        return await _apart(lambda: bot.way_in(psid))

    async def begin_afresh(self) -> None:
        """Have the people with an empty chat be new to the bot (rule 4), if it can be asked."""
        bot = self.bot
        if bot is None:
            return
        with suppress(CannotBeAsked):
            newest = await _apart(lambda: bot.newest_person(str(FIRST_PSID), str(LAST_PSID)))
            self._page.meta.give_new_ids(newest)

    # --- scenarios --------------------------------------------------------------------------------

    async def scenarios(self) -> List[_Json]:
        """Return those that can be played; none without a bot that can be asked."""
        bot = self.bot
        return await _apart(bot.scenarios) if bot else []

    async def begin(self, scenario: str) -> _Json:
        """Begin with one. Raises KeyError where there is none of that id."""
        bot = self.bot
        if bot is None:
            raise KeyError(f"no scenario is called {scenario!r}: handover simulate --scenarios FOLDER")
        return await _apart(lambda: bot.begin(scenario))

    async def step(self) -> _Json:
        """Do the next step. Raises ValueError where no scenario has begun, or it is over."""
        bot = self.bot
        if bot is None:
            raise ValueError("no scenario has begun")
        return await _apart(bot.step)


async def _apart(ask: Callable[[], _T]) -> _T:
    return await asyncio.get_running_loop().run_in_executor(None, ask)
