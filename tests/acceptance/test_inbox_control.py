"""Tests who has the conversation, in the inbox page: lists, ways back, other apps, time limits."""

from __future__ import annotations

import re

import pytest
from stack import eventually

pytest.importorskip("playwright", reason="no browser: Playwright is not installed")

from playwright.sync_api import expect

from handover_channel.inbox.rendering import iso

pytestmark = [pytest.mark.rasa, pytest.mark.browser]


def _returned(person):
    person.settled()
    eventually(lambda: person.control == "bot")


# --- back to the bot ------------------------------------------------------------------------------


def test_the_bot_goes_on_with_the_intent_that_the_agent_chose(office, chromium, waiting, anna):
    anna.opens(waiting)

    anna.button("Return to bot").click()
    anna.page.locator("#return [name=intent][value=ask_hours]").check()
    anna.page.locator("#return button.primary").click()

    eventually(lambda: waiting.heard()[-1].startswith("We are open"))
    _returned(waiting)
    expect(anna.page.locator("#return")).to_have_count(0)
    went_on = "Anna Weber returned it to the bot, which went on with Ask hours"
    expect(anna.messages.locator(".changed.to-bot")).to_contain_text(went_on)
    expect(anna.messages).to_contain_text("We are open")
    expect(anna.page.locator(".silence")).to_contain_text("The bot answers here.")
    expect(anna.page.locator("body")).not_to_contain_text("ask_hours")
    anna.goes_to("/?list=returned")
    expect(anna.item(waiting)).to_contain_text("We are open")
    anna.goes_to("/?search=ask_hours")
    expect(anna.page.locator("#list")).to_contain_text("Nothing found.")
    with office.agent(chromium, "amal") as amal:
        amal.reads("ar").shows(waiting.psid)
        expect(amal.messages).to_contain_text("إعادة إلى البوت: Anna Weber، والموضوع التالي: Ask hours")


def test_a_keyword_shows_in_the_thread_and_moves_it_to_the_returned(waiting, anna, ben):
    ben.goes_to("/?list=returned")
    expect(ben.item(waiting)).to_have_count(0)
    anna.opens(waiting)

    waiting.says("back to bot")

    expect(anna.messages.locator(".changed.to-bot")).to_contain_text("wrote a keyword: back to the bot")
    expect(anna.item(waiting)).to_have_count(0)  # of those who wait
    expect(ben.item(waiting)).to_be_visible()
    expect(anna.page.locator("#why-not")).to_contain_text("take it over to answer")
    expect(anna.reply).to_have_count(0)


def test_the_time_limit_shows_in_the_thread(office, anna):
    person = office.stack.person()
    person.goes_to("inbox")
    anna.shows(person.psid)

    office.stack.make_due(person.psid, "time_limit")

    expect(anna.messages).to_contain_text("The time limit was up: back to the bot")
    _returned(person)


def test_more_time_puts_the_end_off(waiting, anna):
    anna.opens(waiting)
    until = waiting.thread()["until"]

    anna.chooses("Extend", "4 hours")

    eventually(lambda: waiting.thread()["until"] == pytest.approx(until + 4 * 3600, abs=5))
    ends = anna.page.locator(".silence time")
    eventually(lambda: ends.get_attribute("datetime") == iso(waiting.thread()["until"]))


# --- into the inbox -------------------------------------------------------------------------------


def test_an_agent_steps_into_a_conversation_of_the_bot(office, anna):
    person = office.stack.person()
    person.says("when are you open")
    person.settled()
    anna.page.locator(".tabs summary", has_text="More").click()
    anna.page.get_by_role("link", name="Bot", exact=True).click()
    anna.opens(person)
    expect(anna.reply).to_have_count(0)

    anna.button("Take over").click()

    expect(anna.messages).to_contain_text("Anna Weber took over")
    anna.answers("Hello, this is Anna")
    eventually(lambda: person.heard()[-1] == "Hello, this is Anna")
    heard = len(person.heard())
    person.says("when are you open")
    person.settled()
    expect(anna.messages.locator(".said.person", has_text="when are you open")).to_have_count(2)
    assert len(person.heard()) == heard  # the bot is silent
    assert person.control == "inbox"


