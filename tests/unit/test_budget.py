from __future__ import annotations

import contextvars
import threading

import pytest

from handover_channel.errors import OverBudget
from handover_channel.rules import budget
from handover_channel.rules.budget import (
    CALLS_A_MINUTE,
    CALLS_OF_A_DELIVERY,
    CHANGES_A_MINUTE,
    CHANGES_OF_A_DELIVERY,
    CallBudget,
    may_change,
    of_a_delivery,
)


def spend(calls, times, thread="7001"):
    for _ in range(times):
        calls.spend(thread)


def test_a_thread_has_so_many_calls_a_minute_and_then_none_until_the_next(clock):
    calls = CallBudget(clock)
    spend(calls, CALLS_A_MINUTE)

    with pytest.raises(OverBudget, match="in a minute"):
        calls.spend("7001")
    calls.spend("7002")

    clock.passes(budget.MINUTE)
    calls.spend("7001")


def test_a_delivery_has_its_own_budget_wherever_its_work_goes(clock):
    calls = CallBudget(clock)
    with of_a_delivery():
        carried = contextvars.copy_context()
        thread = threading.Thread(target=carried.run, args=(spend, calls, CALLS_OF_A_DELIVERY - 1))
        thread.start()
        thread.join()
        calls.spend("7002")

        with pytest.raises(OverBudget, match="one delivery"):
            calls.spend("7003")

    with of_a_delivery():
        calls.spend("7003")


def test_what_was_not_made_is_told_as_a_refusal_of_the_graph_api():
    from handover_channel.errors import GraphError

    assert issubclass(OverBudget, GraphError)


def test_control_changes_so_often_a_minute_and_so_often_for_one_delivery():
    assert may_change(CHANGES_A_MINUTE - 1)
    assert not may_change(CHANGES_A_MINUTE)
    with of_a_delivery():
        assert [may_change(0) for _ in range(CHANGES_OF_A_DELIVERY + 1)] == [True] * CHANGES_OF_A_DELIVERY + [
            False
        ]


def test_threads_of_an_earlier_minute_are_forgotten_when_there_are_many(clock, monkeypatch):
    monkeypatch.setattr(budget, "_REMEMBERED", 10)
    calls = CallBudget(clock)
    for number in range(9):
        calls.spend(str(number))
    clock.passes(budget.MINUTE)
    for number in range(100, 102):
        calls.spend(str(number))

    assert set(calls._minutes) == {"100", "101"}
