from __future__ import annotations

import subprocess
import sys
import threading

import pytest

from handover_channel.store import Store, deliveries
from handover_channel.store.listener import Listener, ask

pytestmark = pytest.mark.postgres

SOON = 30.0

ADD = """
import sys, time
from handover_channel.store import Store, deliveries
store = Store(sys.argv[1])
for line in sys.stdin:
    with store.writing() as connection:
        deliveries.add_note(connection, "7001", "returned", key=line, body={}, now=0.0)
        print("added", flush=True)
        time.sleep(0.2)
    print("committed", flush=True)
"""


@pytest.fixture
def store(postgresql):
    store = Store(postgresql.create())
    store.migrate()
    yield store
    store.close()


class Ear:
    """Counts what is heard."""

    def __init__(self):
        self.count = 0
        self._heard = threading.Condition()

    def __call__(self):
        with self._heard:
            self.count += 1
            self._heard.notify_all()

    def hears(self, count):
        with self._heard:
            assert self._heard.wait_for(lambda: self.count >= count, SOON), f"heard {self.count} times"


@pytest.fixture
def ear(store):
    """Listens, and has heard that it began to."""
    ear = Ear()
    listener = Listener(store, ear)
    listener.start()
    ear.hears(1)
    yield ear
    listener.stop()


@pytest.fixture
def other(store):
    """Another process that adds work when it is told to."""
    url = store.url.render_as_string(hide_password=False)
    command = [sys.executable, "-c", ADD, url]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:

        def add(key):
            process.stdin.write(f"{key}\n")
            process.stdin.flush()
            assert process.stdout.readline() == "added\n"

        yield add
        process.stdin.close()


def test_another_process_is_heard_once_its_work_can_be_found(store, ear, other):
    other("a")

    ear.hears(2)

    with store.reading() as connection:
        assert deliveries.is_anything_waiting(connection, now=1.0)


def test_a_process_does_not_hear_itself(store, ear, other):
    with store.writing() as connection:
        deliveries.add_note(connection, "7001", deliveries.RETURNED, key="own", body={}, now=0.0)
    other("a")

    ear.hears(2)

    assert ear.count == 2


def test_a_process_that_asks_for_work_is_told_apart_from_one_that_has_added_some(store, other):
    heard, asked = Ear(), Ear()
    listener = Listener(store, heard, asked)
    listener.start()
    heard.hears(1)

    with store.writing() as connection:
        ask(connection)
        connection.exec_driver_sql("SELECT pg_notify('handover_work', 'somebody asks')")
    asked.hears(1)
    other("a")
    heard.hears(2)
    listener.stop()

    assert (heard.count, asked.count) == (2, 1)


def test_a_transaction_that_fails_is_not_heard_of(store, ear, postgresql, other):
    def fails():
        with store.writing() as connection:
            connection.exec_driver_sql("SELECT pg_notify('handover_work', 'somebody')")
            raise LookupError("a bug of the caller's")

    with pytest.raises(LookupError):
        fails()
    other("a")
    ear.hears(2)

    assert ear.count == 2


def test_a_listener_whose_connection_was_cut_listens_again(
    store, ear, other, postgresql, monkeypatch, caplog
):
    monkeypatch.setattr("handover_channel.store.listener.CONNECT_AGAIN_AFTER", 0.01)
    cut = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE query LIKE 'LISTEN%'"

    postgresql.run(cut)

    ear.hears(2)  # as soon as it is back: something may have been missed
    other("a")
    ear.hears(3)
    assert [record.levelname for record in caplog.records] == ["WARNING"]


def test_on_sqlite_there_is_nothing_to_listen_to(tmp_path):
    before = threading.active_count()
    listener = Listener(Store(f"sqlite:///{tmp_path / 'a.db'}"), Ear())

    listener.start()

    assert threading.active_count() == before
    listener.stop()
