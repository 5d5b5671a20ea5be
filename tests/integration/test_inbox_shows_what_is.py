"""The page says what there is, in a real browser: titles, previews, places, files, links, reactions."""

from __future__ import annotations

import json
import time
from contextlib import contextmanager

import pytest
import sqlalchemy as sa
import yaml
from served_inbox import BASE, PASSWORD, ServedInbox

pytest.importorskip("playwright", reason="no browser: Playwright is not installed")

from axe_playwright_python.sync_playwright import Axe
from browsers import chromium
from playwright.sync_api import expect

import handover_channel  # noqa: F401 - here, as importing Rasa may take longer than a server has to start
from handover_channel import InboxInput  # noqa: F401
from handover_channel.messenger.events import PAGE_INBOX_APP_ID, Attachment
from handover_channel.store import page_updates, profiles, thread_events, transcript
from handover_channel.store.profiles import Profile
from handover_channel.store.schema import changes, threads
from handover_channel.store.thread_events import ThreadEvent
from handover_channel.store.transcript import AGENT, PERSON, Line

pytestmark = [pytest.mark.rasa, pytest.mark.browser]

ROW = {
    "channel": "facebook", "page": "1", "owner": "", "target": "inbox", "stamp": 0, "precedence": 0,
    "reason": "handed_over", "version": 1, "wanted": "", "refusal": "", "attempts": 0, "seen": 0,
    "context": "{}", "answers_from": 0, "control": "inbox",
}  # fmt: skip
SALES = {"kind": "app", "app_id": "2222", "title": {"en": "Sales", "ar": "المبيعات"}}
CDN = "https://cdn.fbsbx.example/v/t59.2708-21"
OFFICE = {"coordinates": {"lat": 24.7136, "long": 46.6753}, "title": "The office"}
PLACE = Attachment("location", payload=OFFICE)
NAME, INVOICE = "Invoice 2026.pdf", Attachment("file", f"{CDN}/Invoice%202026.pdf?_nc_cat=1")
LONG_NAME = "Maximiliana Featherstonehaugh-Cholmondeley from the shop"
LONG_ARABIC = "عبد الرحمن بن محمد بن عبد الله آل سعود الأنصاري من المتجر الكبير"
WORDS = "جرّب https://shop.example/order/10234?lang=ar أو sara@shop.example أو +966501234567، شكرًا"
NARROW = {"viewport": {"width": 375, "height": 700}}


class Shop(ServedInbox):
    """The inbox of Sara, with a conversation for each thing that can be said last."""

    #: Thread -> name, who said it, what came, what the list says of it in English and Arabic.
    LAST = {
        "11": ("Luis", PERSON, Attachment("image", f"{CDN}/12_n.jpg"), "Picture", "صورة"),
        "12": ("ليلى منصور", PERSON, Attachment("audio", f"{CDN}/clip.mp4"), "Voice message", "رسالة صوتية"),
        "13": ("Hana", PERSON, PLACE, "Location: The office", "موقع: The office"),
        "14": ("Tom", AGENT, INVOICE, f"File: {NAME}", f"ملف: {NAME}"),
        "15": ("Mia", AGENT, Attachment("video", f"{CDN}/v.mp4"), "Video", "فيديو"),
    }  # fmt: skip

    def prepare(self):
        self.add_agent("sara")
        for number, (thread, (name, author, attachment, *_)) in enumerate(self.LAST.items()):
            self.put(
                thread, name, Line(author, "", self.ago(60 * number), mid=thread, attachments=[attachment])
            )
        self.put("16", "Nadia", target="sales_bot", control="app", owner="2222", last=("bot", "We are open"))
        self.put("17", "Omar", target=PAGE_INBOX_APP_ID, control="app", owner=PAGE_INBOX_APP_ID)
        self.put("18", LONG_NAME, Line(PERSON, WORDS, self.ago(10), mid="words"))
        self.put("19", LONG_ARABIC, Line(AGENT, "What may I do?", self.ago(20), mid="asked", agent="sara"))
        with self.store.writing() as connection:
            change = {
                "thread": "16",
                "control_before": "bot",
                "control": "app",
                "owner": "2222",
                "who": "bot",
            }
            change |= {"target": "sales_bot", "reason": "handed_over", "at": time.time() - 9}
            connection.execute(sa.insert(changes).values(**change))

    def ago(self, seconds):
        return int((time.time() - seconds) * 1000)

    def put(self, thread, name, *lines, last=None, **given):
        now = time.time()
        said = dict(zip(("last_author", "last_text", "last_at"), (*last, self.ago(5)))) if last else {}
        values = {**ROW, "active_at": now, "changed_at": now, "person_at": self.ago(1), **said, **given}
        with self.store.writing() as connection:
            connection.execute(sa.insert(threads).values(id=thread, **values))
            profiles.put(connection, Profile(thread, name, "", now))
            for line in lines:
                transcript.add(connection, thread, line)

    def happens(self, thread, kind, detail, mid=""):
        """Note what the person did without words."""
        self.number = getattr(self, "number", 0) + 1
        event = ThreadEvent(self.number, self.ago(0), PERSON, kind, detail, mid)
        with self.store.writing() as connection:
            thread_events.add(connection, thread, event)
            page_updates.add(connection, thread, now=time.time())


