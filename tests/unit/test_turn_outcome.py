from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from handover_channel.errors import GraphError
from handover_channel.rules.turn_outcome import Spoken, outcome_of
from handover_channel.store.queue_admin import GIVEN_UP

KINDS = ["GraphError", *(kind.__name__ for kind in GraphError.__subclasses__())]
spoken = st.builds(
    Spoken, st.integers(0, 2), st.integers(0, 2), st.lists(st.sampled_from(KINDS), max_size=3).map(tuple)
)


@pytest.mark.parametrize(
    ("said", "muted", "outcome"),
    [
        (Spoken(sent=1), False, ("answered", False)),
        (
            Spoken(sent=1, held=1, refused=("TokenRefused",)),
            True,
            ("answered", False),
        ),
        (Spoken(), False, ("said nothing", False)),
        (Spoken(), True, ("kept", True)),  # the policy let it say nothing
        (Spoken(held=2), True, ("kept", True)),
        (Spoken(refused=("NotThreadOwner",)), True, ("kept", True)),
        (Spoken(refused=("TokenRefused",)), False, ("not sent", True)),
        (Spoken(refused=("GraphUnavailable",)), False, ("not sent", True)),
        (Spoken(refused=("PersonUnavailable",)), False, ("undeliverable", True)),
        (Spoken(refused=("OutsideWindow", "PersonUnavailable")), False, ("undeliverable", True)),
        (Spoken(refused=("OutsideWindow", "TokenRefused")), False, ("not sent", True)),
        (Spoken(refused=("OverBudget",)), False, ("over budget", True)),
        (Spoken(refused=("NotThreadOwner", "OverBudget")), True, ("over budget", True)),
    ],
)
def test_what_went_out_decides_what_came_of_a_turn(said, muted, outcome):
    assert outcome_of(said, muted=muted) == outcome


@given(spoken, st.booleans())
def test_only_a_turn_from_which_something_went_out_is_answered(said, muted):
    assert (outcome_of(said, muted=muted).name == "answered") == (said.sent > 0)


@given(spoken, st.booleans())
def test_what_was_refused_or_held_back_is_in_the_transcript(said, muted):
    if not said.sent and (said.held or said.refused or muted):
        assert outcome_of(said, muted=muted).keep


@given(spoken)
def test_what_a_person_can_mend_is_given_up_until_they_look(said):
    mendable = set(said.refused) - {"PersonUnavailable", "OutsideWindow"}
    found = outcome_of(Spoken(refused=said.refused), muted=False)

    assert (found.name in GIVEN_UP) == bool(mendable)


@given(spoken, spoken)
def test_what_two_parts_said_adds_up(one, two):
    both = one + two

    assert (both.sent, both.held) == (one.sent + two.sent, one.held + two.held)
    assert both.refused == one.refused + two.refused
