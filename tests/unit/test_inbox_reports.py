"""The page of reports for admins, without a server."""

from __future__ import annotations

import csv
import io
from datetime import date, datetime, timezone
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st
from inbox_page import ADMIN, add_agents, get, services_of
from play import DAY, HOUR, PSID

from handover_channel.inbox import labels
from handover_channel.inbox.admin import report_routes, reports
from handover_channel.rules import report_periods
from handover_channel.rules.control import Control, State
from handover_channel.rules.reasons_in_words import REASONS
from handover_channel.rules.report_periods import MOST_DAYS, Days, NoDays
from handover_channel.store import acts, changes, conversation_lists, threads
from handover_channel.store.reports import SUMMED_BY

#: Six in the evening in London, nine in Riyadh, and half past ten minus a day nowhere.
NOW = datetime(2026, 11, 30, 21, 30, tzinfo=timezone.utc).timestamp()
RIYADH = "Asia/Riyadh"  # where it is half past midnight of the first of December


@pytest.fixture
def services(play, clock):
    clock.now = NOW
    add_agents(play, "sara")
    found = services_of(play)
    yield found
    found.pools.shutdown()


@pytest.fixture
def handed_over(play):
    """Write a handover that sara took after 90 seconds, and that came back after an hour."""

    def write(at, *, thread=PSID, tag="", agent="sara"):
        bot, inbox = State(), State(Control.INBOX, target="inbox")
        with play.store.writing() as connection:
            threads.get_or_add(connection, thread, channel="facebook", page="p", now=at)
            changes.add(connection, thread, bot, inbox, reason="handed_over", who="bot", now=at)
            acts.assigned(connection, thread, to=agent, before="", by=agent, now=at + 90)
            changes.add(connection, thread, inbox, bot, reason="keyword", who="person", now=at + HOUR)
            if tag:
                conversation_lists.add_tag(connection, thread, tag)

    return write


async def page(services, query=""):
    return await report_routes.show_reports(services, get(ADMIN, query=query))


async def test_the_last_thirty_days_are_added_up_and_times_are_written_for_people(services, handed_over):
    handed_over(NOW - DAY)
    handed_over(NOW - 40 * DAY, thread="7002")

    shown = (await page(services)).content

    assert 'aria-current="true">Last 30 days' in shown
    assert "<dd>1</dd>" in shown
    assert "1 min 30 s" in shown
    assert "Sara" in shown
    assert "The bot handed over" in shown
    assert "Keyword" in shown
    assert "1 Nov 2026 to 30 Nov 2026" in shown


async def test_hours_and_days_are_those_of_the_readers_time_zone_which_is_named(services, handed_over):
    handed_over(NOW - 1800)

    here, there = [(await page(services, query)).content for query in ("period=7", f"period=7&zone={RIYADH}")]

    assert "21:00" in here
    assert "24 Nov 2026 to 30 Nov 2026" in here
    assert "time zone UTC" in here
    assert "00:00" in there
    assert "25 Nov 2026 to 1 Dec 2026" in there
    assert f"time zone {RIYADH}" in there


@pytest.mark.parametrize("zone", ["", "Nowhere/Else", "Europe", "../../etc/passwd", "\0", "a" * 100])
async def test_a_time_zone_that_is_none_is_utc(services, zone):
    answer = await page(services, f"zone={zone}")

    assert answer.status == 200
    assert "time zone UTC" in answer.content


async def test_days_of_ones_own_stay_in_the_form_with_what_is_wrong_with_each(services, handed_over):
    handed_over(NOW - DAY)

    answer = await page(services, "period=chosen&from=2026-02-30&to=soon")

    assert answer.status == 400
    assert answer.content.count("is no day. Write it as in 2026-11-30") == 2
    assert 'value="2026-02-30" aria-invalid="true" aria-describedby="problem-from"' in answer.content
    assert 'value="soon"' in answer.content
    assert "Download" not in answer.content


