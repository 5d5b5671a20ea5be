"""Tests what the example bot's files promise each other and the package."""

from __future__ import annotations

import itertools
import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from handover_channel.messenger.return_button import BUTTON_PAYLOAD
from handover_channel.rules.return_reasons import ReturnReason

ROOT = Path(__file__).parents[2]


def _read(name: str) -> Any:
    return yaml.safe_load((ROOT / name).read_text(encoding="utf-8"))


DOMAIN, NLU, HANDOVER = _read("domain.yml"), _read("data/nlu.yml")["nlu"], _read("handover.yml")


def test_the_button_of_the_notice_has_the_fixed_payload_once_rasa_has_filled_it_in():
    payloads = [
        button["payload"] for notice in DOMAIN["responses"]["utter_handover"] for button in notice["buttons"]
    ]

    # What Rasa's NLG does with text in which no single pair of braces is a slot.
    assert {payload.format() for payload in payloads} == {BUTTON_PAYLOAD}


def test_the_names_people_use_lead_to_targets_of_handover_yml():
    names = {item["synonym"] for item in NLU if "synonym" in item}

    assert names
    assert names <= set(HANDOVER["targets"])


def test_every_name_that_is_looked_up_is_a_target_or_a_synonym_of_one():
    synonyms = {name for item in NLU if "synonym" in item for name in item["examples"].splitlines()}
    lookups = {name for item in NLU if "lookup" in item for name in item["examples"].splitlines()}

    assert {name[2:] for name in lookups - synonyms} <= set(HANDOVER["targets"])
    assert synonyms <= lookups


def test_every_reason_that_is_answered_differently_is_a_reason():
    answers = DOMAIN["responses"]["utter_handover_returned"]
    slots = [slot for answer in answers for slot in answer.get("condition", ())]
    reasons = {slot["value"] for slot in slots if slot["name"] == "handover_reason"}

    assert reasons
    assert reasons <= {reason.value for reason in ReturnReason}
    assert any("condition" not in answer for answer in answers)


def test_no_handover_slot_influences_the_conversation():
    slots = [slot for name, slot in DOMAIN["slots"].items() if name.startswith("handover_")]

    assert len(slots) == 4
    assert not any(slot["influence_conversation"] for slot in slots)


def test_mentioning_a_target_is_no_handover():
    assert DOMAIN["slots"]["handover_target"]["mappings"] == [{"type": "custom"}]


# --- one language in a bubble -----------------------------------------------------------------------

LANGUAGES = ("en", "ar")
ARABIC, LATIN = re.compile("[\u0620-\u064a]"), re.compile("[A-Za-z]")
VARIATIONS = [(name, each) for name, found in DOMAIN["responses"].items() for each in found]


def words_in(variation):
    titles = [each["title"] for kind in ("buttons", "quick_replies") for each in variation.get(kind, ())]
    return re.sub(r"\{\w+\}", "", " ".join([variation["text"], *titles]))


def holds(variation, slots):
    return all(slots.get(each["name"]) == each["value"] for each in variation.get("condition", ()))


def shown(name, slots):
    """The variations that Rasa picks from: those whose conditions hold, else those without one."""
    found = DOMAIN["responses"][name]
    chosen = [each for each in found if "condition" in each and holds(each, slots)]
    return chosen or [each for each in found if "condition" not in each]


@pytest.mark.parametrize(("name", "variation"), VARIATIONS)
def test_no_bubble_is_in_two_languages(name, variation):
    assert not (ARABIC.search(words_in(variation)) and LATIN.search(words_in(variation)))


@pytest.mark.parametrize("name", DOMAIN["responses"])
@pytest.mark.parametrize("language", LANGUAGES)
def test_whatever_the_bot_says_is_in_the_language_of_the_person_and_is_one_text(name, language):
    reasons = [reason.value for reason in ReturnReason]
    for reason, state in itertools.product(reasons, [None, "on_its_way", "packed", "delivered"]):
        slots = {"language": language, "handover_reason": reason, "order_state": state}
        (variation,) = shown(name, slots)

        written = (ARABIC if language == "ar" else LATIN).search(words_in(variation))
        assert written, (slots, variation)


def test_the_titles_of_the_button_are_those_of_handover_yml():
    titles = {
        button["title"] for notice in DOMAIN["responses"]["utter_handover"] for button in notice["buttons"]
    }

    assert titles == set(HANDOVER["return"]["button"])
    assert max(map(len, titles)) <= 20
