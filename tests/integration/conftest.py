"""Servers of Sanic in the process of the tests, one after the other, and event loops beside it.

`served`: the example bot on every channel but Messenger (every_channel.py).
"""

from __future__ import annotations

import asyncio
import contextlib
import inspect
import threading
from types import SimpleNamespace
from typing import Iterator

import pytest
import sanic_servers

from handover_channel.errors import StoreUnavailable
from handover_channel.settings.summary import OUR_NOTE, SummarySettings


@pytest.fixture(autouse=True, scope="session")
def untouched():
    """Let Sanic start more than one server in a process."""
    sanic_servers.touch_up_afresh()


@contextlib.contextmanager
def _running_loop() -> Iterator[asyncio.AbstractEventLoop]:
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever)
    thread.start()
    try:
        yield loop
    finally:
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()


@pytest.fixture
def other_loop() -> Iterator[asyncio.AbstractEventLoop]:
    """An event loop that runs on a thread of its own."""
    with _running_loop() as loop:
        yield loop


@pytest.fixture(scope="module")
def served(model, tmp_path_factory):
    """The example bot on every channel but Messenger, with its HTTP API: `every_channel.Served`."""
    from every_channel import Neighbour, Served  # Rasa is not everywhere

    folder, told = tmp_path_factory.mktemp("door"), SummarySettings(by=OUR_NOTE)
    with _running_loop() as loop, pytest.MonkeyPatch.context() as patch:
        neighbour = Neighbour(loop)
        with Served(model, folder, neighbour, patch, summary=told).running() as server:
            yield server
        neighbour.close()


@pytest.fixture
def out_of_reach(served, monkeypatch):
    """Takes the database away from the process of the served bot, and gives it back."""

    def take(*given, **named):
        raise StoreUnavailable("no connection")

    def away():
        monkeypatch.setattr(type(served.services.store), "glancing", take)

    return SimpleNamespace(begins=away, ends=monkeypatch.undo)


@pytest.fixture
def rasas_own():
    """Begin with Rasa's own methods where ours stand in for cheaper turns, and leave them as they were.

    Its sessions, too: a server that another test has started tries each connection before its use.
    """
    from handover_channel.rasa.cheaper_turns import SAVINGS
    from handover_channel.rasa.rasa_versions import sql_tracker_store
    from handover_channel.rasa.store_checks import _GOES_ON_MARK

    store = sql_tracker_store()
    sessions = inspect.getattr_static(store, "session_scope")
    if hasattr(sessions, _GOES_ON_MARK):
        store.session_scope = sessions.__wrapped__.__wrapped__
    methods = [(saving.owner, name) for saving in SAVINGS for name in saving.stands_in]
    before = [(owner, name, inspect.getattr_static(owner, name)) for owner, name in methods]
    for owner, name, method in before:
        theirs = getattr(getattr(method, "__func__", method), "__wrapped__", None)
        if theirs is not None:
            static = isinstance(method, staticmethod)
            setattr(owner, name, staticmethod(theirs) if static else theirs)
    yield
    for owner, name, method in before:
        setattr(owner, name, method)
    store.session_scope = sessions
