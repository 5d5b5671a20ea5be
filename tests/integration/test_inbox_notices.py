"""Nothing of an agent's goes unnoticed, nobody answers twice, one tab speaks for all: in real browsers."""

from __future__ import annotations

import time
from contextlib import contextmanager

import pytest
import sqlalchemy as sa
from integration.test_inbox_security import BASE, PASSWORD, Inbox

pytest.importorskip("playwright", reason="no browser: Playwright is not installed")

from axe_playwright_python.sync_playwright import Axe
from browsers import chromium
from playwright.sync_api import expect

import handover_channel  # noqa: F401 - here, as importing Rasa may take longer than a server has to start
from handover_channel import InboxInput  # noqa: F401
from handover_channel.store import page_updates, private_notes, profiles, replies, transcript
from handover_channel.store import threads as kept_threads
from handover_channel.store.profiles import Profile
from handover_channel.store.schema import agents, threads
from handover_channel.store.transcript import AGENT, PERSON, Line

pytestmark = [pytest.mark.rasa, pytest.mark.browser]

ROW = {
    "channel": "facebook", "page": "1", "owner": "", "target": "inbox", "stamp": 0, "precedence": 0,
    "reason": "handed_over", "version": 1, "wanted": "", "refusal": "", "attempts": 0, "seen": 0,
    "context": "{}", "answers_from": 0, "control": "inbox",
}  # fmt: skip
NADIA, TOM, LAILA = "71", "72", "73"

#: Whether the window is in front is for the test to say; what the browser would show and play is noted.
WATCHED = """
  window.inFront = true;
  window.notified = [];
  window.tones = 0;
  window.Notification = class {
    constructor(title, options) { notified.push([title, options.body]); }
    close() {}
  };
  Notification.permission = "granted";
  Document.prototype.hasFocus = () => window.inFront;
  window.OscillatorNode = class extends OscillatorNode {
    constructor(...given) { super(...given); tones++; }
  };
  window.setFront = (is) => { window.inFront = is; dispatchEvent(new Event(is ? "focus" : "blur")); };
"""


class Desk(Inbox):
    """The inbox of Sara and Omar, with Nadia and Laila (Sara's) and Tom (who waits)."""

    def prepare(self):
        for name in ("sara", "omar"):
            self.add_agent(name)
        with self.store.writing() as connection:
            loud = '{"sound": true, "notifications": true}'
            connection.execute(sa.update(agents).values(preferences=loud))
            connection.execute(sa.update(agents).where(agents.c.name == "omar").values(role="admin"))
        for thread, name in ((NADIA, "Nadia"), (TOM, "Tom Fischer"), (LAILA, "ليلى منصور")):
            self.put(thread, name)

    def put(self, thread, name, **given):
        now = time.time()
        values = {"active_at": now, "changed_at": now, "person_at": 0, **given}
        with self.store.writing() as connection:
            connection.execute(sa.insert(threads).values(id=thread, **ROW, **values))
            profiles.put(connection, Profile(thread, name, "", now))

    def says(self, thread, text):
        """Have the person write."""
        at = int(time.time() * 1000)
        with self.store.writing() as connection:
            transcript.add(connection, thread, Line(PERSON, text, at, mid=f"{thread}.{at}"))
            it = threads.c.id == thread
            connection.execute(sa.update(threads).where(it).values(person_at=at, active_at=at / 1000))
            page_updates.add(connection, thread, now=time.time())

    def gives(self, thread, to, by="omar"):
        with self.store.writing() as connection:
            seen = kept_threads.get(connection, thread).assignee
            kept_threads.assign(connection, thread, agent=to, seen=seen, now=time.time(), by=by)
            page_updates.add(connection, thread, now=time.time())

    def answers(self, thread, agent, text):
        """Have an agent's answer be sent, from a page that we do not see."""
        key = f"{agent}.{text}"
        with self.store.writing() as connection:
            kept = replies.add(connection, thread, key=key, agent=agent, text=text, now=time.time())
            replies.sent(connection, kept.id)
            line = Line(AGENT, text, int(time.time() * 1000), mid=key, agent=agent)
            transcript.add(connection, thread, line)
            page_updates.add(connection, thread, now=time.time())

    def kept(self, agent):
        """Return the texts of the agent's replies that wait, are being sent or have failed."""
        with self.store.reading() as connection:
            unsent = [
                reply
                for thread in (NADIA, TOM, LAILA)
                for reply in replies.unsent(connection, thread, now=time.time())
            ]
        return [reply.text for reply in unsent if reply.agent == agent]

    def has(self, agent, text):
        """Wait until the agent's reply is kept: nobody takes it here, so it is sent in vain."""
        eventually(lambda: text in self.kept(agent), text)


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


