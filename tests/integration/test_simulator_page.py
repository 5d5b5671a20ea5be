"""The simulator's page in a browser: who has control, what is behind it, and that everybody can use it."""

from __future__ import annotations

import time

import pytest
from browsers import PATIENCE

sync_api = pytest.importorskip("playwright.sync_api", reason="no browser: Playwright is not installed")
pytest.importorskip("aiohttp", reason="the simulator's server needs the extra 'simulator'")
axe = pytest.importorskip("axe_playwright_python.sync_playwright", reason="no browser: axe is not installed")

from simulator_windows import browser, open_page  # noqa: E402, F401

from handover_channel.simulator import Simulator, running  # noqa: E402
from handover_channel.simulator.bot_at_hand import CannotBeAsked  # noqa: E402
from handover_channel.simulator.faults import FAULTS  # noqa: E402

pytestmark = pytest.mark.browser

expect = sync_api.expect
PERSON = "7001"
THEIR_PLACE = f"/inbox?person={PERSON}"  #: on to their thread
STEPS = ["person: I want to talk to a human", "reply: I am handing you over ...", "control: inbox"]
LOOKS = {
    "light": {"color_scheme": "light", "viewport": {"width": 1400, "height": 900}},
    "dark": {"color_scheme": "dark", "viewport": {"width": 1400, "height": 900}},
    "phone": {"viewport": {"width": 390, "height": 780}, "is_mobile": True, "has_touch": True},
}


class PlayedBot:
    """What a bot that can be asked says, as a test wants it."""

    inbox_url = "http://127.0.0.1:5005/webhooks/inbox/"

    def __init__(self):
        self.word, self.cannot, self.fails_at, self.done = {}, "", None, 0

    def has_it(self, control, name="", **more):
        change = {"control_before": "bot", "control": control, "target": name, "reason": "user", "who": ""}
        said = {"control": control, "name": name, "reason": "user", "assignee": "", "deadlines": {}}
        self.word = {**said, "log": [{"at": time.time(), **change}], **more}

    def words(self, psids):
        if self.cannot:
            raise CannotBeAsked(self.cannot)
        return {PERSON: self.word} if self.word and PERSON in psids else {}

    def way_in(self, psid):
        if self.cannot:
            raise CannotBeAsked(self.cannot)
        return f"{self.inbox_url}thread/{psid}"

    def newest_person(self, first, last):
        return ""

    def scenarios(self):
        whole = {"file": "inbox.yml", "line": 2, "steps": STEPS}
        return [{"id": "inbox.yml:2", "name": "to the inbox", **whole}, {"id": "b", "name": "b", **whole}]

    def begin(self, scenario):
        self.done = 0
        return {"psid": PERSON, "skipped": ""}

    def step(self):
        if self.done == self.fails_at:
            return {"done": self.done, "failed": True, "said": "the bot is silent", "over": False}
        self.done += 1
        return {"done": self.done, "failed": False, "said": "", "over": self.done == len(STEPS)}


@pytest.fixture
def person():
    return PERSON


@pytest.fixture
def simulator():
    simulator = Simulator(app_id="1234567890", apps={"2222": "sales_bot"}, default_app="bot")
    simulator.person(PERSON).says("hello")
    return simulator


@pytest.fixture
def bot():
    return PlayedBot()


# --- who has control ----------------------------------------------------------------------------------


def test_the_pill_says_our_app_because_meta_does_not_know_whether_the_bot_or_its_inbox_answers(
    browser, simulator
):
    with running(simulator) as url:
        page = browser.new_page()
        page.goto(f"{url}/?psid={PERSON}")
        pill = page.locator("#control")
        pill.get_by_text("our app").wait_for(timeout=PATIENCE)
        assert "the bot, or its inbox" in pill.inner_text()

        assert simulator.app("bot").says(PERSON, "hi").status == 200
        assert simulator.app("bot").passes(PERSON, "sales_bot").status == 200
        pill.get_by_text("sales_bot").wait_for(timeout=PATIENCE)
        assert "inbox" not in pill.inner_text()
        page.close()


