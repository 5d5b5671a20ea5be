"""Makes the turns that nobody has written: that of a return, and that of what a message asks beside it.

They are marked, so that the door (door.py) does not take them for what the person says.
"""

from __future__ import annotations

from typing import Any, Dict, Mapping, Optional

from rasa.core.channels.channel import UserMessage
from rasa.shared.constants import DEFAULT_NLU_FALLBACK_INTENT_NAME

from handover_channel.rules.bot_contract import COMMANDS, PAYLOAD_PREFIX

#: What is understood of a message without words. Not asked of NLU: classifiers fail on it.
_NO_WORDS: Mapping[str, Any] = {
    "intent": {"name": None, "confidence": 0.0},
    "intent_ranking": [],
    "entities": [],
}


#: Commands of Rasa Pro's that say that the bot has nothing to do (`rasa.dialogue_understanding.commands`).
_OF_NO_MEANING = frozenset({"cannot handle", "chitchat", "error", "noop"})


class OwnTurn(UserMessage):  # type: ignore[misc]
    """A message for Rasa whose thread has been looked at by whoever made it."""


def words_of(text: str, *, typed: bool, limit: Optional[int]) -> str:
    """Return what NLU gets of a text, "" for nothing: of a payload that names an intent, all."""
    if not typed and text.startswith(PAYLOAD_PREFIX):
        return text
    return (text.lstrip(f"{PAYLOAD_PREFIX} ") if typed else text)[:limit]


async def understood(processor: Any, thread: str, text: str, words: str) -> Dict[str, Any]:
    """Return what the NLU of Rasa's *processor* (None: of nobody) makes of *words*, as of *text* in *thread*.

    With the tracker: Rasa Pro's command generators understand nothing without the conversation.
    """
    if processor is None or not words:
        return {**_NO_WORDS, "text": text}
    tracker = await processor.get_tracker(thread)
    found: Dict[str, Any] = await processor.parse_message(UserMessage(words, sender_id=thread), tracker)
    return {**found, "text": text}


def is_understood(parse_data: Mapping[str, Any]) -> bool:
    """Tell whether it means something, to NLU or to an LLM: "please", "take me" do not."""
    commands = {str(each.get("command")) for each in parse_data.get(COMMANDS) or ()}
    is_intent = parse_data["intent"].get("name") not in (None, DEFAULT_NLU_FALLBACK_INTENT_NAME)
    return is_intent or bool(commands - _OF_NO_MEANING)
