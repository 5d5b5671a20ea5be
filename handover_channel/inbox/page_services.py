"""Holds what the routes of the page use: who may come in, what is shown and done, and threads to do it on."""

from __future__ import annotations

import contextlib
import functools
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Callable, NamedTuple, Optional, Sequence, Tuple, TypeVar

from handover_channel.errors import StoreUnavailable
from handover_channel.graph_api.profiles import Profiles
from handover_channel.inbox import answer, listing, media_links
from handover_channel.inbox.admin.services import AdminServices
from handover_channel.inbox.answer import Answer
from handover_channel.inbox.auth import Auth, Visitor
from handover_channel.inbox.commands import Commands
from handover_channel.inbox.concurrency import Limiter, call_in
from handover_channel.inbox.media_proxy import MediaProxy
from handover_channel.inbox.places import Asked
from handover_channel.inbox.queries import Bot, BotHistory, Queries
from handover_channel.inbox.rendering import Pages
from handover_channel.inbox.request import Request
from handover_channel.inbox.updates import Updates
from handover_channel.inbox.view_models import ListView, ThreadView
from handover_channel.replies.service import AgentReplies
from handover_channel.rules.limits import FILES_AT_ONCE
from handover_channel.store.threads import Thread

_T = TypeVar("_T")


class ThreadPools(NamedTuple):
    """Threads for what is synchronous: a pool for each that one waits for, so that no reader waits longer."""

    database: ThreadPoolExecutor  #: and to draw pages
    meta: ThreadPoolExecutor  #: and other channels
    files: ThreadPoolExecutor  #: whoever keeps people's files
    sign_ins: ThreadPoolExecutor  #: a turn to hash a password

    def shutdown(self) -> None:
        """Begin nothing new."""
        for pool in self:
            pool.shutdown(wait=False)


class PageServices:
    """What the routes use. Rasa's part comes in when the server has started."""

    bot: Bot
    commands: Commands
    replies: AgentReplies
    queries: Queries
    admin: AdminServices

    def __init__(
        self,
        auth: Auth,
        pages: Pages,
        updates: Updates,
        media_proxy: MediaProxy,
        profiles: Profiles,
        pools: ThreadPools,
        clock: Callable[[], float],
    ) -> None:
        self.auth = auth
        self.pages = pages
        self.updates = updates
        self.media_proxy = media_proxy
        self.profiles = profiles
        self.pools = pools
        self.limiter = Limiter(FILES_AT_ONCE.value)
        self._clock = clock

    def open(
        self, bot: Bot, commands: Commands, replies: AgentReplies, queries: Queries, admin: AdminServices
    ) -> None:
        """Begin to serve."""
        self.bot, self.commands, self.replies, self.queries = bot, commands, replies, queries
        self.admin = admin

    async def call(self, function: Callable[..., _T], *given: Any, **named: Any) -> _T:
        """Run what is synchronous, and waits for the database at most, in a thread."""
        return await call_in(self.pools.database, function, *given, **named)

    def soon(self, function: Callable[..., Any], *given: Any) -> None:
        """Have a thread run this when it can, also where the request has ended."""
        with contextlib.suppress(RuntimeError):  # the server stops
            self.pools.database.submit(_quietly, function, *given)

    async def visitor(self, request: Request) -> Optional[Visitor]:
        """Return who asks, None for somebody who has to sign in first. Raises NotLetIn."""
        return await self.call(
            self.auth.admit,
            request.cookie,
            address=request.address,
            host=request.host,
            headers=list(request.headers),
            renew=not request.is_by_itself,
        )

    async def draw(self, template: str, request: Request, status: int = 200, **context: Any) -> Answer:
        """Return a page or a fragment, in the visitor's language. Drawn in a thread: it takes a while."""
        draw = functools.partial(self.pages.render, template, request.language)
        text = await self.call(draw, base=request.base, you=request.visitor, now=self._clock(), **context)
        return answer.page(text, status)

    async def list(self, request: Request) -> Tuple[ListView, str]:
        """Return the list that the address asks for, and where it begins. Raises InputRefused."""
        query = {name: request.argument(name) for name in listing.ARGUMENTS}
        after = query.get("after", "")
        filters = listing.filters_of(query)
        you = request.you
        order = you.orders.get(filters.list, "")
        view = await self.call(self.queries.list, filters, agent=you.name, order=order, after=after)
        self.profiles.want_pages()
        for item in view.items:
            self.profiles.want(item.thread, page=item.page, channel=item.channel)
            self.profiles.want_app(item.target, item.thread, page=item.page)
        return view, after

    async def thread(self, request: Request) -> Optional[ThreadView]:
        """Return the thread that the path names, None where it was never seen. Raises InputRefused."""
        row = await self.call(self.queries.row, request.thread)
        if row is None:
            return None
        self.profiles.want(row.id, page=row.page, channel=row.channel)
        self.profiles.want_app(row.state.target, row.id, page=row.page)
        self.profiles.want_pages()
        if request.is_looked_at:
            await self.call(self.queries.looked_at, row, request.you.name)
        before = _seconds(request.argument("before"))
        asked = Asked(request.argument("found"), request.argument("search"), request.is_by_itself)
        pending = request.pending
        return await self.call(self._thread, row, request.you, before, asked, pending, request.base)

    def _thread(
        self,
        row: Thread,
        visitor: Visitor,
        before: Optional[float],
        asked: Asked,
        pending: Sequence[str],
        base: str,
    ) -> ThreadView:
        bot = BotHistory(self.bot.said(row.id), self.bot.intents(), self.bot.flows())
        link = functools.partial(media_links.link, visitor, base=base)
        return self.queries.thread(
            row, bot, agent=visitor.name, link=link, before=before, asked=asked, pending=pending
        )


def _quietly(function: Callable[..., Any], *given: Any) -> None:
    with contextlib.suppress(StoreUnavailable):  # it tells who is here: nothing is lost
        function(*given)


def _seconds(text: str) -> Optional[float]:
    try:
        found = float(text)
    except ValueError:
        return None
    return found if 0 < found < 1e11 else None