def test_the_built_in_inbox_has_control_as_soon_as_the_bot_says_so_though_nothing_happens_at_meta(
    open_page, bot
):
    page = open_page()
    page.get_by_role("tab", name="Page inbox").click()
    owner, tab = page.locator("#control-owner"), page.get_by_role("tab", name="Built-in inbox")
    expect(owner).to_have_text("the bot")

    bot.has_it("inbox", "inbox", assignee="sam")

    expect(owner).to_have_text("built-in inbox")
    expect(page.locator("#control-note")).to_contain_text("sam")
    tab.click()
    expect(tab).to_contain_text("has control")
    expect(page.get_by_role("tab", name="bot", exact=True)).not_to_contain_text("has control")
    expect(page.locator("#app-state")).to_have_text("has control")
    expect(page.get_by_role("link", name="Open the inbox")).to_have_attribute("href", THEIR_PLACE)
    expect(page.locator("#app-form")).to_be_hidden()


def test_who_asks_for_a_human_sees_who_has_it_and_a_link_to_their_place_in_the_inbox(open_page, bot):
    page = open_page()
    link = page.get_by_role("link", name="Open it in the inbox")
    expect(link).to_be_hidden()
    expect(page.get_by_role("link", name="Open the inbox")).to_be_visible()  # nobody has chosen another tab

    bot.has_it("inbox", "inbox")

    expect(page.locator("#control-note")).to_contain_text("Meta's word: our app")
    expect(link).to_have_attribute("href", THEIR_PLACE)
    answer = page.request.get(link.get_attribute("href"), max_redirects=0)
    assert (answer.status, answer.headers["location"]) == (303, f"{bot.inbox_url}thread/{PERSON}")
    assert answer.headers["cache-control"] == "no-store"

    bot.has_it("bot")
    expect(link).to_be_hidden()


def test_the_inbox_is_opened_by_no_page_of_elsewhere_and_a_bot_that_cannot_be_asked_is_told(open_page, bot):
    page = open_page()

    elsewhere = page.request.get("/inbox", max_redirects=0, headers={"Sec-Fetch-Site": "cross-site"})
    bot.cannot = "the database cannot be reached"
    away = page.request.get("/inbox", max_redirects=0)

    assert elsewhere.status == 403
    assert (away.status, away.text()) == (503, bot.cannot)


def test_the_tab_of_whoever_has_control_is_shown_until_one_is_chosen(open_page, bot, simulator):
    page = open_page()
    chosen = page.locator("#tabs [aria-selected=true]")
    simulator.app("bot").passes(PERSON, "sales_bot")
    expect(chosen).to_contain_text("sales_bot")
    page.locator("#app-text").fill("half an answer")

    simulator.app("sales_bot").passes(PERSON, "bot")
    bot.has_it("inbox", "inbox")

    expect(page.locator("#control-owner")).to_have_text("built-in inbox")
    expect(chosen).to_contain_text("sales_bot")
    expect(page.locator("#app-text")).to_have_value("half an answer")


def test_the_words_of_the_trade_are_explained_where_they_stand(open_page):
    page = open_page()
    page.get_by_role("tab", name="Page inbox").click()
    page.locator("#app-about summary").click()
    for word in ("Move to Main", "Done", "standby"):
        expect(page.locator("#app-terms dt", has_text=word).first).to_be_visible()
    page.get_by_role("tab", name="sales_bot").click()
    expect(page.locator("#app-terms")).to_contain_text("gives control away")

    page.locator("#tab-faults").click()
    page.locator("#bench-faults .about summary").click()
    expect(page.locator("#bench-faults dl")).to_contain_text("Done")