@pytest.mark.parametrize(
    ("query", "sentence"),
    [
        ("from=&to=", "Choose the day on which the period begins"),
        ("from=2026-11-02&to=2026-11-01", "ends before it begins"),
        ("from=2024-01-01&to=2026-01-01", "a year at most"),
        ("from=0001-01-01&to=2026-01-01", "is no day"),
        ("from=2026-01-01&to=9999-12-31", "is no day"),
    ],
)
async def test_days_that_are_none_are_a_sentence(services, query, sentence):
    for show in (report_routes.show_reports, report_routes.give_table):
        answer = await show(services, get(ADMIN, query=f"period=chosen&{query}"))

        assert answer.status == 400
        assert sentence.lower() in answer.content.lower()


async def test_the_table_can_be_had_as_a_file_in_which_no_cell_is_a_formula(services, handed_over):
    handed_over(NOW - DAY, tag="=cmd()")

    query = f"period=chosen&from=2026-11-01&to=2026-11-30&zone={RIYADH}"
    answer = await report_routes.give_table(services, get(ADMIN, query=query))

    name = "handovers_2026-11-01_2026-11-30_Asia-Riyadh.csv"
    assert answer.headers["Content-Disposition"] == f'attachment; filename="{name}"'
    assert answer.type == "text/csv; charset=utf-8"
    rows = {row["by"]: row for row in csv.DictReader(io.StringIO(answer.content.decode("utf-8-sig")))}
    assert rows["tag"]["key"] == "'=cmd()"
    assert (rows["hour"]["key"], rows["day"]["key"]) == ("0", "2026-11-30")
    assert rows["total"]["waiting_median"] == "90.0"


async def test_days_without_a_handover_say_so(services):
    assert "No conversation was handed over on these days." in (await page(services, "period=7")).content


async def test_a_name_or_tag_is_never_markup(services, handed_over):
    handed_over(NOW - DAY, tag="<b>late</b>", agent="<i>")

    shown = (await page(services)).content

    assert "&lt;b&gt;late" in shown
    assert "<i>" not in shown


def test_the_columns_have_every_hour_and_day(play, handed_over):
    handed_over(NOW - DAY)
    days = Days(date(2026, 11, 1), date(2026, 11, 30), timezone.utc)

    groups = {each.by: each for each in reports.Reports(play.store, lambda: NOW).of(days).groups}

    assert [key for key, _ in groups["hour"].columns] == [str(hour) for hour in range(24)]
    assert len(groups["day"].columns) == 30
    assert dict(groups["day"].columns)["2026-11-29"] == 1
    assert groups["agent"].columns == ()


def test_every_table_and_every_reason_has_its_words():
    assert set(labels.REPORT_TITLES) == set(labels.REPORT_HEADS) == set(SUMMED_BY[1:])
    assert set(labels.REPORT_REASONS) == set(REASONS) - {"extended", "pass_refused", "handed_on"}


@given(first=st.dates(date(1990, 1, 1), date(2050, 1, 1)), more=st.integers(0, MOST_DAYS - 1))
def test_days_begin_and_end_at_midnight_there(first, more):
    zone = ZoneInfo("Europe/London")
    last = date.fromordinal(first.toordinal() + more)

    found = report_periods.days_of("chosen", first.isoformat(), last.isoformat(), zone=zone, now=NOW)

    begin, end = (datetime.fromtimestamp(at, zone) for at in (found.since, found.until))
    assert (begin.date(), begin.hour) == (first, 0)
    assert (end.toordinal(), end.hour) == (last.toordinal() + 1, 0)


@given(first=st.text(max_size=12), last=st.text(max_size=12))
def test_whatever_is_typed_is_days_or_a_sentence(first, last):
    problems = {}
    try:
        found = report_periods.days_of("chosen", first, last, zone=timezone.utc, now=NOW)
    except NoDays as error:
        problems = error.problems

    assert all(problems.values())
    assert problems or found.since < found.until
    assert set(problems) <= {"from", "to"}
