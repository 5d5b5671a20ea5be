"""Asks who has control before Rasa sees a message, on every channel of the server but Messenger's own.

1. It asks before Rasa's lock (`rasa.core.agent.Agent.handle_message`). While the bot does not have control
   nothing of Rasa's runs: no lock, no NLU, no slot, no event. What was said is written down for the agents
   before the channel is answered.
2. Whoever had to wait for the lock is asked about again behind it (`MessageProcessor.handle_message`): the
   turn before may have handed the conversation over.
3. A way back runs the turn of a return at once, and then the rest of the message as `return.rest` says, both
   behind one lock.
4. If the store cannot be asked nothing runs either, and StoreUnavailable is raised: callback and Telegram
   answer 500, Socket.IO logs it. Rasa's REST channel answers 200 with an empty list whatever was raised, and
   logs the person's words with it; streaming, it waits for ever. There it is logged here, and the answer
   ends.
5. Messenger's messages (OwnTurn) have passed a gate of their own (queue/).

The only way in for people's messages, in Rasa 3.6.21 as in Rasa Pro, but for those that a program adds
(added_messages.py). What else comes in (reminders, `trigger_intent`) is held on its way out: way_out.py.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from concurrent.futures import ThreadPoolExecutor
from contextvars import ContextVar
from functools import lru_cache, partial
from typing import Any, Awaitable, Callable, Dict, Iterator, List, Optional, Tuple

from rasa.core.agent import Agent
from rasa.core.channels.channel import CollectingOutputChannel, UserMessage
from rasa.shared.core.events import ActionExecuted

from handover_channel import log, services
from handover_channel.control.turn_gate import Heard, Said
from handover_channel.errors import StoreUnavailable
from handover_channel.rasa.flows import starting
from handover_channel.rasa.own_turns import OwnTurn, is_understood, understood, words_of
from handover_channel.rasa.rasa_versions import is_of_rest
from handover_channel.rasa.replaced_methods import replace_in_processors, replace_once
from handover_channel.rules.bot_contract import (
    HANDOVER_METADATA,
    LISTEN_ACTION,
    RETURNED_FLOW,
    returned_parse_data,
)
from handover_channel.rules.return_reasons import ReturnReason

logger = log.logger(__name__)

#: Looks at the store at a time.
LOOKS_AT_ONCE = 8

#: Seconds for which the answer holds that the bot has control. Who finds Rasa's lock taken sleeps for one
#: second (rasa.core.lock_store, `LockStore.lock`), and is asked about again.
HOLDS = 0.1

_Handle = Callable[[Any, UserMessage], Awaitable[Any]]
_GoOn = Callable[[UserMessage], Awaitable[Any]]

#: The message that the door has let in, in this task, and when it was asked for.
_let_in: ContextVar[Optional[Tuple[UserMessage, float]]] = ContextVar("handover_let_in", default=None)


class _Returning(OwnTurn):
    """A message that has ended the handover, on its way through Rasa's lock."""

    def __init__(self, message: UserMessage, heard: Heard) -> None:
        super().__init__(
            message.text,
            message.output_channel,
            message.sender_id,
            input_channel=message.input_channel,
            message_id=message.message_id,
            metadata=message.metadata,
        )
        self.heard = heard


def close_the_door() -> None:
    """Have every agent of this process ask before it handles a message. Harmless to repeat."""
    replace_once(Agent, "handle_message", _before_the_lock)
    replace_in_processors("handle_message", _behind_the_lock)


def _before_the_lock(handle: _Handle) -> _Handle:
    async def handle_message(agent: Any, message: UserMessage) -> Any:
        go_on = partial(handle, agent)
        if isinstance(message, OwnTurn):
            return await go_on(message)
        return await _ask(message, by_bot=go_on, returned=go_on)

    return handle_message


def _behind_the_lock(handle: _Handle) -> _Handle:
    async def handle_message(processor: Any, message: UserMessage) -> Any:
        go_on = partial(handle, processor)
        come_back = partial(_come_back, processor, go_on)
        if isinstance(message, _Returning):
            return await come_back(message)
        if isinstance(message, OwnTurn) or was_let_in(message, within=HOLDS):
            return await go_on(message)
        return await _ask(message, by_bot=go_on, returned=come_back)

    return handle_message


