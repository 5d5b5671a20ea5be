"""Business hours, by the clock on the wall of their time zone."""

from __future__ import annotations

import contextlib
import pickle
from datetime import datetime, timezone
from zoneinfo import ZoneInfo

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from handover_channel.rules.business_hours import MIDNIGHT, Hours, Span, all_open_at, parse_days, parse_spans

NINE_TO_FIVE = (Span(9 * 60, 17 * 60),)
RIYADH, BERLIN, NEW_YORK = ZoneInfo("Asia/Riyadh"), ZoneInfo("Europe/Berlin"), ZoneInfo("America/New_York")
#: Half an hour of summer time, changes at midnight, and a zone that left out a whole day.
ZONES = [
    RIYADH,
    BERLIN,
    NEW_YORK,
    *map(
        ZoneInfo, ("Australia/Lord_Howe", "Africa/Cairo", "America/St_Johns", "Asia/Beirut", "Pacific/Apia")
    ),
]
SHOP = Hours(RIYADH, {**dict.fromkeys([6, 0, 1, 2, 3], NINE_TO_FIVE), 5: parse_spans("10:00-14:00")})


def at(text, zone=RIYADH, fold=0):
    return datetime.fromisoformat(text).replace(tzinfo=zone, fold=fold).timestamp()


@pytest.mark.parametrize(
    ("now", "is_open"),
    [
        ("2026-03-01T08:59:59", False),  # a Sunday
        ("2026-03-01T09:00", True),
        ("2026-03-01T16:59:59", True),
        ("2026-03-01T17:00", False),
        ("2026-03-06T12:00", False),  # Friday
        ("2026-03-07T12:00", True),  # Saturday
        ("2026-03-07T15:00", False),
    ],
)
def test_it_is_open_in_its_spans_and_at_no_other_time(now, is_open):
    assert SHOP.is_open(at(now)) is is_open


@pytest.mark.parametrize(
    ("now", "opens"),
    [
        ("2026-03-01T08:00", "2026-03-01T09:00"),
        ("2026-03-01T12:34:56", "2026-03-01T12:34:56"),  # it is open
        ("2026-03-01T17:00", "2026-03-02T09:00"),
        ("2026-03-05T18:00", "2026-03-07T10:00"),  # over the weekend
        ("2026-03-07T14:00", "2026-03-08T09:00"),
    ],
)
def test_it_opens_at_the_next_span(now, opens):
    assert SHOP.opens_at(at(now)) == at(opens)


def test_what_has_no_day_never_opens():
    assert Hours(RIYADH, {}).opens_at(at("2026-03-01T08:00")) is None


def test_a_clock_put_forward_over_the_opening_opens_at_once():
    hours = Hours(BERLIN, {6: parse_spans("2:30-5:00")})

    # On 29 March 2026 two o'clock is three o'clock.
    assert hours.opens_at(at("2026-03-29T00:00", BERLIN)) == at("2026-03-29T03:00", BERLIN)


def test_a_span_that_the_clock_jumps_over_is_a_week_later():
    hours = Hours(BERLIN, {6: parse_spans("2:10-2:50")})

    assert hours.opens_at(at("2026-03-29T00:00", BERLIN)) == at("2026-04-05T02:10", BERLIN)


def test_a_clock_put_back_shows_the_span_twice():
    hours = Hours(NEW_YORK, {6: parse_spans("1:10-1:50")})
    first, second = (at("2026-11-01T01:10", NEW_YORK, fold) for fold in (0, 1))

    assert second - first == 3600
    assert hours.opens_at(at("2026-11-01T00:00", NEW_YORK)) == first
    assert hours.opens_at(first + 45 * 60) == second


spans = st.lists(st.integers(0, 48), min_size=2, max_size=6, unique=True).map(
    lambda halves: tuple(
        Span(opens * 30, closes * 30) for opens, closes in zip(sorted(halves)[::2], sorted(halves)[1::2])
    )
)
weeks = st.dictionaries(st.integers(0, 6), spans, max_size=7)
#: Around the changes of clocks of a few years, mostly.
moments = st.one_of(
    st.integers(1_700_000_000, 1_900_000_000),
    st.sampled_from(
        ["2025-03-30", "2025-10-26", "2026-03-08", "2026-11-01", "2025-04-25", "2011-12-29"]
    ).flatmap(lambda day: st.integers(-100_000, 100_000).map(lambda more: int(at(day, timezone.utc)) + more)),
)


