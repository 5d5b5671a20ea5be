"""Look up an order of the example shop."""

from __future__ import annotations

from typing import Any, Dict, List

from rasa_sdk import Action, Tracker
from rasa_sdk.events import SlotSet
from rasa_sdk.executor import CollectingDispatcher

#: order number -> state; a real shop would ask its own system
ORDERS = {"10234": "on_its_way", "10511": "packed", "10999": "delivered"}


def european_digits(text: str) -> str:
    """Return *text* with 0-9 for the digits of any script: ١٠٢٣٤ is order 10234."""
    return "".join(str(int(char)) if char.isdecimal() else char for char in text)


class ActionOrderStatus(Action):
    """Find out where the order is; `utter_order_status` says it."""

    def name(self) -> str:
        """Name the action as domain.yml does."""
        return "action_order_status"

    async def run(
        self, dispatcher: CollectingDispatcher, tracker: Tracker, domain: Dict[str, Any]
    ) -> List[Dict[str, Any]]:
        """Set the order's state, and forget a number that is no order's: the form asks again."""
        number = european_digits(str(tracker.get_slot("order_number") or ""))
        state = ORDERS.get(number)
        if state is None:
            return [SlotSet("order_state", None), SlotSet("order_number", None)]
        return [SlotSet("order_state", state), SlotSet("order_number", number)]
