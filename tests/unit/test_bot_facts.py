"""Tests what an agent learns at a handover from Rasa's tracker."""

from __future__ import annotations

import json

from hypothesis import given
from hypothesis import strategies as st

from handover_channel.inbox.bot_facts import (
    FACT_CHARACTERS,
    LAST_MESSAGES,
    SLOTS_SHOWN,
    BotFacts,
    Failure,
    facts_of,
)

HANDOVER = {"event": "action", "name": "action_handover"}
SESSION = {"event": "session_started", "timestamp": 1.0}


def user(text, intent=None, at=2.0):
    understood = {"intent": {"name": intent}}
    return {"event": "user", "text": text, "timestamp": at, "parse_data": understood, "message_id": text}


def action(name):
    return {"event": "action", "name": name}


def facts(*events, slots=None):
    return facts_of(events, slots or {}, nothing={"handover"}, without={"requested_slot"})


def test_what_was_wanted_is_the_newest_subject_before_the_request_for_people():
    found = facts(
        SESSION,
        user("hello", "greet"),
        user("when are you open", "ask_hours"),
        user("where is my order", "order_status"),
        user("10234", "inform"),
        user("a human please", "handover"),
        HANDOVER,
    )

    assert found.intent == "order_status"
    assert found.words == ("10234", "a human please")
    assert found.since == 1.0


def test_what_comes_after_the_handover_or_before_the_session_is_no_part_of_it():
    found = facts(
        user("when are you open", "ask_hours"),
        SESSION,
        user("a human please", "handover"),
        HANDOVER,
        user("where is my order", "order_status"),
    )

    assert (found.intent, found.words) == ("", ("a human please",))


def test_where_people_took_over_unasked_all_of_the_session_counts():
    assert facts(SESSION, user("where is my order", "order_status")).intent == "order_status"


def test_a_tap_is_told_by_its_title():
    tapped = {
        **user("/order_status", "order_status"),
        "input_channel": "facebook",
        "metadata": {"mid": "m", "postback": {"title": "Where is my order?", "payload": "/order_status"}},
    }

    assert facts(tapped).words == ("Where is my order?",)


def test_what_failed_is_counted():
    found = facts(
        user("xyzzy", "nlu_fallback"),
        action("action_default_fallback"),
        user("plugh", "nlu_fallback"),
        action("action_default_fallback"),
        {"event": "action_execution_rejected", "name": "order_form"},
        action("utter_handover_failed"),
        user("a human please", "handover"),
        HANDOVER,
    )

    assert set(found.failures) == {
        Failure("not_understood", 2),
        Failure("not_taken", 1, "order_form"),
        Failure("nobody_there", 1),
    }


def test_flows_of_rasa_pro_that_mean_a_failure_are_known():
    found = facts(
        {"event": "flow_started", "flow_id": "pattern_cannot_handle"},
        {"event": "flow_started", "flow_id": "pattern_internal_error"},
        {"event": "flow_started", "flow_id": "order"},
    )

    assert set(found.failures) == {Failure("not_understood", 1), Failure("broke", 1)}


def test_a_form_that_was_open_is_named_with_what_it_asked_for():
    found = facts(
        {"event": "active_loop", "name": "order_form"},
        {"event": "slot", "name": "requested_slot", "value": "contact"},
        HANDOVER,
    )

    assert (found.form, found.asked) == ("order_form", "contact")


def test_a_form_that_has_ended_is_not():
    found = facts(
        {"event": "active_loop", "name": "order_form"},
        {"event": "active_loop", "name": None},
        {"event": "slot", "name": "requested_slot", "value": None},
    )

    assert (found.form, found.asked) == ("", "")


def test_slots_with_a_value_are_told_in_words_and_those_of_the_machinery_are_not():
    found = facts(
        slots={
            "order_number": "10234",
            "wants": ["shirt", "hat"],
            "price": {"euro": 3},
            "is_member": False,
            "count": 0,
            "empty": "",
            "nothing": None,
            "handover_target": "inbox",
            "handover_summary": "Finished: ...",
            "requested_slot": "contact",
        }
    )

    assert found.slots == {
        "order_number": "10234",
        "wants": "shirt, hat",
        "price": '{"euro": 3}',
        "is_member": "False",
        "count": "0",
    }


def test_where_nothing_is_known_there_is_nothing_to_show():
    assert facts() == BotFacts()
    assert BotFacts().is_empty
    assert not BotFacts(form="order_form").is_empty


_JSON = st.recursive(
    st.none() | st.booleans() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=5,
)
_KINDS = st.sampled_from(
    ["user", "bot", "action", "slot", "active_loop", "flow_started", "session_started", "rewind"]
)
_NAMES = st.sampled_from(["action_handover", "requested_slot", "order_form"]) | _JSON
_EVENTS = st.fixed_dictionaries(
    {"event": _KINDS},
    optional=dict.fromkeys(
        ("name", "value", "text", "parse_data", "flow_id", "metadata", "timestamp"), _NAMES
    ),
)


@given(st.lists(_EVENTS, max_size=8), st.dictionaries(st.text(), _JSON))
def test_whatever_stands_in_a_tracker_is_told_within_bounds(events, slots):
    found = facts(*events, slots=slots)

    assert len(found.words) <= LAST_MESSAGES
    assert len(found.slots) <= SLOTS_SHOWN
    assert all(len(each) <= FACT_CHARACTERS for each in (*found.words, *found.slots.values()))
    json.dumps([found.intent, found.form, found.asked])
