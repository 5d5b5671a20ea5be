"""Serves the inbox page as a Rasa channel, below /webhooks/inbox/.

It takes no messages of people: those come in by the channels they write on. If no Messenger channel runs in
this server, it also starts the process that enforces time limits and returns threads.
"""

from __future__ import annotations

import asyncio
import contextlib
import functools
import logging
import sys
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Awaitable, Callable, Dict, List, Optional

from rasa.core.channels.channel import InputChannel, OutputChannel, UserMessage
from rasa.shared.exceptions import RasaException
from sanic import Blueprint, Sanic, response
from sanic.request import Request
from sanic.response import HTTPResponse

from handover_channel import log, services
from handover_channel.errors import HandoverError, SettingsError, StoreUnavailable
from handover_channel.graph_api.profiles import Profiles
from handover_channel.inbox import http, routes
from handover_channel.inbox.admin.services import AdminServices
from handover_channel.inbox.auth import Auth
from handover_channel.inbox.commands import TIDY_PRESENCE_EVERY, Commands
from handover_channel.inbox.media_proxy import MediaProxy
from handover_channel.inbox.page_services import PageServices, ThreadPools
from handover_channel.inbox.queries import Queries
from handover_channel.inbox.rasa_gateway import RasaGateway
from handover_channel.inbox.rendering import Pages
from handover_channel.inbox.request import BASE
from handover_channel.inbox.search_indexing import SearchIndexing
from handover_channel.inbox.updates import Updates
from handover_channel.messenger.events import MESSENGER
from handover_channel.rasa.event_loops import end_scheduler, share_scheduler
from handover_channel.rasa.refused_starts import expect_startable
from handover_channel.rasa.running_bot import found_at_start
from handover_channel.rasa.runtime import Runtime, state_of
from handover_channel.replies.service import AgentReplies
from handover_channel.settings import loader as settings_file
from handover_channel.settings.loader import Settings

logger = logging.getLogger(__name__)

INBOX_CHANNEL = "handover_channel.InboxInput"

#: Threads of each pool: see page_services.ThreadPools.
READ_THREADS, COMMAND_THREADS, FILE_THREADS, SIGN_IN_THREADS = 8, 32, 32, 16

#: Printed at the start where agents were added in the page, and none has opened their link yet.
NO_PASSWORDS = "No agent of the inbox has a password yet; without the link: handover agents password NAME"


OnNewMessage = Callable[[UserMessage], Awaitable[Any]]


class InboxSettingsError(RasaException):
    """Settings the inbox cannot start with. Rasa prints its own exceptions without a traceback."""