@pytest.mark.parametrize("width", [1280, 1100])
def test_the_pill_and_the_tabs_stay_where_they_are_however_long_their_texts(open_page, bot, simulator, width):
    page = open_page(viewport={"width": width, "height": 800})
    pill = page.locator("#control")
    expect(page.locator("#control-owner")).to_have_text("the bot")
    before = pill.bounding_box()

    bot.has_it("app", "a sales bot whose name is as long as names of apps may well be")

    expect(page.locator("#control-note")).to_contain_text("it believes that")
    after = pill.bounding_box()
    assert (after["x"], after["y"]) == (before["x"], before["y"])
    expect(page.locator("#reset")).to_be_in_viewport()
    for tab in page.locator("#tabs button").all():
        expect(tab).to_be_in_viewport(ratio=1)


def test_metas_word_counts_and_the_pill_says_where_the_bot_believes_otherwise(open_page, bot, simulator):
    bot.has_it("bot")
    page = open_page()
    assert simulator.app("bot").passes(PERSON, "sales_bot").status == 200
    expect(page.locator("#control-owner")).to_have_text("sales_bot")
    expect(page.locator("#control-note")).to_contain_text("the bot does not know it yet")

    assert simulator.app("sales_bot").passes(PERSON, "bot").status == 200
    bot.has_it("app", "sales_bot")
    expect(page.locator("#control-owner")).to_have_text("nobody")
    expect(page.locator("#control-note")).to_contain_text("believes that sales_bot has control")


def test_where_the_bot_cannot_be_asked_the_pill_says_what_meta_knows_and_the_page_why(open_page, bot):
    bot.cannot = "the database cannot be reached"
    page = open_page()

    expect(page.locator("#control-owner")).to_have_text("our app")

    bot.cannot = ""
    expect(page.locator("#control-owner")).to_have_text("the bot")


def test_the_line_of_time_has_what_was_and_what_is_due(open_page, bot, simulator):
    assert simulator.app("bot").passes(PERSON, "sales_bot").status == 200
    bot.has_it("app", "sales_bot", deadlines={"time_limit": time.time() + 2 * 86400})
    page = open_page()
    page.locator("#tab-control").click()
    line = page.locator("#timeline")

    expect(line.locator(".meta:not(.due)")).to_contain_text("our app passes control to sales_bot")
    expect(line.locator(".bots:not(.due)")).to_contain_text("bot → sales_bot")
    expect(line.locator(".due", has_text="control of sales_bot runs out")).to_be_visible()
    expect(line.locator(".due", has_text="the messaging window closes")).to_contain_text("in 24 hours")
    expect(line.locator(".due", has_text="the bot's time limit")).to_contain_text("in 2 days")


# --- the wire ----------------------------------------------------------------------------------------


def test_lines_of_the_wire_are_filtered_copied_as_curl_without_secrets_and_called_again(open_page, simulator):
    simulator.app("bot").says(PERSON, "it's here")
    page = open_page()
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    shown = page.locator("#log > li:visible")
    page.locator("#log-filter").fill("POST /me/messages")
    expect(shown).to_have_count(1)

    shown.locator("summary").click()
    shown.get_by_role("button", name="Copy as curl").click()
    expect(page.locator("#toast")).to_have_text("Copied.")
    command = page.evaluate("navigator.clipboard.readText()")
    assert "$PAGE_ACCESS_TOKEN" in command
    assert "it'\\''s here" in command
    assert simulator.bot.token not in command

    shown.get_by_role("button", name="Call again").click()
    expect(shown).to_have_count(2)
    expect(page.locator("#person-chat").get_by_text("it's here")).to_have_count(2)

    page.locator("#log-filter").fill("nothing has this")
    expect(shown).to_have_count(0)


# --- time and faults ---------------------------------------------------------------------------------


