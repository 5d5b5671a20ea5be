"""Tests the test kit with a bot of a few lines: acts, expectations, and what a test that fails shows."""

from __future__ import annotations

from pathlib import Path
from xml.etree import ElementTree

import pytest
from echo_bot import EchoBot

from handover_channel.simulator.message_checks import buttons_of
from handover_channel.testing import junit
from handover_channel.testing.bot_under_test import ActFailed
from handover_channel.testing.expectations import ExpectationFailed
from handover_channel.testing.fixtures import AnyApp, AnyExpect, AnyStaff, Messenger
from handover_channel.testing.player import play, play_all
from handover_channel.testing.scenario import parse
from handover_channel.testing.wording import matches


class Scene:
    """The fixtures of the plugin, by hand."""

    def __init__(self, bot=None):
        self.bot = bot or EchoBot()
        self.messenger = Messenger(self.bot)
        self.person = self.messenger.person("Mia Novak")
        self.staff, self.other_app = AnyStaff(self.person), AnyApp(self.person)
        self.expect = AnyExpect(self.person)


@pytest.fixture
def scene():
    return Scene()


def failure(expectation, *given):
    with pytest.raises(ExpectationFailed) as caught:
        expectation(*given)
    return caught.value


def test_a_reply_is_expected_in_order_and_then_there_is_silence(scene):
    scene.bot.says = lambda text: ["One.", "Two."]

    scene.person.says("count")

    scene.expect.reply("One.")
    scene.expect.reply("T...")
    scene.expect.silence()


def test_buttons_that_are_one_text_are_told_as_the_slip_they_are_and_not_letter_by_letter(scene):
    scene.person.says("hello")

    with pytest.raises(TypeError, match=r"buttons is a text -> write a list: buttons=\['Back to Bot'\]"):
        scene.expect.reply("You said hello", buttons="Back to Bot")


def test_what_was_said_before_an_act_is_no_answer_to_it(scene):
    scene.person.says("hello")
    scene.bot.says = lambda text: []

    scene.person.says("and now?")

    assert "the bot is silent" in failure(scene.expect.reply, "You said hello").said


def test_another_reply_than_the_expected_one_is_shown_beside_it(scene):
    scene.person.says("hello")

    assert failure(scene.expect.reply, "Goodbye").said == (
        "expected a reply: Goodbye\nthe bot replies:  You said hello"
    )


def test_a_failure_prints_the_conversation_as_a_chat_with_control_between_the_lines(scene):
    scene.person.says("sales")
    scene.other_app.says("We have it in blue.")
    scene.other_app.passes_back()

    printed = str(failure(scene.expect.reply, "Goodbye"))

    assert [line.strip() for line in printed.splitlines()[3:]] == [
        "person        sales",
        "bot           One moment",
        "[Back to Bot]",
        "------------- control: bot -> sales_bot",
        "sales_bot     We have it in blue.",
        "------------- sales_bot passes control back",
        "------------- control: sales_bot -> bot",
        "bot           I am back",
    ]
    assert "{" not in printed


def test_what_meta_refuses_the_bot_stands_between_the_lines(scene):
    scene.person.says("hello")
    scene.other_app("sales_bot").takes()
    scene.person.conversation.act(lambda: scene.bot.page.app("bot").says(scene.person.conversation.psid, "x"))

    printed = str(scene.person.conversation)

    assert "Meta refuses bot messages: (#10) Message failed to send because another app" in printed


def test_control_is_expected_by_the_bots_word_and_by_metas(scene):
    scene.person.says("sales")
    scene.expect.control("sales_bot")

    scene.bot.lies = True

    assert "by Meta's word it is with: sales_bot" in failure(scene.expect.control, "bot").said


def test_a_place_that_is_not_there_is_told_with_the_one_that_is_meant(scene):
    scene.person.says("hello")

    assert "did you mean 'sales_bot'?" in failure(scene.expect.control, "sales_bt").said
    with pytest.raises(ActFailed, match="no staff at 'page_inbx' -> did you mean 'page_inbox'"):
        scene.staff("page_inbx")


def test_a_button_is_tapped_by_its_title(scene):
    scene.person.says("sales")

    scene.person.taps("Back to Bot")

    scene.expect.reply("I am back")
    scene.expect.control("bot")


