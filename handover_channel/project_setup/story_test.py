"""Writes a first test of the handover for `rasa test`. No I/O."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Mapping, Tuple

from handover_channel.project_setup import yaml_edits
from handover_channel.project_setup.phrases import PHRASES_OF_LANGUAGE
from handover_channel.project_setup.project import STORY_TEST, Choices, Planned
from handover_channel.project_setup.training_data import Facts as TrainingFacts
from handover_channel.rules.bot_contract import (
    HANDOVER_ACTION,
    HANDOVER_INTENT,
    HANDOVER_RESPONSE,
    PAYLOAD_PREFIX,
    RETURN_ACTION,
    RETURNED_INTENT,
    RETURNED_RESPONSE,
    returned_payload,
)
from handover_channel.rules.return_reasons import ReturnReason


@dataclass(frozen=True)
class Facts:
    """What matters in the bot's own tests."""

    is_there: bool


def look(texts: Mapping[str, str]) -> Facts:
    """Find whether a test of ours is there, or one that hands over."""
    return Facts(STORY_TEST in texts or any(HANDOVER_ACTION in text for text in texts.values()))


def plan(facts: Facts, choices: Choices, training: TrainingFacts) -> Planned:
    """Write the test: a person asks for people, and comes back by the button."""
    if facts.is_there:
        return Planned()
    intent = choices.intents[0]
    said = _said(intent, choices.languages[0], training)
    asking = _steps(said, intent, (HANDOVER_RESPONSE, HANDOVER_ACTION))
    payload = returned_payload(ReturnReason.BUTTON.value)
    returning = _steps(payload, RETURNED_INTENT, (RETURN_ACTION, RETURNED_RESPONSE))
    lines = [
        "# Run by rasa test. No action runs in it: who has control is not looked up.",
        *yaml_edits.block({"version": "3.1"}),
        "",
        "stories:",
        "  - story: a person asks for people",
        "    steps:",
        *asking,
        "",
        "  - story: a person comes back to the bot",
        "    steps:",
        *asking,
        *returning,
    ]
    return Planned(created={STORY_TEST: "".join(f"{line}\n" for line in lines)})


def _said(intent: str, language: str, training: TrainingFacts) -> str:
    """Return what surely means the intent: an example, without entities, or else its name."""
    own = training.marked.get(intent, ())
    plain = [each for each in own if not set("[]{}") & set(each)]
    if plain:
        return plain[0]
    kept = (
        [] if own else [each for each in PHRASES_OF_LANGUAGE[language].examples if each not in _all(training)]
    )
    return kept[0] if kept and intent == HANDOVER_INTENT else PAYLOAD_PREFIX + intent


def _all(training: TrainingFacts) -> Tuple[str, ...]:
    return tuple(each for examples in training.examples.values() for each in examples)


def _steps(said: str, intent: str, actions: Tuple[str, ...]) -> Tuple[str, ...]:
    head = ("      - user: |", f"          {said}", f"        intent: {intent}")
    return (*head, *(f"      - action: {each}" for each in actions))
