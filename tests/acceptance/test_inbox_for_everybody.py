"""The inbox page by keyboard alone, on a phone, in Arabic, in the dark, and looked at by axe-core."""

from __future__ import annotations

import re

import pytest
from browsers import sign_in
from stack import eventually

pytest.importorskip("playwright", reason="no browser: Playwright is not installed")

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import expect

pytestmark = [pytest.mark.rasa, pytest.mark.browser]

PHONE = {"viewport": {"width": 375, "height": 700}, "has_touch": True, "is_mobile": True}


@pytest.fixture
def amal(office, chromium):
    """The window of Amal, who has chosen Arabic."""
    with office.agent(chromium, "amal") as window:
        yield window.reads("ar")


# --- by keyboard ----------------------------------------------------------------------------------


def test_a_whole_answer_goes_by_keyboard_alone(office, anna):
    before, person = office.waiting(), office.waiting()
    expect(anna.item(person)).to_be_visible()
    keys = anna.page.keyboard
    ids = anna.page.locator(".item").evaluate_all("items => items.map(item => item.dataset.thread)")

    for _ in range(ids.index(before.psid) + 2):
        keys.press("j")
    expect(anna.item(person)).to_be_focused()
    keys.press("k")
    expect(anna.item(before)).to_be_focused()
    keys.press("j")
    keys.press("Enter")
    expect(anna.page.locator("#thread-name")).to_be_focused()

    keys.press("n")
    keys.type("is this the third one?")
    keys.press("Enter")
    expect(anna.messages.locator(".remark")).to_contain_text("is this the third one?")
    keys.press("Escape")
    keys.press("r")
    expect(anna.reply).to_be_focused()
    keys.type("We send you a new one")
    keys.press("Enter")
    eventually(lambda: person.heard()[-1] == "We send you a new one")

    keys.press("Escape")  # out of the reply
    keys.press("Escape")  # to the list
    keys.press("/")
    expect(anna.page.get_by_label("Search names and messages")).to_be_focused()
    keys.press("Escape")
    keys.press("?")
    expect(anna.page.locator("#shortcuts")).to_be_visible()
    keys.press("Escape")
    expect(anna.page.locator("#shortcuts")).to_be_hidden()


@pytest.mark.parametrize(
    ("agent", "looks"), [("anna", {}), ("amal", {}), ("anna", {"viewport": {"width": 375, "height": 667}})]
)
def test_an_agents_whole_round_goes_by_keyboard_alone(office, chromium, amal, agent, looks):
    name = f"Robin {agent} {len(looks)}"
    person = office.waiting(name)
    with office.agent(chromium, agent, **looks) as window:
        keys = window.page.keyboard
        keys.press("Control+k")  # find
        keys.type(name.lower())
        expect(window.page.locator("#commands-found [role=option]")).to_have_count(1)
        keys.press("Enter")
        expect(window.page.locator("#thread-name")).to_be_focused()

        keys.press("s")  # assign
        expect(window.reply).to_be_focused()
        keys.type("We send you a new one")  # answer
        keys.press("Enter")
        eventually(lambda: person.heard()[-1] == "We send you a new one")

        keys.press("Escape")
        keys.press("t")  # tag
        keys.type("wet")
        keys.press("Enter")
        expect(window.page.locator("li.tag")).to_contain_text("wet")

        keys.press("Escape")
        keys.press("b")  # return
        _tabs_to(window, window.page.locator("#return button.primary"))
        keys.press("Enter")
        person.settled()
        eventually(lambda: person.control == "bot")
        expect(window.page.locator("#return")).to_have_count(0)

        office.waiting()
        keys.press("e")  # next
        expect(window.page.locator("#thread")).not_to_have_attribute("data-thread", person.psid)
        expect(window.page.locator("#thread [data-does=claim]")).to_be_visible()


def test_whoever_makes_a_conversation_theirs_writes_at_once(waiting, anna):
    anna.opens(waiting)

    anna.button("Assign to me").click()

    expect(anna.reply).to_be_focused()


