"""While somebody else has control Rasa learns nothing: no user event, no slot, no action."""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing

import pytest
import requests
from stack import Stack, eventually

pytestmark = pytest.mark.rasa

PAYLOAD = '/handover_returned{"reason": "button"}'


def _age_rasas_events(stack, person, seconds):
    """Let Rasa believe that the conversation was long ago."""
    with closing(sqlite3.connect(stack.folder / "rasa.db", timeout=20)) as connection, connection:
        found = connection.execute(
            "SELECT id, data FROM events WHERE sender_id = ?", (person.psid,)
        ).fetchall()
        assert found
        for number, data in found:
            event = json.loads(data)
            event["timestamp"] -= seconds
            connection.execute(
                "UPDATE events SET timestamp = ?, data = ? WHERE id = ?",
                (event["timestamp"], json.dumps(event), number),
            )


def _assert_silent(stack, person, *texts):
    """Send the texts, and see that neither Rasa nor Messenger notices."""
    events, calls, control = person.events(), len(person.calls("messages")), person.control
    for text in texts:
        person.says(text)
    person.settled()

    assert person.events() == events
    assert len(person.calls("messages")) == calls
    assert person.control == control != "bot"
    assert person.transcript()[-len(texts) :] == list(texts)


@pytest.mark.parametrize("target", ["inbox", "sales_bot", "page_inbox"])
def test_what_is_said_to_others_is_not_in_the_dialogue(stack, person, target):
    person.says("hello")
    person.settled()
    person.goes_to(target)

    _assert_silent(stack, person, "hello", "my order is 10234", "I am at anna@example.com", "talk to sales")


@pytest.mark.parametrize("text", ["/restart", PAYLOAD, "/handover_returned", "/session_start", "/back", "/"])
def test_a_typed_command_is_text_like_any_other(stack, person, text):
    person.goes_to("sales_bot")

    _assert_silent(stack, person, text)


@pytest.mark.parametrize("text", ["/restart", PAYLOAD, "/handover"])
def test_a_typed_command_is_text_also_while_the_bot_has_control(stack, person, text):
    person.says(text)
    person.settled()

    (said,) = [event for event in person.events() if event["event"] == "user"]
    assert said["text"] == text
    assert "restart" not in [event["event"] for event in person.events()]
    assert said["parse_data"]["intent"]["name"] not in ("restart", "handover_returned")


def test_other_buttons_and_quick_replies_of_the_bot_do_nothing(stack, person):
    person.says("hello")
    person.settled()
    person.goes_to("inbox")
    events = person.events()

    person.does("choose", payload="/order_status")
    person.taps_menu("/greet")
    person.taps_menu("/restart")
    person.settled()

    assert person.events() == events


def test_an_expired_session_of_rasas_does_not_unmute(stack, person):
    person.says("hello")
    person.settled()
    person.goes_to("sales_bot")
    _age_rasas_events(stack, person, 3 * 3600)

    _assert_silent(stack, person, "hello", "anybody there?")


def test_after_an_expired_session_the_return_is_told_as_ever(stack, person):
    person.goes_to("sales_bot")
    _age_rasas_events(stack, person, 3 * 3600)

    person.says("back to bot")
    person.settled()

    assert person.control == "bot"
    assert "The bot is back" in person.heard()[-1]
    assert person.events()[-1]["event"] == "action"
    assert stack.tracker(person.psid)["slots"]["handover_target"] is None


def test_a_reload_of_the_model_does_not_unmute(stack, person):
    person.goes_to("sales_bot")

    answer = requests.put(f"{stack.url}/model", json={"model_file": "models/handover.tar.gz"}, timeout=120)

    assert answer.status_code == 204
    _assert_silent(stack, person, "hello")
    person.says("main menu")
    person.settled()
    assert "The bot is back" in person.heard()[-1]


def test_what_rasa_says_unasked_is_held_back(stack, person):
    person.goes_to("sales_bot")
    calls = person.calls("messages")

    answer = requests.post(
        f"{stack.url}/conversations/{person.psid}/trigger_intent?output_channel=facebook",
        json={"name": "greet"},
        timeout=30,
    )

    assert answer.status_code == 200
    assert person.calls("messages") == calls


def test_both_servers_may_be_killed_and_the_bot_stays_silent(own_stack: Stack):
    people = {target: own_stack.person() for target in ("inbox", "sales_bot", "page_inbox")}
    for target, person in people.items():
        person.says("hello")
        person.goes_to(target)
    before = {target: person.events() for target, person in people.items()}

    own_stack.kill_servers()
    for person in people.values():
        person.says("written while nobody listened")
    own_stack.start_servers()

    for target, person in people.items():
        _assert_silent(own_stack, person, "hello again", "where is my order")
        assert person.events() == before[target]
        assert person.transcript()[0] == "written while nobody listened"
        assert [change["control"] for change in person.changes()][-1] != "bot"


def test_a_turn_that_a_kill_cut_off_is_done_once_after_the_restart(own_stack: Stack):
    person = own_stack.person()
    person.says("hello")
    person.settled()
    own_stack.actions.pause()  # the turn waits for it, with the notice out and the tracker not yet saved

    person.says("talk to sales")
    eventually(lambda: "handing you over" in person.heard()[-1])
    person.says("are you there?")
    eventually(lambda: own_stack.rows("SELECT id FROM deliveries WHERE body LIKE '%are you there?%'"))
    own_stack.kill_servers()
    begun = "SELECT id FROM deliveries WHERE body LIKE '%talk to sales%' AND done_at IS NULL"
    assert own_stack.rows(begun), "the turn was cut off"
    own_stack.start_servers()
    person.settled()

    assert person.control == "app"
    assert [call["status"] for call in person.calls("pass_thread_control")] == [200]
    assert person.said_to_rasa() == ["hello", "talk to sales"]
    assert person.transcript() == ["are you there?"]
