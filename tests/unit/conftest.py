"""Both databases, emptied in no time, and a page to play with (play.py)."""

from __future__ import annotations

import asyncio
import shutil

import pytest
from play import Clock, Play

from handover_channel.store import Store
from handover_channel.store.schema import metadata


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_teardown(item):
    """Close the loop that pytest-asyncio leaves behind: an `asyncio.run` in another test would lose it."""
    yield
    if "event_loop" in item.fixturenames:
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
def sqlite(migrated, tmp_path):
    """Give the URL of a SQLite database of this test, by a name."""

    def url_of(name):
        path = tmp_path / f"{name}.db"
        if not path.exists():
            shutil.copy(migrated, path)
        return f"sqlite:///{path}"

    return url_of


@pytest.fixture(scope="session")
def databases_of_postgresql(postgresql):
    """Two databases with their schema; making one for each test would take longer than the tests."""
    urls = {name: postgresql.create() for name in "ab"}
    for url in urls.values():
        store = Store(url)
        store.migrate()
        store.close()
    return urls


@pytest.fixture
def emptied(postgresql, databases_of_postgresql):
    """Give the URL of a PostgreSQL database, by a name: empty as if it were this test's own."""
    tables = ", ".join(metadata.tables)
    for url in databases_of_postgresql.values():
        name = url.rpartition("/")[2]
        postgresql.run(f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{name}'")
        postgresql.run(f"TRUNCATE {tables} RESTART IDENTITY", name)
    return databases_of_postgresql.__getitem__


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.postgres)])
def database(request):
    """Every test of the store, and of what stands on it, runs on both databases."""
    return request.getfixturevalue("sqlite" if request.param == "sqlite" else "emptied")


@pytest.fixture
def open_store(database):
    """Open the test's database, as another process would; `open_store("b")` opens another one."""
    stores = []

    def open_one(name="a"):
        stores.append(Store(database(name)))
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
