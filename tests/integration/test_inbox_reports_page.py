"""The page of reports in a real browser: figures, time zone, download, rights, both languages and looks."""

from __future__ import annotations

import csv
import time

import pytest
import sqlalchemy as sa
from served_inbox import BASE, PASSWORD, ServedInbox

pytest.importorskip("playwright", reason="no browser: Playwright is not installed")

from axe_playwright_python.sync_playwright import Axe
from browsers import chromium
from playwright.sync_api import expect

import handover_channel  # noqa: F401 - here, as importing Rasa may take longer than a server has to start
from handover_channel import InboxInput  # noqa: F401
from handover_channel.rules.control import Control, State
from handover_channel.store import acts, changes, conversation_lists, threads
from handover_channel.store.schema import agents

pytestmark = [pytest.mark.rasa, pytest.mark.browser]

DAY = 86400
LOOKS = [
    {"locale": locale, "color_scheme": scheme, "viewport": {"width": width, "height": 800}}
    for locale in ("en-GB", "ar")
    for scheme in ("light", "dark")
    for width in (1280, 375)
]


def put(inbox, number):
    """Add a handover of the last days: taken after some minutes, and mostly returned."""
    at, thread = time.time() - (number % 6) * DAY - 3600 - number * 120, f"90{number}"
    agent, target = ("sara", "omar")[number % 2], ("inbox", "sales_bot", "page_inbox")[number % 3]
    bot, held = State(), State(Control.INBOX, target=target)
    with inbox.store.writing() as connection:
        threads.get_or_add(connection, thread, channel="facebook", page="1", now=at)
        changes.add(connection, thread, bot, held, reason="handed_over", who="bot", now=at)
        acts.assigned(connection, thread, to=agent, before="", by=agent, now=at + 35 + number * 11)
        conversation_lists.add_tag(connection, thread, ("refund", "=1+1", "الشحن")[number % 3])
        if number % 5:
            changes.add(connection, thread, held, bot, reason="keyword", who="person", now=at + 3000)


@pytest.fixture(scope="module")
def inbox(tmp_path_factory):
    with ServedInbox(tmp_path_factory.mktemp("inbox")).running() as running:
        for name in ("sara", "omar"):
            running.add_agent(name)
        with running.store.writing() as connection:
            connection.execute(sa.update(agents).where(agents.c.name == "omar").values(role="admin"))
        for number in range(40):
            put(running, number)
        yield running


@pytest.fixture(scope="module")
def browser():
    with chromium() as started:
        yield started


@pytest.fixture
def window(inbox, browser):
    """Open the reports as somebody who is signed in."""
    contexts = []

    def open_one(query="", who="omar", **looks):
        contexts.append(browser.new_context(**{"locale": "en-GB", "timezone_id": "Asia/Riyadh", **looks}))
        page = contexts[-1].new_page()
        page.goto(f"http://{inbox.at}{BASE}/sign-in")
        page.fill("#name", who)
        page.fill("#password", PASSWORD)
        page.click("form button.primary")
        page.wait_for_selector("#list")
        page.goto(f"http://{inbox.at}{BASE}/admin/reports{query}")
        return page

    yield open_one
    for context in contexts:
        context.close()


def test_figures_are_those_of_the_browsers_time_zone(window):
    page = window()

    expect(page.get_by_text("hours and days of the time zone Asia/Riyadh")).to_be_visible()
    expect(page.locator("nav [aria-current=page]")).to_have_text("Reports")
    expect(page.locator(".report-facts div", has_text="Handovers").locator("dd")).to_have_text("40")
    expect(page.get_by_role("region", name="By agent").get_by_role("row", name="Omar")).to_contain_text("20")
    page.get_by_role("link", name="Last 7 days").click()
    expect(page.locator("[aria-current=true]")).to_have_text("Last 7 days")
    expect(page.get_by_text("time zone Asia/Riyadh")).to_be_visible()


def test_days_are_chosen_and_the_same_can_be_downloaded(window):
    page = window()
    expect(page.get_by_text("time zone Asia/Riyadh")).to_be_visible()
    page.get_by_label("From").fill(time.strftime("%Y-%m-%d", time.gmtime(time.time() - 2 * DAY)))
    page.get_by_role("button", name="Show").click()
    shown = page.locator(".report-facts dd").first.inner_text()

    with page.expect_download() as got:
        page.get_by_role("link", name="Download as CSV").click()

    with open(got.value.path(), encoding="utf-8-sig", newline="") as file:
        rows = list(csv.DictReader(file))
    assert rows[0]["handovers"] == shown
    assert {row["key"] for row in rows if row["by"] == "tag"} == {"refund", "'=1+1", "الشحن"}


def test_days_in_the_wrong_order_are_a_sentence_and_stay_as_they_were_typed(window):
    page = window("?period=chosen&from=2026-11-02&to=2026-11-01&zone=Asia/Riyadh")

    expect(page.get_by_role("alert")).to_contain_text("The period ends before it begins")
    expect(page.get_by_label("From")).to_have_value("2026-11-02")
    expect(page.get_by_label("To", exact=True)).to_have_value("2026-11-01")


def test_an_agent_reads_that_it_is_for_admins(window):
    page = window(who="sara")

    expect(page.locator("body")).to_contain_text("for admins of this inbox")
    expect(page.locator(".report")).to_have_count(0)


@pytest.mark.parametrize("looks", LOOKS, ids=lambda each: "-".join(map(str, [*each.values()][:2])))
def test_everybody_can_read_it(window, looks, tmp_path):
    page = window("?period=7&zone=Asia/Riyadh", **looks)
    expect(page.locator(".report-part").first).to_be_visible()

    found = Axe().run(page)
    assert found.violations_count == 0, found.generate_report()
    assert page.evaluate("document.documentElement.scrollWidth <= document.documentElement.clientWidth")