@contextmanager
def someone(browser, desk, name="sara", language="en", **looks):
    """A browser in which *name* is signed in."""
    with_defaults = {"viewport": {"width": 1280, "height": 800}, **looks}
    context = browser.new_context(locale="ar" if language == "ar" else "en-GB", **with_defaults)
    context.add_init_script(WATCHED)
    page = context.new_page()
    page.goto(f"http://{desk.at}{BASE}/")
    page.locator("[name=name]").fill(name)
    page.locator("[name=password]").fill(PASSWORD)
    page.locator("form button.primary").click()
    page.locator("#list").wait_for()
    yield context, page
    context.close()


def opens(context, desk, path="/"):
    """Open a tab, and click in it: no tab may make a sound before."""
    page = context.new_page() if not isinstance(context, tuple) else context[1]
    page.goto(f"http://{desk.at}{BASE}{path}")
    page.locator("h1, #list").first.wait_for()
    page.mouse.click(1, 1)
    return page


def writes(page, text):
    page.locator("#reply-text").press_sequentially(text)
    page.locator("#reply-text").press("Enter")


def eventually(true, what):
    end = time.monotonic() + 20
    while not true():
        assert time.monotonic() < end, what
        time.sleep(0.05)


def told(*pages):
    return [each for page in pages for each in page.evaluate("notified")]


def eventually_told(page, what):
    page.wait_for_function("what => notified.some(each => each.join(': ') === what)", arg=what)


def test_a_message_in_my_conversation_is_announced_whatever_list_is_shown(browser, desk):
    with someone(browser, desk) as sara:
        page = opens(sara, desk, f"/thread/{TOM}")  # the list of those who wait, where she is not
        expect(page).to_have_title("Tom Fischer · Inbox")
        page.evaluate("setFront(false)")

        desk.says(NADIA, "my parcel is wet")

        expect(page).to_have_title("(1) Tom Fischer · Inbox")
        expect(page.locator("[data-list=mine] .news")).to_contain_text("1")
        eventually_told(page, "Nadia: my parcel is wet")
        assert page.evaluate("tones") == 2  # once, two tones
        expect(page.locator(".item", has_text="Nadia")).to_have_count(0)
        expect(page.locator("#said")).to_have_text("New message from Nadia")
        desk.says(NADIA, "hello?")
        eventually_told(page, "Nadia: hello?")
        assert told(page) == [["Nadia", "my parcel is wet"], ["Nadia", "hello?"]]


def test_what_i_look_at_in_front_is_not_announced_and_what_stands_behind_another_window_is(browser, desk):
    with someone(browser, desk) as sara:
        page = opens(sara, desk, f"/thread/{NADIA}")
        desk.says(NADIA, "one")
        expect(page.locator("#entries")).to_contain_text("one")
        expect(page.locator("[data-list=mine] .news")).to_have_count(0)
        assert (told(page), page.evaluate("tones")) == ([], 0)

        page.evaluate("setFront(false)")
        desk.says(NADIA, "two")
        eventually_told(page, "Nadia: two")
        expect(page.locator("#entries")).to_contain_text("two")
        expect(page).to_have_title("(1) Nadia · Inbox")  # it is shown, and nobody looks

        page.evaluate("setFront(true)")
        expect(page).to_have_title("Nadia · Inbox")


@pytest.mark.parametrize(
    ("language", "words"), [("en", "Omar gave you ليلى منصور"), ("ar", "محادثة لك من Omar: ليلى منصور")]
)
def test_what_a_colleague_gives_me_is_an_event_of_its_own(browser, desk, language, words):
    with someone(browser, desk, language=language) as sara:
        page = opens(sara, desk)
        page.evaluate("setFront(false)")

        desk.gives(LAILA, "sara")

        page.wait_for_function("() => notified.length")
        assert told(page)[0][0] == words
        expect(page.locator("#told")).to_have_text(words)
        assert not Axe().run(page).response["violations"]
        page.locator("#told a").focus()
        page.keyboard.press("Enter")
        expect(page.locator("#thread-name")).to_have_text("ليلى منصور")
        expect(page.locator("#told")).to_be_hidden()
        assert len(told(page)) == 1


