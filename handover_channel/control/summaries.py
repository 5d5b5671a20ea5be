"""Tells the bot how the human part of a conversation went: the value of slot `handover_summary`.

A human part is worded once by each process: who taps an old button asks nobody's model again.
"""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from typing import Optional

from handover_channel.control import human_parts
from handover_channel.control.summary_hook import SummaryHook
from handover_channel.rules.human_part import HumanPart
from handover_channel.settings.loader import Settings
from handover_channel.store import Store

#: Human parts whose note a process remembers.
NOTES_REMEMBERED = 1000


class Summaries:
    """Words the newest human part of threads, as the settings say."""

    def __init__(self, settings: Settings, store: Store) -> None:
        self._settings = settings
        self._store = store
        self._hook = SummaryHook(settings.summary)
        self._known: OrderedDict[int, str] = OrderedDict()  #: by the return's number in the log of changes

    @property
    def are_wanted(self) -> bool:
        """Tell whether the bot is told at all."""
        return self._settings.summary.is_wanted

    async def of(self, thread: str) -> Optional[str]:
        """Return the note of the newest human part of *thread*, None where there was none.

        Raises StoreUnavailable. The thread is the bot's by now, whatever happens here.
        """
        part = await asyncio.get_running_loop().run_in_executor(None, self._newest, thread)
        if part is None:
            return None
        if part.change not in self._known:
            self._known[part.change] = await self._hook.note(part)
            while len(self._known) > NOTES_REMEMBERED:
                self._known.popitem(last=False)
        return self._known[part.change]

    def _newest(self, thread: str) -> Optional[HumanPart]:
        with self._store.reading() as connection:
            return human_parts.newest(connection, self._settings, thread)
