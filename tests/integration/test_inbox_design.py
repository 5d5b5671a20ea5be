"""The looks of the inbox page, in a real browser: clock, rows, bubbles, what is not there, axe-core."""

from __future__ import annotations

import re
import time
from datetime import datetime
from zoneinfo import ZoneInfo

import pytest
from served_inbox import BASE, HOUR, PASSWORD, ServedInbox, put

pytest.importorskip("playwright", reason="no browser: Playwright is not installed")

from axe_playwright_python.sync_playwright import Axe
from browsers import chromium
from playwright.sync_api import expect

import handover_channel  # noqa: F401 - here, as importing Rasa may take longer than a server has to start
from handover_channel import InboxInput  # noqa: F401
from handover_channel.inbox import routes
from handover_channel.store import agents, conversation_lists, threads

pytestmark = [pytest.mark.rasa, pytest.mark.browser]

WIDE, PHONE = {"width": 1280, "height": 800}, {"width": 375, "height": 700}
DAY = 86400


@pytest.fixture(scope="module")
def browser():
    with chromium() as started:
        yield started


@pytest.fixture(scope="module")
def inbox(tmp_path_factory):
    with ServedInbox(tmp_path_factory.mktemp("inbox")).running() as running:
        for name in ("sara", "omar"):
            running.add_agent(name)
        with running.store.writing() as connection:
            assert agents.set_role(connection, "sara", agents.ADMIN, now=time.time())
        now = time.time()
        words = ("word " * 60, "I look.", "and?")
        put(running, "1", "Nadia Farouk", *words, waiting_since=now - 900, ago=900, until=now + 3 * HOUR)
        put(running, "2", "Bernadette van der Meersche-Oyelaran of the shop", "hello", waiting_since=now - 60)
        put(
            running,
            "3",
            "Hana",
            "the parcel came",
            control="app",
            target="hootsuite",
            owner="263902037430900",
        )
        with running.store.writing() as connection:
            for tag in ("vip", "refund"):
                conversation_lists.add_tag(connection, "1", tag)
        yield running


@pytest.fixture
def window(inbox, browser):
    """Open windows in which somebody is signed in; nothing may be logged as an error there."""
    contexts, wrong = [], []

    def open_one(path="/", *, agent="sara", served=inbox, missing=False, **looks):
        context = browser.new_context(**{"viewport": WIDE, "locale": "en-GB", **looks})
        contexts.append(context)
        page = context.new_page()
        page.goto(f"http://{served.at}{BASE}/sign-in")
        page.fill("#name", agent)
        page.fill("#password", PASSWORD)
        page.click("form button.primary")
        page.wait_for_selector("#list")
        page.on("pageerror", lambda error: wrong.append(str(error)))
        page.on("console", lambda said: said.type == "error" and not missing and wrong.append(said.text))
        page.goto(f"http://{served.at}{BASE}{path}")
        return page

    yield open_one
    for context in contexts:
        context.close()
    assert wrong == []


def returns_in(served, thread, seconds):
    now = time.time()
    with served.store.writing() as connection:
        row = threads.existing(connection, thread)
        threads.extend(connection, row, until=now + seconds, reason="extended", who="omar", now=now)


def prefers(page, **given):
    page.goto(page.url.split(BASE)[0] + BASE + "/preferences")
    for name, value in given.items():
        field = page.locator(f"[name={name}]")
        field.set_checked(value) if isinstance(value, bool) else field.select_option(value)
    page.click("form .primary")
    expect(page.locator(".saved")).to_be_visible()


# --- the clock ------------------------------------------------------------------------------------


def where_it_is(hour):
    """Return a time zone in which it is about that hour now."""
    offset = (hour - time.gmtime().tm_hour + 11) % 24 - 11
    return f"Etc/GMT{-offset:+d}"  # the sign is the other way round there


@pytest.mark.parametrize(
    ("locale", "shape"),
    [("en-GB", r"\d\d:\d\d"), ("en-US", r"\d?\d:\d\d.[AP]M"), ("de-DE", r"\d?\d:\d\d.[AP]M")],
)
def test_the_clock_is_that_of_the_browsers_kind_of_the_language(window, locale, shape):
    for hour in (5, 15):
        told = window("/thread/1", locale=locale, timezone_id=where_it_is(hour)).locator(".said time").last

        expect(told).to_have_text(re.compile(rf"^{shape}$", re.IGNORECASE))


