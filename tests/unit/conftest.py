"""Both databases, emptied in no time, and a page to play with (play.py)."""

from __future__ import annotations

import asyncio
import shutil

import pytest
from play import Clock, Play
from workplace import impatient, place  # noqa: F401  (fixtures)

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
    """Two databases with their schema: making one for each test would take longer than the tests."""
    made = {}
    for name in "ab":
        store = Store(postgresql.create())
        store.migrate()
        made[name] = store
    yield made
    for store in made.values():
        store.close()


@pytest.fixture
def emptied(databases_of_postgresql):
    """Give the URL of a PostgreSQL database, by a name, that is empty as if it were this test's own."""
    used = set()

    def url_of(name):
        store = databases_of_postgresql[name]
        if name not in used:
            used.add(name)
            with store.writing() as connection:
                connection.exec_driver_sql(_EMPTY)
        return store.url

    return url_of


#: Faster than TRUNCATE where there is little. What a failed test has left running is ended.
_EMPTY = "; ".join(
    [
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
        " WHERE datname = current_database() AND pid <> pg_backend_pid() AND state <> 'idle'",
        *(f"DELETE FROM {name}" for name in metadata.tables),  # noqa: S608 - names of ours
        *(f"ALTER SEQUENCE {name}_id_seq RESTART" for name in ("deliveries", "transcript", "changes")),
    ]
)


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


@pytest.fixture
def talking(make_play):
    """On a page whose default app is the bot, which answers every message."""
    return make_play(talks=True)
