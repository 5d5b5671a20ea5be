from __future__ import annotations

import typing
from pathlib import Path
from typing import Any, List, Optional, Tuple

import pytest

pytest.importorskip("rasa", reason="Rasa stops at Python 3.10")

from rasa.core.policies.ensemble import DefaultPolicyPredictionEnsemble
from rasa.core.policies.policy import PolicyPrediction
from rasa.engine.graph import ExecutionContext, GraphSchema
from rasa.engine.storage.resource import Resource
from rasa.shared.core.domain import Domain
from rasa.shared.core.events import ActionExecuted, ActiveLoop, SlotSet, UserUttered
from rasa.shared.core.trackers import DialogueStateTracker

import handover_channel
from handover_channel.control.turn_gate import OpenGate
from handover_channel.errors import SettingsError, StoreUnavailable
from handover_channel.rasa import policy as policy_module
from handover_channel.rasa.policy import HandoverPolicy, LanguagePolicy
from handover_channel.rules.keywords import Keyword, Keywords

pytestmark = [
    pytest.mark.rasa,
    # Rasa says so of every domain with slots.
    pytest.mark.filterwarnings("ignore:Slot auto-fill has been removed:UserWarning"),
]

LISTEN, RETURN = "action_listen", "action_handover_return"


@pytest.fixture(scope="module")
def domain() -> Domain:
    return Domain.load(str(Path(__file__).parents[2] / "domain.yml"))


@pytest.fixture
def policy() -> HandoverPolicy:
    """A policy whose store knows no thread, with one keyword."""
    context = ExecutionContext(GraphSchema({}))
    made = HandoverPolicy.create(HandoverPolicy.get_default_config(), None, Resource("policy"), context)
    made._gate = OpenGate()
    made._gate.keywords = Keywords([Keyword("main menu")])
    return made


def said(text: str, intent: Optional[str] = "greet", channel: Optional[str] = "rest") -> UserUttered:
    return UserUttered(text, {"name": intent, "confidence": 1.0}, input_channel=channel)


def conversation(domain: Domain, *events: Any) -> DialogueStateTracker:
    return DialogueStateTracker.from_events("4711", [ActionExecuted(LISTEN), *events], slots=domain.slots)


def best(
    policy: HandoverPolicy, domain: Domain, tracker: DialogueStateTracker, *others: PolicyPrediction
) -> str:
    """Return the action that Rasa would run, *others* being the votes of other policies."""
    votes: List[PolicyPrediction] = [*others, policy.predict_action_probabilities(tracker, domain)]
    chosen = DefaultPolicyPredictionEnsemble().combine_predictions(votes, tracker, domain)
    return str(domain.action_names_or_texts[chosen.probabilities.index(max(chosen.probabilities))])


def vote(domain: Domain, action: str, **more: Any) -> PolicyPrediction:
    made = PolicyPrediction.for_action_name(domain, action, "RulePolicy")
    made.policy_priority = 4
    made.is_no_user_prediction = more.get("no_user", False)
    return made


def test_it_is_the_policy_that_config_yml_names():
    assert handover_channel.HandoverPolicy is HandoverPolicy


def test_rasa_can_resolve_its_annotations():
    for method in (HandoverPolicy.predict_action_probabilities, HandoverPolicy.train):
        assert typing.get_type_hints(method)


def test_it_leaves_the_word_to_others_while_the_bot_has_control(policy, domain):
    tracker = conversation(domain, said("hello"))

    assert best(policy, domain, tracker, vote(domain, "utter_greet")) == "utter_greet"


def test_silence_outranks_a_rule(policy, domain):
    tracker = conversation(domain, SlotSet("handover_target", "inbox"), said("hello"))

    assert best(policy, domain, tracker, vote(domain, "utter_greet")) == LISTEN


def test_silence_outranks_the_next_question_of_a_form(policy, domain):
    tracker = conversation(
        domain, ActiveLoop("order_form"), SlotSet("handover_target", "inbox"), said("hello")
    )

    assert best(policy, domain, tracker, vote(domain, "order_form", no_user=True)) == LISTEN


def test_a_typed_restart_does_not_break_the_silence(policy, domain):
    policy._gate.is_muted = lambda thread: True
    tracker = conversation(domain, said("/restart", intent="restart"))

    assert best(policy, domain, tracker, vote(domain, "action_restart")) == LISTEN


