"""Recognises how a bot handed over so far: its intents that ask for people, its actions. No I/O."""

from __future__ import annotations

import re
from typing import Container, FrozenSet, Iterable, Tuple

from handover_channel.rules.bot_contract import (
    HANDOVER_ACTION,
    HANDOVER_INTENT,
    RETURN_ACTION,
    RETURNED_INTENT,
)

#: Words that alone say it.
_HANDING_OVER = frozenset({"handoff", "handover", "escalate"})
#: Whom people ask for.
_PEOPLE = frozenset(
    {
        *("human", "humans", "agent", "person", "people", "representative", "advisor", "adviser", "somebody"),
        *("someone", "staff", "employee", "livechat"),
    }
)
#: How they ask.
_ASKING = frozenset(
    {
        *("talk", "speak", "chat", "ask", "request", "contact", "connect", "transfer", "want", "need", "get"),
        *("call", "live", "real", "speaking", "talking"),
    }
)
#: What stands between them.
_LITTLE = frozenset(
    {
        *(
            "to",
            "a",
            "an",
            "the",
            "with",
            "for",
            "me",
            "some",
            "my",
            "customer",
            "support",
            "service",
            "care",
        ),
        *("bot", "chat", "please", "intent", "team"),
    }
)


def intents(names: Iterable[str], said: Container[str]) -> Tuple[str, ...]:
    """Return those of a bot's intents by which people ask for people; ours alone where it is there.

    *said*: the intents that have examples. One without any is no request: another program triggers it.
    """
    found = tuple(each for each in names if each != RETURNED_INTENT and _is_asking(_words(each)))
    return (HANDOVER_INTENT,) if HANDOVER_INTENT in found else tuple(each for each in found if each in said)


def actions(names: Iterable[str]) -> Tuple[str, ...]:
    """Return those of a bot's actions that fetch people."""
    own = [
        each for each in names if each.startswith("action_") and each not in (HANDOVER_ACTION, RETURN_ACTION)
    ]
    return tuple(each for each in own if _is_handing_over(_words(each) - {"action"}))


def _is_asking(words: FrozenSet[str]) -> bool:
    people, rest = words & _PEOPLE, words - _PEOPLE - _LITTLE
    return _is_handing_over(words) or bool(people and rest <= _ASKING)


def _is_handing_over(words: FrozenSet[str]) -> bool:
    return bool(words & _HANDING_OVER) and words <= _HANDING_OVER | _PEOPLE | _ASKING | _LITTLE


def _words(name: str) -> FrozenSet[str]:
    parts = re.sub(r"(?<=[a-z])(?=[A-Z])", "_", name).lower()
    joined = re.sub(r"hand[_-](off|over)", r"hand\1", parts)
    return frozenset(re.split(r"[^a-z0-9]+", joined)) - {""}