@settings(max_examples=60, deadline=None)
@given(st.sampled_from(ZONES), weeks, moments)
@example(ZoneInfo("Australia/Lord_Howe"), {6: (Span(120, 150),)}, int(at("2025-10-04T15:00", timezone.utc)))
def test_no_minute_before_the_opening_is_open_and_the_opening_is(zone, week, now):
    hours = Hours(zone, week)
    opens = hours.opens_at(now)

    if opens is None:
        assert week == {}
        return
    assert opens >= now
    assert hours.is_open(opens)
    assert opens == now or not hours.is_open(opens - 1)
    minutes = range(now, int(opens), 60)
    assert not any(map(hours.is_open, minutes))


@given(st.sampled_from(ZONES), moments)
def test_hours_that_never_end_are_always_open(zone, now):
    hours = Hours(zone, dict.fromkeys(range(7), (Span(0, MIDNIGHT),)))

    assert hours.is_open(now)
    assert hours.opens_at(now) == now


def test_several_are_open_together_at_the_first_moment_that_all_are():
    morning = Hours(BERLIN, {day: parse_spans("6:00-10:30") for day in range(5)})
    never = Hours(RIYADH, {})
    evening = Hours(RIYADH, {day: parse_spans("20:00-22:00") for day in range(7)})

    # Saturday; on Monday Berlin opens first, two hours behind.
    assert all_open_at([SHOP, morning, never], at("2026-03-07T15:00")) == at("2026-03-09T09:00")
    assert all_open_at([SHOP, morning], at("2026-03-09T10:00")) == at("2026-03-09T10:00")
    assert all_open_at([SHOP, evening], at("2026-03-09T10:00")) is None


def test_a_time_is_told_without_the_date_where_it_is_today_there():
    now = at("2026-03-01T00:30")

    assert datetime.fromtimestamp(now, timezone.utc).day == 28  # elsewhere it is yesterday
    assert SHOP.text(at("2026-03-01T09:00"), now) == "09:00"
    assert SHOP.text(at("2026-03-02T09:00"), now) == "2026-03-02 09:00"


def test_hours_go_to_other_processes_as_they_are():
    assert pickle.loads(pickle.dumps(SHOP)) == SHOP  # noqa: S301  (our own)


@pytest.mark.parametrize(
    ("text", "days"),
    [
        ("monday", [0]),
        ("Saturday", [5]),
        ("monday-friday", [0, 1, 2, 3, 4]),
        ("sunday - thursday", [6, 0, 1, 2, 3]),
        ("friday–friday", [4]),
        ("monday-sunday", [0, 1, 2, 3, 4, 5, 6]),
    ],
)
def test_days_are_one_or_from_one_to_another(text, days):
    assert parse_days(text) == days


@pytest.mark.parametrize("text", ["", "mon", "monday-", "monday-tuesday-friday", "holidays", "monday friday"])
def test_what_is_no_day_is_told_what_is(text):
    with pytest.raises(ValueError, match="as in sunday-thursday, of monday, tuesday"):
        parse_days(text)


@pytest.mark.parametrize(
    ("text", "spans"),
    [
        ("9:00-17:00", [(540, 1020)]),
        ("13:00-17:30, 09:00 – 12:00", [(540, 720), (780, 1050)]),
        ("0:00-24:00", [(0, 1440)]),
        ("9:00-12:00,12:00-13:00", [(540, 720), (720, 780)]),
    ],
)
def test_spans_are_one_or_several(text, spans):
    assert parse_spans(text) == tuple(spans)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "write times as in"),
        ("9-17", "write times as in"),
        ("9:00", "write times as in"),
        ("9:00-17:00,", "write times as in"),
        ("٩:٠٠-١٧:٠٠", "write times as in"),
        ("9:60-17:00", "no such time"),
        ("9:00-24:30", "no such time"),
        ("17:00-9:00", "ends before it begins"),
        ("9:00-9:00", "ends before it begins"),
        ("9:00-12:00, 11:00-13:00", "overlap"),
    ],
)
def test_what_are_no_times_is_told_what_are(text, said):
    with pytest.raises(ValueError, match=said):
        parse_spans(text)


@pytest.mark.parametrize("parse", [parse_spans, parse_days])
@given(text=st.text(max_size=30))
def test_whatever_is_written_it_is_times_or_a_sentence(parse, text):
    with contextlib.suppress(ValueError):
        assert parse(text)
