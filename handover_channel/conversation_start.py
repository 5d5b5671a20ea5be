"""Runs the custom action that begins a session in place of Rasa's own. `actions` offers it.

Only a bot whose domain does not carry slots into a new session needs it: there Rasa's own would forget who
has the conversation.
"""

from __future__ import annotations

from typing import Any, Dict, List

from rasa_sdk import Action, Tracker
from rasa_sdk.events import ActionExecuted, EventType, SessionStarted, SlotSet
from rasa_sdk.executor import CollectingDispatcher

from handover_channel.rules.bot_contract import LISTEN_ACTION, SESSION_START_ACTION, TARGET_SLOT, UNTIL_SLOT


class ActionSessionStart(Action):
    """Begin a session as Rasa does; `handover_target` and `handover_until` are carried over in any case."""

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
