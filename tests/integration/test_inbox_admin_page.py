"""The pages for admins over HTTP and in a browser: by keyboard, on a phone, in Arabic, without script."""

from __future__ import annotations

import html
import json
import re
from pathlib import Path
from urllib.parse import unquote

import pytest
from integration.test_inbox_search_page import put
from integration.test_inbox_security import Browser
from served_inbox import BASE, PASSWORD, ServedInbox

pytest.importorskip("playwright", reason="no browser: Playwright is not installed")

from axe_playwright_python.sync_playwright import Axe
from browsers import chromium
from playwright.sync_api import expect

import handover_channel  # noqa: F401 - here, as importing Rasa may take longer than a server has to start
from handover_channel import InboxInput  # noqa: F401
from handover_channel.inbox import labels
from handover_channel.inbox.admin import routes as admin_routes
from handover_channel.inbox.route import Who
from handover_channel.store import agents, canned_replies, conversation_lists, personal_data
from handover_channel.store.canned_replies import CannedReply

pytestmark = [pytest.mark.rasa, pytest.mark.browser]

WIDE = {"viewport": {"width": 1280, "height": 800}}
PHONE = {"viewport": {"width": 375, "height": 700}, "has_touch": True, "is_mobile": True}
NADIA, LAILA = "7001", "7002"
RTL = "نورة عبدالله آل سعود"


@pytest.fixture(scope="module")
def inbox(tmp_path_factory):
    with ServedInbox(tmp_path_factory.mktemp("inbox")).running() as running:
        for name in ("mona", "sara", "omar"):
            running.add_agent(name)
        with running.store.writing() as connection:
            agents.set_role(connection, "mona", agents.ADMIN, now=0.0)
            for thread, tag in ((NADIA, "wet"), (NADIA, "vip"), (LAILA, "شكوى"), (LAILA, "water")):
                conversation_lists.add_tag(connection, thread, tag)
            canned_replies.add(connection, CannedReply("hours", "Until 18:00, {name}.", "sara"))
        for thread, name in ((NADIA, "Nadia Farouk"), (LAILA, "ليلى منصور")):
            put(running, thread, name, "my parcel is wet", "we are sorry")
        yield running


@pytest.fixture(scope="module")
def browser():
    with chromium() as started:
        yield started


@pytest.fixture
def window(inbox, browser):
    """Open windows in which somebody is signed in; nothing may be logged as an error there."""
    contexts, wrong = [], []

    def open_one(path="/admin", name="mona", refused="", **looks):
        contexts.append(browser.new_context(**{**WIDE, "locale": "en-GB", **looks}))
        page = contexts[-1].new_page()
        page.on("console", lambda message: wrong.append(message.text) if is_wrong(message, refused) else None)
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


def is_wrong(message, refused):
    """Tell whether an error was logged, but that of the answer with the status *refused*."""
    return message.type == "error" and not (refused and f"status of {refused}" in message.text)


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
    posts = [each.path for each in admin_routes.ROUTES if each.method == "POST" and each.who is Who.ADMIN]
    assert len(posts) >= 12
    for path in (each.replace("<thread>", NADIA) for each in posts):
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
    posted = Browser(inbox).post("/password", {"key": unquote(key)})
    asked = [Browser(inbox).get(f"/password?key={key}")] if key else []  # by a link of before

    for answer in (posted, *asked):
        assert answer.status_code == 404
        assert "Ask an admin for a new one" in plain(answer.text)


# --- in a browser ---


def test_an_agent_is_added_sets_a_password_by_the_link_and_is_removed(window):
    page = window("/admin/agents", java_script_enabled=False)
    page.get_by_label("Name to sign in with").fill("noura")
    page.get_by_label("Shown name").fill(RTL)
    page.get_by_role("button", name="Add, and make a link").click()
    link = page.locator("#link").input_value()

    asked = []
    for _ in range(2):  # whoever looks at it, a preview too, does not use it up
        hers = window("/sign-in", name="")
        hers.on("request", lambda request: asked.append(request.url))
        hers.goto(link)
        expect(hers.locator("#name")).to_have_value("noura")
    address, _, key = link.partition("#key=")
    assert (hers.url, not [url for url in asked if key in url.partition("#")[0]]) == (address, True)
    hers.get_by_label("New password").fill("noura's own password")
    hers.get_by_label("The same again").fill("noura's own password")
    hers.get_by_role("button", name="Set the password").click()
    expect(hers.get_by_role("status")).to_have_text("Your password is set: sign in with it.")
    expect(hers.locator("#name")).to_have_value("noura")
    hers.locator("#password").fill("noura's own password")
    hers.locator("form button.primary").click()
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


def test_another_link_in_the_same_tab_is_opened_too(window):
    mona = window("/admin/agents")
    links = []
    for name in ("first", "second"):
        mona.get_by_label("Name to sign in with").fill(name)
        mona.get_by_role("button", name="Add, and make a link").click()
        expect(mona.locator("#link-title")).to_contain_text(name)
        links.append(mona.locator("#link").input_value())
    page = window("/sign-in", name="")

    for link, name in zip(links, ("first", "second")):
        page.goto(link)

        expect(page.locator("#name")).to_have_value(name)
    without = window("/sign-in", name="", java_script_enabled=False)
    without.goto(links[0])
    expect(without.locator("main")).to_contain_text("This link needs JavaScript")


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


