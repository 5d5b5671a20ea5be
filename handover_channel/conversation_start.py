"""Runs the custom action that begins a session in place of Rasa's own. `actions` offers it.

Only a bot whose domain does not carry slots into a new session needs it: there Rasa's own would forget who
has the conversation.
"""

from __future__ import annotations

import contextlib
from typing import Any, Dict, List, Type

from rasa_sdk import Action, Tracker
from rasa_sdk.events import ActionExecuted, EventType, SessionStarted, SlotSet
from rasa_sdk.executor import CollectingDispatcher
from rasa_sdk.utils import all_subclasses

from handover_channel import log
from handover_channel.rules.bot_contract import LISTEN_ACTION, SESSION_START_ACTION, TARGET_SLOT, UNTIL_SLOT

logger = log.logger(__name__)


class ActionSessionStart(Action):
    """Begin a session as Rasa does; `handover_target` and `handover_until` are carried over in any case."""

    def __init__(self) -> None:
        _say_which_session_start_runs()

    def name(self) -> str:
        """Name the action as Rasa's own, which it replaces."""
        return SESSION_START_ACTION

    async def run(
        self, dispatcher: CollectingDispatcher, tracker: Tracker, domain: Dict[str, Any]
    ) -> List[EventType]:
        """Start the session, keep the slots as the domain's session_config says, and listen."""
        carried = domain.get("session_config", {}).get("carry_over_slots_to_new_session", True)
        kept = (
            tracker.slots
            if carried
            else {name: tracker.slots.get(name) for name in (TARGET_SLOT, UNTIL_SLOT)}
        )
        slots = [SlotSet(name, value) for name, value in kept.items() if value is not None]
        return [SessionStarted(), *slots, ActionExecuted(LISTEN_ACTION)]


def _say_which_session_start_runs() -> None:
    """Warn where the bot has one of its own: the action server registers the last one of each name.

    To be called when ours is registered: all of them are imported by then.
    """
    found = [each for each in all_subclasses(Action) if _is_session_start(each)]
    winner = max(found, key=found.index)
    others = [each for each in found if not issubclass(each, ActionSessionStart)]
    if not others or (winner is not ActionSessionStart and issubclass(winner, ActionSessionStart)):
        return  # a subclass of ours does ours, too
    lost = others[-1] if winner is ActionSessionStart else ActionSessionStart
    logger.warning(
        "two actions are called %s: %s.%s runs, and %s.%s does not -> import only one of them (who has "
        "control is kept in any case)",
        SESSION_START_ACTION,
        winner.__module__,
        winner.__name__,
        lost.__module__,
        lost.__name__,
    )


def _is_session_start(action: Type[Action]) -> bool:
    if action.__module__.startswith("rasa"):
        return False
    with contextlib.suppress(Exception):  # without its constructor, which may do anything
        return bool(action.name(object.__new__(action)) == SESSION_START_ACTION)
    return False
