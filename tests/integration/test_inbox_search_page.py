"""Finding in the inbox page, in a real browser: in all lists, at the place of what is found, by filters."""

from __future__ import annotations

import time

import pytest
from served_inbox import BASE, HOUR, PASSWORD, ServedInbox, put

pytest.importorskip("playwright", reason="no browser: Playwright is not installed")

from axe_playwright_python.sync_playwright import Axe
from browsers import chromium
from playwright.sync_api import expect

import handover_channel  # noqa: F401 - here, as importing Rasa may take longer than a server has to start
from handover_channel import InboxInput  # noqa: F401
from handover_channel.store import conversation_lists, search_sources

pytestmark = [pytest.mark.rasa, pytest.mark.browser]

PHONE = {"viewport": {"width": 375, "height": 700}, "has_touch": True, "is_mobile": True}


@pytest.fixture(scope="module")
def inbox(tmp_path_factory):
    with ServedInbox(tmp_path_factory.mktemp("inbox")).running() as running:
        for name in ("sara", "omar"):
            running.add_agent(name)
        put(running, "1", "Nadia Farouk", "my parcel is wet", waiting_since=time.time() - HOUR)
        put(running, "2", "ليلى منصور", "المنتج وصل مكسورًا", assignee="omar")
        put(running, "3", "Hana", "the parcel came", control="bot", target="", reason="keyword")
        long = [f"message number {number}" for number in range(200)]
        long[20] = "the zebra is missing"
        put(running, "4", "Tom Fischer", *long, assignee="sara", ago=600)
        with running.store.writing() as connection:
            search_sources.begin(connection)
            conversation_lists.add_tag(connection, "1", "vip")
        while search_sources.bring_in_lines(running.store):
            pass
        yield running


@pytest.fixture(scope="module")
def browser():
    with chromium() as started:
        yield started


@pytest.fixture
def window(inbox, browser):
    """Open windows in which Sara is signed in; nothing may be logged as an error there."""
    contexts, wrong = [], []

    def open_one(path="/", **looks):
        given = {"viewport": {"width": 1200, "height": 760}, "locale": "en-GB", **looks}
        contexts.append(browser.new_context(**given))
        page = contexts[-1].new_page()
        page.on("console", lambda message: wrong.append(message.text) if message.type == "error" else None)
        page.on("pageerror", lambda error: wrong.append(str(error)))
        page.goto(f"http://{inbox.at}{BASE}/sign-in")
        page.fill("#name", "sara")
        page.fill("#password", PASSWORD)
        page.click("form button.primary")
        page.wait_for_selector("#list")
        page.goto(f"http://{inbox.at}{BASE}{path}")
        return page

    yield open_one
    for context in contexts:
        context.close()
    assert wrong == []


def test_a_search_finds_in_all_lists_and_is_walked_through_by_keyboard(window):
    page = window("/?list=mine")
    page.keyboard.press("/")
    page.keyboard.type("PARCEL")

    expect(page.locator(".item mark")).to_have_text(["parcel", "parcel"])
    expect(page.locator(".fact.state")).to_have_text(["Returned", "Waiting"])
    page.keyboard.press("ArrowDown")
    page.keyboard.press("j")
    page.keyboard.press("k")
    page.keyboard.press("Enter")
    expect(page.locator("#thread-name")).to_have_text("Hana")
    expect(page.locator("#entries .found mark")).to_have_text("parcel")
    expect(page.locator("#search")).to_have_value("PARCEL")


def test_what_is_far_back_is_opened_there_and_stays_there_when_the_page_is_loaded_anew(window):
    page = window("/?search=zebra")
    page.locator(".item").click()
    hit = page.locator("#entries .found")

    for _ in range(2):
        expect(hit).to_be_focused()
        expect(hit).to_be_in_viewport()
        expect(hit.locator("mark")).to_have_text("zebra")
        page.reload()
    page.locator("#newest").click()
    expect(page.get_by_text("message number 199")).to_be_in_viewport()


def test_words_stay_when_everything_is_searched(window):
    page = window("/?list=mine&search=nadia&only=list")
    expect(page.locator("#list")).to_contain_text("Nothing found.")

    page.get_by_role("link", name="Search everything").first.click()

    expect(page.locator("#search")).to_have_value("nadia")
    expect(page.locator(".item-name mark")).to_have_text("Nadia")


def test_arabic_is_found_without_its_marks_on_a_phone(window):
    page = window("/?search=مكسورا", **{**PHONE, "locale": "ar"})
    expect(page.locator(".item mark")).to_have_text("مكسورًا")

    page.locator(".item").click()

    expect(page.locator("#entries .found mark")).to_have_text("مكسورًا")
    assert page.evaluate("document.documentElement.scrollWidth") <= 375


def test_filters_stand_below_the_search_until_they_are_taken_away(window):
    page = window("/?list=open")
    page.locator("summary[aria-label=Filters]").click()
    page.get_by_label("Tag", exact=True).select_option("vip")
    expect(page.locator(".item")).to_have_count(1)
    expect(page.locator(".chip")).to_have_text("Tag: vip")
    page.keyboard.press("Escape")

    page.get_by_role("link", name="Remove the filter Tag: vip").click()

    expect(page.locator(".item")).to_have_count(3)
    expect(page.locator("summary[aria-label=Filters]")).to_be_focused()


def test_how_a_list_is_sorted_is_kept_for_the_next_time(window):
    page = window("/?list=open")
    page.locator("summary[aria-label='Sort by']").click()
    page.get_by_role("button", name="Longest waiting first").click()
    expect(page.locator(".item-name").first).to_have_text("Nadia Farouk")

    other = window("/?list=open")

    expect(other.locator(".item-name").first).to_have_text("Nadia Farouk")


@pytest.mark.parametrize("looks", [{}, {"color_scheme": "dark", "locale": "ar"}, PHONE])
def test_axe_finds_nothing_on_what_is_found_nor_in_the_popovers(window, looks):
    page = window("/?search=parcel", **looks)
    assert_accessible(page)
    page.goto(page.url.partition("?")[0] + "?list=mine&search=nobody&only=list&unread=1")
    assert_accessible(page)
    page.goto(page.url.partition("?")[0] + "?list=open")
    for menu in page.locator(".finding details").all():
        menu.locator("summary").click()
        assert_accessible(page)
        box = menu.locator(".choices").bounding_box()
        assert box["x"] >= 0
        assert box["x"] + box["width"] <= page.viewport_size["width"]
        menu.locator("summary").click()


def assert_accessible(page):
    found = Axe().run(page)
    assert found.violations_count == 0, found.generate_report()
