"""A request for people in a form whose slot takes every text: Rasa fills the slot before it asks a policy."""

from __future__ import annotations

from typing import Any, List, Optional

import pytest

pytest.importorskip("rasa", reason="Rasa stops at Python 3.10")

from rasa.core.policies.ensemble import DefaultPolicyPredictionEnsemble
from rasa.core.policies.policy import PolicyPrediction
from rasa.engine.graph import ExecutionContext, GraphSchema
from rasa.engine.storage.resource import Resource
from rasa.shared.core.domain import Domain
from rasa.shared.core.events import ActionExecuted, ActiveLoop, Event, SlotSet, UserUttered
from rasa.shared.core.trackers import DialogueStateTracker

from handover_channel.control.turn_gate import OpenGate
from handover_channel.rasa.policy import HandoverPolicy

pytestmark = [
    pytest.mark.rasa,
    pytest.mark.filterwarnings("ignore:Slot auto-fill has been removed:UserWarning"),
]

LISTEN, NOTICE, HANDOVER = "action_listen", "utter_handover", "action_handover"
RETURN, BACK = "action_handover_return", "utter_handover_returned"

DOMAIN = """
version: "3.1"
intents: [handover, handover_returned, inform]
slots:
  handover_target: {type: text, mappings: [{type: custom}]}
  name:
    type: text
    mappings: [{type: from_text, conditions: [{active_loop: name_form, requested_slot: name}]}]
  last_words: {type: text, influence_conversation: false, mappings: [{type: from_text}]}
  order: {type: text, mappings: [{type: from_entity, entity: order}]}
entities: [order, handover_target]
forms: {name_form: {required_slots: [name]}}
responses:
  utter_handover: [{text: "I am handing you over."}]
  utter_handover_failed: [{text: "Nobody is there."}]
  utter_handover_returned: [{text: "I am back."}]
actions: [action_handover, action_handover_return]
"""

IN_THE_FORM: List[Event] = [
    ActionExecuted(LISTEN),
    ActionExecuted("name_form"),
    ActiveLoop("name_form"),
    SlotSet("requested_slot", "name"),
    ActionExecuted(LISTEN),
]


@pytest.fixture(scope="module")
def domain() -> Domain:
    return Domain.from_yaml(DOMAIN)


@pytest.fixture
def policy() -> HandoverPolicy:
    context = ExecutionContext(GraphSchema({}))
    made = HandoverPolicy.create(HandoverPolicy.get_default_config(), None, Resource("policy"), context)
    made._gate = OpenGate()
    return made


def said(text: str, intent: str, channel: Optional[str] = "rest") -> UserUttered:
    return UserUttered(text, {"name": intent, "confidence": 1.0}, input_channel=channel)


class Turn:
    """A conversation in which the policy and the form's own vote decide, as Rasa would have them."""

    def __init__(self, policy: HandoverPolicy, domain: Domain, *events: Event) -> None:
        self.policy, self.domain = policy, domain
        self.tracker = DialogueStateTracker.from_events("4711", list(events), slots=domain.slots)

    def next(self, *effects: Event) -> str:
        """Return what Rasa would run now, note that it has, and what it had for effects."""
        form = PolicyPrediction.for_action_name(self.domain, "name_form", "RulePolicy")
        form.policy_priority = 4
        votes = [form, self.policy.predict_action_probabilities(self.tracker, self.domain)]
        chosen = DefaultPolicyPredictionEnsemble().combine_predictions(votes, self.tracker, self.domain)
        name = str(self.domain.action_names_or_texts[chosen.probabilities.index(max(chosen.probabilities))])
        ran = ActionExecuted(name, policy=chosen.policy_name)
        self.tracker.update_with_events([*chosen.events, ran, *effects], self.domain)
        return name

    def slot(self, name: str) -> Any:
        return self.tracker.get_slot(name)


def test_a_request_is_handed_over_and_is_no_answer(policy, domain):
    request = "I want to talk to a human"
    turn = Turn(policy, domain, *IN_THE_FORM, said(request, "handover"), SlotSet("name", request))

    assert turn.next() == NOTICE
    assert turn.slot("name") is None
    assert turn.next(SlotSet("handover_target", "inbox")) == HANDOVER
    assert turn.next() == LISTEN
    assert (turn.slot("name"), turn.tracker.active_loop_name) == (None, "name_form")


def test_after_a_handover_that_failed_the_form_goes_on(policy, domain):
    turn = Turn(policy, domain, *IN_THE_FORM, said("a human", "handover"), SlotSet("name", "a human"))

    assert [turn.next(), turn.next(SlotSet("handover_target", None)), turn.next()] == [
        NOTICE,
        HANDOVER,
        "name_form",
    ]


def test_outside_business_hours_nothing_is_promised_in_a_form_either(policy, domain):
    policy._gate.is_nobody_there = lambda target, channel: True
    turn = Turn(policy, domain, *IN_THE_FORM, said("a human", "handover"), SlotSet("name", "a human"))

    assert [turn.next(SlotSet("handover_target", None)), turn.next()] == [HANDOVER, "name_form"]
    assert turn.slot("name") is None


def test_a_bot_has_its_own_intents_for_it(policy, domain):
    policy._gate.requests = frozenset({"inform"})
    turn = Turn(policy, domain, *IN_THE_FORM, said("a human", "inform"), SlotSet("name", "a human"))

    assert turn.next() == NOTICE


def test_the_turn_of_a_return_is_no_answer(policy, domain):
    back = said('/handover_returned{"reason": "agent"}', "handover_returned", channel="facebook")
    turn = Turn(policy, domain, *IN_THE_FORM, back, SlotSet("name", back.text))

    assert [turn.next(), turn.next(), turn.next()] == [RETURN, BACK, "name_form"]
    assert turn.slot("name") is None


def test_what_the_slot_held_before_comes_back(policy, domain):
    answered = [said("Amal", "inform"), SlotSet("last_words", "Amal"), ActionExecuted(LISTEN)]
    turn = Turn(
        policy,
        domain,
        ActionExecuted(LISTEN),
        *answered,
        said("a human", "handover"),
        SlotSet("last_words", "a human"),
    )

    assert turn.next() == "name_form"  # outside forms the bot's rules decide what a request does
    assert turn.slot("last_words") == "Amal"


def test_an_answer_stays_an_answer(policy, domain):
    turn = Turn(policy, domain, *IN_THE_FORM, said("Amal", "inform"), SlotSet("name", "Amal"))

    assert turn.next() == "name_form"
    assert turn.slot("name") == "Amal"


def test_an_entity_in_a_request_stays(policy, domain):
    request = said("a human for order 10234", "handover")
    turn = Turn(policy, domain, *IN_THE_FORM, request, SlotSet("order", "10234"))

    assert turn.next() == "name_form"  # it was not taken for the answer: rejected there, and the rules go on
    assert turn.slot("order") == "10234"
