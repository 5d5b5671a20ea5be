"""Finds in a tracker's events what an agent wants to know at a handover. No model is asked. No I/O.

What the person wanted: the newest intent before the handover that is no small talk and no request for people,
and their last words. What failed: messages that were not understood, answers that a form did not take,
errors, an earlier handover. What the bot knows: its slots with a value.

*events* are those of a tracker as Rasa writes them down (`Event.as_dict`), Rasa Pro's among them.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any, Container, Dict, Iterable, List, Mapping, Optional, Sequence, Tuple

from handover_channel.inbox.bot_history import said_in
from handover_channel.messenger.bubble import mapping, words
from handover_channel.rules.bot_contract import (
    CLOSED_RESPONSE,
    FAILED_RESPONSE,
    HANDOVER_ACTION,
    SUMMARY_SLOT,
    TARGET_SLOT,
    UNTIL_SLOT,
)
from handover_channel.rules.continuing import SMALL_TALK

_Json = Mapping[str, Any]

#: Newest events that are looked at, slots that are shown, and characters of a value and of last words.
EVENTS_LOOKED_AT, SLOTS_SHOWN, FACT_CHARACTERS = 400, 30, 200
#: So many of the person's last messages are shown.
LAST_MESSAGES = 2

#: What failed: `Failure.kind`. Words for them are in labels.py.
MISUNDERSTOOD, ANSWER_NOT_TAKEN, BROKE, NOBODY_THERE = "not_understood", "not_taken", "broke", "nobody_there"

_FALLBACK_INTENT = "nlu_fallback"
#: Actions, and flows of Rasa Pro's, that mean that something failed.
_ACTIONS = {
    "action_default_fallback": MISUNDERSTOOD,
    FAILED_RESPONSE: NOBODY_THERE,
    CLOSED_RESPONSE: NOBODY_THERE,
}
_FLOWS = {"pattern_cannot_handle": MISUNDERSTOOD, "pattern_internal_error": BROKE}

#: Slots of the machinery.
_NO_FACTS = frozenset({TARGET_SLOT, UNTIL_SLOT, SUMMARY_SLOT, "handover_reason", "requested_slot"})


@dataclass(frozen=True)
class Failure:
    """Something that went wrong while the bot had the conversation."""

    kind: str
    times: int
    about: str = ""  #: name of the form, "" for nothing


@dataclass(frozen=True)
class BotFacts:
    """The bot's knowledge when people took over; while it has control, the present one."""

    intent: str = ""  #: what the person wanted; "" where that is not known
    words: Tuple[str, ...] = ()  #: what they said last, oldest first
    form: str = ""  #: the form in whose middle it happened
    asked: str = ""  #: the slot that it asked for
    failures: Tuple[Failure, ...] = ()
    slots: Mapping[str, str] = field(default_factory=dict)  #: with a value, in words
    since: float = 0.0  #: time of the first event that is known; 0: none is

    @property
    def is_empty(self) -> bool:
        """Tell whether there is nothing to show on a card."""
        return not (self.intent or self.words or self.form or self.failures or self.slots)


def facts_of(
    events: Sequence[_Json], slots: Mapping[str, Any], *, nothing: Container[str], without: Container[str]
) -> BotFacts:
    """Return what is known. *nothing*: intents that say nothing about what is wanted; *without*: slots."""
    before = _before_the_handover(events[-EVENTS_LOOKED_AT:])
    return BotFacts(
        intent=_wanted(before, nothing),
        words=_last_words(before),
        **_open_form(before),
        failures=tuple(_failures(before)),
        slots=_known(slots, without),
        since=_time(events[0]) if events else 0.0,
    )


def _before_the_handover(events: Sequence[_Json]) -> Sequence[_Json]:
    """Return the events of the newest session up to its last handover, all where there was none."""
    begins = [number for number, each in enumerate(events) if each.get("event") == "session_started"]
    latest = events[begins[-1] :] if begins else events
    for number in range(len(latest) - 1, -1, -1):
        if latest[number].get("event") == "action" and latest[number].get("name") == HANDOVER_ACTION:
            return latest[:number]
    return latest


def _wanted(events: Sequence[_Json], nothing: Container[str]) -> str:
    for event in reversed(events):
        name = words(_intent(event))
        if name and name not in nothing and name != _FALLBACK_INTENT and name.lower() not in SMALL_TALK:
            return name
    return ""


def _intent(event: _Json) -> Any:
    if event.get("event") != "user":
        return None
    return mapping(mapping(event.get("parse_data")).get("intent")).get("name")


def _last_words(events: Sequence[_Json]) -> Tuple[str, ...]:
    said = [each.text for each in said_in(events) if each.speaker == "person" and each.text.strip()]
    return tuple(_short(each) for each in said[-LAST_MESSAGES:])


def _open_form(events: Sequence[_Json]) -> Dict[str, str]:
    loops = [each.get("name") for each in events if each.get("event") == "active_loop"]
    asked = [
        each.get("value")
        for each in events
        if each.get("event") == "slot" and each.get("name") == "requested_slot"
    ]
    form = words(loops[-1]) if loops else ""
    return {"form": form, "asked": words(asked[-1]) if form and asked else ""}


def _failures(events: Iterable[_Json]) -> List[Failure]:
    counts: Dict[Tuple[str, str], int] = {}

    def add(kind: Optional[str], about: str = "") -> None:
        if kind is not None:
            counts[kind, about] = counts.get((kind, about), 0) + 1

    not_understood = 0  # a message that is answered by a fallback is one failure, not two
    for event in events:
        kind = event.get("event")
        if kind == "user" and _intent(event) == _FALLBACK_INTENT:
            not_understood += 1
        elif kind == "action":
            add(_ACTIONS.get(words(event.get("name"))))
        elif kind == "flow_started":
            add(_FLOWS.get(words(event.get("flow_id"))))
        elif kind == "action_execution_rejected":
            add(ANSWER_NOT_TAKEN, words(event.get("name")))
    if not_understood:
        counts[MISUNDERSTOOD, ""] = max(not_understood, counts.get((MISUNDERSTOOD, ""), 0))
    return [Failure(kind, times, about) for (kind, about), times in counts.items()]


def _known(slots: Mapping[str, Any], without: Container[str]) -> Dict[str, str]:
    found = {
        str(name): _in_words(value)
        for name, value in slots.items()
        if name not in _NO_FACTS and name not in without and value not in (None, "", [], {})
    }
    return {name: text for name, text in list(found.items())[:SLOTS_SHOWN] if text}


def _in_words(value: Any) -> str:
    if isinstance(value, str):
        return _short(value)
    if isinstance(value, (bool, int, float)):
        return str(value)
    if isinstance(value, (list, tuple)) and all(isinstance(each, (str, int, float)) for each in value):
        return _short(", ".join(map(str, value)))
    return _short(json.dumps(value, ensure_ascii=False, default=str))


def _short(text: str) -> str:
    plain = " ".join(text.split())
    return plain if len(plain) <= FACT_CHARACTERS else f"{plain[: FACT_CHARACTERS - 1]}…"


def _time(event: _Json) -> float:
    given = event.get("timestamp")
    return float(given) if isinstance(given, (int, float)) and 0 < given < 1e11 else 0.0