def test_faults_are_ordered_and_removed_and_time_is_moved_by_buttons(open_page, simulator):
    page = open_page()
    page.locator("#tab-faults").click()
    page.locator("#fault").select_option("not_owner")
    expect(page.locator("#fault-does")).to_contain_text("Another app has the thread")
    page.get_by_role("button", name="Order").click()
    expect(page.locator("#ordered")).to_contain_text("not_owner")
    assert [fault.name for fault in simulator.faults] == ["not_owner"]
    page.get_by_role("button", name="Remove not_owner").click()
    expect(page.locator("#ordered li")).to_have_count(0)

    simulator.app("bot").passes(PERSON, "sales_bot")
    page.get_by_role("button", name="+ 25 hours").click()
    expect(page.locator("#time-said")).to_contain_text(f"control of {PERSON} has lapsed")
    expect(page.locator("#ahead")).to_contain_text("25 hours ahead")

    page.locator("#time-by").fill("soon")
    page.get_by_role("button", name="Move").click()
    expect(page.locator("#time-said")).to_contain_text("no time to move by")


# --- scenarios ---------------------------------------------------------------------------------------


def test_a_link_opens_a_scenario_that_is_done_step_by_step(open_page):
    page = open_page("/?scenario=inbox.yml%3A2")
    expect(page.locator("#bench-scenarios")).to_be_visible()
    expect(page.locator("#steps li")).to_have_text(STEPS)

    page.get_by_role("button", name="Step").click()

    expect(page.locator("#steps .done")).to_have_text(STEPS[:1])
    expect(page.locator("#person")).to_have_value(PERSON)
    expect(page.locator("#scenario-link")).to_have_attribute("href", "/?scenario=inbox.yml%3A2")


def test_a_scenario_is_played_paused_and_played_on_to_its_end(open_page, bot):
    page = open_page("/?scenario=inbox.yml%3A2")
    page.locator("#scenario-play").click()
    page.locator("#scenario-play", has_text="Pause").click()
    expect(page.locator("#scenario-play")).to_have_text("Play")
    page.locator("#scenario-play").click()

    expect(page.locator("#scenario-said")).to_have_text("All as it should be.")
    expect(page.locator("#steps .done")).to_have_count(len(STEPS))
    assert bot.done == len(STEPS)


def test_a_step_that_fails_says_what_happened_instead(open_page, bot):
    bot.fails_at = 1
    page = open_page("/?scenario=inbox.yml%3A2")
    page.locator("#scenario-play").click()

    expect(page.locator("#scenario-said")).to_have_text("the bot is silent")
    expect(page.locator("#steps .failed")).to_have_text(STEPS[1])
    expect(page.locator("#scenario-play")).to_be_disabled()


# --- for everybody -----------------------------------------------------------------------------------


@pytest.mark.parametrize("looks", LOOKS)
def test_axe_finds_nothing_in_any_pane(open_page, bot, simulator, looks):
    simulator.app("bot").sends(PERSON, {"text": "x", "quick_replies": [_quick_reply("Yes")]})
    bot.has_it("inbox", "inbox", deadlines={"time_limit": time.time() + 9000})
    page = open_page(**LOOKS[looks])
    for summary in page.locator(".about summary").all():
        summary.evaluate("element => element.parentElement.open = true")
    _assert_accessible(page)
    for name in ("staff", "bench") if looks == "phone" else ():
        page.locator(f".panes [data-pane={name}]").click()
        _assert_accessible(page)
    for name in ("wire", "control", "faults", "scenarios"):
        page.locator(f"#tab-{name}").click()
        if name == "wire":
            page.locator("#log > li:visible summary").first.click()
        if name == "faults":
            page.get_by_role("button", name="Order").click()
            page.locator("#ordered li").wait_for()
        if name == "scenarios":
            page.locator("#scenario-step").click()
            page.locator("#steps .done").wait_for()
        _assert_accessible(page)
    page.locator("#reset").click()
    _assert_accessible(page)


@pytest.mark.parametrize("looks", LOOKS)
def test_axe_finds_nothing_where_a_new_person_is_asked_for(open_page, looks):
    page = open_page(**LOOKS[looks])
    page.locator("#new-person").click()
    page.locator("dialog[open]").wait_for()
    _assert_accessible(page)


def _assert_accessible(page):
    found = axe.Axe().run(page)
    assert found.violations_count == 0, found.generate_report()


