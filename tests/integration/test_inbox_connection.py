"""Tests, in real browsers, that a reply is seen at once and goes out once, whatever the connection does."""

from __future__ import annotations

import re
import time

import pytest
from integration.test_inbox_security import BASE

pytest.importorskip("playwright", reason="no browser: Playwright is not installed")

from axe_playwright_python.sync_playwright import Axe
from browsers import chromium
from integration.test_inbox_notices import LAILA, NADIA, TOM, Desk, eventually, someone
from playwright.sync_api import expect

from handover_channel.messenger.events import Attachment
from handover_channel.store import page_updates, replies, transcript
from handover_channel.store.transcript import PERSON, Line

pytestmark = [pytest.mark.rasa, pytest.mark.browser]

WORDS = {
    "en": {
        "sending": "Sending",
        "still": "Still sending",
        "unsent": "Not sent: no connection. It goes by itself once there is one.",
        "anew": "Not sent, as far as this page knows: it was loaded anew before there was an answer.",
        "refused": "Not sent: it was refused while another conversation was open.",
        "lost": "The file is not here any more: discard this, and attach it again.",
        "again": "Send again",
        "discard": "Discard",
        "offline": "No connection to the server.",
        "not opened": "Not opened: no connection",
        "gone": "not there any more",
    },
    "ar": {
        "sending": "قيد الإرسال",
        "still": "ما زال الإرسال جاريًا",
        "unsent": "لم تُرسل: لا يوجد اتصال. ستُرسل تلقائيًا عند عودة الاتصال.",
        "anew": "لم تُرسل بحسب علم هذه الصفحة: أُعيد تحميلها قبل وصول رد الخادم.",
        "refused": "لم تُرسل: رُفضت حين كانت محادثة أخرى مفتوحة.",
        "lost": "لم يعد الملف موجودًا هنا: ألغِ الإرسال وأرفقه من جديد.",
        "again": "إعادة الإرسال",
        "discard": "إلغاء الإرسال",
        "offline": "لا يوجد اتصال بالخادم.",
        "not opened": "لم تُفتح: لا يوجد اتصال",
        "gone": "لم يعد موجودًا",
    },
}
FILE = {"name": "receipt.txt", "mimeType": "text/plain", "buffer": b"paid"}
LANGUAGES = pytest.mark.parametrize("language", ["en", "ar"])


@pytest.fixture(scope="module")
def browser():
    with chromium() as browser:
        yield browser


@pytest.fixture
def desk(tmp_path):
    with Desk(tmp_path).running() as desk:
        desk.prepare()
        desk.gives(NADIA, "sara", "sara")
        yield desk


@pytest.fixture
def nadias(browser, desk, language):
    """Sara's page with Nadia's conversation, and its context."""
    with someone(browser, desk, language=language) as (context, page):
        page.goto(f"http://{desk.at}{BASE}/thread/{NADIA}")
        yield context, page


def writes(page, *texts):
    for text in texts:
        page.locator("#reply-text").fill(text)
        page.locator("#reply-text").press("Enter")


def texts(page):
    return page.locator("#entries .said.agent .text").all_inner_texts()


def open_conversation(page, thread):
    page.locator(f'.item[data-thread="{thread}"]').click()
    page.locator(f'#thread[data-thread="{thread}"]').wait_for()


def held(page):
    """Have replies stand still on their way; returns what lets them go on."""
    waiting = []
    page.route("**/reply", lambda route: waiting.append(route))
    return waiting


def first_of(page, waiting):
    """Return the first that stands still, once it has come: a page that is asked has the news delivered."""
    eventually(lambda: page.evaluate("true") and waiting, "it is on its way")
    return waiting[0]


@LANGUAGES
def test_a_reply_is_a_bubble_at_once_and_the_servers_takes_its_place(nadias, desk, language):
    _, page = nadias
    page.clock.install()
    waiting = held(page)
    words = WORDS[language]

    writes(page, "On its way")

    bubble = page.locator("#entries .pending")
    expect(bubble.get_by_text(words["sending"], exact=True)).to_be_visible()
    expect(page.locator("#reply-text")).to_have_value("")
    expect(page.locator("#reply-text")).to_be_focused()
    page.clock.run_for(6000)
    expect(bubble.get_by_text(words["still"], exact=True)).to_be_visible()
    assert not Axe().run(page).response["violations"]

    for route in waiting:
        route.continue_()
    desk.has("sara", "On its way")
    expect(page.locator("#entries .said.failed")).to_contain_text("On its way")  # nobody takes it here
    expect(bubble).to_have_count(0)
    assert texts(page) == ["On its way"]


