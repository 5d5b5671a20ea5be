"""Makes Rasa predict silence while the bot does not have control (rules/rasa_turn.py decides, this votes).

1. If the store cannot be read, the bot is muted. A bot that is silent by mistake is a nuisance; a bot that
   speaks into an agent's conversation is a fault.
2. Messages to people stay out of the dialogue history and the slots. On channels without an outbound gate
   they are written to the transcript for the agents.
3. A request for people never becomes a slot's value, nor the answer to a form's question (form_requests.py).

`LanguagePolicy`, for bots that speak several languages, sets a slot and predicts nothing.

Rasa resolves every annotation of this module with typing.get_type_hints: import each annotated
type for real (not under TYPE_CHECKING) and spell unions with Optional.
"""

from __future__ import annotations

from functools import cached_property
from typing import Any, Dict, FrozenSet, List, Optional

from rasa.core.policies.policy import Policy, PolicyPrediction, SupportedData
from rasa.engine.recipes.default_recipe import DefaultV1Recipe
from rasa.engine.storage.resource import Resource
from rasa.shared.core.constants import EXTERNAL_MESSAGE_PREFIX
from rasa.shared.core.domain import Domain
from rasa.shared.core.events import ActionExecuted, Event, SlotSet, UserUtteranceReverted, UserUttered
from rasa.shared.core.generator import TrackerWithCachedStates
from rasa.shared.core.trackers import DialogueStateTracker

from handover_channel import log, services
from handover_channel.control.turn_gate import TurnGate
from handover_channel.errors import StoreUnavailable
from handover_channel.messenger.events import MESSENGER
from handover_channel.rasa.form_requests import next_step, restored
from handover_channel.rasa.gates import close_the_gates
from handover_channel.rasa.running_bot import look_where_served
from handover_channel.rules.bot_contract import (
    FAILED_RESPONSE,
    HANDOVER_ACTION,
    LISTEN_ACTION,
    RETURN_ACTION,
    RETURNED_INTENT,
    TARGET_ENTITY,
    TARGET_SLOT,
    UNTIL_SLOT,
)
from handover_channel.rules.event_meaning import JUST_RETURNED
from handover_channel.rules.rasa_turn import Turn, next_action
from handover_channel.rules.written_language import language_of

logger = log.logger(__name__)

#: Channels with a gate of their own: no way back reaches a policy there.
GATED_CHANNELS = frozenset({MESSENGER})


class _Untrained(Policy):
    """A policy that learns nothing."""

    @staticmethod
    def supported_data() -> SupportedData:
        """Accept any training data: none is used."""
        return SupportedData.ML_AND_RULE_DATA

    def train(
        self, training_trackers: List[TrackerWithCachedStates], domain: Domain, **kwargs: Any
    ) -> Resource:
        """Learn nothing."""
        return self._resource