def test_the_store_is_asked_about_the_thread_and_beats_the_slot(policy, domain):
    asked = []
    policy._gate.is_muted = lambda thread: bool(asked.append(thread))
    tracker = conversation(domain, SlotSet("handover_target", "inbox"), said("hello"))

    assert best(policy, domain, tracker, vote(domain, "utter_greet")) == "utter_greet"
    assert asked == ["4711"]


def test_a_store_that_cannot_be_asked_mutes_and_the_log_keeps_the_message_out(policy, domain, caplog):
    def out_of_reach(thread: str) -> bool:
        raise StoreUnavailable("no connection")

    policy._gate.is_muted = out_of_reach
    tracker = conversation(domain, said("my secret"))

    assert best(policy, domain, tracker, vote(domain, "utter_greet")) == LISTEN
    assert "4711" in caplog.text
    assert "my secret" not in caplog.text


def test_a_keyword_brings_rest_back_once(policy, domain):
    policy._gate.is_muted = lambda thread: True
    before = [said("main menu")]
    after = [*before, ActionExecuted(RETURN, policy="HandoverPolicy")]

    assert best(policy, domain, conversation(domain, *before)) == RETURN
    assert best(policy, domain, conversation(domain, *after)) == LISTEN


def test_a_keyword_in_the_next_message_counts_again(policy, domain):
    policy._gate.is_muted = lambda thread: True
    first = [said("main menu"), ActionExecuted(RETURN, policy="HandoverPolicy"), ActionExecuted(LISTEN)]

    assert best(policy, domain, conversation(domain, *first, said("main menu please"))) == RETURN


def test_on_messenger_a_keyword_is_the_channels_business(policy, domain):
    policy._gate.is_muted = lambda thread: True

    assert best(policy, domain, conversation(domain, said("main menu", channel="facebook"))) == LISTEN


def test_a_return_by_a_rule_of_the_bot_goes_on_with_that_rule(policy, domain):
    tracker = conversation(domain, said("main menu"), ActionExecuted(RETURN, policy="RulePolicy"))

    assert best(policy, domain, tracker, vote(domain, "utter_greet")) == "utter_greet"


def test_what_is_met_with_silence_leaves_neither_history_nor_slots(policy, domain):
    policy._gate.is_muted = lambda thread: True
    handed_over = [said("a human please", intent="handover"), ActionExecuted("action_handover")]
    told = [said("my number is 10234", intent="inform"), SlotSet("order_number", "10234")]
    tracker = conversation(domain, *handed_over, ActionExecuted(LISTEN), *told)

    undone = policy.predict_action_probabilities(tracker, domain).optional_events
    tracker.update_with_events([*undone, ActionExecuted(LISTEN)], domain)

    assert tracker.get_slot("order_number") is None
    assert tracker.latest_message.text == "a human please"
    assert [event for event in tracker.applied_events() if isinstance(event, UserUttered)] == handed_over[:1]


def test_the_message_that_asked_for_the_handover_stays_in_the_history(policy, domain):
    policy._gate.is_muted = lambda thread: True
    tracker = conversation(
        domain, said("a human please", intent="handover"), ActionExecuted("action_handover")
    )

    assert policy.predict_action_probabilities(tracker, domain).optional_events == []


def test_a_bot_without_the_slot_is_left_alone(policy, domain):
    tracker = DialogueStateTracker.from_events("4711", [ActionExecuted(LISTEN), said("hello")], slots=[])

    assert best(policy, domain, tracker, vote(domain, "utter_greet")) == "utter_greet"


def test_without_settings_there_are_no_keywords_and_no_rows(domain, monkeypatch):
    def unusable(path: Optional[str] = None) -> Any:
        raise SettingsError(["handover.yml: there is no such file"])

    monkeypatch.setattr(policy_module.services, "from_config", unusable)
    context = ExecutionContext(GraphSchema({}))
    bare = HandoverPolicy.create(HandoverPolicy.get_default_config(), None, Resource("policy"), context)
    tracker = conversation(domain, SlotSet("handover_target", "inbox"), said("main menu"))

    assert best(bare, domain, tracker, vote(domain, "utter_greet")) == LISTEN


# --- outside business hours -----------------------------------------------------------------------

