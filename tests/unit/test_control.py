from __future__ import annotations

import itertools
import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from handover_channel.rules import control
from handover_channel.rules.control import (
    LAPSES_AFTER,
    PRECEDENCE,
    TRANSITIONS,
    Change,
    Control,
    State,
    bot_may_speak,
    has_lapsed,
    has_owner,
    state_after,
)

#: What changes nothing: a repetition, a guess about what is known, or a call that is never made.
NOTHING = {
    Control.BOT: {
        Change.HANDED_ON,
        Change.PASS_ACCEPTED,
        Change.PASS_REFUSED,
        Change.TAKEN_OVER,
        Change.RETURNED,
        Change.CONTROL_GAINED,
        Change.CHANNEL_CORRECTED,
    },
    Control.PASSING: {
        Change.HANDED_ON,
        Change.PASS_REQUESTED,
        Change.HELD,
        Change.TAKEN_OVER,
        Change.RETURNED,
        Change.STANDBY_SEEN,
        Change.FOREIGN_ECHO,
        Change.RELEASE_REFUSED,
    },
    Control.INBOX: {
        Change.PASS_REQUESTED,
        Change.PASS_REFUSED,
        Change.HELD,
        Change.TAKEN_OVER,
        Change.CONTROL_GAINED,
        Change.STANDBY_SEEN,
        Change.FOREIGN_ECHO,
        Change.RELEASE_REFUSED,
    },
    Control.APP: {
        Change.HANDED_ON,
        Change.PASS_REQUESTED,
        Change.PASS_ACCEPTED,
        Change.PASS_REFUSED,
        Change.HELD,
        Change.OWNER_FOUND,
        Change.STANDBY_SEEN,
        Change.FOREIGN_ECHO,
        Change.RELEASE_REFUSED,
    },
    Control.BESIDE: {
        Change.HANDED_ON,
        Change.PASS_REQUESTED,
        Change.PASS_REFUSED,
        Change.HELD,
        Change.STANDBY_SEEN,
        Change.FOREIGN_ECHO,
        Change.RELEASE_REFUSED,
    },
}
PAIRS = list(itertools.product(Control, Change))
META, OWN, GUESS = 3, 2, 1

at = st.integers(1, 6)
changes = st.sampled_from(list(Change))


def after(state, change, stamp=10, owner="2222", target="sales_bot"):
    return state_after(state, change, stamp=stamp, owner=owner, target=target)


def hands(state):
    return state.control, state.owner, state.target


@pytest.mark.parametrize(("before", "change"), PAIRS)
def test_every_change_of_every_control_is_a_transition_or_known_to_change_nothing(before, change):
    assert (change in TRANSITIONS[before]) != (change in NOTHING[before])


@pytest.mark.parametrize(("before", "change"), PAIRS)
def test_a_change_leads_where_its_line_says_and_nowhere_without_a_line(before, change):
    state = State(before, stamp=1)

    found = after(state, change)

    expected = TRANSITIONS[before].get(change, before)
    assert (found or state).control is expected


def test_every_change_has_its_precedence():
    assert set(PRECEDENCE) == set(Change)


def test_only_the_bot_may_speak_and_only_apps_own():
    assert [each for each in Control if bot_may_speak(each)] == [Control.BOT]
    assert [each for each in Control if has_owner(each)] == [Control.APP]


@pytest.mark.parametrize("before", [each for each in Control if each is not Control.BOT])
def test_every_muted_thread_has_a_way_back(before):
    seen, new = set(), {before}
    while new:
        seen |= new
        new = {found for each in new for found in TRANSITIONS[each].values()} - seen

    assert Control.BOT in seen


def test_the_drawing_names_every_control_and_every_change():
    drawn = set(re.findall(r"[A-Z_]{3,}", control.__doc__.split("BOT ──", 1)[1])) | {"BOT"}

    assert {each.name for each in Control} | {each.name for each in Change} == drawn


def test_who_comes_back_to_the_bot_has_no_owner_and_no_target():
    state = State(Control.APP, "2222", "sales_bot", stamp=5)

    assert hands(after(state, Change.RETURNED)) == (Control.BOT, "", "")


def test_control_moves_from_one_app_to_another():
    state = State(Control.APP, "2222", "sales_bot", stamp=5, precedence=META)

    found = state_after(state, Change.CONTROL_LOST, stamp=6, owner="3333", target="hootsuite")

    assert hands(found) == (Control.APP, "3333", "hootsuite")


@pytest.mark.parametrize("change", [change for change in Change if PRECEDENCE[change] != OWN])
@pytest.mark.parametrize("before", list(Control))
def test_what_is_older_than_the_last_change_changes_nothing(before, change):
    assert after(State(before, stamp=11, precedence=GUESS), change, stamp=10) is None


