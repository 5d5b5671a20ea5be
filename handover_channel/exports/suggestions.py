"""Collects what people wrote that a bot could learn from, out of Rasa's conversations.

1. *Said before*: the last thing somebody typed before asking for people, or that made the bot hand over.
2. *Not understood*: what Rasa's NLU or its policies had no answer for. What is both is this one.
3. Left out: taps on buttons, what was said while the bot did not have control, and what was said in a form:
   that is a value, mostly a personal one, and no intent.
4. Personal data is masked before anything is kept. What differs in case, accents and punctuation alone is one
   example; the most frequent come first. Memory is bounded, however many conversations there are.

https://rasa.com/docs/rasa/fallback-handoff: what Rasa does with what it does not understand.
"""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from dataclasses import dataclass
from typing import Any, Collection, Dict, Iterable, Iterator, List, Mapping, NamedTuple, Optional

from handover_channel.exports.masking import LABELS, LONGEST_MASKED, Masker
from handover_channel.rules.bot_contract import (
    HANDOVER_ACTION,
    PAYLOAD_PREFIX,
    SESSION_START_ACTION,
    TARGET_SLOT,
)
from handover_channel.rules.keywords import fold
from handover_channel.store.exported import Wanted

#: Seconds between a message and the request for people that it may have been the reason of.
JUST_BEFORE = 1800.0

#: Examples of a kind that are kept, and characters of one: an example is a sentence or two.
MOST_EXAMPLES, LONGEST_EXAMPLE = 10_000, 200

#: Rasa's names for what it did not understand.
_FALLBACK_INTENT, _FALLBACK_ACTION = "nlu_fallback", "action_default_fallback"
#: Begins what a program had the bot believe that somebody said (`trigger_intent`).
_EXTERNAL = "EXTERNAL: "

#: Where Rasa sees the begin of an annotation; there is no way to escape one.
#: rasa/shared/nlu/training_data/entities_parser.py, ENTITY_REGEX, in 3.6.21
_ANNOTATION = re.compile(r"\](?=[(\[{])")

#: What joins letters in Persian and in emoji: all other signs without a width go.
_JOINERS = frozenset("\u200c\u200d")


class Found(NamedTuple):
    """A message of a person's that is worth a look."""

    text: str
    at: float
    is_understood: bool


@dataclass
class _Said:
    text: str
    at: float
    is_told: bool = False


class Suggestions:
    """Keeps examples of both kinds, with how often each was said."""

    def __init__(self, masker: Masker, intents: Collection[str], wanted: Wanted = Wanted()) -> None:  # noqa: B008
        self._masker, self._intents, self._wanted = masker, intents, wanted
        self._counts: Dict[bool, Counter[str]] = {True: Counter(), False: Counter()}
        self._texts: Dict[str, str] = {}
        self.left_out = 0  #: examples beyond MOST_EXAMPLES

    def read(self, events: Iterable[Mapping[str, Any]], name: str = "") -> None:
        """Take what is worth it from a conversation of Rasa's. *name*: the person's, "" for unknown."""
        for found in worth_a_look(events, self._intents):
            if self._wanted.has(found.at):
                self._keep(example(found.text, self._masker, name), found.is_understood)

    def said_before(self) -> List[str]:
        """Return the examples of rule 1, the most frequent first."""
        unknown = self._counts[False]
        return self._sorted({key: n for key, n in self._counts[True].items() if key not in unknown})

    def not_understood(self) -> List[str]:
        """Return the examples of rule 2, the most frequent first."""
        return self._sorted(self._counts[False])

    def _keep(self, text: str, is_understood: bool) -> None:
        key = " ".join(re.findall(r"\w+", fold(text)))
        counts = self._counts[is_understood]
        if not set(re.findall(r"\w+", text)) - set(LABELS):
            return  # nothing is left of it
        if key not in counts and len(counts) >= MOST_EXAMPLES:
            self.left_out += 1
            return
        counts[key] += 1
        self._texts.setdefault(key, text)

    def _sorted(self, counts: Mapping[str, int]) -> List[str]:
        order = sorted(counts.items(), key=lambda each: (-each[1], each[0]))
        return [self._texts[key] for key, _ in order]