def _quick_reply(title):
    return {"content_type": "text", "title": title, "payload": title}


def test_by_keyboard_alone_one_writes_answers_as_an_app_and_orders_a_fault(open_page, simulator):
    simulator.app("bot").passes(PERSON, "sales_bot")
    page = open_page()
    keys = page.keyboard
    _tab_to(page, "#person-text")
    keys.type("is anybody there?")
    keys.press("Enter")
    expect(page.locator("#person-chat").get_by_text("is anybody there?")).to_be_visible()

    _tab_to(page, "#tabs [aria-selected=true]")
    while "sales_bot" not in page.evaluate("document.activeElement.textContent"):
        keys.press("ArrowRight")
    _tab_to(page, "#app-text")
    keys.type("yes, sales")
    keys.press("Enter")
    expect(page.locator("#person-chat").get_by_text("yes, sales")).to_be_visible()

    _tab_to(page, "#tab-wire")
    keys.press("ArrowRight")
    keys.press("ArrowRight")
    expect(page.locator("#bench-faults")).to_be_visible()
    _tab_to(page, "#fault-form button")
    keys.press("Enter")
    expect(page.locator("#ordered")).to_contain_text("duplicate")


def _tab_to(page, selector):
    for _ in range(60):
        page.keyboard.press("Tab")
        if page.evaluate("selector => document.activeElement.matches(selector)", selector):
            return
    raise AssertionError(f"{selector} is not reached by the key Tab")


def test_on_a_phone_one_pane_is_shown_at_a_time_and_nothing_is_cut(open_page, bot):
    bot.has_it("inbox", "inbox", deadlines={"time_limit": time.time() + 9000})
    page = open_page(**LOOKS["phone"])
    panes = {"phone": "#person-chat", "staff": "#app-chat", "bench": "#bench-wire"}
    for name, inside in panes.items():
        page.locator(f".panes [data-pane={name}]").click()
        for other in panes.values():
            expect(page.locator(other)).to_be_visible(visible=other == inside)
        assert _cut(page) == []
    for name in ("control", "faults", "scenarios"):
        page.locator(f"#tab-{name}").click()
        assert _cut(page) == []
    page.locator(".panes [data-pane=phone]").click()
    expect(page.locator("#person-form .send")).to_be_in_viewport()


def _cut(page):
    """Return what reaches out of the window, to the right."""
    return page.evaluate(
        "[...document.querySelectorAll('button, select, input, .bubble')]"
        ".filter(one => one.checkVisibility() && one.getBoundingClientRect().right > innerWidth + 1)"
        ".map(one => one.id || one.textContent)"
    )


@pytest.mark.parametrize("width", [320, 375])
def test_on_a_narrow_phone_every_control_can_be_reached_with_every_fault_ordered(open_page, simulator, width):
    page = open_page()
    page.set_viewport_size({"width": width, "height": 667})
    for name in FAULTS:
        simulator.fault(name)
    for pane in ("phone", "staff", "bench"):
        page.click(f".panes [data-pane={pane}]")
        expect(page.locator("#reset")).to_be_in_viewport()
        assert _cut(page) == [], pane
        if pane == "phone":
            chosen, button = (page.locator(one).bounding_box() for one in ("#person", "#new-person"))
            assert chosen["x"] + chosen["width"] <= button["x"]
    page.click("#tab-faults")
    expect(page.locator("#ordered li")).to_have_count(len(FAULTS))
    expect(page.locator("#ordered li", has_text="foreign_owner_without_webhook")).to_contain_text(
        "by Page inbox"
    )

    assert _cut(page) == []


