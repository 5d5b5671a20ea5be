"""Keeps silent what a program has Rasa execute while the bot does not have control.

`POST /conversations/ID/execute` asks no policy, and sends what the action says to whoever called, or on the
conversation's channel. The action runs, as a program may need what it does; nobody hears what it says. On
Messenger the outbound gate does this.

Rasa 3.6.21: `rasa.core.agent.Agent.execute_action`.
"""

from __future__ import annotations

import asyncio
import functools
from typing import Any, Optional

from rasa.core.agent import Agent
from rasa.core.channels.channel import CollectingOutputChannel

from handover_channel import log, services
from handover_channel.errors import StoreUnavailable

logger = log.logger(__name__)

_SILENT_MARK = "_handover_asks"


def keep_executed_silent() -> None:
    """Have an executed action heard only where the bot has control. Harmless to repeat."""
    executes = Agent.execute_action
    if hasattr(executes, _SILENT_MARK):
        return

    @functools.wraps(executes)
    async def execute_action(
        agent: Any, sender_id: str, action: str, output_channel: Any, *given: Any, **named: Any
    ) -> Any:
        muted = await asyncio.get_running_loop().run_in_executor(None, _is_muted, sender_id)
        if not muted:
            return await executes(agent, sender_id, action, output_channel, *given, **named)
        logger.info("thread %s: nobody hears what %s says: the bot does not have control", sender_id, action)
        return await executes(agent, sender_id, action, CollectingOutputChannel(), *given, **named)

    setattr(execute_action, _SILENT_MARK, True)
    Agent.execute_action = execute_action


def _is_muted(thread: str) -> Optional[bool]:
    try:
        return services.turn_gate().is_muted(thread)
    except StoreUnavailable as error:
        logger.error("thread %s: silent, who has control is not known: %s", thread, error)
        return True
