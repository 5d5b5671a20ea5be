"""A model is no work for the garbage collector, and what an old one leaves is collected."""

from __future__ import annotations

import gc
import weakref

import pytest


@pytest.fixture(autouse=True)
def collector():
    before = gc.get_threshold()
    yield
    gc.unfreeze()
    gc.set_threshold(*before)


class Model:
    def __init__(self):
        self.itself = self  # a cycle, as in any large graph of objects


def test_what_is_there_with_the_model_is_set_aside_once():
    from handover_channel.rasa.garbage_collection import set_aside

    model = Model()
    set_aside(model)
    count = gc.get_freeze_count()
    later = [[number] for number in range(1000)]
    set_aside(model)

    assert count > 0
    assert gc.get_freeze_count() <= count
    assert len(later) == 1000


def test_what_an_old_model_leaves_is_collected_when_the_next_one_comes():
    from handover_channel.rasa.garbage_collection import set_aside

    old = Model()
    gone = weakref.ref(old)
    set_aside(old)
    del old
    set_aside(Model())
    set_aside(Model())

    assert gone() is None


def test_a_conversation_of_ten_thousand_events_makes_no_full_collection():
    from handover_channel.rasa.garbage_collection import set_aside

    set_aside(Model())
    before = gc.get_stats()[2]["collections"]
    conversation = [[[] for _ in range(40)] for _ in range(10_000)]

    assert len(conversation) == 10_000
    assert gc.get_stats()[2]["collections"] == before


def test_a_moment_without_turns_is_used_once_enough_has_gathered():
    from handover_channel.rasa.garbage_collection import tidy_up

    gc.set_threshold(10, 1, 1000)
    left = Model()
    gone = weakref.ref(left)
    del left
    kept = [[number] for number in range(1000)]
    tidy_up()

    assert gone() is None
    assert len(kept) == 1000