def test_buttons_menus_and_dialogs_are_reached_with_tab(waiting, anna):
    anna.opens(waiting)
    _tabs_to(anna, anna.button("Assign to me"))
    anna.page.keyboard.press("Enter")
    expect(anna.page.locator(".acts summary.button")).to_contain_text("You")

    anna.page.locator("#thread-name").focus()
    _tabs_to(anna, anna.button("Return to bot"))
    anna.page.keyboard.press("Enter")
    _tabs_to(anna, anna.page.locator("#return button.primary"))
    anna.page.keyboard.press("Enter")

    waiting.settled()
    eventually(lambda: waiting.control == "bot")


def _tabs_to(window, wanted):
    for _ in range(30):
        window.page.keyboard.press("Tab")
        if wanted.evaluate("element => element === document.activeElement"):
            return
    raise AssertionError(f"{wanted} is not reached with Tab")


def test_single_letters_can_be_switched_off(waiting, anna):
    anna.opens(waiting)
    anna.page.keyboard.press("?")
    anna.page.get_by_label("Use single-letter shortcuts").uncheck()
    anna.page.keyboard.press("Escape")

    anna.page.keyboard.press("r")

    expect(anna.reply).not_to_be_focused()


# --- on a phone -----------------------------------------------------------------------------------


def test_a_phone_shows_the_list_then_the_thread_then_the_list(office, chromium, waiting):
    with office.agent(chromium, "anna", **PHONE) as phone:
        thread, listed = phone.page.locator("#thread"), phone.page.locator("#list")
        expect(listed).to_be_visible()
        _assert_nothing_is_wider_than_the_window(phone)

        phone.item(waiting).click()
        expect(thread).to_be_visible()
        expect(listed).to_be_hidden()
        _assert_nothing_is_wider_than_the_window(phone)
        phone.reply.fill("We send you a new one")
        phone.button("Send").click()
        eventually(lambda: waiting.heard()[-1] == "We send you a new one")

        phone.page.get_by_role("link", name="Back to the list").click()
        expect(listed).to_be_visible()
        expect(thread).to_be_hidden()
        phone.page.go_back()
        expect(thread).to_be_visible()


def _assert_nothing_is_wider_than_the_window(window):
    width = window.page.evaluate("document.documentElement.scrollWidth")
    assert width <= window.page.viewport_size["width"]


# --- in Arabic ------------------------------------------------------------------------------------


@pytest.mark.parametrize("agent", ["anna", "amal"])
def test_on_a_phone_every_menu_of_a_conversation_stays_on_the_screen(office, chromium, waiting, agent):
    with office.agent(chromium, agent, **PHONE) as window:
        window.shows(waiting.psid)
        window.page.locator("#thread .acts .primary").click()
        expect(window.page.locator("#thread .acts .primary")).to_have_count(0)

        for menu in window.page.locator("#thread details.menu").all():
            menu.locator("summary").click()
            box = menu.locator(".choices").bounding_box()
            assert box["x"] >= 0, box
            assert box["x"] + box["width"] <= PHONE["viewport"]["width"], box
            menu.locator("summary").click()


def test_in_arabic_the_page_reads_from_right_to_left(office, amal):
    person = office.waiting("ليلى منصور", "أين طلبي؟")
    page = amal.page
    expect(page.locator("html")).to_have_attribute("dir", "rtl")
    expect(page.locator("h1")).to_contain_text("صندوق الوارد")
    amal.opens(person)

    assert page.locator(".tabs").evaluate("tabs => tabs.scrollWidth <= tabs.clientWidth")
    side, panel = page.locator(".side").bounding_box(), page.locator("#panel").bounding_box()
    assert side["x"] > panel["x"]  # the list is on the right
    expect(amal.messages).to_contain_text("أين طلبي؟")
    assert re.findall("[A-Za-z]{4,}", page.locator(".acts").inner_text()) == []
    amal.answers("وجدناه")
    eventually(lambda: person.heard()[-1] == "وجدناه")
    expect(page.locator(".acts summary.button")).to_contain_text("أنت")


# --- coming and going -----------------------------------------------------------------------------


