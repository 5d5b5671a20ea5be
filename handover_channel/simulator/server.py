"""Serves a simulator over HTTP: pages, the control API under /simulator/v1/, the Graph API everywhere else.

The command calls `run`; `serve` (async) and `running` (in a thread of its own) are for tests. It listens on
127.0.0.1 unless another host is given: whoever reaches it may do everything, except other web pages in the
developer's browser (request_origin.py).
"""

from __future__ import annotations

import asyncio
import contextlib
import signal
import threading
from typing import (
    Any,
    AsyncIterator,
    Awaitable,
    Callable,
    Collection,
    ContextManager,
    Dict,
    Iterator,
    Mapping,
    Optional,
    Sequence,
    Tuple,
)

from aiohttp import web

from handover_channel.simulator import graph, http_routes
from handover_channel.simulator.api_routes import LARGEST_BODY, ApiRoutes
from handover_channel.simulator.bot_at_hand import BotAtHand, BotsWord
from handover_channel.simulator.event_stream import EventStream
from handover_channel.simulator.refusals import Refused
from handover_channel.simulator.request import File, Request, Response, decode_body
from handover_channel.simulator.request_origin import RequestHead, refusal
from handover_channel.simulator.simulator import BOT, FIRST_PAGE, PAGE_NAMES, PageFacts, Simulator
from handover_channel.simulator.webhook_sender import WebhookSender

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]

TICK = 0.25  #: seconds between two looks at what is due


def application(
    simulator: Simulator, api: ApiRoutes, bots_word: BotsWord, names: Collection[str] = ()
) -> web.Application:
    """Build the web application of a simulator. *names*: hosts it may be called by, beside loopback."""

    @web.middleware
    async def for_no_other_page(request: web.Request, handler: Handler) -> web.StreamResponse:
        head = RequestHead(
            request.method,
            request.path,
            request.headers.get("Host", ""),
            request.headers.get("Origin"),
            request.content_type,
            request.body_exists,
        )
        refused = refusal(head, names)
        return web.json_response({"error": refused}, status=403) if refused else await handler(request)

    app = web.Application(client_max_size=LARGEST_BODY, middlewares=[for_no_other_page])

    async def graph_api(request: web.Request) -> web.StreamResponse:
        return await _sent(request, await _answered(simulator, request))

    api.add_routes(app)
    http_routes.add_routes(app, simulator, bots_word)
    app.router.add_route("*", "/{path:.*}", graph_api)
    return app


async def _answered(simulator: Simulator, request: web.Request) -> Response:
    try:
        body, files = await _content(request)
    except Refused as refused:
        return graph.refusal(refused)
    authorization = request.headers.get("Authorization", "")
    path = request.path
    return graph.answer(
        simulator, Request(request.method, path, dict(request.query), body, authorization, files)
    )


async def _sent(request: web.Request, given: Response) -> web.StreamResponse:
    """Return what is sent for *given*, when it is time; a client that has hung up cancels this."""
    if given.delay:
        await asyncio.sleep(given.delay)
    if given.hangs:
        if request.transport is not None:
            request.transport.abort()
        raise web.HTTPServiceUnavailable  # nobody reads it
    headers = dict(given.headers)
    if isinstance(given.body, str):
        kind = headers.pop("Content-Type", "text/plain")
        return web.Response(text=given.body, status=given.status, headers=headers, content_type=kind)
    return web.json_response(given.body, status=given.status, headers=headers)


async def _time_passes(simulator: Simulator) -> None:
    """Have happen what is due by the passing of time, and note what has lapsed by it."""
    while True:
        await asyncio.sleep(TICK)
        simulator.clock.tick()
        simulator.note_lapses()


async def _content(request: web.Request) -> Tuple[Dict[str, Any], Dict[str, File]]:
    if not request.content_type.startswith("multipart/"):
        return decode_body(await request.read(), request.content_type), {}
    body: Dict[str, Any] = {}
    files: Dict[str, File] = {}
    for name, value in (await request.post()).items():
        if isinstance(value, web.FileField):
            with value.file:
                files[name] = (value.content_type, value.file.read(), value.filename)
        else:
            body[name] = value if isinstance(value, str) else bytes(value).decode("utf-8", "replace")
    return body, files


