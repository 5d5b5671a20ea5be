from __future__ import annotations

import asyncio
import logging
import os
import pickle
import subprocess
import sys

import pytest
from prometheus_client import CollectorRegistry, Counter

from handover_channel.errors import (
    GraphError,
    GraphUnavailable,
    NotThreadOwner,
    OutsideWindow,
    PersonUnavailable,
    StoreUnavailable,
    TokenRefused,
)
from handover_channel.metrics import counters

MESSAGE = {"recipient": {"id": "7001"}, "message": {"text": "hello"}}


class Counted:
    """What was counted since the beginning of the test."""

    def __init__(self):
        self._before = {}
        self._before = self._all()

    def __call__(self, name, **labels):
        key = (name, frozenset(labels.items()))
        return self._all().get(key, 0) - self._before.get(key, 0)

    def _all(self):
        families = counters.REGISTRY.collect()
        samples = [sample for family in families for sample in family.samples]
        return {(each.name, frozenset(each.labels.items())): each.value for each in samples}


@pytest.fixture
def counted():
    return Counted()


@pytest.mark.parametrize(
    ("error", "outcome"),
    [
        (NotThreadOwner("no"), "not_owner"),
        (OutsideWindow("no"), "outside_window"),
        (PersonUnavailable("no"), "person_unavailable"),
        (TokenRefused("no"), "token_refused"),
        (GraphUnavailable("no"), "given_up"),
        (StoreUnavailable("no"), "store_unavailable"),
        (GraphError("no"), "refused"),
    ],
)
def test_a_message_that_did_not_go_out_counts_by_its_reason(counted, error, outcome):
    counters.not_sent(MESSAGE, error)

    assert counted("handover_sends_total", outcome=outcome) == 1
    assert counted("handover_sends_total", outcome="sent") == 0


def test_typing_is_no_message(counted):
    body = {"recipient": {"id": "7001"}, "sender_action": "typing_on"}
    counters.sent(body)
    counters.sent(body, counters.MUTED)
    counters.not_sent(body, GraphError("no"))
    counters.sent(MESSAGE)

    assert counted("handover_sends_total", outcome="sent") == 1
    assert counted("handover_sends_total", outcome="muted") == 0
    assert counted("handover_sends_total", outcome="refused") == 0


def test_a_person_is_no_label(counted):
    counters.retried("/7001", unsure=False)
    counters.retried("/me/messages", unsure=True)

    assert counted("handover_graph_retries_total", call="profile") == 1
    assert counted("handover_graph_retries_total", call="messages") == 1
    assert counted("handover_repeats_total", of="call") == 1
    samples = [sample for family in counters.REGISTRY.collect() for sample in family.samples]
    assert not [sample for sample in samples if "7001" in str(sample.labels)]


@pytest.mark.parametrize(
    ("error", "outcome"),
    [
        (None, "done"),
        (LookupError, "waits"),
        (RuntimeError, "failed"),
        (asyncio.CancelledError, "interrupted"),
    ],
)
def test_a_turn_counts_by_its_end_and_its_error_goes_on(counted, error, outcome):
    def take_turn():
        with counters.turn("event", waits=(LookupError,)):
            if error:
                raise error

    if error:
        with pytest.raises(error):
            take_turn()
    else:
        take_turn()

    assert counted("handover_turn_seconds_count", kind="event", outcome=outcome) == 1


def test_an_outcome_of_several_words_is_one_label(counted):
    counters.processed("request not granted")

    assert counted("handover_deliveries_total", outcome="request_not_granted") == 1


def test_counting_that_fails_is_said_once_and_harms_nobody(caplog):
    @counters.harmless
    def count(number):
        raise OSError("no space left: 7001")

    with caplog.at_level(logging.ERROR):
        count(1)
        count(2)

    assert [record.getMessage() for record in caplog.records] == [
        "metrics: count failed (OSError); said once"
    ]


@pytest.mark.parametrize(("target", "label"), [("inbox", "inbox"), ("999999", "other"), ("", "other")])
def test_an_app_that_is_no_target_is_a_label_like_all_others_of_its_kind(target, label):
    assert counters.label_of(target, {"inbox"}) == label


def samples_of(families):
    return {(s.name, *s.labels.values()): s.value for family in families for s in family.samples}


def test_what_two_processes_have_counted_is_added_up():
    counters.sent(MESSAGE)
    counters.acknowledged(200, 0.003)
    here = samples_of(counters.REGISTRY.collect())
    there = pickle.loads(pickle.dumps(counters.counted()))  # noqa: S301 - as it comes from the queue's process
    there = [family for family in there if family.name != "handover_sends"]

    both = samples_of(counters.together(counters.REGISTRY.collect(), there))

    for sample in (
        ("handover_acknowledgement_seconds_count", "200"),
        ("handover_acknowledgement_seconds_bucket", "200", "0.005"),
        ("handover_acknowledgement_seconds_sum", "200"),
    ):
        assert both[sample] == 2 * here[sample] > 0
    assert both["handover_sends_total", "sent"] == here["handover_sends_total", "sent"]
    assert both["process_start_time_seconds",] == here["process_start_time_seconds",]


def test_what_only_the_other_process_has_counted_is_there():
    other = CollectorRegistry()
    Counter("handover_sends_total", "", ["outcome"], registry=other).labels("made_up").inc(3)

    both = samples_of(counters.together(counters.REGISTRY.collect(), other.collect()))

    assert both["handover_sends_total", "made_up"] == 3


def test_processes_that_share_a_folder_are_served_as_one(tmp_path):
    code = (
        "from prometheus_client import generate_latest\n"
        "from handover_channel.metrics import counters\n"
        "counters.stored(3)\n"
        "print(generate_latest(counters.registry()).decode())"
    )
    environment = {**os.environ, "PROMETHEUS_MULTIPROC_DIR": str(tmp_path)}
    run = [sys.executable, "-c", code]
    texts = [subprocess.run(run, env=environment, check=True, capture_output=True, text=True) for _ in "12"]

    assert "handover_events_stored_total 6.0" in texts[-1].stdout
