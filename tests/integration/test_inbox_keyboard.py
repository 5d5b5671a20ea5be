"""The inbox page by its keys and its command bar, in a real browser: without a mouse, in both languages."""

from __future__ import annotations

import re
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
from handover_channel.store import profiles, transcript
from handover_channel.store import threads as kept
from handover_channel.store.profiles import Profile
from handover_channel.store.schema import threads
from handover_channel.store.transcript import PERSON, Line

pytestmark = [pytest.mark.rasa, pytest.mark.browser]

PHONE = {"viewport": {"width": 375, "height": 667}, "has_touch": True, "is_mobile": True}
ROW = {
    "channel": "facebook", "page": "1", "owner": "", "target": "inbox", "stamp": 0, "precedence": 0,
    "reason": "handed_over", "version": 1, "wanted": "", "refusal": "", "attempts": 0, "seen": 0,
    "context": "{}", "answers_from": 0, "control": "inbox",
}  # fmt: skip
NAMES = {"1": "Nadia Farouk", "2": "ليلى منصور", "3": "Hana", "4": "Tom Fischer"}


@pytest.fixture
def inbox(tmp_path):
    """The inbox of Sara and Omar: four people wait, Nadia the longest."""
    with ServedInbox(tmp_path).running() as running:
        for name in ("sara", "omar"):
            running.add_agent(name)
        for number, (thread, name) in enumerate(NAMES.items()):
            at = time.time() - 3600 + 60 * number
            values = {"active_at": at, "changed_at": at, "person_at": int(at * 1000), "waiting_since": at}
            with running.store.writing() as connection:
                connection.execute(sa.insert(threads).values(id=thread, **ROW, **values))
                profiles.put(connection, Profile(thread, name, "", time.time()))
                line = Line(PERSON, "my parcel is wet", int(at * 1000), mid=f"{thread}.1")
                transcript.add(connection, thread, line)
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
        given = {"viewport": {"width": 1280, "height": 800}, "locale": "en-GB", **looks}
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


def row(inbox, thread):
    with inbox.store.reading() as connection:
        return kept.get(connection, thread)


def item(page, thread):
    return page.locator(f'#list .item[data-thread="{thread}"]')


def shows(page, thread):
    expect(page.locator("#thread")).to_have_attribute("data-thread", thread)
    expect(page.locator("#thread-name")).to_have_text(NAMES[thread])


def assert_accessible(page):
    found = Axe().run(page)
    assert found.violations_count == 0, found.generate_report()


# --- single letters -----------------------------------------------------------------------------------


def test_a_round_goes_by_keys_alone_and_the_focus_is_where_one_writes_next(inbox, window):
    page = window()
    keys = page.keyboard

    keys.press("e")
    shows(page, "1")
    keys.press("s")
    expect(page.locator("#reply-text")).to_be_focused()
    assert row(inbox, "1").assignee == "sara"
    keys.type("sebt")  # no shortcuts while somebody writes
    expect(page.locator("#reply-text")).to_have_value("sebt")
    keys.press("Escape")
    keys.press("t")
    expect(page.locator("#new-tag")).to_be_focused()
    keys.type("wet")
    keys.press("Enter")
    expect(page.locator("li.tag")).to_contain_text("wet")
    keys.press("Escape")
    keys.press("b")
    expect(page.locator("#return")).to_be_visible()
    page.locator("#return-note").focus()
    keys.press("Tab")
    keys.press("Tab")
    keys.press("Enter")
    expect(page.locator("#return")).to_have_count(0)
    assert row(inbox, "1").state.control.value == "bot"

    expect(item(page, "2")).to_be_focused()  # who waits next
    keys.press("Enter")
    shows(page, "2")


def test_each_press_opens_whoever_has_waited_longest_behind_the_one_that_is_shown(window):
    page = window("/?list=mine")

    for thread in ("1", "2", "3", "4", "1"):
        page.keyboard.press("e")
        shows(page, thread)
    page.keyboard.press("]")
    shows(page, "2")
    expect(page).to_have_url(re.compile(re.escape("/thread/2?list=mine") + "$"))


