from __future__ import annotations

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st
from play import DAY, START

from handover_channel.rules.points_in_time import point_in_time

MIDNIGHT = 1_699_920_000.0  # 2023-11-14 00:00 UTC


@pytest.mark.parametrize(
    ("text", "at"),
    [
        ("2023-11-14", MIDNIGHT),
        (" 2023-11-14 ", MIDNIGHT),
        ("2023-11-14 14:30", MIDNIGHT + 14.5 * 3600),
        ("2023-11-14T14:30:00Z", MIDNIGHT + 14.5 * 3600),
        ("2023-11-14T14:30:00+02:00", MIDNIGHT + 12.5 * 3600),
        ("2 days", START - 2 * DAY),
    ],
)
def test_days_times_and_how_long_ago_are_read(text, at):
    assert point_in_time(text, now=START) == at


def test_a_day_as_the_end_of_a_period_is_part_of_it():
    assert point_in_time("2023-11-14", now=START, is_end=True) == MIDNIGHT + DAY
    assert point_in_time("2023-11-14 14:30", now=START, is_end=True) == MIDNIGHT + 14.5 * 3600


@pytest.mark.parametrize("text", ["", "yesterday", "14.11.2023", "2023-13-01", "2023-02-30", "9999-12-31"])
def test_anything_else_is_refused_with_what_is_accepted(text):
    with pytest.raises(ValueError, match="2026-11-01"):
        point_in_time(text, now=START, is_end=True)


@given(text=st.text(max_size=30))
def test_whatever_is_typed_is_a_point_in_time_or_refused(text):
    with contextlib.suppress(ValueError):
        assert isinstance(point_in_time(text, now=START, is_end=True), float)
