"""Checks what the bot says and knows after a return: its texts name the bot, and its note has a slot.

People have to be told that they talk to an AI, in the European Union since 2 August 2026; after a human part
they would take the next words for the colleague's. A word that names a bot is looked for, in the languages of
project_setup/phrases.py: what is found is a note, never an error, as a text may say it in other words.
https://artificialintelligenceact.eu/article/50/
"""

from __future__ import annotations

import re
import unicodedata
from typing import Any, Iterator, List, Mapping, Tuple

from handover_channel.doctor import bot_files
from handover_channel.doctor.check import Check, CouldNotLook, Found, ok, warn
from handover_channel.doctor.facts import Facts
from handover_channel.doctor.model import UnreadableModel
from handover_channel.doctor.report import Where
from handover_channel.rules.bot_contract import RETURNED_RESPONSE, SUMMARY_SLOT
from handover_channel.sentences import Sentence

#: Words that name a bot, folded; and as they are written: "j'ai" is none of them.
_NAMES_A_BOT, _AI = re.compile(r"bot|بوت|automat|otomatik|virtual|virtuel"), re.compile(r"\b(AI|KI|IA|YZ)\b")

#: Characters of a text that are shown.
_SHOWN_OF_A_TEXT = 60


def names_a_bot(text: str) -> bool:
    """Tell whether a word of *text* names a bot."""
    return bool(_NAMES_A_BOT.search(_folded(text)) or _AI.search(text))


def _folded(text: str) -> str:
    plain = unicodedata.normalize("NFKD", text.casefold())
    return "".join(each for each in plain if not unicodedata.combining(each))


def _texts(domain: Mapping[str, Any]) -> List[str]:
    responses = domain.get("responses")
    variations = responses.get(RETURNED_RESPONSE) if isinstance(responses, dict) else None
    found = [each.get("text") for each in variations or () if isinstance(each, dict)]
    return [each for each in found if isinstance(each, str) and each.strip()]


def _disclosed(facts: Facts) -> Iterator[Found]:
    try:
        texts = _texts(bot_files.model_of(facts).domain)
    except UnreadableModel:
        raise CouldNotLook(
            Sentence("the model cannot be read"), Sentence("see the check `model.there`")
        ) from None
    silent = [each for each in texts if not names_a_bot(each)]
    if silent:
        first = " ".join(silent[0].split())
        yield warn(
            Sentence(
                "no word of %(response)s names a bot: %(text)s",
                response=RETURNED_RESPONSE,
                text=first if len(first) <= _SHOWN_OF_A_TEXT else f"{first[:_SHOWN_OF_A_TEXT]}…",
            ),
            Sentence(
                "people take it for the colleague's words; Article 50(1) of the EU's AI Act asks for it"
            ),
            Sentence("name the bot there, as in: The bot is back. How can I help?"),
            Where("domain.yml"),
        )
    elif texts:
        yield ok(Sentence("%(response)s names the bot", response=RETURNED_RESPONSE))


def _has_slot(facts: Facts) -> Iterator[Found]:
    if SUMMARY_SLOT not in bot_files.bot_of(facts).slots:
        yield warn(
            Sentence("`summary` is on in handover.yml, and the domain lacks %(slot)s", slot=SUMMARY_SLOT),
            Sentence("the bot is not told how the human part ended"),
            Sentence("add it, and train (`handover init` does both)"),
            Where("domain.yml"),
        )


def _wants_summary(facts: Facts) -> bool:
    return facts.settings.summary.is_wanted and not bot_files.model_server(facts)


def _has_own_models(facts: Facts) -> bool:
    return not bot_files.model_server(facts)


CHECKS: Tuple[Check, ...] = (
    Check(
        "model.names_the_bot",
        Sentence("What the bot says at a return names it a bot"),
        _disclosed,
        applies=_has_own_models,
        at_start=False,
    ),
    Check(
        "model.summary",
        Sentence("The note of the human part has its slot"),
        _has_slot,
        applies=_wants_summary,
        at_start=False,
    ),
)