def test_who_goes_on_in_the_list_goes_on_from_where_they_were(inbox, window):
    page = window()
    for _ in range(2):
        page.keyboard.press("j")
    page.keyboard.press("Enter")
    shows(page, "2")

    page.keyboard.press("s")  # it leaves those who wait
    expect(page.locator("#reply-text")).to_be_focused()
    expect(item(page, "2")).to_have_count(0)
    page.keyboard.press("Escape")
    page.keyboard.press("j")
    expect(item(page, "3")).to_be_focused()

    page.locator("#reply-text").focus()
    page.keyboard.press("Escape")
    page.keyboard.press("k")
    expect(item(page, "1")).to_be_focused()


def test_what_is_marked_as_unread_is_closed_new_again_and_announced_to_nobody(inbox, window):
    page = window("/thread/3")
    expect(item(page, "3").locator(".dot")).to_have_count(0)
    page.keyboard.press("s")
    expect(page.locator("#reply-text")).to_be_focused()
    page.keyboard.press("Escape")
    page.locator("[data-list=mine]").click()
    expect(page.locator("[data-list=mine]")).to_have_attribute("aria-current", "page")

    page.keyboard.press("u")

    expect(page.locator("#thread")).to_have_count(0)
    expect(item(page, "3").locator(".dot")).to_be_visible()
    expect(item(page, "3")).to_be_focused()
    expect(page).to_have_title("(4) Inbox")
    expect(page).to_have_url(re.compile(re.escape("/?list=mine") + "$"))
    assert page.locator("#said").inner_text() == ""
    page.keyboard.press("Enter")
    expect(item(page, "3").locator(".dot")).to_have_count(0)


def test_what_cannot_be_done_now_is_said_and_nothing_happens(inbox, window):
    page = window("/thread/1")

    page.keyboard.press("o")  # it is in the inbox: there is nothing to take over

    expect(page.locator("#said")).to_have_text("That cannot be done here now.")
    assert row(inbox, "1").assignee == ""


def test_the_next_key_counts_at_once_when_a_dialog_has_closed(window):
    page = window("/thread/1")
    page.keyboard.press("Control+k")
    expect(page.locator("#commands-text")).to_be_focused()

    # Both before the next frame, as on a busy machine.
    page.evaluate("""() => {
      for (const key of ["Escape", "?"]) {
        const pressed = new KeyboardEvent("keydown", { key, bubbles: true, cancelable: true });
        document.activeElement.dispatchEvent(pressed);
      }
    }""")

    expect(page.locator("#shortcuts")).to_be_visible()


def test_letters_that_are_switched_off_do_nothing_and_the_command_bar_still_opens(inbox, window):
    page = window("/thread/1")
    page.evaluate("localStorage.setItem('inbox.letters-off', '1')")

    for letter in ("s", "b", "u", "e", "r", "t", "?"):
        page.keyboard.press(letter)
    expect(page.locator("#thread")).to_have_attribute("data-thread", "1")
    assert page.evaluate("document.activeElement.tagName") not in ("INPUT", "TEXTAREA")
    page.keyboard.press("Control+k")

    expect(page.locator("#commands")).to_be_visible()
    expect(page.locator("dialog[open]")).to_have_count(1)
    expect(page).to_have_url(re.compile(re.escape("/thread/1") + "$"))
    assert row(inbox, "1").assignee == ""


# --- the command bar ----------------------------------------------------------------------------------


def test_the_command_bar_does_what_a_button_of_the_page_does(inbox, window):
    page = window("/thread/2")
    page.locator("#log").focus()
    page.keyboard.press("Control+k")
    field = page.locator("#commands-text")
    expect(field).to_be_focused()
    expect(field).to_have_attribute("aria-activedescendant", "command-0")
    page.keyboard.press("ArrowDown")
    expect(field).to_have_attribute("aria-activedescendant", "command-1")
    page.keyboard.press("ArrowUp")
    page.keyboard.press("ArrowUp")
    last = page.locator("#commands [role=option]").last.get_attribute("id")
    expect(field).to_have_attribute("aria-activedescendant", last)

    page.keyboard.type("OMAR assign")
    expect(page.locator("#commands [role=option]:visible")).to_have_count(1)
    page.keyboard.press("Enter")

    expect(page.locator("#commands")).to_be_hidden()
    expect(page.locator(".head .acts summary").first).to_contain_text("Omar")
    assert row(inbox, "2").assignee == "omar"


