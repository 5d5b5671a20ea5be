"""Brings into the search what is new and what is not in yet, beside all else that the inbox does.

It goes in steps (store/search_sources.py), each short, with a pause between two: whoever answers, and Meta,
wait for none. With several servers each does some.
"""

from __future__ import annotations

import asyncio
import time
from typing import Any, Awaitable, Callable, List, Sequence

from handover_channel import log
from handover_channel.errors import StoreUnavailable
from handover_channel.inbox.view_models import Said
from handover_channel.store import Store, search_sources
from handover_channel.store.search_sources import Heard

logger = log.logger(__name__)

#: Seconds between two looks for what is new, and between two steps while there is more.
LOOK_FOR_WORDS_EVERY, PAUSE_BETWEEN_STEPS = 1.0, 0.05

#: Seconds after a handover: by then Rasa has saved the turn in which it was made.
HEARD_AFTER = 10.0


class SearchIndexing:
    """Does the steps. *said*: what was said to the bot in a thread, oldest first; synchronous."""

    def __init__(
        self,
        store: Store,
        said: Callable[[str], Sequence[Said]],
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._store = store
        self._said = said
        self._clock = clock

    def step(self) -> bool:
        """Do one step of each kind. True: there is more to do. Raises StoreUnavailable."""
        with self._store.reading() as connection:
            has_begun = search_sources.has_begun(connection)
        if not has_begun:
            with self._store.writing() as connection:
                search_sources.begin(connection)
        more = [
            search_sources.bring_in_lines(self._store),
            search_sources.bring_in_names(self._store),
            self._bring_in_heard(),
        ]
        return any(more)

    def _bring_in_heard(self) -> bool:
        with self._store.reading() as connection:
            found = search_sources.handed_over(connection, before=self._clock() - HEARD_AFTER)
        heard = {thread: self._heard(thread) for thread in found.threads}
        search_sources.bring_in_heard(self._store, found, heard)
        return found.since != found.until

    def _heard(self, thread: str) -> List[Heard]:
        try:
            said = self._said(thread)
        except Exception as error:  # of Rasa's tracker store: the others go on
            logger.warning("thread %s: what was said to the bot is not found: %s", thread, log.trace(error))
            return []
        return [
            Heard(int(each.key.rpartition("-")[2]), each.speaker, int(each.at * 1000), each.text)
            for each in said
            if each.text
        ]

    async def keep_going(self, call: Callable[..., Awaitable[Any]]) -> None:
        """Do step after step until cancelled. *call* runs what is synchronous in a thread."""
        while True:
            more = False
            try:
                more = await call(self.step)
            except StoreUnavailable as error:
                logger.debug("the search was not brought up to date: %s", error)
            except Exception as error:  # a task of its own: nobody else would say so, nor try again
                logger.error("the search was not brought up to date: %s", log.trace(error))
            await asyncio.sleep(PAUSE_BETWEEN_STEPS if more else LOOK_FOR_WORDS_EVERY)
