"""A model is no work for the garbage collector, and what an old one leaves is collected."""

from __future__ import annotations

import gc
import weakref

import pytest


@pytest.fixture(autouse=True)
def collector():
    yield
    gc.unfreeze()


class Model:
    def __init__(self):
        self.itself = self  # a cycle, as in any large graph of objects


def test_what_is_there_with_the_model_is_set_aside_once():
    from handover_channel.rasa_memory import set_aside

    model = Model()
    set_aside(model)
    count = gc.get_freeze_count()
    later = [[number] for number in range(1000)]
    set_aside(model)

    assert count > 0
    assert gc.get_freeze_count() <= count
    assert len(later) == 1000


def test_what_an_old_model_leaves_is_collected_when_the_next_one_comes():
    from handover_channel.rasa_memory import set_aside

    old = Model()
    gone = weakref.ref(old)
    set_aside(old)
    del old
    set_aside(Model())
    set_aside(Model())

    assert gone() is None
