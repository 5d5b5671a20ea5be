"""Keeps silent what Rasa says while the bot does not have control, on every channel but Messenger's own.

A reminder that is due, `trigger_intent`, `POST /conversations/ID/execute`, events that a program appends, an
action that was begun before and answers late: none of them passes the door (door.py), and not all a policy.

1. All that Rasa sends goes through one method, and there the row is asked: `_send_bot_messages` of
   `rasa.core.processor`, in Rasa 3.6.21 as in Rasa Pro. If it cannot be asked, nothing is said.
2. What runs, runs to its end: actions have their effect, and the tracker has what would have been said.
3. What `action_handover` itself says goes out, although the thread is handed over by then: how many wait
   before the person.
4. Messenger's output asks by itself, before each call (queue/outbound_gate.py).
"""

from __future__ import annotations

import asyncio
from typing import Any, Awaitable, Callable, Optional, Sequence

from rasa.shared.core.events import BotUttered

from handover_channel import log, services
from handover_channel.errors import StoreUnavailable
from handover_channel.rasa.door import looks
from handover_channel.rasa.output import MessengerOutput
from handover_channel.rasa.replaced_methods import replace_in_processors
from handover_channel.rules.bot_contract import HANDOVER_ACTION

logger = log.logger(__name__)

_Send = Callable[..., Awaitable[Any]]


def close_the_way_out() -> None:
    """Have every processor of this process ask before it sends. Harmless to repeat."""
    replace_in_processors("_send_bot_messages", _asking_first)


def _asking_first(send: _Send) -> _Send:
    async def _send_bot_messages(events: Sequence[Any], tracker: Any, output_channel: Any) -> Any:
        count = sum(isinstance(event, BotUttered) for event in events)
        if not count or isinstance(output_channel, MessengerOutput) or _is_of_the_handover(tracker):
            return await send(events, tracker, output_channel)
        loop = asyncio.get_running_loop()
        if not await loop.run_in_executor(looks(), _is_muted, tracker.sender_id):
            return await send(events, tracker, output_channel)
        said = "thread %s: %s of %s not sent, the bot does not have control"
        logger.info(said, tracker.sender_id, count, tracker.latest_action_name)
        # Of nothing Rasa sends nothing: its answer is of the kind that this version of Rasa gives.
        return await send([], tracker, output_channel)

    return _send_bot_messages


def _is_of_the_handover(tracker: Any) -> bool:
    return bool(tracker.latest_action_name == HANDOVER_ACTION)


def _is_muted(thread: str) -> Optional[bool]:
    try:
        return services.shared_turn_gate().is_muted(thread)
    except StoreUnavailable as error:
        logger.error("thread %s: silent, who has control is not known: %s", thread, error)
        return True