@pytest.mark.parametrize("script", [True, False])
def test_what_an_agent_has_written_is_saved_as_a_canned_reply_and_offered(window, script):
    name = f"sorry{script}"
    page = window(f"/thread/{NADIA}", name="sara", java_script_enabled=script)
    if script:
        page.locator("#reply-text").fill("Sorry for the wait, {name}!")
    page.get_by_role("link", name="Save as canned reply").click()
    if script:
        expect(page.get_by_label("Text")).to_have_value("Sorry for the wait, {name}!")
    page.get_by_label("Text").fill("Sorry for the wait, {name}!")
    page.get_by_label("Name").fill(name)
    page.get_by_role("button", name="Save").click()

    expect(page.locator("#thread-name")).to_have_text("Nadia Farouk")
    offered = page.locator(f'#canned [data-name="{name}"]')
    expect(offered).to_have_attribute("data-text", "Sorry for the wait, Nadia Farouk!")
    if script:  # the draft is there still
        expect(page.locator("#reply-text")).to_have_value("Sorry for the wait, {name}!")
        page.locator("#reply-text").fill("")


@pytest.mark.parametrize("text", ["t" * 10_000, "و" * 10_000], ids=["latin", "arabic"])
def test_a_tag_of_10000_characters_is_refused_in_words_and_stays_in_its_field(window, http, text):
    answer = http("sara").post(f"/thread/{NADIA}/tag", {"tag": text})
    assert (answer.status_code, "40 are allowed. Shorten it" in plain(answer.text)) == (413, True)

    page = window("/admin/tags", refused="413")
    card = page.locator(".admin-card", has=page.get_by_role("heading", name="wet", exact=True))
    card.locator("summary").first.click()
    card.get_by_label("Name").fill(text)
    with page.expect_response("**/rename") as answered:
        card.get_by_role("button", name="Rename").click()
    assert answered.value.status == 413
    expect(page.get_by_role("alert")).to_contain_text("40 are allowed")
    expect(card.get_by_label("Name")).to_have_value(text)


def test_tags_are_renamed_merged_and_deleted_without_a_script(window, inbox):
    page = window("/admin/tags", java_script_enabled=False)

    def card(tag):
        found = page.locator(".admin-card", has=page.get_by_role("heading", name=tag, exact=True))
        if found.locator("details").first.get_attribute("open") is None:
            found.locator("summary").first.click()
        return found

    found = card("wet")
    found.get_by_label("Name").fill("damp")
    found.get_by_role("button", name="Rename").click()
    expect(page.get_by_role("status")).to_contain_text("new name in every conversation")
    found = card("damp")
    found.get_by_label("Merge into").select_option("water")
    found.get_by_role("button", name="Merge", exact=True).click()
    expect(page.get_by_role("status")).to_contain_text("The two tags are one")
    found = card("vip")
    found.locator("summary", has_text="Delete").click()
    found.get_by_role("button", name="Delete the tag vip").click()
    expect(page.get_by_role("status")).to_contain_text("taken from every conversation")

    with inbox.store.reading() as connection:
        kept = conversation_lists.tags_of(connection, [NADIA, LAILA])
    assert kept == {NADIA: ("water",), LAILA: ("water", "شكوى")}


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("locale", ["en-GB", "ar-EG"])
@pytest.mark.parametrize("looks", [WIDE, PHONE], ids=["wide", "phone"])
def test_axe_finds_nothing_and_nothing_is_wider_than_the_window(window, looks, locale, scheme):
    page = window(locale=locale, color_scheme=scheme, **looks)
    for name in (*labels.ADMIN_PAGES, f"people/{NADIA}"):
        page.goto(re.sub(r"/admin.*", f"/admin/{name}", page.url))
        for details in page.locator("details").all():
            details.evaluate("element => { element.open = true; }")
        found = Axe().run(page)
        assert found.violations_count == 0, found.generate_report()
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), name
        assert page.locator("html").get_attribute("dir") == ("rtl" if locale == "ar-EG" else "ltr")


def test_a_customers_data_are_exported_and_deleted_after_a_question(window, inbox):
    page = window(f"/thread/{LAILA}", viewport={"width": 1440, "height": 860})
    page.get_by_role("link", name="Export or delete all data").click()
    with page.expect_download() as download:
        page.get_by_role("button", name="Export").click()
    text = Path(download.value.path()).read_text()
    assert json.loads(text)["tables"]["transcript"][0]["text"] == "my parcel is wet"

    page.get_by_role("button", name="Delete all data of ليلى منصور").click()  # not ticked: nothing happens
    expect(page.get_by_role("heading", name="Delete everything?")).to_be_visible()
    page.get_by_label("I know that this cannot be undone").check()
    page.get_by_role("button", name="Delete all data of ليلى منصور").click()
    expect(page.get_by_role("heading", name="Deleted for good")).to_be_visible()
    with inbox.store.reading() as connection:
        assert personal_data.held(connection, LAILA) == {}
        assert personal_data.held(connection, NADIA) != {}