HANDOVER, CLOSED_SAID = "action_handover", [SlotSet("handover_target", None)]


def request(channel: Optional[str] = "rest", **more: Any) -> UserUttered:
    entities = [{"entity": "handover_target", "value": name} for name in more.get("names", [])]
    return UserUttered("a human", {"name": "handover", "confidence": 1.0}, entities, input_channel=channel)


@pytest.mark.parametrize("row", [None, False])
@pytest.mark.parametrize("channel", ["rest", "facebook"])
def test_outside_the_hours_nobody_is_promised_a_handover(policy, domain, row, channel):
    policy._gate.is_muted, policy._gate.is_nobody_there = (lambda thread: row), (lambda target, channel: True)
    said_first = vote(domain, "utter_handover")
    tracker = conversation(domain, request(channel))
    after = conversation(
        domain, request(channel), ActionExecuted(HANDOVER, policy="HandoverPolicy"), *CLOSED_SAID
    )

    assert best(policy, domain, tracker, said_first) == HANDOVER
    assert best(policy, domain, after, vote(domain, "utter_default")) == LISTEN


def test_which_target_is_closed_is_what_the_person_named_else_the_slot_else_the_default(policy, domain):
    asked: List[Tuple[Optional[str], str]] = []
    policy._gate.is_nobody_there = lambda target, channel: bool(asked.append((target, channel)))
    policy._gate.is_muted = lambda thread: False
    slot = SlotSet("handover_target", "hootsuite")

    for events in ([request(names=["sales_bot"])], [slot, request()], [request()]):
        best(policy, domain, conversation(domain, *events), vote(domain, "utter_handover"))

    assert asked == [("sales_bot", "rest"), ("hootsuite", "rest"), (None, "rest")]


def test_the_clock_decides_nothing_in_the_stories_of_rasa_test(policy, domain):
    policy._gate.is_nobody_there = lambda target, channel: True
    tracker = conversation(domain, request(channel=None))

    assert best(policy, domain, tracker, vote(domain, "utter_handover")) == "utter_handover"


def test_a_bots_own_intent_asks_for_people_as_well(policy, domain):
    policy._gate.is_nobody_there = lambda target, channel: True
    policy._gate.requests = frozenset({"order_status"})
    own = conversation(domain, said("a human", "order_status"))
    ours = conversation(domain, request())

    assert best(policy, domain, own, vote(domain, "utter_handover")) == HANDOVER
    assert best(policy, domain, ours, vote(domain, "utter_handover")) == "utter_handover"


def test_a_form_goes_on_after_the_word_that_nobody_is_there(policy, domain):
    policy._gate.is_muted, policy._gate.is_nobody_there = (
        (lambda thread: False),
        (lambda target, channel: True),
    )
    before = [ActiveLoop("order_form"), request()]
    after = [*before, ActionExecuted(HANDOVER, policy="HandoverPolicy"), *CLOSED_SAID]
    form = vote(domain, "order_form", no_user=True)

    assert best(policy, domain, conversation(domain, *before), form) == HANDOVER
    assert best(policy, domain, conversation(domain, *after), form) == "order_form"


def test_an_action_server_that_is_not_there_is_made_good_outside_the_hours_too(policy, domain):
    policy._gate.is_nobody_there = lambda target, channel: True
    tracker = conversation(domain, request(), ActionExecuted(HANDOVER, policy="HandoverPolicy"))

    assert best(policy, domain, tracker) == "utter_handover_failed"


def test_the_next_message_is_answered_as_any(policy, domain):
    policy._gate.is_nobody_there = lambda target, channel: True
    told = [
        request(),
        ActionExecuted(HANDOVER, policy="HandoverPolicy"),
        *CLOSED_SAID,
        ActionExecuted(LISTEN),
    ]

    tracker = conversation(domain, *told, said("hello"))

    assert best(policy, domain, tracker, vote(domain, "utter_greet")) == "utter_greet"


# --- what people say meanwhile --------------------------------------------------------------------


def kept(policy: HandoverPolicy, domain: Domain, *events: Any) -> List[Any]:
    noted: List[Any] = []
    policy._gate.note = lambda *told: noted.append(told)
    policy.predict_action_probabilities(conversation(domain, *events), domain)
    return noted