@LANGUAGES
def test_a_lost_connection_is_said_and_what_was_written_goes_by_itself_once_and_in_order(
    nadias, desk, language
):
    context, page = nadias
    words = WORDS[language]
    name = page.locator("#thread-name")
    context.set_offline(True)

    writes(page, "one", "two")

    bubbles = page.locator("#entries .pending")
    expect(bubbles).to_have_count(2)
    for number in (0, 1):
        expect(bubbles.nth(number).locator(".refused")).to_have_text(words["unsent"], use_inner_text=True)
    banner = page.locator("#offline")
    expect(banner).to_contain_text(words["offline"])
    assert name.bounding_box()["y"] >= banner.bounding_box()["y"] + banner.bounding_box()["height"]
    assert not Axe().run(page).response["violations"]
    page.locator("#reply-text").fill("three, half")
    banner.locator("button").click()
    expect(banner).to_be_hidden()

    context.set_offline(False)

    eventually(lambda: desk.kept("sara") == ["one", "two"], "they go by themselves")
    expect(bubbles).to_have_count(0)
    assert texts(page) == ["one", "two"]
    expect(page.locator("#connection")).to_be_hidden()
    expect(page.locator("#reply-text")).to_have_value("three, half")


@LANGUAGES
def test_what_is_not_sent_goes_at_a_click_or_back_into_the_field(nadias, desk, language):
    _, page = nadias
    words = WORDS[language]
    page.route("**/reply", lambda route: route.abort())
    writes(page, "one", "two")
    bubbles = page.locator("#entries .pending")
    expect(bubbles.get_by_role("button", name=words["again"])).to_have_count(2)

    bubbles.nth(1).get_by_role("button", name=words["discard"]).click()

    expect(bubbles).to_have_count(1)
    expect(page.locator("#reply-text")).to_have_value("two")
    expect(page.locator("#reply-text")).to_be_focused()
    page.unroute("**/reply")
    bubbles.get_by_role("button", name=words["again"]).click()
    desk.has("sara", "one")
    expect(bubbles).to_have_count(0)
    assert desk.kept("sara") == ["one"]


@pytest.mark.parametrize("language", ["en"])
def test_two_refused_replies_come_back_in_order_before_what_was_typed_meanwhile(nadias, desk, language):
    _, page = nadias
    waiting = held(page)
    writes(page, "one", "two")
    page.locator("#reply-text").fill("three")
    desk.gives(NADIA, "omar", "omar")  # a colleague's by now

    expect(page.locator("#entries .pending")).to_have_count(2)
    first_of(page, waiting).continue_()

    expect(page.locator("#asks")).to_be_visible()
    expect(page.locator("#reply-text")).to_have_value("one\ntwo\nthree")
    expect(page.locator("#entries .pending")).to_have_count(0)
    assert desk.kept("sara") == []


@pytest.mark.parametrize("language", ["en"])
def test_a_reply_whose_answer_was_lost_is_not_sent_twice(nadias, desk, language):
    _, page = nadias
    lost = []

    def lose(route):
        if lost:
            return route.continue_()
        lost.append(route.fetch())  # the server has it, and nobody hears of that
        return route.abort()

    page.route("**/reply", lose)
    page.route("**/panel*", lambda route: route.continue_() if lost else route.abort())

    writes(page, "Only once")

    expect(page.locator("#entries .pending")).to_contain_text("Not sent")
    expect(page.locator("#entries .said.failed:not(.pending)")).to_contain_text("Only once")
    expect(page.locator("#entries .pending")).to_have_count(0)
    expect(page.locator("#reply-text")).to_have_value("")
    assert texts(page) == ["Only once"]
    assert desk.kept("sara") == ["Only once"]


@LANGUAGES
def test_replies_without_an_answer_wait_as_bubbles_after_a_reload_and_none_goes_twice(nadias, desk, language):
    _, page = nadias
    words = WORDS[language]
    waiting = held(page)
    writes(page, "one", "two", "three")
    eventually(lambda: page.locator("#entries .pending").count() == 3, "they are on their way")
    arrived = page.locator("#entries .pending").first.get_attribute("id").removeprefix("p-")
    with desk.store.writing() as connection:  # the server has it, and the page goes before it hears of that
        replies.add(connection, NADIA, key=arrived, agent="sara", text="one", now=time.time())

    page.reload()

    bubbles = page.locator("#entries .pending")
    expect(bubbles).to_have_count(2)
    expect(bubbles.locator(".refused")).to_have_text([words["anew"]] * 2, use_inner_text=True)
    expect(page.locator("#reply-text")).to_have_value("")
    assert texts(page) == ["one", "two", "three"]
    assert not Axe().run(page).response["violations"]
    bubbles.nth(1).get_by_role("button", name=words["discard"]).click()
    expect(page.locator("#reply-text")).to_have_value("three")
    assert len(waiting) == 1  # nothing goes again by itself
    page.unroute("**/reply")
    bubbles.get_by_role("button", name=words["again"]).click()
    desk.has("sara", "two")
    expect(bubbles).to_have_count(0)
    assert desk.kept("sara") == ["one", "two"]


