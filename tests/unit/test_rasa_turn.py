from __future__ import annotations

import itertools

import pytest

from handover_channel.rules.bot_contract import (
    FAILED_RESPONSE,
    HANDOVER_ACTION,
    LISTEN_ACTION,
    RETURN_ACTION,
    RETURNED_INTENT,
)
from handover_channel.rules.rasa_turn import Turn, is_muted, next_action

EVERY_TURN = [
    Turn(row, target, intent, keyword, gated, asked)
    for row, target, intent, keyword, gated, asked in itertools.product(
        [None, True, False],
        [None, "inbox"],
        [None, "greet", RETURNED_INTENT],
        [False, True],
        [False, True],
        [False, True],
    )
]


def test_the_bot_talks_while_it_has_control():
    assert next_action(Turn(intent="greet")) is None


def test_the_bot_is_silent_once_the_slot_names_a_target():
    assert next_action(Turn(target="inbox", intent="greet")) == LISTEN_ACTION


@pytest.mark.parametrize("target", [None, "inbox"])
def test_the_row_mutes_whatever_the_slot_says(target):
    assert next_action(Turn(row=True, target=target, intent="greet")) == LISTEN_ACTION


def test_the_row_unmutes_a_slot_that_was_left_behind():
    assert next_action(Turn(row=False, target="inbox", intent="greet")) is None


def test_the_return_is_left_to_the_rules_where_there_is_no_row():
    assert next_action(Turn(target="inbox", intent=RETURNED_INTENT)) is None


@pytest.mark.parametrize("turn", [Turn(keyword=True), Turn(intent=RETURNED_INTENT)])
@pytest.mark.parametrize("row", [None, False])
def test_a_way_back_means_nothing_while_the_bot_has_control(turn, row):
    assert next_action(Turn(row=row, intent=turn.intent, keyword=turn.keyword)) is None


def test_a_keyword_brings_an_ungated_channel_back():
    assert next_action(Turn(row=True, intent="greet", keyword=True)) == RETURN_ACTION
    assert next_action(Turn(target="inbox", intent="greet", keyword=True)) == RETURN_ACTION


def test_the_intent_brings_an_ungated_channel_back():
    assert next_action(Turn(row=True, intent=RETURNED_INTENT)) == RETURN_ACTION


@pytest.mark.parametrize("turn", [Turn(row=True, gated=True, keyword=True), Turn(row=True, gated=True)])
def test_a_gated_channel_has_its_ways_back_at_the_gate(turn):
    assert next_action(turn) == LISTEN_ACTION


@pytest.mark.parametrize("row", [None, True, False])
def test_the_message_with_the_keyword_gets_no_answer_of_its_own(row):
    assert next_action(Turn(row=row, intent="greet", keyword=True, asked=True)) == LISTEN_ACTION


def test_the_return_goes_on_with_the_rules_once_the_bot_has_control():
    assert next_action(Turn(row=False, intent=RETURNED_INTENT, asked=True)) is None


def test_a_return_that_failed_is_not_tried_again_for_the_same_message():
    assert next_action(Turn(row=True, intent=RETURNED_INTENT, asked=True)) == LISTEN_ACTION


@pytest.mark.parametrize("turn", [turn for turn in EVERY_TURN if is_muted(turn)])
def test_nothing_but_silence_and_the_return_comes_of_a_muted_turn(turn):
    assert next_action(turn) in {LISTEN_ACTION, RETURN_ACTION}


@pytest.mark.parametrize("turn", [turn for turn in EVERY_TURN if next_action(turn) == RETURN_ACTION])
def test_the_return_needs_a_way_back_a_mute_and_an_open_channel(turn):
    assert is_muted(turn)
    assert turn.keyword or turn.intent == RETURNED_INTENT
    assert not turn.gated
    assert not turn.asked


def test_a_handover_that_never_ran_is_told_to_the_person_who_was_promised_one():
    assert next_action(Turn(row=False, intent="handover", lost=True)) == FAILED_RESPONSE
    assert next_action(Turn(row=False, intent="handover", told=True)) == LISTEN_ACTION


@pytest.mark.parametrize("turn", [Turn(row=True, lost=True), Turn(target="inbox", lost=True)])
def test_a_handover_that_worked_is_followed_by_silence(turn):
    assert next_action(turn) == LISTEN_ACTION


def test_where_no_row_tells_nothing_is_made_of_a_handover_without_effect():
    assert next_action(Turn(row=None, intent="handover", lost=True)) is None


@pytest.mark.parametrize("row", [None, False])
def test_who_asks_for_people_who_are_not_there_is_told_so_at_once(row):
    assert next_action(Turn(row=row, intent="handover", nobody_there=True)) == HANDOVER_ACTION


@pytest.mark.parametrize("row", [None, False])
def test_what_the_action_said_outside_the_hours_ends_the_turn(row):
    assert next_action(Turn(row=row, intent="handover", told=True)) == LISTEN_ACTION


@pytest.mark.parametrize("row", [None, False])
def test_an_action_that_never_ran_outside_the_hours_is_made_good(row):
    assert next_action(Turn(row=row, intent="handover", told=True, lost=True)) == FAILED_RESPONSE


@pytest.mark.parametrize("turn", [Turn(row=True, nobody_there=True), Turn(target="inbox", nobody_there=True)])
def test_while_somebody_else_has_control_business_hours_mean_nothing(turn):
    assert next_action(turn) == LISTEN_ACTION
