"""Rasa's REST channel has no gate of its own: the door before Rasa is the lock, and the way back."""

from __future__ import annotations

import pytest
import requests
from stack import Stack, eventually

pytestmark = pytest.mark.rasa

PAYLOAD = '/handover_returned{"reason": "button"}'


@pytest.fixture
def sender(person):
    """A conversation on REST."""
    return f"rest-{person.psid}"


def _row(stack, sender):
    return stack.rows("SELECT * FROM threads WHERE id = ?", sender)[0]


def _hand_over(stack, sender, target="inbox"):
    said = stack.rest(sender, f'/handover{{"handover_target": "{target}"}}')
    assert _row(stack, sender)["control"] == "inbox"
    return said


def test_the_notice_carries_the_button(stack, sender):
    (notice,) = stack.rest_answers(sender, '/handover{"handover_target": "inbox"}')

    assert "handing you over" in notice["text"]
    assert notice["buttons"] == [{"title": "Back to Bot", "payload": PAYLOAD}]
    assert _row(stack, sender)["channel"] == "rest"


def test_while_muted_nothing_is_answered(stack, sender):
    stack.rest(sender, "hello")
    _hand_over(stack, sender)

    answers = [stack.rest(sender, text) for text in ("hello", "where is my order", "talk to sales", "/greet")]

    assert answers == [[], [], [], []]
    assert _row(stack, sender)["control"] == "inbox"


def test_what_a_program_has_rasa_execute_is_heard_only_while_the_bot_has_control(stack, sender):
    def executed():
        url = f"{stack.url}/conversations/{sender}/execute"
        answer = requests.post(url, json={"name": "utter_greet"}, timeout=60)
        assert answer.status_code == 200
        return answer.json()["messages"]

    _hand_over(stack, sender)
    assert executed() == []
    stack.rest(sender, PAYLOAD)
    assert len(executed()) == 1


def test_a_restart_does_not_unmute(stack, sender):
    _hand_over(stack, sender)

    assert stack.rest(sender, "/restart") == []
    assert stack.rest(sender, "hello") == []


@pytest.mark.parametrize(
    ("greeting", "way", "answer"),
    [
        ("hello", "please, back to bot", "The bot is back"),
        ("مرحبا", "العوده الى البوت", "عاد البوت"),  # the bot sees no way back, nor its letters
        ("hello", PAYLOAD, "The bot is back"),
    ],
)
def test_a_way_back_is_taken_and_the_bot_answers(stack, sender, greeting, way, answer):
    stack.rest(sender, greeting)
    _hand_over(stack, sender)

    (told,) = stack.rest(sender, way)

    assert told.startswith(answer)
    assert _row(stack, sender)["control"] == "bot"
    assert stack.tracker(sender)["slots"]["handover_target"] is None
    assert [text[:11] for text in stack.rest(sender, "when are you open")] == ["We are open"]


def test_a_keyword_while_the_bot_has_control_is_an_ordinary_message(stack, sender):
    stack.rest(sender, "hello")

    (answer,) = stack.rest(sender, "main menu")

    assert not answer.startswith("The bot is back")


def test_the_time_limit_frees_a_thread_of_any_channel(stack, sender):
    _hand_over(stack, sender)

    stack.make_due(sender, "time_limit")

    eventually(lambda: _row(stack, sender)["control"] == "bot")
    eventually(lambda: stack.tracker(sender)["slots"]["handover_target"] is None)

    assert [text[:11] for text in stack.rest(sender, "when are you open")] == ["We are open"]
    reasons = stack.rows("SELECT reason FROM changes WHERE thread = ? ORDER BY id", sender)
    assert [row["reason"] for row in reasons] == ["handed_over", "time_limit"]


def test_the_agent_returns_a_thread_of_any_channel(stack, sender):
    _hand_over(stack, sender)

    assert stack.command("return", sender).returncode == 0

    assert [text[:11] for text in stack.rest(sender, "when are you open")] == ["We are open"]


def test_who_names_an_app_of_metas_on_another_channel_goes_to_the_default_target(stack, sender):
    said = stack.rest(sender, '/handover{"handover_target": "sales_bot"}')

    assert "handing you over" in said[-1]
    assert stack.rows("SELECT target FROM threads WHERE id = ?", sender) == [{"target": "inbox"}]
    assert stack.rest(sender, "when are you open") == []


def test_a_form_is_silent_and_goes_on_after_the_return(stack, sender):
    stack.rest(sender, "where is my order")
    said = stack.rest(sender, "talk to a human")
    assert ["handing you over" in text for text in said] == [True]

    assert stack.rest(sender, "hello?") == []
    assert stack.rest(sender, "are you there") == []
    told, question = stack.rest(sender, "back to bot")

    assert told.startswith("The bot is back")
    assert "What is your order number" in question


def test_rest_stays_muted_when_the_servers_are_killed(own_stack: Stack):
    own_stack.rest("somebody", "hello")
    _hand_over(own_stack, "somebody")

    own_stack.kill_servers()
    own_stack.start_servers()

    assert own_stack.rest("somebody", "hello") == []
    assert own_stack.rest("somebody", "back to bot") != []
