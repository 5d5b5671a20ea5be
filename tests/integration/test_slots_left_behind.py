"""Slots that a handover has left behind, without the turn of a return, are cleared by the policy."""

from __future__ import annotations

from pathlib import Path

import pytest

pytest.importorskip("rasa", reason="Rasa stops at Python 3.10")

from rasa.engine.graph import ExecutionContext, GraphSchema
from rasa.engine.storage.resource import Resource
from rasa.shared.core.domain import Domain
from rasa.shared.core.events import ActionExecuted, SlotSet, UserUttered
from rasa.shared.core.trackers import DialogueStateTracker

from handover_channel.control.turn_gate import OpenGate
from handover_channel.rasa.policy import HandoverPolicy

pytestmark = [
    pytest.mark.rasa,
    pytest.mark.filterwarnings("ignore:Slot auto-fill has been removed:UserWarning"),
]


@pytest.fixture(scope="module")
def domain():
    return Domain.load(str(Path(__file__).parents[2] / "domain.yml"))


@pytest.fixture
def policy():
    context = ExecutionContext(GraphSchema({}))
    made = HandoverPolicy.create(HandoverPolicy.get_default_config(), None, Resource("policy"), context)
    made._gate = OpenGate()
    return made


def said(text, intent="greet"):
    return UserUttered(text, {"name": intent, "confidence": 1.0}, input_channel="rest")


def events_of(policy, domain, *events):
    """The events that Rasa applies whichever policy wins."""
    begun = [ActionExecuted("action_listen"), *events]
    tracker = DialogueStateTracker.from_events("4711", begun, slots=domain.slots)
    return policy.predict_action_probabilities(tracker, domain).events


LEFT = [SlotSet("handover_target", "sales"), SlotSet("handover_until", 1_700_000_000.0)]


@pytest.mark.parametrize(
    ("row", "slots", "said_since", "cleared"),
    [
        (False, LEFT, said("hello"), ["handover_target", "handover_until"]),
        (False, LEFT[:1], said("hello"), []),  # the bot has set it, for a handover that is to come
        (False, LEFT, said("", intent="handover_returned"), []),  # the action of that turn clears them
        (True, LEFT, said("hello"), []),
        (None, LEFT, said("hello"), []),
    ],
    ids=["left behind", "wanted", "returned", "muted", "no row"],
)
def test_slots_that_a_handover_left_behind_are_cleared_by_the_next_message(
    policy, domain, row, slots, said_since, cleared
):
    policy._gate.is_muted = lambda thread: row

    events = events_of(policy, domain, *slots, said_since)

    assert events == [SlotSet(slot, None) for slot in cleared]


def test_the_target_of_a_handover_that_has_ended_is_not_wanted_again(policy, domain):
    asked = []
    policy._gate.is_muted = lambda thread: False
    policy._gate.is_nobody_there = lambda target, channel: bool(asked.append(target))

    events_of(policy, domain, *LEFT, said("a human please", intent="handover"))
    events_of(policy, domain, LEFT[0], said("a human please", intent="handover"))

    assert asked == [None, "sales"]
