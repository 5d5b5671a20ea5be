"""Somebody answers or takes control without being asked, and Meta refuses to give it back."""

from __future__ import annotations

import time

import pytest
from stack import APP_ID, PAGE_INBOX, Stack, eventually

pytestmark = pytest.mark.rasa


@pytest.fixture(params=["default app", "no default app"])
def mode(stack: Stack, request: pytest.FixtureRequest):
    """With Conversation Routing, and without."""
    if request.param == "default app":
        yield request.param
    else:
        with stack.without_default_app():
            yield request.param


def _greeted(person):
    person.says("hello")
    person.settled()
    return len(person.heard())


def test_somebody_answers_from_the_page_inbox(stack, person, mode):
    heard = _greeted(person)

    stack.staff_replies(person, "Nadia here, I take care of it")
    person.settled()
    person.says("thank you Nadia")
    person.settled()

    assert len(person.heard()) == heard
    assert (person.control, person.thread()["target"]) == ("app", "page_inbox")
    assert person.changes()[0]["reason"] == "staff_took_over"
    assert person.thread()["until"]
    assert person.transcript() == ["Nadia here, I take care of it", "thank you Nadia"]
    assert person.said_to_rasa() == ["hello"]
    assert stack.tracker(person.psid)["slots"]["handover_target"] == "page_inbox"


def test_a_thread_that_staff_took_comes_back_by_keyword(stack, person):
    heard = _greeted(person)
    stack.staff_replies(person, "Nadia here")
    person.settled()

    person.says("back to bot")
    person.settled()

    assert person.control == "bot"
    assert person.owner() == APP_ID
    assert [text[:15] for text in person.heard()[heard:]] == ["The bot is back"]


def test_a_move_to_the_main_folder_is_a_handover_too(stack, person):
    _greeted(person)

    stack.messenger("switches", take_event_from_idle=True)
    person.does("move_to_main")
    stack.messenger("switches", take_event_from_idle=False)
    person.settled()

    assert person.control == "app"
    assert person.thread()["owner"] == PAGE_INBOX


def test_a_move_that_meta_does_not_announce_is_noticed_with_the_next_message(stack, person):
    heard = _greeted(person)
    person.does("move_to_main")

    person.says("hello Nadia")
    person.settled()

    assert person.control == "app"
    assert len(person.heard()) == heard
    assert person.said_to_rasa() == ["hello"]


def test_another_app_writes_beside_the_bot(stack, person):
    heard = _greeted(person)

    with stack.without_default_app():
        stack.app("hootsuite", "reply", person, text="Hi, this is the social team")
        person.settled()
        person.says("hello social team")
        person.settled()

        assert person.control == "beside"
        assert person.thread()["target"] == "hootsuite"
        assert len(person.heard()) == heard
        assert person.transcript() == ["Hi, this is the social team", "hello social team"]

        person.says("back to bot")
        person.settled()
        assert person.control == "bot"
        assert person.heard()[-1].startswith("The bot is back")


def test_a_request_for_control_is_granted_to_a_known_app(stack, person):
    _greeted(person)

    with stack.without_default_app():
        stack.app("bot", "request", person)  # the bot owns the thread now
        stack.app("hootsuite", "request", person)
        person.settled()

    assert person.owner() == "3333"
    assert (person.control, person.thread()["target"]) == ("app", "hootsuite")
    assert person.changes()[-1]["reason"] == "requested"
    heard = len(person.heard())
    person.says("hello")
    person.settled()
    assert len(person.heard()) == heard


def test_a_refused_message_is_a_handover(stack, person):
    """The event is lost, as webhooks are: the bot learns it from Meta's refusal."""
    heard = _greeted(person)
    with stack.deaf_to_control():
        stack.app("hootsuite", "take", person)
    person.settled()
    assert person.control == "bot"

    stack.deliver(stack.text_item(person, "are you there?"))
    person.settled()

    refused = [call for call in person.calls("messages") if call["status"] == 400]
    assert refused
    assert refused[0]["answer"]["error"]["error_subcode"] == 2018300
    assert person.control == "app"
    assert len(person.heard()) == heard
    assert person.changes()[-1]["reason"] == "staff_took_over"
    calls = len(person.calls("messages"))

    person.says("hello?")
    person.settled()
    assert len(person.calls("messages")) == calls

    person.says("back to bot")
    person.settled()
    assert person.control == "bot"


def test_a_message_on_standby_tells_that_control_is_gone(stack, person):
    _greeted(person)
    with stack.deaf_to_control():
        stack.app("hootsuite", "take", person)
    calls = len(person.calls("messages"))

    person.says("hello hootsuite")
    person.settled()

    assert person.control == "app"
    assert len(person.calls("messages")) == calls
    assert person.said_to_rasa() == ["hello"]


# --- Meta does not give it back -----------------------------------------------------------------


def _taken_by_staff_without_a_default_app(stack, person):
    _greeted(person)
    stack.staff_replies(person, "Nadia here")
    person.settled()
    heard = len(person.heard())
    person.says("back to bot")
    person.settled()
    assert len(person.heard()) == heard


def test_a_refused_return_keeps_the_bot_silent_and_says_what_to_do(stack, person):
    with stack.without_default_app():
        _taken_by_staff_without_a_default_app(stack, person)

        shown = stack.command("status", person.psid).stdout

    assert person.control == "app"
    assert "#27" in shown
    assert "default app" in shown.lower()
    assert "tried 1 times" in shown
    assert "#27" in stack.rasa.log()


def test_a_refused_return_is_tried_again_and_works_once_there_is_a_default_app(stack, person):
    with stack.without_default_app():
        began = time.time()
        _taken_by_staff_without_a_default_app(stack, person)
        (deadline,) = _take_again(stack, person)
        assert began <= deadline["due_at"] - 60 <= time.time()

        due = stack.make_due(person.psid, "take_again")
        eventually(lambda: person.thread()["attempts"] == 2)
        (deadline,) = _take_again(stack, person)
        assert due <= deadline["due_at"] - 300 <= time.time()
        assert person.control == "app"
    heard = len(person.heard())

    stack.make_due(person.psid, "take_again")
    eventually(lambda: person.control == "bot")
    person.settled()

    assert [text[:15] for text in person.heard()[heard:]] == ["The bot is back"]
    assert person.changes()[-1]["reason"] == "keyword"
    assert not _take_again(stack, person)
    assert "Refused" not in stack.command("status", person.psid).stdout


def test_the_persons_next_way_back_tries_again_at_once(stack, person):
    with stack.without_default_app():
        _taken_by_staff_without_a_default_app(stack, person)

    person.says("main menu")
    person.settled()

    assert person.control == "bot"
    assert person.owner() == APP_ID


def test_the_command_to_return_says_what_meta_refused(stack, person):
    with stack.without_default_app():
        _taken_by_staff_without_a_default_app(stack, person)

        done = stack.command("return", person.psid)

    assert done.returncode == 1
    assert "Meta refused" in done.stderr
    assert "#27" in done.stderr


def _take_again(stack, person):
    query = "SELECT due_at FROM deadlines WHERE thread = ? AND kind = 'take_again'"
    return stack.rows(query, person.psid)
