"""The page of the simulator in a browser, with several Facebook pages: the chooser, and what follows it."""

from __future__ import annotations

import pytest

sync_api = pytest.importorskip("playwright.sync_api", reason="no browser: Playwright is not installed")
pytest.importorskip("aiohttp", reason="the simulator's server needs the extra 'simulator'")
axe = pytest.importorskip("axe_playwright_python.sync_playwright", reason="no browser: axe is not installed")

from simulator_windows import bot, browser, open_page  # noqa: E402, F401

from handover_channel.simulator import PAGE_INBOX, PageFacts, Simulator, running  # noqa: E402

pytestmark = pytest.mark.browser

expect = sync_api.expect
NADIA = "42"
CHOOSER = "#which-page"


@pytest.fixture
def person():
    return NADIA


@pytest.fixture
def simulator():
    simulator = Simulator(apps={"2222": "sales_bot"}, more_pages=[PageFacts(name="Garden Shop")])
    simulator.thread(NADIA).name = "Nadia Chebbi"
    simulator.person(NADIA).says("hello, lamps")
    return simulator


def test_whoever_goes_to_another_page_is_the_same_person_there(open_page, simulator):
    page = open_page()
    expect(page.locator("#person-chat")).to_contain_text("hello, lamps")
    page.locator(CHOOSER).select_option(label="Garden Shop")

    expect(page.locator("#person-chat")).to_contain_text("Say hello to Garden Shop.")
    expect(page.locator("#person option:checked")).to_have_text("Nadia Chebbi")
    page.locator("#person-text").fill("hello, garden")
    page.locator("#person-text").press("Enter")
    expect(page.locator("#person-chat")).to_contain_text("hello, garden")
    there = simulator.person(NADIA).on("Garden Shop")
    assert [entry["message"]["text"] for entry in simulator.page_for(there.psid).thread(there.psid).chat] == [
        "hello, garden"
    ]
    expect(page.locator("#log")).to_contain_text("Garden Shop")
    page.locator(CHOOSER).select_option(label="Lamp & Leaf")
    expect(page.locator("#person-chat")).to_contain_text("hello, lamps")


def test_control_and_default_app_are_those_of_the_page_that_is_chosen(open_page, simulator):
    simulator.inbox.replies(NADIA, "Sam here")
    page = open_page()
    expect(page.locator("#control-owner")).to_have_text("Page inbox")
    page.locator(CHOOSER).select_option(label="Garden Shop")
    expect(page.locator("#control-owner")).to_have_text("our app")

    page.locator("#tab-faults").click()
    page.locator("#default-app").select_option(label="sales_bot")
    expect(page.locator("#control-owner")).to_have_text("sales_bot")
    assert [each.default_app for each in simulator.pages] == ["1234567890", "2222"]
    page.locator(CHOOSER).select_option(label="Lamp & Leaf")
    expect(page.locator("#control-owner")).to_have_text("Page inbox")
    assert simulator.owner(NADIA) == PAGE_INBOX


def test_a_link_to_a_person_opens_their_page(open_page, simulator):
    simulator.page("Garden Shop").person("43").says("hello, garden")
    page = open_page("/?psid=43")

    expect(page.locator("#person-chat")).to_contain_text("hello, garden")
    expect(page.locator(f"{CHOOSER} option:checked")).to_have_text("Garden Shop")


def test_a_new_person_comes_to_the_page_that_is_chosen(open_page, simulator):
    page = open_page()
    page.locator(CHOOSER).select_option(label="Garden Shop")
    expect(page.locator("#person-chat")).to_contain_text("Say hello to Garden Shop.")
    page.locator("#new-person").click()
    page.locator("#newcomer-name").fill("Paul Larsen")
    page.locator("#newcomer-form button[value=yes]").click()

    expect(page.locator("#person option:checked")).to_have_text("Paul Larsen")
    assert "Paul Larsen" in [thread.name for thread in simulator.page("Garden Shop").threads.values()]


def test_a_page_that_was_chosen_and_is_not_there_any_more_is_forgotten(open_page):
    page = open_page("/?page=9999")

    expect(page.locator(f"{CHOOSER} option:checked")).to_have_text("Lamp & Leaf")


def test_the_settings_are_those_of_the_page_that_is_chosen(open_page, simulator):
    page = open_page("/settings")
    expect(page.locator(f"{CHOOSER} option:checked")).to_have_text("Lamp & Leaf")
    page.locator(CHOOSER).select_option(label="Garden Shop")
    page.locator("#restricted").check()
    expect(page.locator("#restricted")).to_be_checked()
    page.wait_for_function("document.querySelector('#which-page').selectedOptions[0].text === 'Garden Shop'")

    assert [each.restricted for each in simulator.pages] == [False, True]
    page.locator(CHOOSER).select_option(label="Lamp & Leaf")
    expect(page.locator("#restricted")).not_to_be_checked()


@pytest.mark.parametrize("path", ["/", "/settings"])
def test_with_one_page_there_is_no_chooser(browser, path):
    with running(Simulator()) as url:
        page = browser.new_page()
        page.goto(url + path)
        expect(page.locator("#page-name")).to_have_text("Lamp & Leaf")

        expect(page.locator(CHOOSER)).to_be_hidden()
        page.close()


@pytest.mark.parametrize("path", ["/", "/settings"])
def test_axe_finds_nothing_with_several_pages(open_page, path):
    page = open_page(path)
    expect(page.locator(CHOOSER)).to_be_visible()

    found = axe.Axe().run(page)
    assert found.violations_count == 0, found.generate_report()