@pytest.mark.parametrize("language", ["en"])
def test_a_reply_that_one_tab_sends_goes_from_the_others_where_it_waits(nadias, desk, language):
    context, page = nadias
    page.route("**/reply", lambda route: route.abort())
    writes(page, "Once")
    expect(page.locator("#entries .pending")).to_contain_text("Not sent")
    other = context.new_page()
    other.route("**/panel*", lambda route: route.abort())  # hears of it by the other tab alone
    other.goto(page.url)
    expect(other.locator("#entries .pending")).to_contain_text("Once")

    page.unroute("**/reply")  # it goes by itself from here on

    desk.has("sara", "Once")
    expect(other.locator("#entries .pending")).to_have_count(0)
    assert desk.kept("sara") == ["Once"]


@pytest.mark.parametrize("language", ["en"])
@pytest.mark.parametrize("ends", ["without a connection", "refused"])
def test_what_one_tab_discards_is_not_sent_by_the_one_in_which_it_was_written(nadias, desk, language, ends):
    context, page = nadias
    waiting = held(page)
    writes(page, "wrong price", "for two")
    bubbles = page.locator("#entries .pending")
    expect(bubbles).to_have_count(2)
    first_of(page, waiting)
    other = context.new_page()
    other.goto(page.url)
    expect(other.locator("#entries .pending")).to_have_count(2)
    for number in (1, 0):
        other.locator("#entries .pending").nth(number).get_by_role("button", name="Discard").click()
    expect(bubbles).to_have_count(1)  # that one may have arrived
    writes(other, "right price")
    desk.has("sara", "right price")

    if ends == "refused":
        waiting[0].fulfill(status=409, body="<p>asked</p>")
    else:
        waiting[0].abort()

    expect(bubbles).to_have_count(0)
    expect(page.locator("#reply-text")).to_have_value("")
    assert len(waiting) == 1
    assert desk.kept("sara") == ["right price"]


@pytest.mark.parametrize("language", ["en"])
def test_what_waits_for_a_click_does_not_go_along_with_another_reply(nadias, desk, language):
    _, page = nadias
    page.route("**/reply", lambda route: route.abort())
    writes(page, "one", "two")
    bubbles = page.locator("#entries .pending")
    expect(bubbles.get_by_role("button", name="Send again")).to_have_count(2)
    page.reload()
    expect(bubbles).to_have_count(2)
    page.unroute("**/reply")

    writes(page, "three")

    desk.has("sara", "three")
    expect(bubbles).to_have_count(2)
    assert desk.kept("sara") == ["three"]
    bubbles.nth(1).get_by_role("button", name="Send again").click()
    desk.has("sara", "two")
    expect(bubbles).to_have_count(1)
    expect(bubbles).to_contain_text("one")
    assert desk.kept("sara") == ["three", "two"]


@pytest.mark.parametrize("language", ["en"])
def test_what_is_too_old_to_go_by_itself_does_not_go_along_with_another_reply(nadias, desk, language):
    _, page = nadias
    page.clock.install()
    page.route("**/reply", lambda route: route.abort())
    writes(page, "old")
    bubble = page.locator("#entries .pending")
    expect(bubble).to_contain_text("Not sent")
    page.clock.fast_forward("16:00")
    page.unroute("**/reply")

    writes(page, "new")

    desk.has("sara", "new")
    expect(bubble.first).to_contain_text("old")
    assert desk.kept("sara") == ["new"]


@pytest.mark.parametrize("language", ["en"])
def test_a_reply_that_found_storage_full_outlasts_what_another_tab_writes(nadias, language):
    context, page = nadias
    page.evaluate("Storage.prototype.setItem = 0")  # whoever calls it fails, as where storage is full
    page.route("**/reply", lambda route: route.abort())
    writes(page, "Nowhere else")
    bubble = page.locator("#entries .pending")
    expect(bubble).to_contain_text("Not sent")
    other = context.new_page()
    other.goto(page.url)

    other.locator("#reply-text").fill("meanwhile")

    expect(page.locator("#reply-text")).to_have_value("meanwhile")  # it has heard of that
    expect(bubble).to_contain_text("Nowhere else")
    bubble.get_by_role("button", name="Discard").click()
    expect(page.locator("#reply-text")).to_have_value("Nowhere else\nmeanwhile")