def test_what_i_take_myself_and_what_was_there_before_is_no_news(browser, desk):
    desk.says(NADIA, "long ago")
    with someone(browser, desk) as sara:
        page = opens(sara, desk)
        expect(page).to_have_title("(1) Inbox")
        desk.gives(TOM, "sara", "sara")
        desk.says(TOM, "a later one")
        page.evaluate("setFront(false)")
        page.wait_for_function("() => document.title === '(2) Inbox'")

        assert [each[0] for each in told(page)] in ([], ["Tom Fischer"])


def test_one_tab_speaks_for_all_and_the_next_one_after_it(browser, desk):
    with someone(browser, desk) as (context, first):
        first.goto("about:blank")
        tabs = [opens(context, desk, path) for path in ("/", "/?list=mine", f"/thread/{TOM}")]
        for tab in tabs:
            tab.evaluate("setFront(false)")
        desk.says(NADIA, "one")
        for tab in tabs:
            tab.wait_for_function("() => document.title.startsWith('(1)')")
        (speaks,) = [tab for tab in tabs if told(tab)] or [None]
        assert told(*tabs) == [["Nadia", "one"]]
        assert sum(tab.evaluate("tones") for tab in tabs) == 2

        tabs.remove(speaks)
        speaks.close()
        desk.says(NADIA, "two")
        for tab in tabs:
            tab.wait_for_function(
                "() => document.querySelector('[data-notice=message]')?.textContent === 'two'"
            )
        eventually(lambda: told(*tabs), "the next one speaks")
        tabs[0].wait_for_timeout(300)
        assert told(*tabs) == [["Nadia", "two"]]


def test_a_tab_that_died_without_a_word_is_spoken_for(browser, desk):
    with someone(browser, desk) as (context, first):
        first.goto("about:blank")
        page = opens(context, desk)
        page.evaluate("setFront(false)")
        # One that says it is in front, and never answers.
        page.evaluate(
            "new BroadcastChannel('inbox.sara').postMessage("
            "{ here: { page: '0', inFront: true, thread: '', clicked: true } })"
        )
        desk.says(NADIA, "anybody there?")

        eventually_told(page, "Nadia: anybody there?")


def test_what_one_tab_shows_in_front_no_other_tab_announces(browser, desk):
    with someone(browser, desk) as (context, first):
        first.goto("about:blank")
        front, behind = opens(context, desk, f"/thread/{NADIA}"), opens(context, desk)
        behind.evaluate("setFront(false)")

        desk.says(NADIA, "one")

        expect(front.locator("#entries")).to_contain_text("one")
        expect(behind).to_have_title("Inbox")
        assert (told(front, behind), behind.evaluate("tones")) == ([], 0)


# --- two tabs share a draft -----------------------------------------------------------------------


def test_a_reply_sent_in_one_tab_is_taken_out_of_the_other(browser, desk):
    with someone(browser, desk) as (context, first):
        first.goto("about:blank")
        one = opens(context, desk, f"/thread/{NADIA}")
        one.locator("#reply-text").press_sequentially("Half a sentence that I")
        other = opens(context, desk, f"/thread/{NADIA}")
        expect(other.locator("#reply-text")).to_have_value("Half a sentence that I")
        other.locator("#reply-text").press("End")
        other.locator("#reply-text").press_sequentially(" finish")
        expect(one.locator("#reply-text")).to_have_value("Half a sentence that I finish")

        other.locator("#reply-text").press("Enter")

        expect(one.locator("#reply-text")).to_have_value("")
        desk.has("sara", "Half a sentence that I finish")
        one.locator("#reply-text").press("Enter")
        assert desk.kept("sara") == ["Half a sentence that I finish"]


def test_what_was_changed_in_the_other_tab_stays_there(browser, desk):
    with someone(browser, desk) as (context, first):
        first.goto("about:blank")
        one, other = (opens(context, desk, f"/thread/{NADIA}") for _ in range(2))
        other.locator("#reply-text").press_sequentially("From here")
        # As typed before the other tab's word arrives.
        one.locator("#reply-text").evaluate("field => { field.value = 'Mine' }")
        other.locator("#reply-text").press("Enter")
        desk.has("sara", "From here")

        expect(other.locator("#reply-text")).to_have_value("")
        expect(one.locator("#reply-text")).to_have_value("Mine")


