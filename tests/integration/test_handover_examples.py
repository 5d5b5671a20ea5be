"""A bot with few examples hears requests for people, and takes little else for one."""

from __future__ import annotations

import pytest

pytest.importorskip("rasa", reason="Rasa stops at Python 3.10")

from bench.handover_examples import REGRESSION, bots, chosen, measure

pytestmark = [
    pytest.mark.rasa,
    pytest.mark.timeout(300),
    # What Rasa finds worth a warning in small bots is no fault of theirs.
    pytest.mark.filterwarnings("ignore::UserWarning"),
    pytest.mark.filterwarnings("ignore::FutureWarning"),
]


# Every English example, as there once were, takes 9, 15 and 12 of the 25 sentences that belong to no intent.
@pytest.mark.parametrize(("name", "at_most"), [("shop", 5), ("small shop", 10), ("rasa init", 9)])
def test_the_examples_of_init_recognise_requests_and_take_little_of_what_is_none(name, at_most, tmp_path):
    bot = bots()[name]

    taken = measure(bot, chosen(bot), REGRESSION, tmp_path)

    of = taken.requests[1]
    assert taken.requests[0] >= 0.75 * of
    assert taken.own[0] <= 2
    assert taken.nothing[0] <= at_most