def test_a_button_that_is_not_there_is_told_with_those_that_are(scene):
    scene.person.says("sales")

    with pytest.raises(ActFailed, match="called 'Bak to Bot' -> did you mean 'Back to Bot'"):
        scene.person.taps("Bak to Bot")


def test_the_titles_to_tap_are_expected_all_of_them(scene):
    scene.person.says("sales")

    assert buttons_of(scene.person.conversation.entries[-2]["message"])
    assert "[Back to Bot]" in failure(scene.expect.reply, "One moment", ["Yes", "No"]).said


def test_an_answer_of_an_agent_is_none_of_the_bots(scene):
    scene.person.says("hello")
    scene.staff("inbox").takes_over()

    scene.staff("inbox").replies("This is Anna.")

    scene.expect.silence()
    assert "agent         This is Anna." in str(scene.person.conversation)


def test_the_page_inbox_answers_and_gives_back(scene):
    scene.person.says("hello")
    scene.staff("page_inbox").replies("Hello from the page.")
    scene.expect.silence()

    scene.staff("page_inbox").done()

    scene.expect.reply("I am back")


def test_two_people_have_conversations_of_their_own(scene):
    other = scene.messenger.person()
    scene.person.says("one")

    other.says("two")

    scene.expect.reply("You said one")
    scene.expect(other).reply("You said two")


def test_an_app_that_meta_refuses_fails_the_test_in_metas_words(scene):
    scene.person.says("sales")

    with pytest.raises(ActFailed, match="Meta refuses page_inbox"):
        scene.other_app("page_inbox").releases()
    with pytest.raises(ActFailed, match="the page has no app 'salesbot' -> did you mean 'sales_bot'"):
        scene.other_app("salesbot").says("x")


def test_without_another_app_in_control_one_has_to_be_named(scene):
    with pytest.raises(ActFailed, match="name the one that is to act"):
        scene.other_app.says("x")


@pytest.mark.parametrize(
    ("expected", "text", "same"),
    [
        ("Hello", "Hello", True),
        ("Hello ...", "Hello, this is the shop bot.", True),
        ("Hello...", "Hello, this is the shop bot.", True),
        ("... shop ...", "Hello, this is the shop bot.", True),
        ("...", "", True),
        ("One moment...", "One moment...", True),
        ("Hello", "Hello, this", False),
        ("a (b) [c] .*", "a (b) [c] .*", True),
        ("a .*", "a b", False),
        ("two  spaces\nand lines", "two spaces and lines", True),
    ],
)
def test_three_dots_stand_for_anything(expected, text, same):
    assert matches(expected, text) is same


# --- scenarios ------------------------------------------------------------------------------------

BEGINNING = "scenarios:\n- scenario: a name\n  steps:\n"


def played(steps):
    (scenario,) = parse(BEGINNING + steps, Path("shop.yml"))
    return play(EchoBot(), scenario)


def test_a_scenario_that_goes_as_it_should_passes():
    steps = "  - person: sales\n  - reply: One moment\n  - control: sales_bot\n  - person: hey\n  - silence\n"

    assert not played(steps).failed


def test_a_scenario_that_fails_shows_its_lines_with_what_happened_and_the_chat():
    found = played("  - person: sales\n  - reply: Two moments\n  - silence\n")

    assert found.diff().splitlines() == [
        "# shop.yml:5",
        "- scenario: a name",
        "  steps:",
        "  - person: sales",
        "  - reply: Two moments",
        "      # expected a reply: Two moments",
        "      # the bot replies:  One moment",
        "      # not played: 1 more",
        "",
        "    person        sales",
        "    bot           One moment",
        "                  [Back to Bot]",
        "    ------------- control: bot -> sales_bot",
    ]


@pytest.mark.parametrize("rest", ["", "  - person: and?\n  - reply: You said and?\n"])
def test_what_the_bot_says_and_nobody_expects_fails_a_scenario(rest):
    found = played("  - person: hello\n" + rest)

    assert (found.step.line, found.said) == (4, "the bot also replies: You said hello")


def test_an_act_that_has_to_be_refused_is():
    steps = "  - person: sales\n  - reply: ...\n  - staff: inbox\n    replies: Hi\n    refused: {}\n"

    assert not played(steps.format("it is not in the inbox")).failed
    assert played(steps.format("it is raining")).said == "it is not in the inbox"
    done = "  - person: sales\n  - reply: ...\n  - other_app: sales_bot\n    says: Hi\n    refused: x\n"
    assert "should have been refused" in played(done).said


