"""Tells open pages that something is new. Each process looks at the database once for all its pages.

A page is told that something has changed, never what: it asks for that itself, as who is signed in there.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections import OrderedDict
from concurrent.futures import Executor
from typing import AbstractSet, Callable, Dict, NamedTuple, Optional, Set, Tuple

from handover_channel import log
from handover_channel.errors import StoreUnavailable
from handover_channel.store import Store, page_updates

logger = logging.getLogger(__name__)

#: Seconds between two looks: a message is to appear within one second.
LOOK_FOR_UPDATES_EVERY = 0.5

#: Pieces of news that are known to have been told.
KNOWN = 10_000

_SELDOM_LISTED = frozenset({page_updates.LOOK, page_updates.TURN})


class Changed(NamedTuple):
    """What has changed since a page last asked."""

    threads: AbstractSet[str] = frozenset()
    lists: bool = False  #: something that lists show at once


class Listener:
    """One open page: what has changed since it last asked. Used on one event loop."""

    def __init__(self) -> None:
        self._changed = Changed()
        self._any = asyncio.Event()
        self.is_over = False  #: the server stops

    def tell(self, changed: Changed) -> None:
        """Note what has changed."""
        before = self._changed
        self._changed = Changed(before.threads | changed.threads, before.lists or changed.lists)
        self._any.set()

    def end(self) -> None:
        """Note that there is no more news."""
        self.is_over = True
        self._any.set()

    async def changed(self, timeout: float) -> Changed:
        """Wait at most *timeout* seconds for a change, and return what has changed since the last call."""
        try:
            await asyncio.wait_for(self._any.wait(), timeout)
        except asyncio.TimeoutError:
            return Changed()
        self._any.clear()
        found, self._changed = self._changed, Changed()
        return found


class Updates:
    """Looks for changes as long as a page is open."""

    def __init__(self, store: Store, pool: Executor, clock: Callable[[], float] = time.time) -> None:
        self._store = store
        self._pool = pool
        self._clock = clock
        self._listeners: Set[Listener] = set()
        self._looking: Optional[asyncio.Task[None]] = None
        self._newest: Optional[Tuple[int, int, float]] = None
        self._known: OrderedDict[Tuple[str, int], None] = OrderedDict()

    def open(self) -> Listener:
        """Begin to tell a page. Needs a running event loop."""
        listener = Listener()
        self._listeners.add(listener)
        if self._looking is None or self._looking.done():
            self._looking = asyncio.ensure_future(self._look())
        return listener

    def close(self, listener: Listener) -> None:
        """Stop telling a page."""
        self._listeners.discard(listener)

    async def stop(self) -> None:
        """Stop looking, and let every page go: an open one would keep the server from stopping."""
        for listener in self._listeners:
            listener.end()
        if self._looking is not None:
            self._looking.cancel()
            await asyncio.gather(self._looking, return_exceptions=True)

    async def _look(self) -> None:
        loop = asyncio.get_running_loop()
        # What was before the page was opened is on it.
        self._newest = None
        while self._listeners:
            try:
                changed = await loop.run_in_executor(self._pool, self._changed)
            except StoreUnavailable as error:
                logger.debug("the inbox cannot tell what is new: %s", error)
                changed = Changed()
            except Exception as error:  # a task of its own: nobody else would say so, nor look again
                logger.error("the inbox cannot tell what is new: %s", log.trace(error))
                changed = Changed()
            if changed.threads:
                for listener in self._listeners:
                    listener.tell(changed)
            await asyncio.sleep(LOOK_FOR_UPDATES_EVERY)

    def _changed(self) -> Changed:
        now = self._clock()
        with self._store.reading() as connection:
            if self._newest is None:
                self._newest = (*page_updates.newest(connection), now)
            news_id, change_id, at = self._newest
            found = page_updates.since(connection, news_id=news_id, change_id=change_id, at=at)
        fresh = {piece: thread for piece, thread in found if piece not in self._known}
        self._remember(fresh, now)
        return Changed(set(fresh.values()), any(kind not in _SELDOM_LISTED for kind, _ in fresh))

    def _remember(self, fresh: Dict[Tuple[str, int], str], now: float) -> None:
        news_id, change_id, _ = self._newest or (0, 0, now)
        for piece in fresh:
            self._known[piece] = None
            kind, number = piece
            news_id = max(news_id, number) if kind in (page_updates.NEWS, page_updates.LOOK) else news_id
            change_id = max(change_id, number) if kind == page_updates.CHANGE else change_id
        while len(self._known) > KNOWN:
            self._known.popitem(last=False)
        self._newest = (news_id, change_id, now)
