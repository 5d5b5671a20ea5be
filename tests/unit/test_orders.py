from __future__ import annotations

import asyncio
from typing import Any, Dict, Optional

import pytest

pytest.importorskip("rasa_sdk")

from rasa_sdk import Tracker
from rasa_sdk.executor import CollectingDispatcher

from actions.orders import ActionOrderStatus, european_digits


def looked_up(number: Optional[str]) -> Dict[str, Any]:
    """Return the slots after looking up *number*."""
    tracker = Tracker("4711", {"order_number": number}, {}, [], False, None, {}, "action_listen")
    events = asyncio.run(ActionOrderStatus().run(CollectingDispatcher(), tracker, {}))
    return {event["name"]: event["value"] for event in events}


def test_an_order_has_a_state():
    assert looked_up("10234") == {"order_number": "10234", "order_state": "on_its_way"}


def test_arabic_digits_mean_the_same_order():
    assert looked_up("١٠٢٣٤") == looked_up("10234")


@pytest.mark.parametrize("number", ["55555", "", None])
def test_a_number_that_is_no_order_is_forgotten(number):
    assert looked_up(number) == {"order_number": None, "order_state": None}


def test_what_is_no_decimal_digit_stays():
    assert european_digits("no. ٣²") == "no. 3²"