@DefaultV1Recipe.register(DefaultV1Recipe.ComponentType.POLICY_WITHOUT_END_TO_END_SUPPORT, is_trainable=True)
class HandoverPolicy(_Untrained):
    """Predict silence, unbeatably, while the bot does not have control."""

    @staticmethod
    def get_default_config() -> Dict[str, Any]:
        """Outrank RulePolicy, so that a tie at full confidence is ours."""
        return {"priority": 10}

    @classmethod
    def load(cls, *given: Any, **named: Any) -> Policy:
        """Load it as Rasa does, and have the bot that it is part of looked at."""
        look_where_served()
        close_the_gates()
        return super().load(*given, **named)

    def predict_action_probabilities(
        self,
        tracker: DialogueStateTracker,
        domain: Domain,
        rule_only_data: Optional[Dict[str, Any]] = None,
        **kwargs: Any,
    ) -> PolicyPrediction:
        """Vote for silence or for the way back, or abstain."""
        votes = self._default_predictions(domain)
        turn = self._turn(tracker, domain)
        given_back = [*restored(tracker, self._gate.requests), *_left_behind(tracker, turn.row)]
        action = next_action(turn) or next_step(tracker, domain, self._gate.requests, HandoverPolicy.__name__)
        if action is None:
            return self._prediction(votes, events=given_back)
        votes[domain.index_for_action(action)] = 1.0
        undone = _undone(tracker, action)
        if undone and turn.row and not turn.gated:
            self._keep_for_agents(tracker)
        # Only a "no user" prediction outranks an active form's next question
        # (rasa.core.policies.ensemble.DefaultPolicyPredictionEnsemble).
        return self._prediction(votes, events=given_back, optional_events=undone, is_no_user_prediction=True)

    def _turn(self, tracker: DialogueStateTracker, domain: Domain) -> Turn:
        message, row = tracker.latest_message, self._row(tracker.sender_id)
        return Turn(
            row=row,
            target=tracker.get_slot(TARGET_SLOT) if TARGET_SLOT in tracker.slots else None,
            intent=message.intent.get("name") if message else None,
            keyword=bool(message and self._gate.keywords.match(message.text or "")),
            gated=tracker.get_latest_input_channel() in GATED_CHANNELS,
            asked=_asked(tracker),
            lost=_lost(tracker) and FAILED_RESPONSE in domain.action_names_or_texts,
            told=_told(tracker) and not tracker.active_loop_name,
            again=_is_behind_a_return(tracker) and self._is_only_a_way_back(message),
            nobody_there=_is_request(tracker, domain, self._gate.requests)
            and self._gate.is_nobody_there(_wanted(tracker, row), tracker.get_latest_input_channel()),
        )

    def _keep_for_agents(self, tracker: DialogueStateTracker) -> None:
        said, channel = tracker.latest_message, tracker.get_latest_input_channel() or ""
        # Rasa writes a text for turns that nobody has said, too: reminders, `trigger_intent`, returns.
        if said is not None and said.text and not _is_said_by_nobody(said):
            at = int(said.timestamp * 1000)
            self._gate.note(tracker.sender_id, channel, said.message_id or "", said.text, at)

    def _row(self, thread: str) -> Optional[bool]:
        try:
            return self._gate.is_muted(thread)
        except StoreUnavailable as error:
            logger.error("thread %s: silent, who has control is not known: %s", thread, error)
            return True

    def _is_only_a_way_back(self, message: Optional[UserUttered]) -> bool:
        if message is None:
            return False
        is_return = message.intent.get("name") == RETURNED_INTENT
        return is_return or self._gate.keywords.is_all_of(message.text or "")

    # On first use: training and `rasa data validate` need no settings.
    @cached_property
    def _gate(self) -> TurnGate:
        return services.turn_gate()


@DefaultV1Recipe.register(DefaultV1Recipe.ComponentType.POLICY_WITHOUT_END_TO_END_SUPPORT, is_trainable=True)
class LanguagePolicy(_Untrained):
    """Keep a slot at the language that the person writes, and predict nothing.

    *slot*: its name, of type text; *scripts*: script -> language, see `language_of`.
    """

    @staticmethod
    def get_default_config() -> Dict[str, Any]:
        """English and Arabic, in the slot `language`."""
        return {"priority": 1, "slot": "language", "scripts": {"ARABIC": "ar", "LATIN": "en"}}

    def predict_action_probabilities(
        self,
        tracker: DialogueStateTracker,
        domain: Domain,
        rule_only_data: Optional[Dict[str, Any]] = None,
        **kwargs: Any,
    ) -> PolicyPrediction:
        """Vote for nothing. The slot is set whoever wins, before the action that has won."""
        slot, said = self.config["slot"], tracker.latest_message
        written = language_of(said.text or "", self.config["scripts"]) if said else None
        is_new = written is not None and slot in tracker.slots and tracker.get_slot(slot) != written
        events: List[Event] = [SlotSet(slot, written)] if is_new else []
        return self._prediction(self._default_predictions(domain), events=events)


