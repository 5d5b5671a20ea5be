"""Tests that what people say on channels without a gate is written down for the agents."""

from __future__ import annotations

import threading

import pytest

from handover_channel.control.transcript_writer import WRITE_AGAIN_AFTER, TranscriptWriter
from handover_channel.errors import StoreUnavailable
from handover_channel.rules.control import Control, State
from handover_channel.store import page_updates, threads, transcript

SAID_AT = 1_700_000_000_000


@pytest.fixture
def held(store):
    """A thread in the inbox, on REST."""
    with store.writing() as connection:
        row = threads.get_or_add(connection, "abc", channel="rest", page="", now=1.0)
        state = State(Control.INBOX, target="inbox")
        threads.change(connection, row, state, reason="x", who="x", now=2.0, until=None)
        threads.answered(connection, "abc")


def lines(store):
    with store.reading() as connection:
        return [(line.author, line.text, line.mid) for line in transcript.of(connection, "abc")]


def row(store):
    with store.reading() as connection:
        return threads.get(connection, "abc")


def heard_of(store):
    with store.reading() as connection:
        found = page_updates.since(connection, news_id=0, change_id=0, at=1e12)
    return [thread for (kind, _), thread in found if kind == "news"]


def write(store, *said, clock=lambda: 50.0, **more):
    transcript_writer = TranscriptWriter(store, clock, **more)
    for mid, text in said:
        transcript_writer.write("abc", "rest", mid, text, SAID_AT)
    transcript_writer.close()


def test_the_words_are_in_the_transcript_in_order_and_the_person_waits(store, held):
    write(store, ("m1", "hello?"), ("m2", "anybody?"))

    assert lines(store) == [("person", "hello?", "m1"), ("person", "anybody?", "m2")]
    assert (row(store).waiting_since, row(store).person_at, row(store).active_at) == (50.0, SAID_AT, 50.0)
    assert heard_of(store) == ["abc", "abc"]


def test_a_message_is_written_once(store, held):
    write(store, ("m1", "hello?"), ("m1", "hello?"))

    assert lines(store) == [("person", "hello?", "m1")]


def test_what_is_said_to_the_bot_is_not_written(store):
    write(store, ("m1", "hello"))  # never seen
    with store.writing() as connection:
        threads.get_or_add(connection, "abc", channel="rest", page="", now=1.0)
    write(store, ("m2", "hello"))

    assert lines(store) == []


def test_whoever_hands_it_over_does_not_wait(store, held):
    may_end = threading.Event()

    def slow_clock():
        assert may_end.wait(10)
        return 50.0

    transcript_writer = TranscriptWriter(store, slow_clock)
    transcript_writer.write("abc", "rest", "m1", "hello?", SAID_AT)
    assert lines(store) == []
    may_end.set()
    transcript_writer.close()

    assert lines(store) == [("person", "hello?", "m1")]


class Failing:
    """A store that is out of reach a few times."""

    def __init__(self, store, times):
        self._store, self.times = store, times

    def writing(self):
        self.times -= 1
        if self.times >= 0:
            raise StoreUnavailable("no connection")
        return self._store.writing()


def test_a_database_that_is_back_soon_loses_nothing(store, held):
    naps = []

    write(Failing(store, len(WRITE_AGAIN_AFTER)), ("m1", "hello?"), sleep=naps.append)

    assert naps == list(WRITE_AGAIN_AFTER)
    assert lines(store) == [("person", "hello?", "m1")]


def test_what_is_lost_is_in_the_log_without_the_words(store, held, caplog):
    write(Failing(store, 99), ("m1", "my secret"), sleep=lambda seconds: None)

    assert lines(store) == []
    assert "thread abc: a message could not be kept" in caplog.text
    assert "my secret" not in caplog.text