@pytest.mark.parametrize(("target", "owner"), [("sales_bot", "sales_bot"), ("page_inbox", "Page inbox")])
def test_an_agent_hands_a_conversation_on_and_meta_gives_it_to_the_other_app(
    office, waiting, anna, target, owner
):
    anna.opens(waiting)
    anna.button("Assign to me").click()
    expect(anna.reply).to_be_focused()
    heard = len(waiting.heard())

    anna.page.locator("#more summary").click()
    anna.page.locator("#more").get_by_role("button", name="Hand on").click()
    anna.page.locator(f"#hand-on [value={target}]").check()
    anna.page.locator("#hand-on-note").fill("wants it in blue")
    anna.page.locator("#hand-on button.primary").click()

    expect(anna.messages.locator(".changed").last).to_contain_text("Anna Weber handed it on to")
    expect(anna.messages.locator(".changed").last).to_contain_text("wants it in blue")
    assert (waiting.control, waiting.thread()["target"]) == ("app", target)
    expect(anna.page.locator("#why-not")).to_be_visible()
    office.stack.app(owner, "reply", waiting, text="We have it in blue")  # Meta lets who has control
    waiting.settled()
    expect(anna.messages).to_contain_text("We have it in blue")
    assert waiting.heard()[heard:] == []  # nobody else has said anything


def test_what_meta_refuses_of_handing_on_is_said_in_the_dialog_and_the_conversation_stays(
    office, waiting, anna
):
    anna.opens(waiting)
    anna.expects("409")
    refused = {"name": "refused", "call": "pass_thread_control", "code": 100, "subcode": 2534037}
    office.stack.messenger("fault", thread=waiting.psid, message="(#100) No.", **refused)
    anna.page.keyboard.press("h")
    anna.page.locator("#hand-on [value=sales_bot]").check()
    anna.page.locator("#hand-on button.primary").click()

    expect(anna.page.locator("#hand-on-problem")).not_to_be_empty()
    expect(anna.page.locator("#hand-on")).to_be_visible()
    assert (waiting.control, waiting.thread()["target"]) == ("inbox", "inbox")


@pytest.mark.parametrize(("target", "title"), [("sales_bot", "Sales bot"), ("page_inbox", "Page inbox")])
def test_a_conversation_at_another_app_can_be_read_only(office, anna, target, title):
    person = office.stack.person()
    person.goes_to(target)
    person.says("have you got it in blue?")
    if target == "page_inbox":
        office.stack.staff_replies(person, "yes, we have")
    else:
        office.stack.app(target, "reply", person, text="yes, we have")
    person.settled()

    anna.goes_to("/?list=open")
    expect(anna.item(person)).to_contain_text(title)
    expect(anna.item(person).get_by_text("Comes back to the bot")).to_be_attached()
    anna.opens(person)

    expect(anna.messages.locator(".said.person").last).to_contain_text("have you got it in blue?")
    expect(anna.messages.locator(".said.app")).to_contain_text("yes, we have")
    expect(anna.page.locator(".silence")).to_contain_text(f"The bot is silent: {title} has control")
    expect(anna.page.locator(".silence")).to_contain_text(re.compile(r"in (11 hours 59 minutes|12 hours)"))
    expect(anna.page.locator("#why-not")).to_contain_text("take it over to answer")
    expect(anna.reply).to_have_count(0)


def test_an_agent_takes_a_conversation_back_from_another_app(office, anna):
    person = office.stack.person()
    person.goes_to("sales_bot")
    anna.shows(person.psid)

    anna.button("Take over").click()

    expect(anna.reply).to_be_visible()
    anna.answers("Hello, this is Anna")
    eventually(lambda: person.heard()[-1] == "Hello, this is Anna")
    assert person.owner() == "1234567890"


def test_a_reply_that_another_app_kept_from_going_is_sent_by_one_click(office, waiting, anna):
    anna.shows(waiting.psid)
    office.stack.app("hootsuite", "take", waiting)

    anna.answers("We are on it")

    failed = anna.messages.locator(".said.failed:not(.pending)")
    expect(failed.locator("details")).to_contain_text("2018300")
    expect(anna.page.locator("#why-not")).to_be_visible()
    failed.get_by_role("button", name="Take over and send").click()
    eventually(lambda: waiting.heard()[-1] == "We are on it")
    expect(failed).to_have_count(0)
    assert waiting.heard().count("We are on it") == 1
    assert waiting.owner() == "1234567890"