def test_arabic_of_any_country_has_the_digits_and_the_calendar_of_the_server(window):
    page = window("/thread/1", locale="ar-SA", timezone_id="UTC")

    expect(page.locator("html")).to_have_attribute("dir", "rtl")
    expect(page.locator(".said time").last).to_have_text(re.compile(r"^\d?\d:\d\d\W+[صم]$"))
    said = page.locator(".said time").last
    assert said.get_attribute("datetime")[:4] in said.get_attribute("title")


def test_an_agent_chooses_how_many_hours_the_clock_has(window):
    page = window(agent="omar", locale="en-US", timezone_id=where_it_is(5))
    for hours, shape in (("24", r"\d\d:\d\d"), ("12", r"\d?\d:\d\d.[AP]M"), ("", r"\d?\d:\d\d.[AP]M")):
        prefers(page, hours=hours)
        page.goto(page.url.replace("/preferences", "/thread/1"))
        expect(page.locator(".said time").last).to_have_text(re.compile(rf"^{shape}$"))


MIDNIGHTS = {
    "a year": ("Asia/Riyadh", "2027-01-01", "Thu", "22 Dec 2026"),
    "a leap day": ("America/St_Johns", "2028-03-01", "Tue", "20 Feb"),
    "an hour that is not": ("Africa/Cairo", "2027-04-30", "Thu", "20 Apr"),  # 00:00 is 01:00
}


@pytest.mark.parametrize("midnight", MIDNIGHTS)
def test_a_page_that_is_open_over_midnight_says_what_was_yesterday(window, tmp_path, midnight):
    zone, day, weekday, long_ago = MIDNIGHTS[midnight]
    begins = datetime.fromisoformat(day).replace(tzinfo=ZoneInfo(zone)).timestamp()
    with ServedInbox(tmp_path).running() as served:
        served.add_agent("sara")
        put(served, "1", "Nadia", "late", ago=time.time() - begins + 3630)
        put(served, "2", "Hana", "long ago", ago=time.time() - begins + 10 * DAY - HOUR)
        page = window("/?list=open", served=served, timezone_id=zone)
        told = {name: page.locator(f'.item[data-thread="{name}"] time') for name in "12"}

        page.clock.set_fixed_time(begins - 60)
        page.goto(page.url.replace("/?", "/thread/1?"))
        expect(page.locator(".day")).to_have_text(["today"])
        expect(told["1"]).to_have_text(re.compile(r"^22:59$"))
        page.clock.set_fixed_time(begins + 60)
        page.evaluate("document.dispatchEvent(new Event('changed'))")

        expect(page.locator(".day")).to_have_text(["yesterday"])
        expect(told["1"]).to_have_text(re.compile(rf"^{weekday}.* 22:59$"))
        expect(told["2"]).to_have_text(long_ago)
        page.close()  # before its server


# --- rows, bubbles, the head ----------------------------------------------------------------------


def test_low_rows_show_more_conversations(window):
    page = window("/?list=open", agent="omar")
    high = page.locator(".item").first.bounding_box()["height"]
    prefers(page, compact=True)
    page.goto(page.url.replace("/preferences", "/?list=open"))

    low = [page.locator(".item").nth(place).bounding_box()["height"] for place in range(3)]
    prefers(page, compact=False)

    assert max(low) <= 50 < high


def test_nobody_reads_lines_of_more_than_560_pixels_and_each_group_tells_its_time_once(window):
    page = window("/thread/1")

    assert page.locator(".said").first.bounding_box()["width"] <= 560
    leads = page.locator(".said.leads .foot")
    assert all(
        leads.nth(place).evaluate("it => getComputedStyle(it).opacity") == "0"
        for place in range(leads.count())
    )
    assert page.locator(".said > .picture").count() == page.locator(".said:not(.follows)").count()


@pytest.mark.parametrize("locale", ["en-GB", "en-US", "ar-EG"])
@pytest.mark.parametrize("width", [1280, 1000])
def test_the_state_of_a_conversation_in_the_inbox_takes_no_line_of_its_own(inbox, window, locale, width):
    page = window("/thread/1", locale=locale, viewport={"width": width, "height": 800})
    for hours in (1, 30, 24 * 6):  # today's, tomorrow's and another day's time is of another length
        returns_in(inbox, "1", hours * HOUR)
        page.reload()

        expect(page.locator(".who-facts .silence")).to_be_visible()
        expect(page.locator(".silence.bar")).to_have_count(0)
        assert page.locator(".who-facts").bounding_box()["height"] < 40  # one line
        assert width < 1280 or page.locator(".head").bounding_box()["height"] < 90


