"""Serves Messenger's webhook as a Rasa channel: a drop-in for Rasa's own Facebook channel.

A request that cannot be Meta's is refused before its body is read. Meta is answered as soon as its events are
on disk. Storing and processing happen in a process of their own (queue/process.py) and turns on a thread of
their own, so that Meta never waits for a turn.

https://developers.facebook.com/documentation/business-messaging/messenger-platform/webhooks
"""

from __future__ import annotations

import asyncio
import hmac
import logging
import time
from typing import Any, Awaitable, Callable, Dict, Optional, Tuple

from rasa.core.channels.channel import InputChannel, OutputChannel, UserMessage
from rasa.shared.exceptions import RasaException
from sanic import Blueprint, Sanic, response
from sanic.request import Request
from sanic.response import HTTPResponse

from handover_channel import services
from handover_channel.errors import InputRefused, InvalidSignature, SettingsError
from handover_channel.log import Rarely
from handover_channel.messenger import webhook
from handover_channel.messenger.events import MESSENGER
from handover_channel.metrics import counters
from handover_channel.metrics.exporter import CONTENT_TYPE, Exporter
from handover_channel.rasa.cross_origin import leave_out_unread_headers
from handover_channel.rasa.event_loops import end_scheduler, share_scheduler
from handover_channel.rasa.new_connections import NewConnections, connections_of
from handover_channel.rasa.refused_starts import expect_startable
from handover_channel.rasa.request_body import Places, Reading
from handover_channel.rasa.runtime import Runtime
from handover_channel.rules import limits
from handover_channel.settings import loader as settings_file
from handover_channel.settings.credentials import CHANNEL
from handover_channel.settings.loader import Settings

logger = logging.getLogger(__name__)


WRONG_VERIFY = (
    "hub.verify_token is not ours -> check `verify` in credentials.yml: the verify token of the webhook "
    "(Meta for Developers > Messenger > Webhooks)"
)


class ChannelSettingsError(RasaException):
    """Settings the channel cannot start with. Rasa prints its own exceptions without a traceback."""


class MessengerInput(InputChannel):
    """Facebook Messenger with handover."""

    @classmethod
    def name(cls) -> str:
        """Name the channel as Rasa's own does: webhook URL and channel-specific responses stay."""
        return MESSENGER

    @classmethod
    def from_credentials(cls, credentials: Optional[Dict[str, Any]]) -> InputChannel:
        """Build the channel from its block of credentials.yml and the handover.yml beside it.

        Raises ChannelSettingsError with everything that is wrong, CannotStart where it cannot work at all.
        """
        expect_startable(CHANNEL)
        try:
            settings = settings_file.load(credentials=credentials or {})
            return cls(settings, verify=settings.verify)
        except SettingsError as error:
            raise ChannelSettingsError(f"{CHANNEL} cannot start:\n{error}") from error

    def __init__(self, settings: Settings, verify: str) -> None:
        self._handover = services.process.get(settings)
        self._verify = verify
        self._server: Optional[Runtime] = None

    def get_output_channel(self) -> Optional[OutputChannel]:
        """Return an output for what Rasa says unasked: reminders, `trigger_intent`. The same gate holds."""
        return self._server.output() if self._server else None

    def blueprint(self, on_new_message: Callable[[UserMessage], Awaitable[Any]]) -> Blueprint:
        """Return the routes; below `/webhooks/facebook/`."""
        routes = Blueprint("handover_messenger", __name__)
        self._server = server = Runtime(self._handover, on_new_message)
        places, new = Places(limits.LARGE_AT_ONCE.value), NewConnections()
        exporter = Exporter(
            self._handover.settings, self._handover.store, self._handover.thread_control.clock
        )
        rarely = Rarely()

        @routes.get("/")
        async def health(request: Request) -> HTTPResponse:
            problem = await server.problem()
            if problem:
                return response.json({"status": "unavailable", "reason": problem}, status=503)
            return response.json(await server.state())

        @routes.get("/metrics")
        async def metrics(request: Request) -> HTTPResponse:
            loop, others = asyncio.get_running_loop(), await server.counted()
            text = await loop.run_in_executor(None, exporter.text, others)
            return response.raw(text, content_type=CONTENT_TYPE)

        @routes.get("/webhook")
        async def verify(request: Request) -> HTTPResponse:
            token = request.args.get("hub.verify_token") or ""
            known = hmac.compare_digest(token.encode("utf-8", "replace"), self._verify.encode())
            if request.args.get("hub.mode") != "subscribe":
                rarely.warning(logger, "mode", "refused to verify the webhook: hub.mode is not subscribe")
                return response.text("hub.mode is not subscribe", status=403)
            if not known:
                rarely.warning(logger, "verify", "refused to verify the webhook: %s", WRONG_VERIFY)
                return response.text("the verify token is not the one in credentials.yml", status=403)
            return response.text(request.args.get("hub.challenge") or "")

        @routes.post("/webhook", stream=True)
        async def receive(request: Request) -> HTTPResponse:
            begun = time.perf_counter()
            leave_out_unread_headers(request)
            await new.let_in(connections_of(request))
            status, text = await _receive(request, places, server, rarely)
            counters.acknowledged(status, time.perf_counter() - begun)
            return response.text(text, status=status)

        @routes.listener("after_server_start")
        async def start(app: Sanic, loop: asyncio.AbstractEventLoop) -> None:
            await share_scheduler()
            await server.start(app)

        @routes.listener("before_server_stop")
        async def stop(app: Sanic, loop: asyncio.AbstractEventLoop) -> None:
            await server.stop()
            end_scheduler()

        @routes.listener("after_server_stop")
        async def close(app: Sanic, loop: asyncio.AbstractEventLoop) -> None:
            services.process.close(self._handover)

        return routes


async def _receive(request: Request, places: Places, server: Runtime, rarely: Rarely) -> Tuple[int, str]:
    """Read a delivery and pass it on; return what Meta is to be answered: HTTP status and text."""
    reading = Reading(request, limits.WEBHOOK, places)
    signature = request.headers.get("x-hub-signature-256") or ""
    try:
        reading.check_head()
        webhook.check_form_of(signature, length=limits.SIGNATURE.value)
        return await server.receive(signature, await reading.read())
    except InvalidSignature as error:
        reading.forgo()
        rarely.warning(logger, "signature", "refused a webhook call: %s", error)
        return 403, "invalid signature"
    except InputRefused as error:
        rarely.warning(logger, str(error.status), "refused a webhook call: %s", error)
        return error.status, str(error)
    finally:
        reading.end()
