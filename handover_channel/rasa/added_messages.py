"""Holds what a program adds by `POST /conversations/ID/messages` while the bot does not have control.

The door (door.py) for Rasa's HTTP API. That route logs a person's words in the tracker and runs no turn:
`MessageProcessor.log_message`, `run_action_extract_slots`, `save_tracker` (rasa.server, `add_message`; Rasa
3.6.21 as Rasa Pro), behind Rasa's lock, which it takes itself.

1. Muted: the words are written down for the agents, and the caller gets the tracker as it was. Nothing is
   understood, no slot is filled, nothing is saved.
2. The call names no channel: the message counts as one of the channel that the thread is on. But not on
   Messenger, where people's words come from Meta alone.
3. A way back: the message of a return stands in the tracker in its place, and the program goes on as after
   any message, by `predict` and `execute`. The rest of the message is with the agents' transcript alone.
4. If the store cannot be asked StoreUnavailable is raised: Rasa answers 500.
"""

from __future__ import annotations

from typing import Any, Awaitable, Callable

from rasa.core.channels.channel import UserMessage
from rasa.shared.core.trackers import DialogueStateTracker

from handover_channel.rasa.door import expect_words, hear, turn_of_return, was_let_in
from handover_channel.rasa.own_turns import OwnTurn
from handover_channel.rasa.replaced_methods import replace_in_processors

_Log = Callable[..., Awaitable[DialogueStateTracker]]

#: On a tracker that nothing may be done with.
_HELD_MARK = "_handover_held"


def hold_added_messages() -> None:
    """Have every processor of this process ask before it logs a message. Harmless to repeat."""
    replace_in_processors("log_message", _asking_first)
    replace_in_processors("run_action_extract_slots", _unless_held)
    replace_in_processors("save_tracker", _unless_held)


def _asking_first(log_it: _Log) -> _Log:
    async def log_message(processor: Any, message: UserMessage, *given: Any, **named: Any) -> Any:
        if isinstance(message, OwnTurn) or was_let_in(message):
            return await log_it(processor, message, *given, **named)
        heard = await hear(message, message.input_channel or "")
        if heard.by_bot:
            return await log_it(processor, message, *given, **named)
        if heard.returned is None:
            return await _as_it_was(processor, message.sender_id)
        await expect_words(processor, message.sender_id)
        return await log_it(
            processor, await turn_of_return(processor, message, heard.returned), *given, **named
        )

    return log_message


async def _as_it_was(processor: Any, thread: str) -> DialogueStateTracker:
    store = processor.tracker_store
    tracker = await store.retrieve(thread) or store.init_tracker(thread)  # `get_tracker` would save a new one
    setattr(tracker, _HELD_MARK, True)
    return tracker


def _unless_held(method: Callable[..., Awaitable[Any]]) -> Callable[..., Awaitable[Any]]:
    async def unless_held(processor: Any, *given: Any, **named: Any) -> Any:
        for each in (*given, *named.values()):
            if hasattr(each, _HELD_MARK):
                return each
        return await method(processor, *given, **named)

    return unless_held
