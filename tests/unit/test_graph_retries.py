from __future__ import annotations

import json
import logging

import pytest
from hypothesis import given
from hypothesis import strategies as st

from handover_channel.errors import GraphError, GraphUnavailable, NotThreadOwner
from handover_channel.graph_api.retries import Persistence, Retries, asked_wait
from handover_channel.graph_api.transport import Answer, Call, Unanswered

SENT = Answer(200, {"message_id": "m_1"})
BUSY = Answer(400, {"error": {"code": 2, "message": "Please retry"}})
REFUSED = Answer(400, {"error": {"code": 10, "error_subcode": 2018300, "message": "another app"}})
SILENCE = Unanswered("no answer from graph (ReadTimeout)", sent=True)
NO_WAY = Unanswered("no connection to graph (ConnectTimeout)", sent=False)
SEND = Call("POST", "/me/messages", "tok-1", thread="psid-1", body={"message": {"text": "my card is 4111"}})
PASS = Call("POST", "/me/pass_thread_control", "tok-1", thread="psid-1", body={})
TAKE = Call("POST", "/me/take_thread_control", "tok-1", thread="psid-1", body={})


class Script:
    """Give one answer after the other, and note the pauses between them."""

    def __init__(self, *steps):
        self.steps = list(steps)
        self.pauses = []
        self.calls = 0

    def __call__(self, call):
        self.calls += 1
        step = self.steps.pop(0)
        if isinstance(step, Exception):
            raise step
        return step

    def make(self, call, **retries):
        return Persistence(self, Retries(**retries), sleep=self.pauses.append, clock=lambda: 1000.0).make(
            call
        )


def busy(**headers):
    return Answer(
        400, {"error": {"code": 613, "message": "rate"}}, {k.replace("_", "-"): v for k, v in headers.items()}
    )


def test_a_good_answer_is_returned_at_once():
    script = Script(SENT)

    assert script.make(SEND) == {"message_id": "m_1"}
    assert script.pauses == []


def test_a_transient_refusal_is_tried_again_with_growing_pauses():
    script = Script(BUSY, BUSY, BUSY, SENT)

    assert script.make(SEND, attempts=4, first_wait=1.0, jitter=0.0) == {"message_id": "m_1"}
    assert script.pauses == [1.0, 2.0, 4.0]


def test_a_pause_grows_no_longer_than_the_longest_one():
    script = Script(*[BUSY] * 5, SENT)

    script.make(SEND, attempts=6, first_wait=1.0, longest_wait=3.0, jitter=0.0)

    assert script.pauses == [1.0, 2.0, 3.0, 3.0, 3.0]


def test_a_pause_that_meta_asks_for_is_kept_where_ours_has_not_grown_as_long():
    script = Script(busy(Retry_After="3"), busy(Retry_After="3"), busy(Retry_After="3"), SENT)

    script.make(SEND, first_wait=1.0, jitter=0.0)

    assert script.pauses == [3.0, 3.0, 4.0]


def test_jitter_is_added_to_a_pause_within_its_bound():
    pauses = []
    for _ in range(50):
        script = Script(BUSY, SENT)
        script.make(SEND, first_wait=1.0, jitter=0.5)
        pauses += script.pauses

    assert all(1.0 <= pause <= 1.5 for pause in pauses)
    assert len(set(pauses)) > 1


def test_after_the_last_attempt_the_refusal_is_raised():
    script = Script(*[BUSY] * 3)

    with pytest.raises(GraphUnavailable, match="Please retry"):
        script.make(SEND, attempts=3)
    assert script.calls == 3


def test_a_permanent_refusal_is_raised_at_once():
    script = Script(REFUSED)

    with pytest.raises(NotThreadOwner):
        script.make(SEND)
    assert script.pauses == []


def test_a_gateways_page_is_tried_again():
    script = Script(Answer(502, None), SENT)

    assert script.make(SEND) == {"message_id": "m_1"}


def test_what_is_not_worth_repeating_is_not_repeated():
    typing = Call("POST", "/me/messages", "tok-1", thread="psid-1", worth_repeating=False)
    script = Script(BUSY)

    with pytest.raises(GraphUnavailable):
        script.make(typing)
    assert script.calls == 1


def test_the_pause_that_meta_asks_for_is_kept():
    script = Script(busy(Retry_After="7"), SENT)

    script.make(SEND, first_wait=0.5, jitter=0.0)

    assert script.pauses == [7.0]