@contextlib.asynccontextmanager
async def serve(
    simulator: Simulator,
    *,
    host: str = "127.0.0.1",
    port: int = 0,
    names: Collection[str] = (),
    bot: Optional[BotAtHand] = None,
    **pauses: Any,
) -> AsyncIterator[str]:
    """Serve *simulator* in the running event loop; yields the base URL. Port 0 picks a free one.

    *names*: other names than *host* by which it may be called. *bot*: one that can be asked.
    *pauses*: ``unreachable_pauses`` and ``refused_pauses`` of the `WebhookSender`.
    """
    sender = WebhookSender(simulator, **pauses)
    bots_word = BotsWord(simulator, bot)
    events = EventStream(simulator.journal)
    api = ApiRoutes(simulator, sender, bots_word, events.handle)
    runner = web.AppRunner(
        application(simulator, api, bots_word, {host.lower(), *names}), access_log=None, shutdown_timeout=1
    )
    await runner.setup()
    await bots_word.begin_afresh()
    tasks = [asyncio.ensure_future(_time_passes(simulator))]
    tasks += [asyncio.ensure_future(bots_word.watch(lambda: events.is_looked_at))] if bot else []
    try:
        site = web.TCPSite(runner, host, port)
        await site.start()
        bound = runner.addresses[0][1]
        simulator.base_url = f"http://{host}:{bound}"
        simulator.send_webhook = sender.accept
        for app in simulator.apps.values():
            if app.callback:
                sender.shake_hands(app)
        yield simulator.base_url
    finally:
        for task in tasks:
            task.cancel()
        simulator.send_webhook, simulator.base_url = None, ""
        events.close()
        api.close()
        await runner.cleanup()
        await sender.close()


@contextlib.contextmanager
def running(simulator: Simulator, *, host: str = "127.0.0.1", port: int = 0, **more: Any) -> Iterator[str]:
    """Serve *simulator* in a thread of its own; yields the base URL. *more*: as `serve` has it."""
    loop = asyncio.new_event_loop()
    server = serve(simulator, host=host, port=port, **more)
    thread = threading.Thread(target=loop.run_forever, name="simulator", daemon=True)
    thread.start()
    try:
        url = asyncio.run_coroutine_threadsafe(server.__aenter__(), loop).result()
        try:
            yield url
        finally:
            asyncio.run_coroutine_threadsafe(server.__aexit__(None, None, None), loop).result()
    finally:
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()


def run(
    *,
    host: str = "127.0.0.1",
    port: int = 8090,
    callback: str = "",
    secret: str = "demo-app-secret",  # noqa: S107 - of the simulator itself, opens nothing
    app_id: str = "1234567890",
    token: str = "demo-page-token",  # noqa: S107 - as above
    verify_token: str = "handover-demo",  # noqa: S107 - as above
    page_id: str = FIRST_PAGE,
    page_name: str = PAGE_NAMES[0],
    more_pages: Sequence[PageFacts] = (),
    apps: Optional[Mapping[str, str]] = None,
    default_app: Optional[str] = BOT,
    names: Collection[str] = (),
    bot: Callable[[Simulator], Optional[BotAtHand]] = lambda simulator: None,
    ready: Callable[[], None] = lambda: None,
    watched: Callable[[Simulator], ContextManager[object]] = contextlib.nullcontext,
) -> None:
    """Serve a simulator until SIGINT or SIGTERM. *apps* maps the ids of further apps to their names,
    *more_pages* are those beside the first.

    *names*: hosts by which it may be called, beside *host* and loopback. *bot* returns the bot, if it can be
    asked. *ready* is called once it listens. *watched* is entered with the simulator before that, and left at
    the end: who looks on.
    Raises OSError where it cannot listen there.
    """
    simulator = Simulator(
        app_id=app_id,
        token=token,
        secret=secret,
        callback=callback,
        verify_token=verify_token,
        page_id=page_id,
        page_name=page_name,
        more_pages=more_pages,
        apps=apps,
        default_app=default_app,
    )
    with contextlib.suppress(KeyboardInterrupt), watched(simulator):
        asyncio.run(_until_stopped(simulator, host, port, names, bot(simulator), ready))


async def _until_stopped(
    simulator: Simulator,
    host: str,
    port: int,
    names: Collection[str],
    bot: Optional[BotAtHand],
    ready: Callable[[], None],
) -> None:
    stopped = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        with contextlib.suppress(NotImplementedError):  # Windows: asyncio.run ends on Ctrl-C by itself
            loop.add_signal_handler(number, stopped.set)
    async with serve(simulator, host=host, port=port, names=names, bot=bot):
        ready()
        await stopped.wait()