@LANGUAGES
def test_a_refused_reply_keeps_its_file_while_another_conversation_is_open(nadias, desk, language):
    _, page = nadias
    words = WORDS[language]
    page.goto(f"{page.url}?list=open")
    waiting = held(page)
    page.locator("#reply-file").set_input_files(FILE)
    writes(page, "Your receipt")
    desk.gives(NADIA, "omar", "omar")  # a colleague's by now
    open_conversation(page, LAILA)

    first_of(page, waiting).continue_()

    expect(page.locator("#problem")).not_to_be_empty()
    open_conversation(page, NADIA)
    bubble = page.locator("#entries .pending")
    expect(bubble).to_contain_text("Your receipt")
    expect(bubble.locator(".file")).to_have_text("receipt.txt")
    expect(bubble.locator(".refused")).to_have_text(words["refused"], use_inner_text=True)
    page.unroute("**/reply")
    bubble.get_by_role("button", name=words["again"]).click()
    expect(page.locator("#asks")).to_be_visible()
    expect(page.locator("#reply-text")).to_have_value("Your receipt")
    expect(page.locator("#file-chosen")).to_have_text("receipt.txt")


@LANGUAGES
def test_a_reply_says_after_a_reload_that_its_file_is_not_there(nadias, desk, language):
    _, page = nadias
    words = WORDS[language]
    page.route("**/reply", lambda route: route.abort())
    page.locator("#reply-file").set_input_files(FILE)
    writes(page, "Your receipt")
    bubble = page.locator("#entries .pending")
    expect(bubble.get_by_role("button", name=words["again"])).to_be_visible()

    page.reload()

    expect(bubble.locator(".refused")).to_contain_text(words["lost"])
    expect(bubble.locator(".file")).to_have_text("receipt.txt")
    expect(bubble.get_by_role("button", name=words["again"])).to_be_hidden()
    bubble.get_by_role("button", name=words["discard"]).click()
    expect(page.locator("#reply-text")).to_have_value("Your receipt")
    expect(bubble).to_have_count(0)


@LANGUAGES
def test_a_row_that_cannot_be_opened_says_so_and_opens_with_the_next_click(nadias, desk, language):
    _, page = nadias
    page.goto(f"{page.url}?list=open")
    row = page.locator(f'.item[data-thread="{TOM}"]')
    waiting = []
    page.route(f"**/thread/{TOM}/panel*", lambda route: waiting.append(route))
    row.click()
    expect(row).to_have_attribute("data-opening", "loading")

    first_of(page, waiting).abort()

    expect(row).to_contain_text(WORDS[language]["not opened"])
    desk.says(NADIA, "anybody there?")
    expect(page.locator(f'.item[data-thread="{NADIA}"]')).to_contain_text("anybody there?")
    expect(row).to_contain_text(WORDS[language]["not opened"])  # the list that came meanwhile says it, too
    assert not Axe().run(page).response["violations"]
    page.unroute(f"**/thread/{TOM}/panel*")
    row.click()
    expect(page.locator("#thread-name")).to_have_text("Tom Fischer")
    expect(page.locator("[data-opening]")).to_have_count(0)


@LANGUAGES
def test_a_picture_that_is_gone_leaves_a_card_with_its_name(nadias, desk, language):
    _, page = nadias
    asked = []
    page.route("**/file?*", lambda route: (asked.append(route.request.url), route.fulfill(status=404)))
    at = int(time.time() * 1000)
    picture = Attachment("image", "https://scontent.example/v/holiday%20photo.jpg?oe=1")
    with desk.store.writing() as connection:
        transcript.add(connection, NADIA, Line(PERSON, "", at, mid="m1", attachments=[picture]))
        page_updates.add(connection, NADIA, now=time.time())

    card = page.locator("#entries .file.missing")
    expect(card).to_contain_text("holiday photo.jpg")
    expect(card).to_contain_text(WORDS[language]["gone"])
    count = len(asked)
    desk.says(NADIA, "did you see it?")
    expect(page.locator("#entries")).to_contain_text("did you see it?")
    expect(card).to_have_count(1)
    expect(page.locator("#entries img")).to_have_count(0)
    assert len(asked) == count  # it is not asked for again


@pytest.mark.parametrize("language", ["en"])
def test_a_drawing_that_is_never_shown_can_be_fetched(nadias, desk, language):
    _, page = nadias
    drawing = {"status": 200, "content_type": "application/octet-stream", "body": "<svg/>"}
    page.route("**/file?*", lambda route: route.fulfill(**drawing))
    picture = Attachment("image", "https://shop.example/logo.svg")
    with desk.store.writing() as connection:
        line = Line(PERSON, "", int(time.time() * 1000), mid="m1", attachments=[picture])
        transcript.add(connection, NADIA, line)
        page_updates.add(connection, NADIA, now=time.time())

    link = page.locator("#entries .file.missing a")
    expect(link).to_have_text(re.compile("logo.svg"))
    expect(link).to_have_attribute("href", re.compile("/file\\?of="))
    expect(page.locator("#entries [data-gone]")).to_be_hidden()