@pytest.fixture(scope="module")
def browser():
    with chromium() as browser:
        yield browser


@pytest.fixture(scope="module")
def shop(tmp_path_factory):
    shop = Shop(tmp_path_factory.mktemp("shop"))
    file = shop.folder / "handover.yml"
    settings = yaml.safe_load(file.read_text())
    targets = {"inbox": {"kind": "inbox"}, "sales_bot": SALES}
    file.write_text(yaml.safe_dump({**settings, "targets": targets}))
    with shop.running():
        shop.prepare()
        yield shop


@contextmanager
def sara(browser, shop, language, **looks):
    """Sara's page of the inbox."""
    with_defaults = {"viewport": {"width": 1280, "height": 800}, **looks}
    context = browser.new_context(locale="ar" if language == "ar" else "en-GB", **with_defaults)
    page = context.new_page()
    asked = []
    page.on("request", lambda request: asked.append(request.url))
    page.goto(f"http://{shop.at}{BASE}/?list=open")
    page.locator("[name=name]").fill("sara")
    page.locator("[name=password]").fill(PASSWORD)
    page.locator("form button.primary").click()
    page.locator("#list").wait_for()
    page.goto(f"http://{shop.at}{BASE}/?list=open")
    yield page
    context.close()
    assert [url for url in asked if not url.startswith((f"http://{shop.at}/", "data:"))] == []


def item(page, thread):
    return page.locator(f'.item[data-thread="{thread}"]')


def opens(page, shop, thread):
    page.goto(f"http://{shop.at}{BASE}/thread/{thread}?list=open")
    return page.locator("#entries")


LANGUAGES = pytest.mark.parametrize("language", ["en", "ar"])


@LANGUAGES
def test_the_list_names_what_came_without_words_whoever_sent_it(browser, shop, language):
    with sara(browser, shop, language) as page:
        for thread, (*_, english, arabic) in shop.LAST.items():
            expect(item(page, thread).locator(".preview-text")).to_have_text(
                {"en": english, "ar": arabic}[language]
            )
        expect(item(page, "16").locator(".preview-text")).to_have_text("We are open")
        expect(page.locator("#list")).not_to_contain_text("sales_bot")


@pytest.mark.parametrize(
    ("language", "sales", "page_inbox", "divider"),
    [
        ("en", "Sales", "Page inbox", "Handed over to Sales"),
        ("ar", "المبيعات", "صندوق وارد الصفحة", "حُوّلت إلى المبيعات"),
    ],
)
def test_targets_and_apps_are_called_by_their_titles(browser, shop, language, sales, page_inbox, divider):
    with sara(browser, shop, language) as page:
        expect(item(page, "16").locator(".item-facts")).to_contain_text(sales)
        expect(item(page, "17").locator(".item-facts")).to_contain_text(page_inbox)
        expect(opens(page, shop, "16").locator(".changed")).to_contain_text(divider)
        expect(page.locator("body")).not_to_contain_text("sales_bot")
        page.goto(f"http://{shop.at}{BASE}/?list=open&target=sales_bot")
        expect(page.locator(".chip")).to_contain_text(sales)
        expect(page.locator("#filter-target")).to_contain_text(sales)
        opens(page, shop, "17")
        expect(page.locator("body")).not_to_contain_text(PAGE_INBOX_APP_ID)


@LANGUAGES
def test_a_place_has_its_title_its_coordinates_and_a_map_outside(browser, shop, language):
    with sara(browser, shop, language) as page:
        place = opens(page, shop, "13").locator(".link")
        expect(place).to_contain_text("The office")
        expect(place).to_contain_text("24.7136, 46.6753")
        link = place.locator("a")
        expect(link).to_have_attribute("rel", "noopener noreferrer nofollow")
        assert link.get_attribute("href").startswith(
            "https://www.openstreetmap.org/?mlat=24.7136&mlon=46.6753"
        )


