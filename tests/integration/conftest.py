"""Servers of Sanic in the process of the tests, one after the other, and event loops beside it."""

from __future__ import annotations

import asyncio
import threading
from typing import Iterator

import pytest


@pytest.fixture(autouse=True, scope="session")
def untouched():
    """Let Sanic 21.12 start more than one server in a process: it rewrites its methods from their source."""
    try:
        from sanic import app, http  # noqa: F401  (they name the methods)
        from sanic.touchup import TouchUp
    except ImportError:
        return
    names = [(target, name) for target, name in getattr(TouchUp, "_registry", ())]
    own = [(target, name, getattr(target, name)) for target, name in names]
    run = TouchUp.run.__func__

    def run_afresh(cls, server):
        for target, name, method in own:
            setattr(target, name, method)
        run(cls, server)

    TouchUp.run = classmethod(run_afresh)


@pytest.fixture
def other_loop() -> Iterator[asyncio.AbstractEventLoop]:
    """An event loop that runs on a thread of its own."""
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever)
    thread.start()
    yield loop
    loop.call_soon_threadsafe(loop.stop)
    thread.join()
    loop.close()
