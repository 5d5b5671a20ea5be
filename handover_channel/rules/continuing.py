"""Decides with what an agent may have the bot go on after a return, and how that is called. No I/O.

1. The intents that the developer has named are offered, in that order, under those names
   (`inbox.continue_with`).
2. If nothing is set, every intent of the bot that is a subject is offered: not one that only answers a
   question or makes small talk. Its name is that of the intent, in words.
3. Of a CALM bot its flows are offered, by their descriptions: an intent starts nothing there.
"""

from __future__ import annotations

from types import MappingProxyType
from typing import Iterable, Mapping, Optional

from handover_channel.rules.languages import LANGUAGES

#: Name of an intent -> language -> what agents read.
Named = Mapping[str, Mapping[str, str]]

#: Characters of a flow's description that agents read: some are written for an LLM, and long.
LONGEST_DESCRIPTION = 90

#: Intents that are nothing to go on with, as Rasa's own examples and many bots call them.
SMALL_TALK = frozenset(
    {
        *("greet", "greeting", "hello", "hi", "goodbye", "bye", "thank", "thanks", "thank_you", "thankyou"),
        *("affirm", "deny", "yes", "no", "agree", "disagree", "confirm", "cancel", "stop", "inform"),
        *("mood_great", "mood_unhappy", "chitchat", "small_talk", "smalltalk", "bot_challenge"),
        *("out_of_scope", "fallback", "default_fallback", "get_started", "start", "help", "repeat"),
    }
)


def choices(
    intents: Iterable[str], named: Optional[Named], flows: Mapping[str, str] = MappingProxyType({})
) -> Named:
    """Return what agents may choose, in order.

    *intents*: the bot's; *named*: as set, None for not set; *flows*: id -> description, of a CALM bot.
    """
    known = list(intents)
    if named is not None:
        return {name: names for name, names in named.items() if name in known or name in flows}
    if flows:
        return {flow: _described(flow, flows[flow]) for flow in flows}
    return {intent: in_words(intent) for intent in known if intent.lower() not in SMALL_TALK}


def _described(flow: str, description: str) -> Mapping[str, str]:
    text = " ".join(description.split())
    if not text:
        return in_words(flow)
    is_long = len(text) > LONGEST_DESCRIPTION
    return dict.fromkeys(LANGUAGES, f"{text[: LONGEST_DESCRIPTION - 1].rstrip()}…" if is_long else text)


def in_words(intent: str) -> Mapping[str, str]:
    """Return the name of an intent as words: "ask_hours" is "Ask hours" in every language."""
    words = " ".join(intent.replace("_", " ").replace("-", " ").replace("/", ": ").split())
    name = words[:1].upper() + words[1:] if words else intent
    return dict.fromkeys(LANGUAGES, name)