@pytest.mark.parametrize("change", [change for change in Change if PRECEDENCE[change] == OWN])
@pytest.mark.parametrize("before", list(Control))
def test_our_own_calls_are_never_old(before, change):
    state = State(before, "1", "x", stamp=11, precedence=META)

    found = after(state, change, stamp=10)

    assert (found is not None) == (change in TRANSITIONS[before])
    assert found is None or found.stamp == 11


@pytest.mark.parametrize(
    ("first", "second", "wins"),
    [
        (Change.CONTROL_LOST, Change.CONTROL_GAINED, True),  # Meta's later word in the order of arrival
        (Change.RETURNED, Change.CONTROL_LOST, True),  # Meta's word against our call
        (Change.RETURNED, Change.FOREIGN_ECHO, False),  # a guess against our call
        (Change.RETURNED, Change.STANDBY_SEEN, False),
        (Change.CONTROL_GAINED, Change.FOREIGN_ECHO, False),  # a guess against Meta's word
        (Change.FOREIGN_ECHO, Change.CONTROL_LOST, True),
        (Change.STANDBY_SEEN, Change.CONTROL_GAINED, True),
    ],
)
def test_at_the_same_instant_the_better_witness_is_believed(first, second, wins):
    start = State(Control.APP, "1", "x") if first in (Change.RETURNED, Change.CONTROL_GAINED) else State()
    state = after(start, first, stamp=10)

    assert (after(state, second, stamp=10) is not None) is wins


@given(st.sampled_from(list(Control)), changes, at, at)
def test_a_repeated_change_changes_nothing(before, change, stamp, seen):
    state = State(before, stamp=seen)
    once = after(state, change, stamp) or state

    again = after(once, change, stamp)

    assert again is None or hands(again) == hands(once)


@given(st.lists(st.tuples(changes, at), max_size=12))
def test_time_never_runs_backwards(history):
    state = State()
    for change, stamp in history:
        found = after(state, change, stamp) or state
        assert found.stamp >= state.stamp
        state = found


@given(st.lists(st.tuples(changes, at, st.sampled_from(["1", "2"])), max_size=12))
def test_the_bot_has_control_exactly_where_nobody_is_named(history):
    state = State()
    for change, stamp, owner in history:
        state = state_after(state, change, stamp=stamp, owner=owner, target=owner) or state

        assert bot_may_speak(state.control) == (state.target == "")


#: Meta's words at different times, each perhaps delivered twice, in any order.
words = st.lists(
    st.tuples(st.sampled_from([Change.CONTROL_LOST, Change.CONTROL_GAINED]), st.sampled_from(["2", "3"])),
    min_size=1,
    max_size=5,
).flatmap(
    lambda said: st.permutations(
        [(stamp, *word) for stamp, word in enumerate(said, 1)] * 2,
    )
)


@settings(max_examples=60)
@given(words, st.sampled_from(list(Control)))
def test_in_whatever_order_metas_words_arrive_the_newest_holds(arriving, before):
    state = State(before, target="" if before is Control.BOT else "x")
    for stamp, change, owner in arriving:
        state = state_after(state, change, stamp=stamp, owner=owner, target=owner) or state

    _, newest, owner = max(arriving)
    if newest is Change.CONTROL_LOST:
        assert (state.control, state.owner) == (Control.APP, owner)
    elif before is Control.INBOX and all(change is newest for _, change, _ in arriving):
        assert state.control is Control.INBOX  # Meta's control was ours all the time
    else:
        assert state.control in (Control.BOT, Control.INBOX)


@settings(max_examples=60)
@given(
    words, st.lists(st.tuples(at, st.sampled_from([Change.FOREIGN_ECHO, Change.STANDBY_SEEN])), max_size=4)
)
def test_older_guesses_never_outweigh_metas_newest_word(arriving, guesses):
    newest = max(arriving)
    late = [(min(stamp, newest[0]), change) for stamp, change in guesses]
    state = State()
    for stamp, change, owner in arriving:
        state = state_after(state, change, stamp=stamp, owner=owner, target=owner) or state
    for stamp, change in late:
        state = after(state, change, stamp) or state

    assert bot_may_speak(state.control) == (newest[1] is Change.CONTROL_GAINED)


def test_ownership_lapses_after_a_day_without_activity():
    assert not has_lapsed(1000.0, 1000.0 + LAPSES_AFTER - 1)
    assert has_lapsed(1000.0, 1000.0 + LAPSES_AFTER)
    assert LAPSES_AFTER == 24 * 60 * 60