def worth_a_look(events: Iterable[Mapping[str, Any]], intents: Collection[str]) -> Iterator[Found]:
    """Yield what was said before a handover and what was not understood, as it was typed.

    *events*: of one conversation, as Rasa's `as_dict`; *intents*: by which people ask for people.
    """
    reader = _Reader(intents)
    for event in events:
        yield from reader.read(event)


class _Reader:
    """Reads the events of one conversation in their order."""

    def __init__(self, intents: Collection[str]) -> None:
        self._intents = intents
        self._latest: Optional[_Said] = None
        self._is_muted = self._is_in_form = False

    def read(self, event: Mapping[str, Any]) -> Iterator[Found]:
        kind = event.get("event")
        if kind == "user":
            yield from self._user(event)
        elif kind == "action":
            yield from self._action(str(event.get("name")))
        elif kind == "slot" and event.get("name") == TARGET_SLOT:
            self._is_muted, self._latest = event.get("value") is not None, None
        elif kind == "active_loop":
            self._is_in_form = event.get("name") is not None
        elif kind in ("restart", "session_started"):
            self._is_in_form, self._latest = False, None

    def _user(self, event: Mapping[str, Any]) -> Iterator[Found]:
        at, intent = _time(event), _intent(event)
        if intent in self._intents:
            yield from self._before(at)
            return
        text = _typed(event)
        silent = self._is_muted or self._is_in_form
        self._latest = None if silent or not text else _Said(text, at)
        if intent == _FALLBACK_INTENT:
            yield from self._unknown()

    def _action(self, name: str) -> Iterator[Found]:
        if name == _FALLBACK_ACTION:
            yield from self._unknown()
        elif name == HANDOVER_ACTION and self._latest:
            yield from self._before(self._latest.at)
        elif name == SESSION_START_ACTION:
            self._latest = None

    def _before(self, at: float) -> Iterator[Found]:
        said, self._latest = self._latest, None
        if said and 0 <= at - said.at <= JUST_BEFORE:
            yield Found(said.text, said.at, is_understood=True)

    def _unknown(self) -> Iterator[Found]:
        if self._latest and not self._latest.is_told:
            self._latest.is_told = True
            yield Found(self._latest.text, self._latest.at, is_understood=False)


def example(text: str, masker: Masker, name: str = "") -> str:
    """Return *text* as a training example: one line, masked, nothing that Rasa reads as an annotation."""
    masked = masker.mask(_one_line(text[:LONGEST_MASKED]), name)
    return _ANNOTATION.sub("] ", _shortened(masked)).strip()


def _one_line(text: str) -> str:
    """Return *text* without line breaks, control characters and signs that have no width."""
    kept = (_plain(sign) for sign in unicodedata.normalize("NFC", text))
    return " ".join("".join(kept).split())


def _plain(sign: str) -> str:
    if sign.isspace() or sign in _JOINERS:
        return " " if sign.isspace() else sign
    category = unicodedata.category(sign)
    if category == "Cc":
        return " "
    return "" if category[0] == "C" else sign


def _shortened(text: str) -> str:
    if len(text) <= LONGEST_EXAMPLE:
        return text
    begin, space, _ = text[: LONGEST_EXAMPLE + 1].rpartition(" ")
    return begin if space else text[:LONGEST_EXAMPLE]


def _typed(event: Mapping[str, Any]) -> str:
    """Return what the person typed, "" for a tap and for what a program said."""
    text = event.get("text")
    is_typed = isinstance(text, str) and not text.lstrip().startswith((PAYLOAD_PREFIX, _EXTERNAL))
    return str(text) if is_typed else ""


def _intent(event: Mapping[str, Any]) -> str:
    found: Any = (event.get("parse_data") or {}).get("intent") or {}
    return str(found.get("name") or "")


def _time(event: Mapping[str, Any]) -> float:
    at = event.get("timestamp")
    return float(at) if isinstance(at, (int, float)) else 0.0