def test_a_person_on_a_channel_that_cannot_be_pushed_is_shown_with_the_reason(office, anna):
    stack = office.stack
    stack.rest("rest-person", "I want to talk to a human")
    stack.rest("rest-person", "my parcel is wet")

    anna.shows("rest-person")

    expect(anna.page.locator(".who-facts")).to_contain_text("rest")
    expect(anna.messages).to_contain_text("my parcel is wet")
    expect(anna.page.locator("#why-not")).to_contain_text("only answers what the customer asks")


def test_after_a_day_only_people_may_answer_and_after_a_week_nobody(office, waiting, anna):
    office.stack.let_pass(waiting, 25 * 3600)
    anna.shows(waiting.psid)
    expect(anna.page.locator("#reply-hint")).to_contain_text("more than 24 hours ago")
    anna.answers("We have found it")
    eventually(lambda: waiting.heard()[-1] == "We have found it")
    (sent,) = [call for call in waiting.calls("messages") if "We have found it" in str(call["body"])]
    assert (sent["body"]["messaging_type"], sent["body"]["tag"]) == ("MESSAGE_TAG", "HUMAN_AGENT")

    office.stack.let_pass(waiting, 7 * 24 * 3600)
    anna.shows(waiting.psid)

    expect(anna.page.locator("#why-not")).to_contain_text("more than 7 days ago")
    expect(anna.reply).to_have_count(0)


# --- finding --------------------------------------------------------------------------------------


def test_people_are_found_by_name_and_by_what_was_said(office, anna):
    by_name, by_text = office.waiting("Zenobia of Palmyra"), office.waiting(text="the zebrafish is missing")
    # What is new gets into the search once a second.
    eventually(lambda: anna.goes_to("/?search=zebrafish").item(by_text).count() == 1, "the words are found")
    anna.goes_to("/")
    search = anna.page.get_by_label("Search names and messages")

    search.press_sequentially("palmyra")
    expect(anna.item(by_name)).to_be_visible()
    expect(anna.item(by_text)).to_have_count(0)
    search.fill("zebrafish")
    expect(anna.item(by_text)).to_be_visible()
    expect(anna.page.locator(".item")).to_have_count(1)
    expect(search).to_be_focused()

    anna.page.reload()
    expect(anna.page.locator(".item")).to_have_count(1)
    search.fill("nobody has said this")
    expect(anna.page.locator("#list")).to_contain_text("Nothing found.")


def test_the_list_is_narrowed_to_a_target(office, waiting, anna):
    elsewhere = office.stack.person()
    elsewhere.goes_to("hootsuite")
    anna.goes_to("/?list=open")
    expect(anna.item(waiting)).to_be_visible()

    anna.page.locator("summary[aria-label=Filters]").click()
    anna.page.get_by_label("Handled by").select_option("hootsuite")

    expect(anna.item(waiting)).to_have_count(0)
    expect(anna.item(elsewhere)).to_be_visible()


def test_who_has_waited_longest_stands_first_and_is_unread_until_somebody_looks(office, anna, ben):
    first, second = office.waiting(), office.waiting()
    expect(anna.item(second)).to_be_visible()
    order = anna.page.locator(".item").evaluate_all("items => items.map(item => item.dataset.thread)")
    assert order.index(first.psid) < order.index(second.psid)
    expect(anna.item(first).locator(".waits")).to_be_visible()
    expect(anna.item(first)).to_have_class("item unread")

    anna.opens(first)

    expect(anna.item(first)).to_have_class("item ")
    expect(ben.item(first)).to_have_class("item unread")
    first.says("hello?")
    expect(anna.messages).to_contain_text("hello?")
    expect(anna.item(first)).to_have_class("item ")


def test_earlier_messages_are_fetched_when_asked_for(office, waiting, anna):
    for number in range(70):
        waiting.says(f"line {number:02}")
    waiting.settled()
    anna.opens(waiting)
    expect(anna.messages).to_contain_text("line 69")
    expect(anna.messages.get_by_text("line 02", exact=True)).to_have_count(0)

    anna.button("Show earlier messages").click()

    expect(anna.messages.get_by_text("line 02", exact=True)).to_have_count(1)
    waiting.says("line 70")
    expect(anna.messages).to_contain_text("line 70")
    expect(anna.messages.get_by_text("line 02", exact=True)).to_have_count(1)
    texts = anna.messages.locator(".said.person .text").all_inner_texts()
    lines = [text for text in texts if text.startswith("line")]
    assert lines == [f"line {number:02}" for number in range(71)]
