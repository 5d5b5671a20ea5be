"""The bench counts right: a figure that is wrong is worse than none."""

from __future__ import annotations

import math
from types import ModuleType

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench import attackers, mutations, report
from bench.meta import Call
from bench.outcome import Line, Outcome, Table, skipped, verdict
from bench.samples import Load, percentile
from bench.tally import shared_out, tally


def answer(number, at, thread="p"):
    return Call(at, thread, "message", f"repeat {number}")


# --- tally ----------------------------------------------------------------------------------------


def test_answers_in_order_are_neither_lost_nor_repeated():
    found = tally({"p": [1, 2, 3]}, [answer(1, 1.0), answer(2, 2.0), answer(3, 3.0)])

    assert (found.messages, found.lost, found.disordered, found.repeated) == (3, 0, 0, 0)


def test_a_message_without_an_answer_is_lost():
    assert tally({"p": [1, 2], "q": [1]}, [answer(1, 1.0)]).lost == 2


def test_an_answer_after_that_to_a_later_message_is_out_of_order():
    assert tally({"p": [1, 2, 3]}, [answer(2, 1.0), answer(1, 2.0), answer(3, 3.0)]).disordered == 1


def test_a_repeat_is_put_down_to_the_first_kill_after_the_answer_that_it_repeats():
    found = tally({"p": [1]}, [answer(1, 5.0), answer(1, 9.0)], kills=[4.0, 6.0, 8.0])

    assert (found.repeated, found.by_kill) == (1, [0, 1, 0])


def test_what_strangers_hear_and_what_is_no_answer_does_not_count():
    calls = [answer(1, 1.0, thread="stranger"), Call(2.0, "p", "message", "hello"), answer(1, 3.0)]

    assert tally({"p": [1]}, calls).repeated == 0


@given(st.integers(0, 500), st.integers(1, 20))
def test_every_message_is_somebodys(count, people):
    shares = shared_out(count, [str(number) for number in range(people)])

    assert sum(map(len, shares.values())) == count
    assert all(numbers == list(range(1, len(numbers) + 1)) for numbers in shares.values())


# --- samples --------------------------------------------------------------------------------------


@pytest.mark.parametrize(("percent", "expected"), [(0, 1.0), (50, 2.5), (100, 4.0), (75, 3.25)])
def test_a_percentile_lies_between_its_neighbours(percent, expected):
    assert percentile([4.0, 1.0, 3.0, 2.0], percent) == expected


def test_of_nothing_there_is_no_percentile():
    assert math.isnan(percentile([], 50))


def test_only_what_was_accepted_counts_as_throughput():
    load = Load()
    for status in (200, 200, 500, 0):
        load.add(status, 0.010)
    load.wall = 2.0

    assert (load.count, load.accepted, load.rate) == (4, 2, 1.0)
    assert load.cells() == ["4", "10.0", "10.0", "10.0", "10.0", "1 x none, 2 x 200, 1 x 500"]


# --- mutations ------------------------------------------------------------------------------------


def test_bodies_are_damaged_in_many_ways():
    assert len(set(mutations.bodies(500, 1))) > 400


# --- attackers ------------------------------------------------------------------------------------


@pytest.mark.parametrize("size", [0, 1, 95 * attackers.MB, 28 * attackers.MB + 7])
def test_an_attacker_sends_as_many_bytes_as_it_announces(size):
    assert sum(map(len, attackers._pieces(size, b"a=1&"))) == size


# --- report ---------------------------------------------------------------------------------------


def run(line, scale=1.0, idle=1.0):
    outcome = Outcome([line], [Table("Raw", ["a|b"], [["1|2"]])], ["A remark."])
    return report.Run("2026-01-02", {"Cores": "2"}, scale, {"figure": outcome}, {"figure": idle}, 3.4)


def rendered(*given, **named):
    module = ModuleType("figure", "How it was measured.")
    return report.render(run(*given, **named), {"figure": module})


def test_the_report_says_what_was_not_reached():
    text = rendered(Line("speed", "1", "2", "3", "4", verdict(False)))

    assert "| speed | 1 | 2 | 3 | 4 | **NOT reached** |" in text
    assert "How it was measured." in text
    assert "A remark." in text


def test_what_was_not_measured_says_why():
    assert skipped("no PostgreSQL here") == "skipped: no PostgreSQL here"
    assert report.failed(RuntimeError("it has ended\nmore")) == "**NOT reached**: RuntimeError: it has ended"


def test_a_trial_and_a_busy_machine_are_called_so():
    line = Line("speed", "1", "2", "3", "4", verdict(True))

    assert "a trial" not in rendered(line).lower()
    assert "A trial with 0.1 of the full counts" in rendered(line, scale=0.1)
    assert "not quiet before: figure (50% idle)" in rendered(line, idle=0.5)


def test_a_cell_cannot_break_the_table():
    assert "| a/b |" in rendered(Line("speed", "1", "2", "3", "4", ""))