class InboxInput(InputChannel):
    """The built-in inbox."""

    @classmethod
    def name(cls) -> str:
        """Name the channel: the page is at /webhooks/inbox/."""
        return "inbox"

    @classmethod
    def from_credentials(cls, credentials: Optional[Dict[str, Any]]) -> InputChannel:
        """Build the channel from handover.yml and credentials.yml; its own block needs no keys.

        Raises InboxSettingsError with everything that is wrong, and as `expect_startable`.
        """
        expect_startable(INBOX_CHANNEL)
        try:
            return cls(settings_file.load())
        except SettingsError as error:
            raise InboxSettingsError(f"{INBOX_CHANNEL} cannot start:\n{error}") from error

    def __init__(self, settings: Settings, clock: Optional[Callable[[], float]] = None) -> None:
        self._settings = settings
        self._handover = services.process.get(settings)
        self._clock = clock or self._handover.thread_control.clock
        self._server: Optional[Runtime] = None
        self._beside: List[asyncio.Task[None]] = []

    def get_output_channel(self) -> Optional[OutputChannel]:
        """Return None: nobody is written to by this channel."""
        return None

    def blueprint(self, on_new_message: OnNewMessage) -> Blueprint:
        """Return the page's routes, and its health; below `/webhooks/inbox/`."""
        page = self._page_services()
        blueprint = http.blueprint(routes.ROUTES, page)

        @blueprint.get("/health")
        async def health(request: Request) -> HTTPResponse:
            return await self._health(request.app)

        listeners = {
            "before_server_start": lambda app, loop: http.guard(app, page),
            "after_server_start": functools.partial(self._start, page, on_new_message),
            "before_server_stop": functools.partial(self._stop, page),
            "after_server_stop": lambda app, loop: services.process.close(self._handover),
        }
        for event, listener in listeners.items():
            blueprint.listener(listener, event)
        return blueprint

    async def _health(self, app: Sanic) -> HTTPResponse:
        if self._server is None:  # Messenger is served, too: its channel's own path tells more
            return response.json(state_of(found_at_start(app)))
        problem = await self._server.problem()
        if problem:
            return response.json({"status": "unavailable", "reason": problem}, status=503)
        return response.json(await self._server.state())

    async def _start(
        self, page: PageServices, on_new_message: OnNewMessage, app: Sanic, loop: asyncio.AbstractEventLoop
    ) -> None:
        self._open(page, RasaGateway(app, loop, self._settings.handover_intents))
        if not any(each.name() == MESSENGER for each in getattr(app.ctx, "input_channels", None) or ()):
            await share_scheduler()
            self._server = Runtime(self._handover, on_new_message)
            await self._server.start(app)
        indexing = SearchIndexing(self._handover.store, page.bot.said, self._clock)
        self._beside = [
            asyncio.ensure_future(each) for each in (_keep_tidy(page), indexing.keep_going(page.call))
        ]
        await _print_link(app, page)

    async def _stop(self, page: PageServices, app: Sanic, loop: asyncio.AbstractEventLoop) -> None:
        for task in self._beside:
            task.cancel()
        await page.updates.stop()
        if self._server is not None:
            await self._server.stop()
            end_scheduler()
        page.profiles.stop()
        page.pools.shutdown()

    def _open(self, page: PageServices, gateway: RasaGateway) -> None:
        """Begin to serve, now that Rasa runs."""
        given, clock, port_of = self._handover, self._clock, gateway.port_of
        replies = AgentReplies(
            self._settings, given.store, given.graph, given.thread_control, clock, port_of=port_of
        )
        commands = Commands(self._settings, given.store, given.thread_control, clock, port_of=port_of)
        fixed = self._settings.inbox.canned_replies
        admin = AdminServices(given.store, gateway, fixed, clock)
        queries = Queries(self._settings, given.store, replies.sending_rules, clock)
        page.open(gateway, commands, replies, queries, admin)

    def _pages(self, profiles: Profiles) -> Pages:
        inbox = self._settings.inbox
        words = {"title": inbox.title, "customers": inbox.customers}
        return Pages(BASE, **words, targets=self._settings.targets, app_names=profiles.app_names)

    def _page_services(self) -> PageServices:
        given, clock = self._handover, self._clock
        pools = ThreadPools(
            ThreadPoolExecutor(READ_THREADS, thread_name_prefix="handover-inbox"),
            ThreadPoolExecutor(COMMAND_THREADS, thread_name_prefix="handover-calls"),
            ThreadPoolExecutor(FILE_THREADS, thread_name_prefix="handover-files"),
            ThreadPoolExecutor(SIGN_IN_THREADS, thread_name_prefix="handover-sign-ins"),
        )
        profiles = Profiles(self._settings, given.store, given.graph, clock)
        return PageServices(
            Auth(given.store, clock, sign_in_for=self._settings.inbox.sign_in_for),
            self._pages(profiles),
            Updates(given.store, pools.database, clock),
            MediaProxy(self._settings.graph_api.url),
            profiles,
            pools,
            clock,
        )


async def _keep_tidy(page: PageServices) -> None:
    while True:
        await asyncio.sleep(TIDY_PRESENCE_EVERY)
        try:
            await page.call(page.commands.tidy)
        except StoreUnavailable as error:
            logger.debug("the inbox was not tidied: %s", error)
        except Exception as error:  # a task of its own: nobody else would say so, nor try again
            logger.error("the inbox was not tidied: %s", log.trace(error))


async def _print_link(app: Sanic, page: PageServices) -> None:
    """Where nobody can sign in, print the way in: on the terminal, as it is a secret and logs are kept."""
    with contextlib.suppress(HandoverError):
        if not await page.call(page.auth.has_agents):
            port = getattr(app.state, "port", None) or 5005
            address = await page.call(page.auth.one_time_link, f"http://localhost:{port}{BASE}")
            print(f"The inbox has no agents yet; on this machine: {address}", file=sys.stderr, flush=True)  # noqa: T201
        elif await page.call(page.auth.lacks_passwords):
            print(NO_PASSWORDS, file=sys.stderr, flush=True)  # noqa: T201
