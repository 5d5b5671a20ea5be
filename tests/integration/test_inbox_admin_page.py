"""The pages for admins over HTTP and in a browser: by keyboard, on a phone, in Arabic, without script."""

from __future__ import annotations

import html
import re

import pytest
from integration.test_inbox_security import Browser
from served_inbox import BASE, PASSWORD, ServedInbox

pytest.importorskip("playwright", reason="no browser: Playwright is not installed")

from axe_playwright_python.sync_playwright import Axe
from browsers import chromium
from playwright.sync_api import expect

import handover_channel  # noqa: F401 - here, as importing Rasa may take longer than a server has to start
from handover_channel import InboxInput  # noqa: F401
from handover_channel.inbox import labels
from handover_channel.store import agents

pytestmark = [pytest.mark.rasa, pytest.mark.browser]

WIDE = {"viewport": {"width": 1280, "height": 800}}
PHONE = {"viewport": {"width": 375, "height": 700}, "has_touch": True, "is_mobile": True}
RTL = "نورة عبدالله آل سعود"


@pytest.fixture(scope="module")
def inbox(tmp_path_factory):
    with ServedInbox(tmp_path_factory.mktemp("inbox")).running() as running:
        for name in ("mona", "sara", "omar"):
            running.add_agent(name)
        with running.store.writing() as connection:
            agents.set_role(connection, "mona", agents.ADMIN, now=0.0)
        yield running


@pytest.fixture(scope="module")
def browser():
    with chromium() as started:
        yield started


@pytest.fixture
def window(inbox, browser):
    """Open windows in which somebody is signed in; nothing may be logged as an error there."""
    contexts, wrong = [], []

    def open_one(path="/admin", name="mona", **looks):
        contexts.append(browser.new_context(**{**WIDE, "locale": "en-GB", **looks}))
        page = contexts[-1].new_page()
        page.on("console", lambda message: wrong.append(message.text) if message.type == "error" else None)
        page.on("pageerror", lambda error: wrong.append(str(error)))
        if name:
            page.goto(f"http://{inbox.at}{BASE}/sign-in")
            page.fill("#name", name)
            page.fill("#password", PASSWORD)
            page.click("form button.primary")
            page.wait_for_url(f"**{BASE}/")
        page.goto(f"http://{inbox.at}{BASE}{path}")
        return page

    yield open_one
    for context in contexts:
        context.close()
    assert wrong == []


@pytest.fixture
def http(inbox):
    """Give the browser of somebody who is signed in, without a script."""

    def of(name):
        found = Browser(inbox)
        assert found.sign_in(name).status_code == 303
        return found

    return of


def plain(text):
    return " ".join(html.unescape(re.sub(r"<[^>]+>", " ", text)).split())


# --- who may ---


def test_an_agent_reads_that_pages_and_acts_are_for_admins(http):
    sara = http("sara")
    for path in ("/admin", *(f"/admin/{name}" for name in labels.ADMIN_PAGES)):
        answer = sara.get(path, Accept_Language="en")
        assert (answer.status_code, "This is for admins of this inbox" in answer.text) == (403, True), path
    for path in ("/admin/agents/add", "/admin/agents/remove", "/admin/agents/link"):
        answer = sara.post(path, {"agent": "omar", "name": "x", "role": "admin"}, HX_Request=None)
        assert (answer.status_code, "Ask one of them" in answer.text) == (403, True), path
    arabic = sara.get("/admin/agents", Accept_Language="ar")
    assert "لمشرفي صندوق الوارد" in arabic.text


@pytest.mark.parametrize("token", ["", "another"])
def test_an_admins_act_needs_the_token_of_the_page(http, inbox, token):
    mona = http("mona")
    for headers in ({"X_CSRF_Token": token}, {"Origin": "https://elsewhere.example"}):
        answer = mona.post("/admin/agents/remove", {"agent": "omar", "csrf": token}, **headers)
        assert answer.status_code == 403
    with inbox.store.reading() as connection:
        assert agents.get(connection, "omar")


@pytest.mark.parametrize("key", ["", "x", "x" * 200, "%F0%9F"])
def test_a_link_that_is_none_says_whom_to_ask(inbox, key):
    answer = Browser(inbox).get(f"/password?key={key}")

    assert answer.status_code == 404
    assert "Ask an admin for a new one" in plain(answer.text)


# --- in a browser ---


def test_an_agent_is_added_sets_a_password_by_the_link_and_is_removed(window):
    page = window("/admin/agents", java_script_enabled=False)
    page.get_by_label("Name to sign in with").fill("noura")
    page.get_by_label("Shown name").fill(RTL)
    page.get_by_role("button", name="Add, and make a link").click()
    link = page.locator("#link").input_value()

    for _ in range(2):  # whoever looks at it, a preview too, does not use it up
        hers = window("/sign-in", name="")
        hers.goto(link)
    hers.get_by_label("New password").fill("noura's own password")
    hers.get_by_label("The same again").fill("noura's own password")
    hers.get_by_role("button", name="Set the password").click()
    expect(hers.get_by_role("status")).to_have_text("Your password is set: sign in with it.")
    expect(hers.get_by_label("Name")).to_have_value("noura")
    hers.get_by_label("Password").fill("noura's own password")
    hers.get_by_role("button", name="Sign in").click()
    expect(hers.locator("#list")).to_be_visible()

    page.goto(page.url.replace("/add", ""))
    card = page.locator(".admin-card", has_text="noura")
    expect(card).to_contain_text(RTL)
    card.locator("summary").first.click()
    card.locator("summary", has_text="Remove").click()
    card.get_by_role("button", name=f"Remove {RTL}").click()
    expect(page.get_by_role("status")).to_contain_text("removed and signed out")
    expect(page.locator(".admin-card", has_text="noura")).to_have_count(0)
    hers.reload()
    expect(hers.get_by_role("heading", name="Sign in")).to_be_visible()


def test_agents_are_looked_after_by_keyboard_alone(window):
    page = window("/admin/agents")
    page.locator("#content").focus()
    summary = page.locator(".admin-card", has_text="omar").locator("summary").first
    for _ in range(12):
        page.keyboard.press("Tab")
        if summary.evaluate("element => element === document.activeElement"):
            break
    page.keyboard.press("Enter")
    for key in ("Tab", "ArrowDown", "Tab", "Enter"):  # the role, admin, save
        page.keyboard.press(key)

    expect(page.get_by_role("status")).to_contain_text("The role is changed")
    expect(page.locator(".admin-card", has_text="omar").locator(".admin-facts")).to_contain_text("Admin")
    page.locator(".admin-card", has_text="omar").locator("summary").first.press("Enter")
    page.locator(".admin-card", has_text="omar").get_by_label("Role").select_option("agent")
    page.locator(".admin-card", has_text="omar").get_by_role("button", name="Save").press("Enter")
    expect(page.get_by_role("status")).to_contain_text("The role is changed")


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("locale", ["en-GB", "ar-EG"])
@pytest.mark.parametrize("looks", [WIDE, PHONE], ids=["wide", "phone"])
def test_axe_finds_nothing_and_nothing_is_wider_than_the_window(window, looks, locale, scheme):
    page = window(locale=locale, color_scheme=scheme, **looks)
    for name in labels.ADMIN_PAGES:
        page.goto(re.sub(r"/admin.*", f"/admin/{name}", page.url))
        for details in page.locator("details").all():
            details.evaluate("element => { element.open = true; }")
        found = Axe().run(page)
        assert found.violations_count == 0, found.generate_report()
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), name
        assert page.locator("html").get_attribute("dir") == ("rtl" if locale == "ar-EG" else "ltr")