def _undone(tracker: DialogueStateTracker, action: str) -> List[Event]:
    """Return what takes a message that is met with silence out of the history, with the slots it filled.

    Rasa fills slots before it asks any policy. The message in whose turn the handover happened stays.
    """
    unanswered = action == LISTEN_ACTION and tracker.latest_action_name == LISTEN_ACTION
    return [UserUtteranceReverted()] if unanswered else []


def _left_behind(tracker: DialogueStateTracker, row: Optional[bool]) -> List[Event]:
    """Return what clears the slots of a handover that ended without the turn of a return: in a crash, say.

    Told by `handover_until`, which nobody else sets: a bot may set `handover_target` before it hands over.
    """
    said = tracker.latest_message
    is_return = said is not None and said.intent.get("name") == RETURNED_INTENT  # its action clears them
    if row is not False or is_return or not _holds(tracker, UNTIL_SLOT):
        return []
    return [SlotSet(slot, None) for slot in (TARGET_SLOT, UNTIL_SLOT) if _holds(tracker, slot)]


def _holds(tracker: DialogueStateTracker, slot: str) -> bool:
    return slot in tracker.slots and tracker.get_slot(slot) is not None


def _is_said_by_nobody(message: UserUttered) -> bool:
    is_external = str(message.text).startswith(EXTERNAL_MESSAGE_PREFIX)
    return is_external or message.intent.get("name") == RETURNED_INTENT


def _lost(tracker: DialogueStateTracker) -> bool:
    latest = tracker.events[-1] if tracker.events else None
    return isinstance(latest, ActionExecuted) and latest.action_name == HANDOVER_ACTION


def _told(tracker: DialogueStateTracker) -> bool:
    """Whether the latest action says that nobody is there, by this policy."""
    for event in reversed(tracker.events):
        if isinstance(event, ActionExecuted):
            ours = event.policy == HandoverPolicy.__name__
            return ours and event.action_name in (FAILED_RESPONSE, HANDOVER_ACTION)
    return False


def _is_request(tracker: DialogueStateTracker, domain: Domain, intents: FrozenSet[str]) -> bool:
    """Whether the latest message asks for people, in a conversation, and was not answered yet.

    The stories of `rasa test` come from no channel: there no clock decides.
    """
    message = tracker.latest_message
    return (
        message is not None
        and message.intent.get("name") in intents
        and tracker.latest_action_name == LISTEN_ACTION
        and tracker.get_latest_input_channel() is not None
        and HANDOVER_ACTION in domain.action_names_or_texts
    )


def _wanted(tracker: DialogueStateTracker, row: Optional[bool]) -> Optional[str]:
    """Return the target that `action_handover` would hand over to, None for the default one."""
    named = next(tracker.get_latest_entity_values(TARGET_ENTITY), None)
    is_set = _holds(tracker, TARGET_SLOT) and not _left_behind(tracker, row)
    return named or (tracker.get_slot(TARGET_SLOT) if is_set else None)


def _is_behind_a_return(tracker: DialogueStateTracker) -> bool:
    """Whether the latest message, not answered yet, was written within seconds of the turn of a return."""
    if tracker.latest_action_name != LISTEN_ACTION:
        return False
    said = (event for event in reversed(tracker.events) if isinstance(event, UserUttered))
    latest, before = next(said, None), next(said, None)  # not all of them: it is asked before each action
    if latest is None or before is None:
        return False
    is_return = before.intent.get("name") == RETURNED_INTENT
    return bool(is_return and latest.timestamp - before.timestamp <= JUST_RETURNED)


def _asked(tracker: DialogueStateTracker) -> bool:
    """Whether this policy has run the return since the latest message."""
    for event in reversed(tracker.events):
        if isinstance(event, UserUttered):
            return False
        if isinstance(event, ActionExecuted) and event.action_name == RETURN_ACTION:
            return bool(event.policy == HandoverPolicy.__name__)
    return False
