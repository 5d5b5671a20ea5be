"""The person beside the chat, and the card above it, in a browser: wide, phone, keyboard, Arabic."""

from __future__ import annotations

import pytest

pytest.importorskip("playwright", reason="no browser: Playwright is not installed")

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import expect

pytestmark = [pytest.mark.rasa, pytest.mark.browser]

WIDE = {"viewport": {"width": 1440, "height": 860}}
PHONE = {"viewport": {"width": 375, "height": 700}, "has_touch": True, "is_mobile": True}


@pytest.fixture(scope="module")
def asked(office):
    """Somebody who has asked for their order, was asked for its details, and then for a human."""
    person = office.stack.person("Ada Okafor")
    for text in ("where is my order", "10234"):
        person.says(text)
        person.settled()
    person.goes_to("inbox")
    person.says("my parcel is wet")
    person.settled()
    return person


@pytest.fixture
def wide(office, chromium):
    """Anna's window, wide enough for a third column."""
    with office.agent(chromium, "anna", **WIDE) as window:
        yield window


def test_the_agent_sees_what_was_wanted_and_what_the_bot_knows(asked, wide):
    wide.shows(asked.psid)

    card = wide.page.locator("[data-brief]")
    expect(card).to_contain_text("Order status")
    expect(card).to_contain_text("10234")
    beside = wide.page.get_by_role("complementary", name="About the customer")
    expect(beside).to_contain_text("Ada Okafor")
    expect(beside).to_contain_text(asked.psid)
    expect(beside).to_contain_text("English (United States)")
    expect(beside).to_contain_text("UTC+1")
    expect(beside).to_contain_text("Order number")
    expect(beside.locator(".episodes li")).to_have_count(1)


def test_what_was_loaded_stays_while_the_conversation_goes_on(asked, wide):
    wide.shows(asked.psid)
    card = wide.page.locator("[data-brief]")
    expect(card).to_be_visible()
    card.evaluate("element => (element.dataset.same = '1')")

    asked.says("is anybody there?")
    expect(wide.messages).to_contain_text("is anybody there?")

    assert card.evaluate("element => element.dataset.same") == "1"
    expect(wide.page.locator(".beside")).to_contain_text(asked.psid)


def test_the_column_is_folded_by_key_and_stays_so(asked, wide):
    wide.shows(asked.psid)
    beside, button = wide.page.locator(".beside"), wide.page.locator(".head [data-person-opens]")
    expect(beside).to_be_visible()
    expect(button).to_have_attribute("aria-expanded", "true")

    wide.page.keyboard.press("i")
    expect(beside).to_be_hidden()
    expect(button).to_have_attribute("aria-expanded", "false")
    wide.page.reload()
    expect(wide.page.locator("#thread-name")).to_be_visible()
    expect(beside).to_be_hidden()

    button.focus()
    wide.page.keyboard.press("Enter")
    expect(beside).to_contain_text(asked.psid)


def test_a_card_that_was_closed_stays_closed(asked, wide):
    wide.shows(asked.psid)
    wide.page.locator("[data-brief] summary").click()
    expect(wide.page.locator("[data-brief]")).not_to_have_attribute("open", "")
    wide.page.reload()

    expect(wide.page.locator("[data-brief] summary")).to_be_visible()
    expect(wide.page.locator("[data-brief] dl")).to_be_hidden()


def test_the_id_is_copied(asked, wide):
    wide.page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    wide.shows(asked.psid)

    wide.button("Copy the ID").click()

    expect(wide.page.locator("#said")).to_have_text("Copied")
    assert wide.page.evaluate("navigator.clipboard.readText()") == asked.psid


def test_on_a_phone_it_is_a_sheet_that_escape_closes(asked, office, chromium):
    with office.agent(chromium, "anna", **PHONE) as phone:
        phone.shows(asked.psid)
        beside = phone.page.locator(".beside")
        expect(beside).to_be_hidden()
        expect(phone.page.locator("[data-brief] summary")).to_be_visible()
        expect(phone.page.locator("[data-brief] dl")).to_be_hidden()

        phone.page.locator(".head [data-person-opens]").click()
        expect(beside).to_contain_text(asked.psid)
        assert phone.page.evaluate("document.documentElement.scrollWidth") <= 375
        phone.page.keyboard.press("Escape")
        expect(beside).to_be_hidden()
        expect(phone.page.locator("#thread")).to_be_visible()
        expect(phone.page.locator(".head [data-person-opens]")).to_be_focused()

        phone.page.locator(".head [data-person-opens]").click()
        beside.locator(".person-close").click()
        expect(beside).to_be_hidden()

        phone.page.locator(".head [data-person-opens]").click()
        expect(beside).to_be_visible()
        phone.page.locator(".head [data-person-opens]").click()
        expect(beside).to_be_hidden()


def test_two_people_of_one_name_are_told_apart(office, wide):
    people = [office.waiting("Mona Ali"), office.waiting("Mona Ali")]
    wide.goes_to("/")

    for person in people:
        expect(wide.item(person)).to_contain_text(f"…{person.psid[-4:]}")


@pytest.mark.parametrize("looks", [{}, {"color_scheme": "dark"}], ids=["light", "dark"])
@pytest.mark.parametrize("size", [WIDE, PHONE], ids=["wide", "phone"])
@pytest.mark.parametrize("agent", ["anna", "amal"])
def test_axe_finds_nothing_wrong(asked, office, chromium, agent, size, looks):
    with office.agent(chromium, agent, **size, **looks) as window:
        window.reads("ar" if agent == "amal" else "en")
        window.shows(asked.psid)
        expect(window.page.locator("[data-brief] summary")).to_be_visible()
        if size is PHONE:
            window.page.locator(".head [data-person-opens]").click()
        expect(window.page.locator(".beside .person-facts").first).to_be_visible()

        found = Axe().run(window.page)

        assert found.violations_count == 0, found.generate_report()