@LANGUAGES
def test_a_file_has_the_name_that_its_address_has(browser, shop, language):
    with sara(browser, shop, language) as page:
        expect(opens(page, shop, "14").locator(".file a")).to_have_text(NAME)


@LANGUAGES
def test_what_can_be_opened_is_a_link_that_reads_from_left_to_right(browser, shop, language):
    with sara(browser, shop, language) as page:
        text = opens(page, shop, "18").locator(".text")
        expect(text).to_have_text(WORDS)
        links = text.locator("bdi[dir=ltr] > a[target=_blank][rel='noopener noreferrer nofollow']")
        assert [link.get_attribute("href") for link in links.all()] == [
            "https://shop.example/order/10234?lang=ar",
            "mailto:sara@shop.example",
            "tel:+966-50-123-4567",
        ]
        plus_first = """link => { const box = (from, to) => { const range = document.createRange();
            range.setStart(link.firstChild, from); range.setEnd(link.firstChild, to);
            return range.getBoundingClientRect().left; }; return box(0, 1) < box(3, 4); }"""
        assert links.nth(2).evaluate(plus_first)
        page.set_viewport_size({"width": 320, "height": 700})
        lines = "link => [...link.getClientRects()].map(line => Math.round(line.left))"
        for link in links.all():
            assert len(set(link.evaluate(lines))) == 1


@LANGUAGES
def test_a_reaction_stands_at_its_message_until_it_is_taken_back(browser, shop, language):
    with sara(browser, shop, language) as page:
        entries = opens(page, shop, "19")
        expect(entries.locator(".said")).to_have_count(1)
        mid = {"mid": "asked"}
        shop.happens("19", "reaction", {**mid, "action": "react", "emoji": "❤"}, "asked")
        expect(entries.locator(".said .reaction bdi")).to_have_text("❤")
        box = entries.locator(".reaction").bounding_box()
        assert box["height"] < 32
        shop.happens("19", "reaction", {**mid, "action": "unreact"}, "asked")
        expect(entries.locator(".reaction")).to_have_count(0)
        expect(entries.locator(".said")).to_have_count(1)


@pytest.mark.parametrize(
    ("language", "came"), [("en", "Came by a link: promo-en"), ("ar", "وصول عبر رابط: promo-ar")]
)
def test_how_somebody_came_is_a_divider(browser, shop, language, came):
    with sara(browser, shop, language) as page:
        entries = opens(page, shop, "19")
        shop.happens("19", "referral", {"ref": f"promo-{language}", "source": "SHORTLINK"})
        expect(entries.locator(".changed.came").last).to_contain_text(came)
        expect(entries.locator(".said.person")).to_have_count(0)


def beginning_is_seen(element):
    """Tell whether the first letter lies within what is shown of a name that is cut."""
    return element.evaluate(
        """name => { const range = document.createRange();
        const text = document.createTreeWalker(name, NodeFilter.SHOW_TEXT).nextNode();
        range.setStart(text, 0); range.setEnd(text, 1);
        const first = range.getBoundingClientRect(), box = name.getBoundingClientRect();
        const isCut = name.scrollWidth > name.clientWidth;
        return isCut && first.left >= box.left - 1 && first.right <= box.right + 1; }"""
    )


@pytest.mark.parametrize("thread", ["18", "19"])
@LANGUAGES
def test_a_name_that_has_no_room_keeps_its_beginning(browser, shop, language, thread):
    with sara(browser, shop, language, **NARROW) as page:
        name = item(page, thread).locator(".item-name > bdi").first
        expect(name).to_be_visible()
        assert beginning_is_seen(name)
        opens(page, shop, thread)
        assert beginning_is_seen(page.locator("#thread-name > bdi"))


@pytest.mark.parametrize("looks", [{}, {"color_scheme": "dark"}, NARROW], ids=["light", "dark", "phone"])
@LANGUAGES
def test_axe_finds_nothing_wrong(browser, shop, language, looks):
    shop.happens("18", "reaction", {"mid": "words", "action": "react", "emoji": "👍"}, "words")
    shop.happens("18", "optin", {"type": "notification_messages", "title": "News"})
    with sara(browser, shop, language, **looks) as page:
        for thread in ("13", "14", "16", "18"):
            opens(page, shop, thread)
            found = Axe().run(page).response["violations"]
            assert [(each["id"], each["nodes"][0]["html"]) for each in found] == [], json.dumps(found)[:2000]