def test_every_button_of_the_page_that_can_be_pressed_is_in_the_command_bar(window):
    page = window("/thread/1")
    possible = page.locator("#thread [data-does], #thread .head .choices button").count()
    page.keyboard.press("Control+k")

    names = page.locator("#commands-acts bdi").all_inner_texts()

    assert len(names) == len(set(names))
    assert {"Reply", "Internal note", "Add a tag", "Return to bot", "Mark as unread"} <= set(names)
    assert len(names) > possible  # and those beside the list
    assert not any(name.startswith("Take over") for name in names)


def test_escape_gives_the_focus_back(window):
    page = window("/thread/1")
    page.locator("#reply-text").fill("half a sen")
    page.locator("#reply-text").press("Control+k")
    page.keyboard.type("x")
    page.keyboard.press("Escape")

    expect(page.locator("#commands")).to_be_hidden()
    expect(page.locator("#reply-text")).to_be_focused()
    expect(page.locator("#reply-text")).to_have_value("half a sen")
    page.keyboard.press("Control+k")
    expect(page.locator("#commands-text")).to_have_value("")
    page.keyboard.press("Control+k")
    expect(page.locator("#reply-text")).to_be_focused()


@pytest.mark.parametrize(("words", "thread"), [("fisch", "4"), ("ليلي", "2")])
def test_conversations_are_found_by_name_and_opened(window, words, thread):
    page = window("/thread/1")
    page.keyboard.press("Control+k")
    page.keyboard.type(words)
    expect(page.locator("#commands-found [role=option]")).to_have_count(1)
    page.keyboard.press("ArrowUp")
    page.keyboard.press("Enter")

    shows(page, thread)
    expect(page.locator("#thread-name")).to_be_focused()
    expect(page).to_have_url(re.compile(re.escape(f"/thread/{thread}") + "$"))
    page.keyboard.press("Control+k")
    page.keyboard.type(words)
    page.locator("#commands-found [role=option]").click()
    expect(page.locator("#commands")).to_be_hidden()


def test_what_is_in_no_name_is_told(window):
    page = window()
    page.keyboard.press("Control+k")
    page.keyboard.type("xyzzy")

    expect(page.locator("#commands-none")).to_be_visible()
    expect(page.locator("#commands-text")).to_have_attribute("aria-expanded", "false")
    page.keyboard.press("Enter")
    expect(page.locator("#commands")).to_be_visible()


def test_in_arabic_the_bar_is_arabic_and_marks_and_letter_forms_make_no_difference(inbox, window):
    page = window("/thread/1", locale="ar")
    page.keyboard.press("Control+k")
    page.keyboard.type("اعادة الي البوت")  # without hamza and with the other ya

    expect(page.locator("#commands [role=option]:visible bdi")).to_have_text(["إعادة إلى البوت"])
    page.keyboard.press("Enter")
    expect(page.locator("#return")).to_be_visible()


def test_on_a_phone_the_bar_is_opened_by_its_button(inbox, window):
    page = window("/thread/1", **PHONE)
    with page.expect_navigation():  # until the page that arrives has run its script
        page.locator("[data-back]").click()
    page.locator("[data-does=commands]").click()
    page.locator("#commands-text").fill("Tom")
    page.locator("#commands-found [role=option]").click()

    shows(page, "4")
    assert page.evaluate("document.documentElement.scrollWidth") <= 375


@pytest.mark.parametrize("looks", [{}, {"color_scheme": "dark", "locale": "ar"}, PHONE])
def test_axe_finds_nothing_in_the_bar_the_sheet_and_the_menus(window, looks):
    page = window("/thread/1", **looks)
    page.keyboard.press("Control+k")
    page.keyboard.type("n")
    expect(page.locator("#commands-found [role=option]").first).to_be_visible()
    assert_accessible(page)
    page.keyboard.type("xyzzy")
    expect(page.locator("#commands-none")).to_be_visible()
    assert_accessible(page)
    page.keyboard.press("Escape")
    page.keyboard.press("?")
    assert_accessible(page)
    page.keyboard.press("Escape")
    page.locator("#more summary").click()
    assert_accessible(page)