def test_what_the_person_says_meanwhile_is_handed_to_who_writes_it_down(policy, domain):
    policy._gate.is_muted = lambda thread: True
    message = UserUttered("anybody?", {"name": "greet"}, input_channel="rest", message_id="m1", timestamp=1.5)

    assert kept(policy, domain, message) == [("4711", "rest", "m1", "anybody?", 1500)]


def test_on_messenger_the_channel_writes_it_down(policy, domain):
    policy._gate.is_muted = lambda thread: True

    assert kept(policy, domain, said("anybody?", channel="facebook")) == []


@pytest.mark.parametrize("row", [None, False])
def test_what_is_said_to_the_bot_is_the_bots(policy, domain, row):
    policy._gate.is_muted = lambda thread: row

    assert kept(policy, domain, said("hello")) == []


def test_the_message_in_whose_turn_the_handover_happened_is_the_bots(policy, domain):
    policy._gate.is_muted = lambda thread: True

    assert kept(policy, domain, said("a human"), ActionExecuted(HANDOVER, policy="RulePolicy")) == []


def test_a_way_back_is_the_bots(policy, domain):
    policy._gate.is_muted = lambda thread: True

    assert kept(policy, domain, said("main menu")) == []


@pytest.mark.parametrize(
    ("again", "behind", "action"),
    [
        (("main menu!", "nlu_fallback"), 2, LISTEN),
        (('/handover_returned{"reason": "button"}', "handover_returned"), 2, LISTEN),
        (("main menu, where is my order", "order_status"), 2, "action_other"),
        (("hello", "greet"), 2, "action_other"),
        (("main menu!", "nlu_fallback"), 6, "action_other"),
    ],
)
def test_a_way_back_right_behind_a_return_is_answered_by_nothing(policy, domain, again, behind, action):
    returned = said('/handover_returned{"reason": "keyword"}', "handover_returned")
    returned.timestamp = 1000.0
    latest = said(*again)
    latest.timestamp = 1000.0 + behind
    policy._gate.is_muted = lambda thread: False
    told = [ActionExecuted(RETURN), ActionExecuted("utter_handover_returned"), ActionExecuted(LISTEN)]
    tracker = conversation(domain, returned, *told, latest)

    other = vote(domain, "utter_greet")
    assert best(policy, domain, tracker, other) == (LISTEN if action == LISTEN else "utter_greet")


# --- the language that the person writes ------------------------------------------------------------


@pytest.fixture
def language_policy() -> LanguagePolicy:
    context = ExecutionContext(GraphSchema({}))
    made = LanguagePolicy.create(LanguagePolicy.get_default_config(), None, Resource("language"), context)
    return typing.cast(LanguagePolicy, made)


def slots_set(policy: LanguagePolicy, domain: Domain, *events: Any) -> List[Any]:
    prediction = policy.predict_action_probabilities(conversation(domain, *events), domain)
    assert not any(prediction.probabilities)
    assert not prediction.is_no_user_prediction
    return [(event.key, event.value) for event in prediction.events]


def test_the_slot_follows_the_language_of_what_is_typed(language_policy, domain):
    assert slots_set(language_policy, domain, said("مرحبا")) == [("language", "ar")]
    assert slots_set(language_policy, domain, said("hello")) == []  # it is that already
    assert slots_set(language_policy, domain, SlotSet("language", "ar"), said("hello")) == [
        ("language", "en")
    ]


@pytest.mark.parametrize("text", ['/handover_returned{"reason": "agent"}', "10234", "a@b.example", ""])
def test_what_nobody_wrote_in_a_language_leaves_it(language_policy, domain, text):
    assert slots_set(language_policy, domain, SlotSet("language", "ar"), said(text)) == []


def test_a_bot_without_that_slot_gets_none(language_policy):
    assert slots_set(language_policy, Domain.empty(), said("مرحبا")) == []


def test_what_is_met_with_silence_leaves_no_language_behind(policy, language_policy, domain):
    tracker = conversation(domain, SlotSet("handover_target", "inbox"), said("مرحبا"))
    votes = [each.predict_action_probabilities(tracker, domain) for each in (language_policy, policy)]
    chosen = DefaultPolicyPredictionEnsemble().combine_predictions(votes, tracker, domain)

    tracker.update_with_events(chosen.events, domain)

    assert tracker.get_slot("language") == "en"