def test_a_conversation_with_another_app_says_so_below_its_head(window):
    page = window("/thread/3")

    expect(page.locator(".silence.bar")).to_contain_text("hootsuite has control")


def test_whoever_clicks_beside_the_field_of_tags_hits_what_they_see(window):
    page = window("/thread/1")
    page.get_by_label("Add a tag").focus()
    wide = page.locator("#new-tag").bounding_box()["width"]
    page.locator("#thread-name").focus()

    assert page.locator("#new-tag").bounding_box()["width"] == wide


# --- nothing open, nothing there ------------------------------------------------------------------


def test_the_right_side_says_who_waits_and_opens_them(window):
    window("/", agent="omar")  # so that a colleague is here
    page = window("/")
    start = page.locator("#start")

    expect(start).to_contain_text("2 customers wait")
    expect(start).to_contain_text(re.compile(r"The longest for \d\d minutes"))
    expect(page.locator(".here-now")).to_contain_text("Omar", timeout=20_000)
    start.get_by_role("link", name="Answer the next one").click()
    expect(page.locator("#thread-name")).to_have_text("Nadia Farouk")


def test_a_first_visitor_reads_how_a_conversation_comes_here(window, tmp_path):
    with ServedInbox(tmp_path).running() as empty:
        empty.add_agent("sara")
        page = window("/", served=empty)

        expect(page.locator("#start")).to_contain_text("when a customer asks the bot for a human")
        link = page.get_by_role("link", name="Open the simulator")
        expect(link).to_have_attribute("href", "http://127.0.0.1:9/")


@pytest.mark.parametrize(
    ("locale", "thread", "page"),
    [
        ("en-GB", "does not exist, or not any more", "There is no such page"),
        ("ar", "لا توجد هذه المحادثة، أو لم تعد موجودة", "لا توجد صفحة كهذه"),
    ],
)
def test_what_is_not_there_is_said_in_the_language_of_the_page(window, locale, thread, page):
    shown = window("/thread/nobody", missing=True, locale=locale)

    expect(shown.locator("#start")).to_contain_text(thread)
    shown.goto(shown.url.replace("/thread/nobody", "/no-such-page"))
    expect(shown.locator(".problem")).to_contain_text(page)
    expect(shown.locator(".brand")).to_be_visible()


# --- coming in ------------------------------------------------------------------------------------


def test_a_password_can_be_looked_at_and_goes_off_as_a_password(inbox, browser):
    context = browser.new_context(locale="en-GB")
    page = context.new_page()
    page.goto(f"http://{inbox.at}{BASE}/sign-in")
    page.get_by_label("Username").fill("sara")
    page.locator("#password").fill("wrong")
    shows = page.get_by_role("button", name="Show password")

    shows.click()
    expect(page.locator("#password")).to_have_attribute("type", "text")
    expect(shows).to_have_attribute("aria-pressed", "true")
    page.keyboard.press("Enter")
    expect(page.locator("#sign-in-error")).to_be_visible()
    assert page.locator("#password").get_attribute("type") == "password"
    assert "handover" not in page.locator("main").inner_text()
    context.close()


# --- axe-core -------------------------------------------------------------------------------------


def pages_of(routes_given):
    """Addresses of every page that a GET shows, with those that need somebody's thread."""
    return [
        route.path.replace("<thread>", "1")
        for route in routes_given
        if route.method == "GET" and set(re.findall("<[^>]+>", route.path)) <= {"<thread>"}
    ]


@pytest.mark.parametrize("locale", ["en-GB", "ar"])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing_on_any_page(inbox, window, locale, scheme):
    page = window("/", missing=True, locale=locale, color_scheme=scheme)
    walked, wrong = [], []
    for path in [*pages_of(routes.ROUTES), "/thread/nobody", "/no-such-page", "/thread/3", "/?list=open"]:
        answer = page.request.get(f"http://{inbox.at}{BASE}{path}") if path != "/live" else None
        if answer is None or "<!doctype html" not in answer.text()[:200].lower():
            continue
        for viewport in (WIDE, PHONE):
            page.set_viewport_size(viewport)
            page.goto(f"http://{inbox.at}{BASE}{path}")
            walked.append(path)
            found = Axe().run(page).response["violations"]
            wrong += [(path, viewport["width"], each["id"], each["nodes"][0]["html"][:200]) for each in found]

    assert wrong == []
    assert {"/", "/thread/1", "/preferences", "/admin/agents", "/thread/nobody"} <= {*walked}