def test_whoever_signs_out_sees_nothing_any_more_in_any_tab(office, chromium, waiting):
    with office.window(chromium) as window:
        window.expects("401")
        window.goes_to(f"/thread/{waiting.psid}")
        sign_in(window, "ben")
        expect(window.page.locator("#thread-name")).to_be_visible()  # where they wanted to
        other = window.page.context.new_page()
        other.goto(window.page.url)

        window.page.locator("summary.you").click()
        window.button("Sign out").click()

        expect(window.page.get_by_label("Password")).to_be_visible()
        waiting.says("is anybody there?")
        expect(other.get_by_label("Password")).to_be_visible()
        window.page.go_back()
        window.page.reload()
        expect(window.page.get_by_label("Password")).to_be_visible()


def test_a_wrong_password_is_told_without_saying_what_was_wrong(office, chromium):
    with office.window(chromium) as window:
        window.expects("401")
        window.expects("403")
        window.goes_to("/")
        window.page.get_by_label("Username").fill("anna")
        window.page.get_by_label("Password").fill("guessed")
        window.page.locator("form button.primary").click()

        expect(window.page.get_by_role("alert")).to_be_visible()
        expect(window.page.get_by_label("Username")).to_have_value("anna")
        expect(window.page.get_by_label("Password")).to_have_value("")
        sign_in(window, "anna")


# --- who looks elsewhere --------------------------------------------------------------------------

#: Instead of the desktop's notifications, and of a window that is not in front.
_ELSEWHERE = """
  window.notified = [];
  window.Notification = class { constructor(title, options) { notified.push([title, options.body]); } };
  Notification.permission = "granted";
  Notification.requestPermission = async () => "granted";
  Document.prototype.hasFocus = () => false;
"""


def test_title_and_notification_tell_who_looks_elsewhere(office, chromium):
    office.waiting()
    with office.agent(chromium, "ben") as window:
        window.page.add_init_script(_ELSEWHERE)
        window.goes_to("/preferences")
        window.page.locator("#notifications").check()
        window.page.locator("form button.primary").click()
        window.goes_to("/")
        before = int(re.fullmatch(r"\((\d+)\) Inbox", window.page.title())[1])

        person = office.waiting("Ada Lovelace")

        expect(window.page).to_have_title(f"({before + 1}) Inbox")
        eventually(lambda: _notified(window, "my parcel is wet"))
        person.does("send", type="image", url=office.stack.file("image/png", b""))
        person.does("read")
        person.says("hello?")
        eventually(lambda: _notified(window, "hello?"))
        assert len(_notified(window, "my parcel is wet")) == 1
        assert _notified(window, "hello?") == [["Ada Lovelace", "hello?"]]


def _notified(window, text):
    return [told for told in window.page.evaluate("notified") if told[1] == text]


# --- axe-core -------------------------------------------------------------------------------------

LOOKS = {
    "light": {"color_scheme": "light"},
    "dark": {"color_scheme": "dark"},
    "phone": PHONE,
}


@pytest.mark.parametrize("looks", LOOKS)
@pytest.mark.parametrize("language", ["en", "ar"])
def test_axe_finds_nothing_on_the_page_of_sign_in(office, chromium, language, looks):
    with office.window(chromium, **{**LOOKS[looks], "locale": language}) as window:
        _assert_accessible(window.goes_to("/sign-in"))


@pytest.mark.parametrize("looks", LOOKS)
@pytest.mark.parametrize("agent", ["anna", "amal"])
def test_axe_finds_nothing_on_list_thread_and_preferences(office, chromium, amal, waiting, agent, looks):
    waiting.does("send", type="file", url=office.stack.file("text/plain", b"hello"))
    other = office.stack.person()
    other.goes_to("sales_bot")
    with office.agent(chromium, agent, **LOOKS[looks]) as window:
        _assert_accessible(window)
        window.opens(waiting)
        window.page.locator("#new-tag").fill("wet")
        window.page.locator("#new-tag").press("Enter")
        window.reply.fill("We send you a new one")
        window.page.locator("#reply button.primary").click()
        expect(window.messages.locator(".said.agent")).to_be_visible()
        _assert_accessible(window)
        window.page.locator("[data-opens=return]").click()
        expect(window.page.locator("#return")).to_be_visible()
        _assert_accessible(window)
        _assert_accessible(window.shows(other.psid))
        _assert_accessible(window.goes_to("/preferences"))
        _assert_accessible(window.goes_to("/?search=nobody+has+said+this"))


def _assert_accessible(window):
    found = Axe().run(window.page)
    assert found.violations_count == 0, found.generate_report()