# --- nobody answers twice -------------------------------------------------------------------------


def test_a_reply_in_a_colleagues_conversation_is_asked_about_and_sent_once_it_is_meant(browser, desk):
    desk.gives(LAILA, "omar", "omar")
    with someone(browser, desk) as (_, page):
        page.goto(f"http://{desk.at}{BASE}/thread/{LAILA}")
        writes(page, "May I add something?")

        asks = page.get_by_role("dialog", name="Send it all the same?")
        expect(asks).to_contain_text("Omar has this conversation")
        expect(asks.get_by_role("button", name="Take over and send")).to_have_count(
            0
        )  # omar's, or an admin's
        expect(page.locator("#reply-text")).to_have_value("May I add something?")
        assert desk.kept("sara") == []
        assert not Axe().run(page).response["violations"]
        page.keyboard.press("Escape")
        expect(page.locator("#reply-text")).to_be_focused()
        page.keyboard.press("Enter")
        asks.get_by_role("button", name="Send anyway").press("Enter")

        desk.has("sara", "May I add something?")
        expect(page.locator("#reply-text")).to_have_value("")
        assert desk.kept("sara") == ["May I add something?"]


def test_an_admin_is_offered_to_take_it_over_and_the_text_goes_at_once(browser, desk):
    with someone(browser, desk, "omar", language="ar") as (_, page):
        page.goto(f"http://{desk.at}{BASE}/thread/{NADIA}")
        writes(page, "مرحبا")
        page.get_by_role("button", name="تولّي المحادثة والإرسال").click()

        desk.has("omar", "مرحبا")
        with desk.store.reading() as connection:
            assert kept_threads.get(connection, NADIA).assignee == "omar"


@pytest.mark.parametrize("looks", [{}, {"viewport": {"width": 375, "height": 667}}], ids=["wide", "phone"])
def test_a_reply_past_a_newer_one_is_held_and_can_become_a_note(browser, desk, looks):
    with someone(browser, desk, **looks) as (context, page):
        page.goto(f"http://{desk.at}{BASE}/thread/{NADIA}")
        page.locator("#reply-text").fill("Your parcel is lost")
        context.set_offline(True)  # the page does not hear of it
        desk.answers(NADIA, "omar", "Your parcel is here")
        context.set_offline(False)
        page.locator("#reply-text").press("Enter")

        asks = page.get_by_role("dialog", name="Send it all the same?")
        expect(asks).to_contain_text("Omar has answered since you wrote this")
        expect(asks.locator("blockquote")).to_have_text("Your parcel is here")
        expect(page.locator("#reply-text")).to_have_value("Your parcel is lost")
        box = asks.bounding_box()
        assert box["x"] >= 0
        assert box["x"] + box["width"] <= page.viewport_size["width"]
        asks.get_by_role("button", name="Make it a note").click()

        expect(page.locator("#entries .remark")).to_contain_text("Your parcel is lost")
        expect(page.locator("#reply-text")).to_have_value("")
        assert desk.kept("sara") == []
        with desk.store.reading() as connection:
            assert [note.text for note in private_notes.of(connection, NADIA)] == ["Your parcel is lost"]


def test_who_has_seen_the_newer_reply_and_writes_on_is_not_asked(browser, desk):
    with someone(browser, desk) as (_, page):
        page.goto(f"http://{desk.at}{BASE}/thread/{NADIA}")
        page.locator("#reply-text").fill("Your parcel")
        desk.answers(NADIA, "omar", "Hello from Omar")
        expect(page.locator("#entries")).to_contain_text("Hello from Omar")

        page.locator("#reply-text").press("End")
        writes(page, " is here")

        desk.has("sara", "Your parcel is here")


def test_what_was_written_before_the_newer_reply_came_is_asked_about_although_it_is_shown(browser, desk):
    with someone(browser, desk) as (_, page):
        page.goto(f"http://{desk.at}{BASE}/thread/{NADIA}")
        page.locator("#reply-text").fill("Your parcel is lost")
        desk.answers(NADIA, "omar", "Your parcel is here")
        expect(page.locator("#entries")).to_contain_text("Your parcel is here")

        page.locator("#reply-text").press("Enter")

        expect(page.locator("#asks")).to_contain_text("Omar has answered since you wrote this")
