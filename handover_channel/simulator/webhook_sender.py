"""Sends webhooks to the apps that have a callback, and retries them.

17. The bytes that are sent are the bytes that are signed.
18. An app must answer 200 within 5 seconds; otherwise the delivery is retried, after growing pauses, and
    given up in the end.
20. A callback is verified by the handshake; its result is shown, deliveries do not wait for it.

The webhooks of one app are sent one after the other, in order; apps do not wait for each other, and the
Graph API waits for no webhook. An app that cannot be reached at all is retried for longer than one that
answers with an error: a bot may still be starting. The pauses are on Meta's clock: moving it shortens them.

https://developers.facebook.com/documentation/business-messaging/messenger-platform/webhooks
"""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import secrets
import threading
from typing import Any, Dict, List, Optional, Sequence, Set, Tuple
from urllib.parse import SplitResult, urlsplit

import aiohttp

from handover_channel.simulator import webhooks
from handover_channel.simulator.connected_app import App
from handover_channel.simulator.page import SimulatedPage
from handover_channel.simulator.webhook_client import WebhookClient
from handover_channel.simulator.webhooks import WebhookDelivery

ANSWER_WITHIN = 5.0  #: seconds

#: Pauses (s) before a delivery is tried again: unreachable, and answered with something else than 200.
UNREACHABLE_PAUSES = (0.25, 0.5, 1, 2, 4, 8, 15, 30, 30, 30)
REFUSED_PAUSES = (0.25, 1, 4)

#: The longest pause (s) before a callback is asked for the handshake again.
ASKED_AGAIN = 5.0

_JSON_HEADERS = {"Content-Type": "application/json"}