async def _ask(
    message: UserMessage, *, by_bot: _GoOn, returned: Callable[[_Returning], Awaitable[Any]]
) -> Any:
    asked_at = time.monotonic()
    try:
        heard = await hear(message, channel_of(message))
    except StoreUnavailable:
        if not is_of_rest(message.output_channel):
            raise
        return _answers(message)
    if heard.by_bot:
        with _letting_in(message, asked_at):
            return await by_bot(message)
    if heard.returned is not None:
        return await returned(_Returning(message, heard))
    await _tell_who_has_it(message, heard)
    return _answers(message)


@contextlib.contextmanager
def _letting_in(message: UserMessage, asked_at: float) -> Iterator[None]:
    token = _let_in.set((message, asked_at))
    try:
        yield
    finally:
        _let_in.reset(token)


def was_let_in(message: UserMessage, *, within: Optional[float] = None) -> bool:
    """Tell whether the door has let *message* in, in so many seconds; None: however long ago."""
    last, asked_at = _let_in.get() or (None, 0.0)
    return last is message and (within is None or time.monotonic() - asked_at < within)


@lru_cache(maxsize=1)
def looks() -> ThreadPoolExecutor:
    """Return the threads on which the store is asked. Made when first needed: not before Sanic forks."""
    return ThreadPoolExecutor(max_workers=LOOKS_AT_ONCE, thread_name_prefix="handover-door")


async def hear(message: UserMessage, channel: str) -> Heard:
    """Ask who hears *message*; it is kept for the agents where that is not the bot.

    Raises StoreUnavailable, which is logged here: nobody has heard it.
    """
    said = Said(
        thread=message.sender_id,
        channel=channel,
        text=message.text or "",
        mid=message.message_id,
        timestamp=int(time.time() * 1000),
    )
    try:
        return await asyncio.get_running_loop().run_in_executor(looks(), _hear, said)
    except StoreUnavailable as error:
        logger.error(
            "thread %s: a message was neither answered nor kept, who has control is not known: %s",
            message.sender_id,
            error,
        )
        raise


def _hear(said: Said) -> Heard:
    with log.about(said.thread):
        return services.shared_turn_gate().hear(said)


def channel_of(message: UserMessage) -> str:
    """Return the channel that the message counts as one of, as the actions do."""
    return message.input_channel or "rest"


async def _tell_who_has_it(message: UserMessage, heard: Heard) -> None:
    held = heard.held
    if held and held.tells and isinstance(message.output_channel, CollectingOutputChannel):
        facts = {"target": held.target, "until": held.until}
        await message.output_channel.send_custom_json(message.sender_id, {"handover": facts})


async def _come_back(processor: Any, go_on: _GoOn, message: _Returning) -> Any:
    """Run the turn of a return, then what else the message asks. Behind the lock."""
    heard = message.heard
    await expect_words(processor, message.sender_id)
    await go_on(await turn_of_return(processor, message, heard.returned))
    if heard.rest:
        words = words_of(heard.rest, typed=True, limit=None)
        found = await understood(processor, message.sender_id, heard.rest, words)
        if heard.rest_always or is_understood(found):
            await go_on(_turn(message, found, message.metadata, part=".rest"))
    return _answers(message)


async def expect_words(processor: Any, thread: str) -> None:
    """Have the dialogue wait for the person, as rules begin with that: `execute` leaves it open.

    Behind the lock.
    """
    tracker = await processor.get_tracker(thread)
    if tracker.events and tracker.latest_action_name != LISTEN_ACTION:
        tracker.update(ActionExecuted(LISTEN_ACTION))
        await processor.save_tracker(tracker)


async def turn_of_return(processor: Any, message: UserMessage, reason: Optional[ReturnReason]) -> OwnTurn:
    """Return the turn of the return that *message* has brought about."""
    reason = reason or ReturnReason.KEYWORD
    parse_data = await starting(processor, RETURNED_FLOW, returned_parse_data(reason))
    return _turn(message, parse_data, {HANDOVER_METADATA: {"reason": reason.value}})


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
