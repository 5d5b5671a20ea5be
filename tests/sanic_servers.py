"""Sanic applications served in the test's own process, one after the other."""

from __future__ import annotations

import asyncio
import socket
import threading
from contextlib import contextmanager
from typing import Any, Callable, Coroutine, Iterator, Tuple

import pytest

#: Whether those that are started have an access log, as Sanic's own have.
ACCESS_LOG = False


async def start(app: Any) -> Tuple[Any, int]:
    """Serve *app* on a free port of loopback, with its listeners; give the server and the port."""
    listening = socket.socket()
    listening.bind(("127.0.0.1", 0))
    server = await app.create_server(sock=listening, return_asyncio_server=True, access_log=ACCESS_LOG)
    await server.startup()
    await server.before_start()
    await server.after_start()
    return server, int(listening.getsockname()[1])


async def stop(server: Any) -> None:
    """Stop it, and what its callers keep open."""
    await server.before_stop()
    server.close()
    await server.wait_closed()
    await server.after_stop()
    left = asyncio.all_tasks() - {asyncio.current_task()}
    for task in left:
        task.cancel()
    await asyncio.gather(*left, return_exceptions=True)


@contextmanager
def on_a_thread(begin: Callable[[], Coroutine[Any, Any, Any]]) -> Iterator[None]:
    """Serve on an event loop and a thread of its own. *begin* starts the server and returns it."""
    loop = asyncio.SelectorEventLoop()
    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()
    try:
        server = asyncio.run_coroutine_threadsafe(begin(), loop).result(30)
        try:
            yield
        finally:
            asyncio.run_coroutine_threadsafe(stop(server), loop).result(30)
    finally:
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()


@contextmanager
def several() -> Iterator[None]:
    """Let several start: Sanic rewrites its own methods at a start, and fails to do so a second time."""
    from sanic.app import TouchUp

    with pytest.MonkeyPatch.context() as patch:
        run, done = TouchUp.run, []
        patch.setattr(TouchUp, "run", lambda app: done or done.append(run(app)))
        yield


def touch_up_afresh() -> None:
    """Have Sanic rewrite its methods from their own source at each start, not from what the last one made."""
    try:
        from sanic import app, http  # noqa: F401  (they name the methods)
        from sanic.touchup import TouchUp
    except ImportError:
        return
    names = [(target, name) for target, name in getattr(TouchUp, "_registry", ())]
    own = [(target, name, getattr(target, name)) for target, name in names]
    run = TouchUp.run.__func__

    def run_afresh(cls: Any, server: Any) -> None:
        for target, name, method in own:
            setattr(target, name, method)
        run(cls, server)

    TouchUp.run = classmethod(run_afresh)
