from __future__ import annotations

import dataclasses
import re

import pytest

from handover_channel.doctor.installed_bot import ONLY_AT_START, ROWS, InstalledBot, problems

EVERY = (*ROWS, *ONLY_AT_START)
WHOLE = InstalledBot(
    has_messenger=True,
    has_inbox=True,
    has_policy=True,
    intents=frozenset({"handover", "handover_returned", "greet"}),
    slots=frozenset({"handover_target", "handover_until"}),
    actions=frozenset(
        {
            "action_handover",
            "action_handover_return",
            "utter_handover",
            "utter_handover_failed",
            "utter_greet",
        }
    ),
    has_action_endpoint=True,
    actions_of_rules=frozenset({"action_handover", "action_handover_return", "utter_greet"}),
)


def said(**changes):
    return problems(dataclasses.replace(WHOLE, **changes))


def test_nothing_is_said_of_a_bot_that_has_everything():
    assert said() == []


HALVES = [
    ({"has_messenger": False, "has_inbox": False, "has_rasas_facebook": True}, "channel facebook"),
    ({"has_messenger": False, "has_rasas_facebook": True}, "channel facebook"),
    ({"has_messenger": False, "has_inbox": False}, "neither handover_channel.MessengerInput nor"),
    ({"has_policy": False}, "the model has no handover_channel.HandoverPolicy"),
    (
        {"intents": frozenset({"greet", "handover_returned"}), "actions_of_rules": None},
        "lacks.*intent handover: ",
    ),
    ({"intents": frozenset({"handover"})}, "lacks.*intent handover_returned"),
    ({"slots": frozenset()}, "lacks.*slot handover_target, slot handover_until"),
    ({"actions": WHOLE.actions - {"action_handover"}}, "lacks.*action action_handover: "),
    ({"actions": WHOLE.actions - {"utter_handover_failed"}}, "lacks.*response utter_handover_failed"),
    ({"actions_of_rules": frozenset()}, "no rule leads to action_handover, action_handover_return,"),
    (
        {"known_intents": frozenset({"greet", "handover_returned"})},
        "without an example of the intent handover: ",
    ),
    ({"has_action_endpoint": False}, "endpoints.yml has no action_endpoint"),
    ({"flows": frozenset({"handover"})}, "lacks.*flow handover_returned"),
    ({"loses_socketio_rooms": True}, "socketio.session_persistence is true"),
]


@pytest.mark.parametrize(("changes", "expected"), HALVES)
def test_what_is_half_installed_is_one_sentence_with_a_remedy(changes, expected):
    (problem,) = said(**changes)

    assert re.search(expected, problem)
    assert " -> " in problem
    assert "{" not in problem.replace("{url:", "")


def test_one_of_several_intents_with_examples_is_enough_and_what_is_not_known_is_no_fault():
    both = {"requests": frozenset({"handover", "human"}), "intents": WHOLE.intents | {"human"}}

    assert said(**both, known_intents=frozenset({"human"})) == []
    assert said(known_intents=None) == []
    assert len(said(**both, known_intents=frozenset({"greet"}))) == 1


def test_every_check_is_tried_here():
    found = {
        row.id for changes, _ in HALVES for row in EVERY if [*row.look(dataclasses.replace(WHOLE, **changes))]
    }

    assert found == {row.id for row in EVERY}


def test_all_that_is_wrong_is_said_at_once():
    assert len(problems(InstalledBot())) == 2


def test_the_shell_needs_no_channel_of_ours():
    assert said(is_served=False, has_messenger=False, has_inbox=False) == []


def test_a_bot_that_hands_over_by_a_rule_of_its_own_needs_no_intent_for_it():
    assert said(intents=frozenset({"greet", "handover_returned"})) == []


def test_a_bot_with_an_intent_of_its_own_needs_no_other():
    intents = frozenset({"talk_to_human", "handover_returned"})

    assert said(requests=frozenset({"talk_to_human"}), intents=intents) == []


def test_a_calm_bot_needs_no_intents_and_no_policy():
    flows = frozenset({"handover", "handover_returned"})

    assert said(flows=flows, intents=frozenset(), has_policy=False, actions_of_rules=None) == []


def test_policies_that_learn_from_stories_may_lead_anywhere():
    assert said(actions_of_rules=None) == []
