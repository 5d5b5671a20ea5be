"""A database in no time, and a page to play with (play.py)."""

from __future__ import annotations

import asyncio
import shutil

import pytest
from play import Clock, Play

from handover_channel.store import Store


@pytest.fixture(autouse=True)
def no_loop_left(request):
    """Close the loop that pytest-asyncio leaves behind: an `asyncio.run` in another test would lose it."""
    yield
    if "event_loop" in request.fixturenames:
        asyncio.get_event_loop_policy().get_event_loop().close()
        asyncio.set_event_loop(None)


@pytest.fixture(scope="session")
def migrated(tmp_path_factory):
    """An empty database with its schema, to copy."""
    path = tmp_path_factory.mktemp("template") / "handover.db"
    store = Store(f"sqlite:///{path}")
    store.migrate()
    store.close()
    return path


@pytest.fixture
def open_store(migrated, tmp_path):
    """Open the test's database, as another process would; `open_store("b")` opens another one."""
    stores = []

    def open_one(name="a"):
        path = tmp_path / f"{name}.db"
        if not path.exists():
            shutil.copy(migrated, path)
        stores.append(Store(f"sqlite:///{path}"))
        return stores[-1]

    yield open_one
    for store in stores:
        store.close()


@pytest.fixture
def store(open_store):
    return open_store()


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def make_play(store, clock):
    def make(**options):
        return Play(store, clock, **options)

    return make


@pytest.fixture
def play(make_play):
    """On a page whose default app is the bot."""
    return make_play()


@pytest.fixture
def play_without_routing(make_play):
    """On a page without a default app: taking control is refused."""
    return make_play(default_app=None)
