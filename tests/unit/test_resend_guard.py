"""Tests that what went out before a turn was interrupted does not go out again."""

from __future__ import annotations

import json
import logging

import pytest

from handover_channel.errors import StoreUnavailable
from handover_channel.messenger import webhook
from handover_channel.messenger.events import OUR_METADATA
from handover_channel.queue.resend_guard import ResendGuard
from handover_channel.store import Store, deliveries, sent_messages


@pytest.fixture
def store(tmp_path):
    store = Store(f"sqlite:///{tmp_path}/handover.db")
    yield store
    store.close()


def resend_guard(store, *, again=True):
    return ResendGuard(store, "5", again=again)


def echo(store, tag, thread="777"):
    item = {
        "sender": {"id": "page"},
        "recipient": {"id": thread},
        "timestamp": 1795334234575,
        "message": {
            "mid": f"m{tag}",
            "is_echo": True,
            "app_id": 1,
            "metadata": OUR_METADATA + tag,
            "text": "hi",
        },
    }
    body = json.dumps({"entry": [{"id": "page", "messaging": [item]}]}).encode()
    with store.writing() as connection:
        deliveries.add(connection, deliveries.rows(webhook.parse(body), now=1.0))


def test_a_first_attempt_asks_nobody(tmp_path):
    nowhere = Store(f"sqlite:///{tmp_path / 'no' / 'such' / 'folder.db'}")

    assert not resend_guard(nowhere, again=False).was_sent("777", "5.1")


def test_what_meta_had_accepted_is_not_sent_again(store):
    with store.writing() as connection:
        sent_messages.add(connection, "5.1", now=1.0)

    assert resend_guard(store).was_sent("777", "5.1")


def test_an_echo_that_waits_in_the_queue_tells_that_the_message_went_out(store):
    echo(store, "5.1")

    assert resend_guard(store).was_sent("777", "5.1")


@pytest.mark.parametrize(("tag", "thread"), [("5.11", "777"), ("5_1", "777"), ("5.1", "778")])
def test_the_echo_of_another_message_tells_nothing(store, tag, thread):
    echo(store, tag, thread)

    assert not resend_guard(store).was_sent("777", "5.1")


def test_what_nobody_tells_of_goes_out_again_and_the_log_says_so(store, caplog):
    with caplog.at_level(logging.WARNING):
        assert not resend_guard(store).was_sent("777", "5.1")

    assert "thread 777: a message of delivery 5 may be there twice" in caplog.text


def test_of_what_follows_the_interruption_it_is_not_said_that_it_may_be_there_twice(store, caplog):
    again = resend_guard(store)
    again.was_sent("777", "5.1")
    caplog.clear()

    assert not again.was_sent("777", "5.2")
    assert not caplog.text


def test_what_this_process_has_sent_it_knows_without_a_database(tmp_path):
    nowhere = Store(f"sqlite:///{tmp_path / 'no' / 'such' / 'folder.db'}")
    known = ResendGuard(nowhere, "5", again=True, recent=["5.1"])

    assert known.was_sent("777", "5.1")
    with pytest.raises(StoreUnavailable):
        known.was_sent("777", "5.2")
