"""A person asks for somebody else: what goes over the wire, in which order, and that silence follows."""

from __future__ import annotations

import pytest
from stack import APP_ID, BUTTON, PAGE_INBOX, TARGETS, buttons_of, eventually

pytestmark = pytest.mark.rasa

PAYLOAD = '/handover_returned{"reason": "button"}'
NOTICE, APOLOGY = "I am handing you over", "I am sorry, I could not reach anybody"
APP_TARGETS = {"page_inbox": PAGE_INBOX, "sales_bot": "2222", "hootsuite": "3333", "support": "4444"}


def test_who_asks_for_a_human_in_own_words_is_handed_over_to_the_default_target(person):
    person.says("I want to talk to a human")
    person.settled()

    assert person.thread()["target"] == "inbox"
    assert person.calls("pass_thread_control") == []


@pytest.mark.parametrize(("target", "app_id"), APP_TARGETS.items())
def test_the_notice_with_the_button_goes_out_and_then_control_to_the_targets_app(person, target, app_id):
    person.goes_to(target)

    *before, notice, passed = [call for call in person.calls() if "thread_owner" not in call["path"]]
    assert all("sender_action" in call["body"] for call in before)
    assert buttons_of(notice["body"]["message"])[-1] == {
        "type": "postback",
        "title": BUTTON,
        "payload": PAYLOAD,
    }
    assert passed["path"].endswith("/pass_thread_control")
    assert str(passed["body"]["target_app_id"]) == app_id
    assert passed["body"].get("metadata", "") == TARGETS[target].get("metadata", "")
    assert [call["status"] for call in (notice, passed)] == [200, 200]
    assert person.owner() == app_id


def test_the_builtin_inbox_keeps_metas_control_with_us_and_mutes_the_bot(person):
    person.goes_to("inbox")

    assert buttons_of(person.sent()[-1])[-1]["title"] == BUTTON
    assert person.calls("pass_thread_control") == []
    assert person.control == "inbox"
    assert person.owner() in ("", APP_ID)


@pytest.mark.parametrize("target", ["inbox", "page_inbox", "sales_bot", "hootsuite", "support"])
def test_nothing_is_sent_until_control_is_back(stack, person, target):
    person.goes_to(target)
    calls = person.calls("messages")

    for text in ("hello", "are you there?", "where is my order 10234?"):
        person.says(text)
    person.does("send", type="image", url="https://example.com/lamp.png")
    person.taps_menu("/order_status")
    person.settled()

    assert person.calls("messages") == calls
    assert person.transcript()[:3] == ["hello", "are you there?", "where is my order 10234?"]


def test_a_name_that_is_no_target_promises_nothing_that_is_not_kept(stack, person):
    person.taps_menu('/handover{"handover_target": "warehouse"}')
    person.settled()

    assert person.control == "inbox"
    assert not any("could not reach anybody" in heard for heard in person.heard())
    assert "none is called 'warehouse'" in stack.actions.log().replace('"', "'")


def test_a_handover_that_meta_refuses_leaves_the_thread_with_the_bot(stack, person):
    person.says("hello")
    person.settled()

    with stack.disconnected("4444"):
        person.taps_menu('/handover{"handover_target": "support"}')
        person.settled()

    assert person.control == "bot"
    assert "could not reach anybody" in person.heard()[-1]
    assert "check app_id of the target" in stack.actions.log()


def test_the_responses_of_the_example_bot_hold_nothing_that_rasa_stumbles_over(stack, person):
    person.goes_to("inbox")

    assert "rasa.core.nlg" not in stack.rasa.log()


def test_without_its_action_server_the_bot_says_that_nobody_could_be_reached(own_stack):
    person, other = own_stack.person(), own_stack.person()
    for each in (person, other):
        each.says("hello")
        each.settled()
    own_stack.actions.pause()
    person.says("I want to talk to a human")
    eventually(lambda: person.heard()[-1].startswith(NOTICE))
    own_stack.actions.kill()  # in the middle of it
    person.settled()
    other.says("I want to talk to a human")
    other.settled()

    for each in (person, other):
        assert each.control == "bot"
        notice, apology = each.heard()[-2:]
        assert (notice[: len(NOTICE)], apology[: len(APOLOGY)]) == (NOTICE, APOLOGY)
    person.says("when are you open")
    person.settled()
    assert person.heard()[-1].startswith("We are open")
