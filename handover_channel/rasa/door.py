"""Asks who has control before Rasa sees a message, on every channel of the server but Messenger's own.

1. While the bot does not have control nothing of Rasa's runs: no lock, no NLU, no slot, no event. What was
   said is written down for the agents before the channel is answered.
2. A way back runs the turn of a return at once, and then the rest of the message as `return.rest` says.
3. If the store cannot be asked nothing runs either, and StoreUnavailable is raised: callback and Telegram
   answer 500, Socket.IO logs it. Rasa's REST channel answers 200 with an empty list whatever was raised, and
   logs the person's words with it; streaming, it waits for ever. There it is logged here, and the answer
   ends.
4. Messenger's messages (OwnTurn) have passed a gate of their own (queue/).

The only way in for people's messages: `rasa.core.agent.Agent.handle_message`, in Rasa 3.6.21 as in Rasa Pro.
What comes in elsewhere (reminders, `trigger_intent`, the HTTP API) is held on its way out: way_out.py.
"""

from __future__ import annotations

import asyncio
import time
from concurrent.futures import ThreadPoolExecutor
from functools import lru_cache
from typing import Any, Awaitable, Callable, Dict, List, Optional

from rasa.core.agent import Agent
from rasa.core.channels.channel import CollectingOutputChannel, UserMessage
from rasa.core.channels.rest import QueueOutputChannel
from rasa.shared.core.events import ActionExecuted

from handover_channel import log, services
from handover_channel.control.turn_gate import Heard, Said
from handover_channel.errors import StoreUnavailable
from handover_channel.rasa.own_turns import OwnTurn, is_understood, understood, words_of
from handover_channel.rasa.replaced_methods import replace_once
from handover_channel.rules.bot_contract import HANDOVER_METADATA, LISTEN_ACTION, returned_parse_data
from handover_channel.rules.return_reasons import ReturnReason

logger = log.logger(__name__)

#: Looks at the store at a time.
LOOKS_AT_ONCE = 8

#: What Rasa's REST channel answers with: a list, or a stream.
_OF_REST = (CollectingOutputChannel, QueueOutputChannel)

_HandleMessage = Callable[[Any, UserMessage], Awaitable[Any]]


def close_the_door() -> None:
    """Have every agent of this process ask before it handles a message. Harmless to repeat."""
    replace_once(Agent, "handle_message", _asking_first)


def _asking_first(handle: _HandleMessage) -> _HandleMessage:
    async def handle_message(agent: Any, message: UserMessage) -> Any:
        if isinstance(message, OwnTurn):
            return await handle(agent, message)
        try:
            heard = await asyncio.get_running_loop().run_in_executor(looks(), _hear, message)
        except StoreUnavailable as error:
            return await _unanswered(message, error)
        if heard.by_bot:
            return await handle(agent, message)
        if heard.returned is None:
            await _while_muted(message, heard)
        else:
            await _return(agent, message, heard, heard.returned, handle)
        return _answers(message)

    return handle_message


@lru_cache(maxsize=1)
def looks() -> ThreadPoolExecutor:
    """Return the threads on which the store is asked. Made when first needed: not before Sanic forks."""
    return ThreadPoolExecutor(max_workers=LOOKS_AT_ONCE, thread_name_prefix="handover-door")


def _hear(message: UserMessage) -> Heard:
    with log.about(message.sender_id):
        return services.shared_turn_gate().hear(
            Said(
                thread=message.sender_id,
                channel=channel_of(message),
                text=message.text or "",
                mid=message.message_id,
                timestamp=int(time.time() * 1000),
            )
        )


def channel_of(message: UserMessage) -> str:
    """Return the channel that the message counts as one of, as the actions do."""
    return message.input_channel or "rest"


async def _unanswered(message: UserMessage, error: StoreUnavailable) -> Any:
    logger.error(
        "thread %s: a message was neither answered nor kept, who has control is not known: %s",
        message.sender_id,
        error,
    )
    if type(message.output_channel) not in _OF_REST:
        raise error
    return _answers(message)


async def _while_muted(message: UserMessage, heard: Heard) -> None:
    held = heard.held
    if held and held.tells and isinstance(message.output_channel, CollectingOutputChannel):
        facts = {"target": held.target, "until": held.until}
        await message.output_channel.send_custom_json(message.sender_id, {"handover": facts})


async def _return(
    agent: Any, message: UserMessage, heard: Heard, reason: ReturnReason, handle: _HandleMessage
) -> None:
    """Run the turn of a return, then what else the message asks."""
    note = {HANDOVER_METADATA: {"reason": reason.value}}
    await _expect_words(agent, message.sender_id)
    await handle(agent, _turn(message, returned_parse_data(reason), note))
    if not heard.rest or not agent.is_ready():
        return
    found = await understood(agent, heard.rest, words_of(heard.rest, typed=True, limit=None))
    if heard.rest_always or is_understood(found):
        await handle(agent, _turn(message, found, message.metadata, part=".rest"))


async def _expect_words(agent: Any, thread: str) -> None:
    """Have the dialogue wait for the person, as rules begin with that: `execute` leaves it open."""
    if not agent.is_ready():
        return
    async with agent.lock_store.lock(thread):
        tracker = await agent.processor.get_tracker(thread)
        if tracker.events and tracker.latest_action_name != LISTEN_ACTION:
            tracker.update(ActionExecuted(LISTEN_ACTION))
            await agent.processor.save_tracker(tracker)


def _turn(
    message: UserMessage, parse_data: Dict[str, Any], metadata: Optional[Dict[str, Any]], part: str = ""
) -> OwnTurn:
    return OwnTurn(
        parse_data["text"],
        message.output_channel,
        message.sender_id,
        input_channel=message.input_channel,
        message_id=message.message_id + part,
        metadata=metadata,
        parse_data=parse_data,
    )


def _answers(message: UserMessage) -> Optional[List[Dict[str, Any]]]:
    """Return what `Agent.handle_message` does: all that the person is answered, where that is collected."""
    found = getattr(message.output_channel, "messages", None)
    return found if isinstance(message.output_channel, CollectingOutputChannel) else None
