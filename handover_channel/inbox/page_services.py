"""What the routes of the inbox share: the parts behind the page, and the two things that it shows."""

from __future__ import annotations

import functools
from concurrent.futures import ThreadPoolExecutor
from typing import Any, NamedTuple, Optional, Tuple

from sanic.request import Request

from handover_channel.graph_api.profiles import Profiles
from handover_channel.inbox import http, listing
from handover_channel.inbox.auth import Visitor
from handover_channel.inbox.commands import Commands
from handover_channel.inbox.concurrency import Limiter
from handover_channel.inbox.http import Front
from handover_channel.inbox.media_proxy import MediaProxy
from handover_channel.inbox.queries import BotHistory, Queries
from handover_channel.inbox.rasa_gateway import RasaGateway
from handover_channel.inbox.updates import Updates
from handover_channel.inbox.view_models import ListView, ThreadView
from handover_channel.replies.service import AgentReplies
from handover_channel.rules.limits import FILES_AT_ONCE
from handover_channel.store.threads import Thread


class ThreadPools(NamedTuple):
    """Threads for what waits for others than the database: a pool each, so that no reader waits with it."""

    acts: ThreadPoolExecutor  #: for Meta, and other channels
    files: ThreadPoolExecutor  #: for whoever keeps people's files
    sign_ins: ThreadPoolExecutor  #: for a turn to hash a password

    def shutdown(self) -> None:
        """Begin nothing new."""
        for pool in self:
            pool.shutdown(wait=False)


class PageServices:
    """What the routes use. Rasa's part comes in when the server has started."""

    rasa: RasaGateway
    acts: Commands
    agent: AgentReplies
    reader: Queries

    def __init__(
        self,
        front: Front,
        live: Updates,
        files: MediaProxy,
        profiles: Profiles,
        pools: ThreadPools,
    ) -> None:
        self.front = front
        self.live = live
        self.files = files
        self.profiles = profiles
        self.pools = pools
        self.fetching = Limiter(FILES_AT_ONCE.value)

    def open(self, rasa: RasaGateway, acts: Commands, agent: AgentReplies, reader: Queries) -> None:
        """Begin to serve."""
        self.rasa, self.acts, self.agent, self.reader = rasa, acts, agent, reader

    async def list(self, request: Request, visitor: Visitor) -> Tuple[ListView, str]:
        """Return the list that the address asks for, and where it begins."""
        query = {name: http.argument(request, name) for name in listing.ARGUMENTS}
        after = query.get("after", "")
        filters = listing.filters_of(query)
        view = await self.front.call(self.reader.list, filters, agent=visitor.name, after=after)
        self.profiles.want_pages()
        for item in view.items:
            self.profiles.want(item.thread, page=item.page, channel=item.channel)
        return view, after

    async def thread(self, request: Request, visitor: Visitor, thread: str) -> Optional[ThreadView]:
        """Return the conversation, None where it was never seen."""
        row = await self.front.call(self.reader.row, thread)
        if row is None:
            return None
        self.profiles.want(row.id, page=row.page, channel=row.channel)
        self.profiles.want_pages()
        before = _seconds(http.argument(request, "before"))
        return await self.front.call(self._thread, row, visitor, before)

    def _thread(self, row: Thread, visitor: Visitor, before: Optional[float]) -> ThreadView:
        self.reader.looked_at(row, visitor.name)
        bot = BotHistory(self.rasa.said(row.id), self.rasa.intents())
        link = functools.partial(http.link, visitor)
        return self.reader.thread(row, bot, agent=visitor.name, link=link, before=before)


def _seconds(text: Any) -> Optional[float]:
    try:
        found = float(text)
    except (TypeError, ValueError):
        return None
    return found if 0 < found < 1e11 else None