def test_each_line_of_a_message_runs_in_the_direction_of_its_language(open_page, simulator):
    simulator.person(PERSON).says("أين طلبي رقم 10234؟\nWhere is it?")
    page = open_page()
    bubble = page.locator("#person-chat .bubble", has_text="Where is it?")

    ends = bubble.evaluate(
        """element => {
          const text = element.firstChild, range = document.createRange();
          const edge = (from, to) => {
            range.setStart(text, from);
            range.setEnd(text, to);
            return range.getBoundingClientRect();
          };
          const length = text.data.length, line = text.data.indexOf("\\n");
          return { mark: edge(line - 1, line).left, first: edge(0, 1).left,
                   question: edge(length - 1, length).left, where: edge(line + 1, line + 2).left };
        }"""
    )

    assert ends["mark"] < ends["first"]  # the Arabic question mark stands at the left end of its line
    assert ends["question"] > ends["where"]


def test_who_is_chosen_while_an_older_answer_is_on_its_way_stays_chosen(open_page, simulator):
    page = open_page()
    page.evaluate(
        """() => {
          const asked = window.fetch;
          window.fetch = async (...given) => {
            const answer = await asked(...given);
            if (String(given[0]).endsWith("/snapshot")) await new Promise((done) => setTimeout(done, 500));
            return answer;
          };
        }"""
    )
    simulator.journal.changed()
    with page.expect_response("**/simulator/v1/snapshot"):  # without the new person, and shown only later
        pass
    page.get_by_role("button", name="New person").click()
    page.get_by_role("button", name="Come by").click()

    expect(page.locator("#person")).to_have_value("3000000000000004")
    expect(page.locator("#person-chat")).to_contain_text("Say hello")


def test_a_new_person_has_the_name_that_is_typed_and_cancelling_brings_nobody(open_page, simulator):
    page = open_page()
    page.get_by_role("button", name="New person").click()
    page.get_by_role("button", name="Cancel").click()
    page.get_by_role("button", name="New person").click()
    page.locator("#newcomer-name").fill("سلمى ناصر")
    page.locator("#newcomer-gender").select_option("female")
    page.locator("#newcomer-name").press("Enter")

    expect(page.locator("#person")).to_have_value("3000000000000004")
    expect(page.locator("#person option:checked")).to_have_text("سلمى ناصر")
    expect(page.locator("#person-id")).to_have_text("PSID 3000000000000004")
    expect(page.locator("#person-text")).to_be_focused()
    assert simulator.thread("3000000000000004").profile()["gender"] == "female"
    assert len(simulator.threads) == 5


def test_a_draft_stays_with_the_person_it_was_written_for(open_page):
    page = open_page()
    page.locator("#person-text").fill("half a sentence")
    other = page.locator("#person option").nth(0).get_attribute("value")
    page.locator("#person").select_option(other)
    expect(page.locator("#person-text")).to_have_value("")
    page.locator("#person").select_option(PERSON)
    expect(page.locator("#person-text")).to_have_value("half a sentence")


def test_the_sample_picture_is_of_a_type_that_inboxes_show(open_page, simulator):
    page = open_page()
    page.locator("#attach summary").click()
    page.locator("[data-attach=picture]").click()
    picture = page.locator("#person-chat img.picture")
    expect(picture).to_be_visible()

    (sent,) = simulator.thread(PERSON).chat[-1]["message"]["attachments"]
    answer = page.request.get(sent["payload"]["url"])
    assert (answer.status, answer.headers["content-type"]) == (200, "image/png")
    assert picture.evaluate("element => element.naturalWidth") == 640


def test_nobody_starts_afresh_by_a_click_that_was_not_meant(open_page, simulator, bot):
    page = open_page()
    page.locator("#reset").click()
    expect(page.locator("#afresh-bot")).to_have_text(
        "Those who are here then have other ids: the bot has never heard of them, and answers."
    )
    page.get_by_role("button", name="Go on as it is").click()
    bot.has_it("inbox", "inbox")
    expect(page.locator("#control-owner")).to_have_text("built-in inbox")
    assert simulator.thread(PERSON).chat

    page.locator("#reset").click()
    expect(page.locator("#afresh-bot")).to_contain_text("Handed over by the bot: 1. They stay so there")
    page.locator("#afresh .send").click()
    expect(page.locator("#person-chat")).to_contain_text("Say hello")