class WebhookSender:
    """One queue and one task for each app with a callback. Lives in one event loop."""

    def __init__(
        self,
        page: SimulatedPage,
        *,
        unreachable_pauses: Sequence[float] = UNREACHABLE_PAUSES,
        refused_pauses: Sequence[float] = REFUSED_PAUSES,
    ) -> None:
        self._page, self._journal = page, page.journal
        self._pauses = {True: tuple(unreachable_pauses), False: tuple(refused_pauses)}
        self._loop, self._thread = asyncio.get_running_loop(), threading.get_ident()
        self._clients: Dict[str, Tuple[str, WebhookClient]] = {}  # app id -> callback, connection
        self._http = aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=ANSWER_WITHIN))
        self._queues: Dict[str, asyncio.Queue[WebhookDelivery]] = {}
        self._tasks: List[asyncio.Task[Any]] = []
        self._closing = False
        self._posting = 0  # bodies on the wire now
        self._pausing: Set[str] = set()  # apps whose next attempt waits for its time
        self.handshakes: Dict[str, str] = {}  #: app id -> "ok", or what went wrong

    def accept(self, delivery: WebhookDelivery) -> None:
        """Queue a webhook, from any thread; it is sent after those before it."""
        if threading.get_ident() == self._thread:
            self._enqueue(delivery)
        else:
            self._loop.call_soon_threadsafe(self._enqueue, delivery)

    def _enqueue(self, delivery: WebhookDelivery) -> None:
        app_id = delivery.app.id
        if app_id not in self._queues:
            self._queues[app_id] = asyncio.Queue()
            self._tasks.append(self._loop.create_task(self._work(self._queues[app_id])))
        self._queues[app_id].put_nowait(delivery)

    async def _work(self, queue: asyncio.Queue[WebhookDelivery]) -> None:
        while not self._closing:  # a cancellation can get lost in asyncio.wait_for
            await self._deliver(await queue.get())

    async def _deliver(self, delivery: WebhookDelivery) -> None:
        attempts = 0
        while True:
            self._posting += 1
            try:
                status, error = await self._post(delivery.app, delivery.body, delivery.headers)
            finally:
                self._posting -= 1
            attempts += 1
            for entry in delivery.entries:
                self._journal.amend(entry, status=status, error=error, attempts=attempts)
            pauses = self._pauses[status is None]
            if status == 200:
                self._page.deliveries.succeeded(delivery.app)
                return
            with self._page.lock:
                self._page.deliveries.failed(delivery.app)
            if attempts > len(pauses) or self._closing:
                return
            self._pausing.add(delivery.app.id)
            try:
                await self._pause(pauses[attempts - 1])
            finally:
                self._pausing.discard(delivery.app.id)

    async def settle(self, within: float = ANSWER_WITHIN) -> bool:
        """Wait until all that can be delivered now is; return whether that was so *within* seconds."""
        until = self._loop.time() + within
        while self._loop.time() < until:
            await asyncio.sleep(0.002)  # what other threads have accepted is queued meanwhile
            waits = any(not q.empty() for app, q in self._queues.items() if app not in self._pausing)
            if not self._posting and not waits:
                return True
        return False

    async def _pause(self, seconds: float) -> None:
        """Wait until so much time has passed, for us or for Meta."""
        clock, passed = self._page.clock, asyncio.Event()
        timer = clock.at(clock.now() + seconds, lambda: self._loop.call_soon_threadsafe(passed.set))
        with contextlib.suppress(asyncio.TimeoutError):
            await asyncio.wait_for(passed.wait(), seconds)
        timer.cancel()

    async def post(self, app: App, body: bytes) -> Tuple[Optional[int], str]:
        """POST a signed body once; returns the status (None without an answer) and what went wrong."""
        signatures = webhooks.signatures(body, app.secret)
        return await self._post(app, body, signatures, in_between=True)

    async def _post(
        self, app: App, body: bytes, signatures: Dict[str, str], *, in_between: bool = False
    ) -> Tuple[Optional[int], str]:
        """*in_between*: not by the connection of the deliveries, which take turns on it."""
        headers = {**_JSON_HEADERS, **signatures}
        try:
            url = urlsplit(app.callback)
            if url.scheme == "http" and url.hostname and not in_between:
                client = self._client(app, url)
                status = await client.post(body, headers, ANSWER_WITHIN)
                return status, "" if status == 200 else f"answered {status}"
            async with self._http.post(app.callback, data=body, headers=headers) as answer:
                await answer.read()
                return answer.status, "" if answer.status == 200 else f"answered {answer.status}"
        except asyncio.TimeoutError:
            return None, f"no answer within {ANSWER_WITHIN:g} seconds"
        except (aiohttp.ClientError, ValueError, OSError) as error:
            return None, str(error) or type(error).__name__

    def _client(self, app: App, url: SplitResult) -> WebhookClient:
        callback, client = self._clients.get(app.id, ("", None))
        if client is None or callback != app.callback:
            if client is not None:
                client.close()
            client = WebhookClient(url)
            self._clients[app.id] = (app.callback, client)
        return client

    def shake_hands(self, app: App) -> None:
        """Verify the callback of *app*, and retry until it is verified."""
        self._tasks.append(self._loop.create_task(self._shake_hands(app)))

    async def verify(self, app: App, callback: str, verify_token: str) -> str:
        """Ask a new callback for the handshake once; it becomes that of *app* if the answer is "ok"."""
        said = await self._handshake(callback, verify_token)
        if said == "ok":
            app.callback, app.verify_token = callback, verify_token
            self.handshakes[app.id] = said
            self._journal.changed()
        return said

    async def _shake_hands(self, app: App) -> None:
        for pause in itertools.chain(self._pauses[True], itertools.repeat(ASKED_AGAIN)):
            said = await self._handshake(app.callback, app.verify_token)
            self.handshakes[app.id] = said
            self._journal.changed()
            if said == "ok":
                return
            await asyncio.sleep(min(pause, ASKED_AGAIN))

    async def _handshake(self, callback: str, verify_token: str) -> str:
        challenge = str(secrets.randbelow(10**9))
        query = webhooks.handshake(verify_token, challenge)
        try:
            async with self._http.get(callback, params=query) as answer:
                text = await answer.text(errors="replace")
        except (asyncio.TimeoutError, aiohttp.ClientError, ValueError, OSError):
            return "not reached"
        if answer.status == 200 and text.strip() == challenge:
            return "ok"
        return f"answered {answer.status}" if answer.status != 200 else "did not give the challenge back"

    def drop(self) -> None:
        """Drop the deliveries that have not started."""
        for queue in self._queues.values():
            while not queue.empty():
                queue.get_nowait()

    async def close(self) -> None:
        """Stop; webhooks not yet delivered are lost."""
        self._closing = True
        for task in self._tasks:
            task.cancel()
        for _, client in self._clients.values():
            client.close()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self._http.close()
