"""Meta's clock: what a jump and a run have happen, and when."""

from __future__ import annotations

from typing import List, Tuple

import pytest
from hypothesis import given
from hypothesis import strategies as st

from handover_channel.simulator import PAGE_INBOX, Simulator
from handover_channel.simulator.clock import Clock, seconds_of

START = 1_700_000_000.0
HOUR, DAY = 3600.0, 86400.0


def still() -> Clock:
    """A clock that moves by hand alone."""
    return Clock(lambda: START)


def every(clock: Clock, seconds: float, seen: List[float]) -> None:
    """Note the time, again and again."""

    def happens() -> None:
        seen.append(clock.now() - START)
        clock.at(clock.now() + seconds, happens)

    clock.at(clock.now() + seconds, happens)


def test_a_jump_has_what_repeats_itself_happen_once():
    clock, seen = still(), []
    every(clock, 10, seen)

    clock.jump("1 minute")

    assert seen == [60]


def test_a_run_has_everything_in_between_happen_at_its_own_time():
    clock, seen = still(), []
    every(clock, 10, seen)

    clock.run("1 minute")

    assert seen == pytest.approx([10, 20, 30, 40, 50, 60], abs=0.001)
    assert clock.now() == pytest.approx(START + 60, abs=0.001)


def test_what_is_due_happens_in_the_order_in_which_it_was_due():
    clock, seen = still(), []
    for due in (30, 10, 20):
        clock.at(START + due, lambda due=due: seen.append(due), f"at {due}")

    assert clock.jump(60) == ["at 10", "at 20", "at 30"]
    assert seen == [10, 20, 30]


def test_what_is_cancelled_does_not_happen():
    clock, seen = still(), []
    clock.at(START + 1, lambda: seen.append(1), "it").cancel()

    assert clock.jump(60) == []
    assert seen == []


def test_real_time_makes_things_happen_at_the_next_look():
    time = [START]
    clock, seen = Clock(lambda: time[0]), []
    clock.at(START + 5, lambda: seen.append("due"))

    clock.tick()
    assert seen == []
    time[0] += 6
    clock.tick()
    clock.tick()
    assert seen == ["due"]


@pytest.mark.parametrize(
    ("given", "seconds"),
    [
        (5, 5),
        ("25 hours", 25 * HOUR),
        ("1.5 days", 1.5 * DAY),
        ("90s", 90),
        ("2 weeks", 14 * DAY),
        ("3 min", 180),
    ],
)
def test_a_duration_is_seconds_or_a_number_and_a_unit(given, seconds):
    assert seconds_of(given) == seconds


@pytest.mark.parametrize("given", [-1, "yesterday", "5", "3 fortnights", "", True, None, float("nan"), 1e12])
def test_what_is_no_duration_is_refused_with_what_is_one(given):
    with pytest.raises(ValueError, match="write seconds, or a number and a unit"):
        seconds_of(given)


@given(
    st.lists(st.tuples(st.floats(0, 1000), st.booleans()), max_size=8),
    st.lists(st.tuples(st.sampled_from(["jump", "run"]), st.floats(0, 400)), max_size=8),
)
def test_everything_due_happens_exactly_once_and_never_before_its_time(
    dues: List[Tuple[float, bool]], moves: List[Tuple[str, float]]
):
    clock, seen = still(), []
    for number, (due, _) in enumerate(dues):
        clock.at(START + due, lambda number=number: seen.append((number, clock.now())))

    before = clock.now()
    for verb, seconds in moves:
        getattr(clock, verb)(seconds)
        assert clock.now() >= before + seconds - 0.001
        before = clock.now()

    numbers = [number for number, _ in seen]
    assert sorted(numbers) == [n for n, (due, _) in enumerate(dues) if START + due <= clock.now() and moves]
    assert all(at >= START + dues[number][0] for number, at in seen)


# --- what is on it --------------------------------------------------------------------------------


def test_every_move_is_a_line_of_the_journal_with_what_happened_by_it():
    messenger = Simulator(now=still(), apps={"2222": "sales_bot"})
    messenger.app("bot").passes("42", to="sales_bot")
    messenger.clock.jump("1 hour")
    messenger.clock.run("2 days")
    with pytest.raises(ValueError, match="is no time to move by"):
        messenger.clock.jump("tomorrow")

    lines = [entry for entry in messenger.journal.after() if entry["kind"] == "clock"]
    assert [(line["act"], line["text"]) for line in lines] == [("jump", "by 1 hour"), ("run", "by 2 days")]
    assert [line["happened"] for line in lines] == [[], ["control of 42 has lapsed"]]


def test_a_jump_closes_the_messaging_window_and_lets_control_run_out():
    messenger = Simulator(now=still(), apps={"2222": "sales_bot"})
    messenger.person("42").says("hello")
    messenger.app("bot").passes("42", to="sales_bot")

    happened = messenger.clock.jump("25 hours")

    assert happened == ["control of 42 has lapsed"]
    assert messenger.owner("42") == ""
    assert messenger.app("bot").says("42", "still there?").body["error"]["error_subcode"] == 2018278
    assert messenger.thread("42").chat[-1]["action"] == "lapse"


def test_a_run_notes_when_control_ran_out():
    messenger = Simulator(now=still())
    messenger.inbox.replies("42", "Sam here")

    messenger.clock.run("2 days")

    lapse = messenger.thread("42").chat[-1]
    assert (lapse["action"], lapse["by"]) == ("lapse", PAGE_INBOX)
    assert lapse["at"] / 1000 == pytest.approx(START + DAY, abs=1)