def test_what_a_bot_cannot_do_is_not_played_and_says_why():
    found = played("  - person: hello\n  - reply: ...\n  - jump: 2 hours\n")

    assert (found.failed, found.skipped) == (False, "this bot has no clock")


def test_the_report_for_continuous_integration_has_every_scenario():
    text = BEGINNING + "  - person: hello\n- scenario: good\n  steps:\n  - silence\n"
    text += "- scenario: later\n  steps:\n  - jump: 1 hour\n"
    report = junit.xml_of(list(play_all(EchoBot(), parse(text, Path("shop.yml")))), "in_process")

    root = ElementTree.fromstring(report)  # noqa: S314  (our own)
    assert {key: root.get(key) for key in ("tests", "failures", "skipped")} == {
        "tests": "3",
        "failures": "1",
        "skipped": "1",
    }
    failed = next(root.iter("failure"))
    assert failed.get("message") == "the bot also replies: You said hello"
    assert "person        hello" in failed.text


def test_the_report_is_xml_whatever_a_bot_says():
    (scenario,) = parse(BEGINNING + "  - person: hello\n", Path("shop.yml"))
    bot = EchoBot()
    bot.says = lambda text: ["\x00\x1b[31m<&>\ud800"]

    ElementTree.fromstring(junit.xml_of([play(bot, scenario)], "x").encode("utf-8", "replace"))  # noqa: S314


# --- several pages ----------------------------------------------------------------------------------


@pytest.fixture
def shops():
    """A bot that serves two pages, and a person who has written to neither."""
    scene = Scene(EchoBot("Garden Shop"))
    scene.there = scene.person.on("Garden Shop")
    return scene


def test_the_same_person_on_another_page_has_a_conversation_of_their_own_there(shops):
    shops.person.says("sales")
    shops.there.says("hello")

    shops.expect.control("sales_bot")
    shops.expect(shops.there).control("bot")
    shops.expect(shops.there).reply("You said hello")
    assert shops.person.on("Garden Shop").conversation is shops.there.conversation
    assert shops.there.on("Lamp & Leaf").conversation is shops.person.conversation


def test_what_a_test_shows_that_fails_is_the_conversations_on_all_pages(shops):
    shops.person.says("sales")
    shops.there.says("hello")
    shown = str(failure(shops.expect(shops.there).control, "sales_bot"))

    assert "on Lamp & Leaf:" in shown
    assert "control: bot -> sales_bot" in shown
    assert "on Garden Shop:" in shown
    assert "You said hello" in shown


def test_a_person_may_come_to_another_page_than_the_first(shops):
    other = shops.messenger.person(page="Garden Shop")
    other.says("hello")

    shops.expect(other).reply("You said hello")
    assert other.conversation.page is shops.bot.page.page("Garden Shop")
    with pytest.raises(ActFailed, match="no page 'Shoes' in this simulator"):
        shops.messenger.person(page="Shoes")


PAGES = """
scenarios:
- scenario: A handover on one page leaves the other with the bot
  steps:
  - person: sales
  - reply: One moment
  - control: sales_bot
  - page: Garden Shop
  - person: hello
  - reply: You said hello
  - control: bot
  - page: Lamp & Leaf
  - person: are you there?
  - silence
  - control: sales_bot
"""


def test_a_scenario_may_go_from_page_to_page():
    (scenario,) = parse(PAGES, Path("pages.yml"))
    played = play(EchoBot("Garden Shop"), scenario)

    assert not played.failed, played.diff()


def test_what_the_bot_says_on_a_page_that_was_left_has_to_be_expected():
    text = PAGES.replace("  - reply: One moment\n  - control: sales_bot\n", "", 1)
    played = play(EchoBot("Garden Shop"), parse(text, Path("pages.yml"))[0])

    assert (played.step.kind, played.said) == ("person", "the bot also replies: One moment")


def test_a_page_that_the_bot_does_not_serve_fails_its_step_and_names_those_that_it_does():
    played = play(EchoBot(), parse(PAGES, Path("pages.yml"))[0])

    assert (played.step.kind, played.step.value) == ("page", "Garden Shop")
    assert "no page 'Garden Shop' in this simulator (known: " in played.said
