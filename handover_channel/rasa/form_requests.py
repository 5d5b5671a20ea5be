"""Finds a request for people, or the turn of a return, that Rasa took for the answer to a bot's question.

A slot with the mapping `from_text` takes whatever the person writes, unless its mapping names the intent
under `not_intent`: "I want to talk to a human" became the order number. Rasa fills slots before it asks any
policy, so the slot gets back what it held. A form that has its answer asks the next question, so what the
message asks for comes from here: the steps that the bot's rule has outside forms.

1. Only a value that is the text of the message itself is taken out: an entity in a request stays.
2. A form that has not taken the message rejects it by itself, and the bot's rules go on.
3. The form goes on afterwards: it asks again for the slot that is empty.
"""

from __future__ import annotations

from typing import Any, Collection, Dict, List, Optional, Tuple

from rasa.shared.core.constants import REQUESTED_SLOT
from rasa.shared.core.domain import Domain
from rasa.shared.core.events import ActionExecuted, Event, SlotSet, UserUttered
from rasa.shared.core.trackers import DialogueStateTracker

from handover_channel.rules.bot_contract import (
    HANDOVER_ACTION,
    HANDOVER_RESPONSE,
    RETURN_ACTION,
    RETURNED_INTENT,
    RETURNED_RESPONSE,
)

REQUEST_STEPS = (HANDOVER_RESPONSE, HANDOVER_ACTION)
RETURN_STEPS = (RETURN_ACTION, RETURNED_RESPONSE)


def restored(tracker: DialogueStateTracker, requests: Collection[str]) -> List[Event]:
    """Return what gives the slots back that hold the text of a request or of a return.

    *requests*: the intents by which people ask for people.
    """
    message = tracker.latest_message
    if message is None or not _steps(message, requests):
        return []
    filled = [name for name in _filled(tracker) if tracker.get_slot(name) == message.text]
    before = _values_before(tracker, filled) if filled else {}
    return [SlotSet(name, before[name]) for name in filled]


def next_step(
    tracker: DialogueStateTracker, domain: Domain, requests: Collection[str], policy: str
) -> Optional[str]:
    """Return what comes next for a message that the active form took for its answer, None where nothing does.

    *policy*: the name under which Rasa notes the actions that were predicted here.
    """
    message = tracker.latest_message
    if message is None or not tracker.active_loop_name:
        return None
    if tracker.get_slot(REQUESTED_SLOT) not in _filled(tracker):
        return None
    steps = [each for each in _steps(message, requests) if each in domain.action_names_or_texts]
    done = [name for name in _done(tracker, policy) if name in steps]
    left = steps[steps.index(done[-1]) + 1 :] if done else steps
    return next(iter(left), None)


def _steps(message: UserUttered, requests: Collection[str]) -> Tuple[str, ...]:
    intent = message.intent.get("name")
    if intent == RETURNED_INTENT:
        return RETURN_STEPS
    return REQUEST_STEPS if intent in requests else ()


def _filled(tracker: DialogueStateTracker) -> List[str]:
    """Return the slots that the latest message has filled with its own text."""
    message = tracker.latest_message
    found: List[str] = []
    for event in reversed(tracker.events):
        if isinstance(event, UserUttered):
            break
        if isinstance(event, SlotSet) and message is not None and event.value == message.text:
            found.append(event.key)
    return found


def _values_before(tracker: DialogueStateTracker, names: Collection[str]) -> Dict[str, Any]:
    """Return what these slots held when the latest message came."""
    latest = max(at for at, event in enumerate(tracker.events) if isinstance(event, UserUttered))
    before = tracker.init_copy()
    before.update_with_events(list(tracker.events)[:latest], None)
    return {name: before.get_slot(name) for name in names}


def _done(tracker: DialogueStateTracker, policy: str) -> List[str]:
    """Return the actions that this policy has had run since the latest message, oldest first."""
    found: List[str] = []
    for event in reversed(tracker.events):
        if isinstance(event, UserUttered):
            break
        if isinstance(event, ActionExecuted) and event.policy == policy and event.action_name:
            found.insert(0, event.action_name)
    return found