def test_a_pause_longer_than_our_patience_is_not_slept_but_told():
    script = Script(busy(Retry_After="3600"))

    with pytest.raises(GraphUnavailable, match="Meta asks to wait 3600 seconds"):
        script.make(SEND, longest_wait=30.0)
    assert script.pauses == []


def test_a_send_that_may_have_worked_is_repeated_with_a_warning(caplog):
    caplog.set_level(logging.INFO)

    assert Script(SILENCE, SENT).make(SEND) == {"message_id": "m_1"}
    assert [record.levelname for record in caplog.records] == ["WARNING"]
    assert "may have worked, and is repeated" in caplog.text
    assert "psid-1" in caplog.text


def test_the_log_holds_neither_token_nor_text(caplog):
    caplog.set_level(logging.DEBUG)
    echoing = Answer(400, {"error": {"code": 2, "message": "bad token tok-1: my card is 4111"}})

    Script(SILENCE, echoing, SENT).make(SEND)

    assert len(caplog.records) == 2
    assert "tok-1" not in caplog.text
    assert "4111" not in caplog.text


@pytest.mark.parametrize("failure", [NO_WAY, BUSY])
def test_a_send_that_cannot_have_worked_is_repeated_without_a_warning(failure, caplog):
    caplog.set_level(logging.INFO)

    Script(failure, SENT).make(SEND)

    assert [record.levelname for record in caplog.records] == ["INFO"]


@pytest.mark.parametrize("silence", [SILENCE, Answer(504, None), Answer(200, None)])
def test_a_pass_refused_after_a_silence_had_worked(silence):
    assert Script(silence, REFUSED).make(PASS) == {"success": True}


def test_a_pass_refused_after_a_plain_no_is_refused():
    with pytest.raises(NotThreadOwner):
        Script(BUSY, NO_WAY, REFUSED).make(PASS)


@pytest.mark.parametrize("call", [SEND, TAKE])
def test_only_giving_up_control_can_have_worked_where_control_is_gone(call):
    with pytest.raises(NotThreadOwner):
        Script(SILENCE, REFUSED).make(call)


def test_silence_to_the_end_is_raised_with_what_to_check():
    with pytest.raises(GraphUnavailable, match="check the network and graph_api.url"):
        Script(SILENCE, SILENCE).make(SEND, attempts=2)


def test_nothing_but_errors_of_ours_is_raised_with_the_token_out_of_sight():
    with pytest.raises(GraphError) as raised:
        Script(Answer(400, {"error": {"code": 190, "message": "Malformed access token tok-1"}})).make(SEND)
    assert "tok-1" not in str(raised.value)


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({}, 0.0),
        ({"Retry-After": "12"}, 12.0),
        ({"Retry-After": "Thu, 01 Jan 1970 00:17:00 GMT"}, 20.0),
        ({"Retry-After": "Thu, 01 Jan 1970 00:00:00 GMT"}, 0.0),
        ({"Retry-After": "soon"}, 0.0),
        (
            {"X-Business-Use-Case-Usage": '{"1":[{"type":"messenger","estimated_time_to_regain_access":2}]}'},
            120.0,
        ),
        ({"X-Business-Use-Case-Usage": '{"1":[{"estimated_time_to_regain_access":0}],"2":null}'}, 0.0),
        ({"X-Business-Use-Case-Usage": "[]", "Retry-After": "3"}, 3.0),
        ({"X-Business-Use-Case-Usage": "{"}, 0.0),
    ],
)
def test_meta_asks_for_a_pause_in_seconds_a_date_or_minutes(headers, seconds):
    assert asked_wait(headers, now=1000.0) == seconds


minutes = st.fixed_dictionaries({"estimated_time_to_regain_access": st.floats() | st.integers() | st.text()})
usages = st.dictionaries(st.text(max_size=3), st.lists(st.text() | minutes, max_size=3)).map(json.dumps)


@given(after=st.text() | st.from_regex(r"[0-9]+"), usage=st.text() | usages)
def test_no_header_can_make_a_pause_that_is_no_number_of_seconds(after, usage):
    asked = asked_wait({"Retry-After": after, "X-Business-Use-Case-Usage": usage}, now=1000.0)

    assert asked >= 0.0  # false for "not a number" too
