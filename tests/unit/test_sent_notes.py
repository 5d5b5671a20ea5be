"""Tests that a message which Meta has taken is noted, whatever the store does meanwhile, and at the end."""

from __future__ import annotations

import threading
from contextlib import contextmanager

import pytest
from statements import statements_of

from handover_channel.errors import StoreUnavailable
from handover_channel.queue import sent_notes
from handover_channel.queue.sent_notes import SentNotes
from handover_channel.store import sent_messages

SOON = 30


@pytest.fixture
def notes(store, clock):
    store.migrate()
    made = SentNotes(store, clock)
    yield made
    made.stop()


def noted(store, *tags):
    with store.glancing() as connection:
        return [tag for tag in tags if sent_messages.find(connection, tag)]


def refuse(monkeypatch, store, times):
    """Have *store* refuse to write so often. Returns an event: it has refused."""
    writing, left, refused = store.writing, [None] * times, threading.Event()

    @contextmanager
    def refusing(**given):
        if left:
            left.pop()
            refused.set()
            raise StoreUnavailable("locked")
        with writing(**given) as connection:
            yield connection

    monkeypatch.setattr(store, "writing", refusing)
    return refused


def test_all_that_was_added_is_written_before_it_stops(notes, store):
    for tag in ("1.1", "1.2", "2.1"):
        notes.add(tag, f"m_{tag}")

    notes.stop()

    assert noted(store, "1.1", "1.2", "2.1", "3.1") == ["1.1", "1.2", "2.1"]


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
def test_what_gathers_while_the_writer_waits_goes_into_one_transaction(notes, store):
    with statements_of(store) as statements:
        with store.writing(durable=False):  # the writer waits for its turn
            notes.add("1.1", "m_1")
            while notes._waiting:
                pass
            for number in range(2, 9):
                notes.add(f"1.{number}", f"m_{number}")
        notes.stop()

    assert noted(store, *(f"1.{number}" for number in range(1, 9))) == [f"1.{each}" for each in range(1, 9)]
    assert statements.writing == 3  # ours, the first note, all others


def test_a_store_that_refuses_is_asked_again(notes, store, monkeypatch):
    monkeypatch.setattr(sent_notes, "AGAIN_AFTER", 0.001)
    refuse(monkeypatch, store, times=3)
    done = threading.Event()
    put = notes._put
    monkeypatch.setattr(notes, "_put", lambda taken: (put(taken), done.set()))

    notes.add("1.1", "m_1")

    assert done.wait(SOON)
    assert noted(store, "1.1") == ["1.1"]


def test_the_end_does_not_wait_for_a_store_that_is_out_of_reach(notes, store, monkeypatch):
    monkeypatch.setattr(sent_notes, "AGAIN_AFTER", 1000)
    refused = refuse(monkeypatch, store, times=1000)
    notes.add("1.1", "m_1")
    assert refused.wait(SOON)

    stopping = threading.Thread(target=notes.stop)
    stopping.start()
    stopping.join(SOON)

    assert not stopping.is_alive()


def test_what_a_turn_sends_after_the_end_is_written_all_the_same(notes, store):
    notes.stop()

    notes.add("1.1", "m_1")

    assert noted(store, "1.1") == ["1.1"]
