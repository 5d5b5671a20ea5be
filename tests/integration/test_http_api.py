"""While the bot does not have control Rasa's HTTP API hears nothing of what people write and says nothing."""

from __future__ import annotations

import pytest

pytest.importorskip("rasa", reason="Rasa stops at Python 3.10")

from channel_people import PEOPLE, Callback, Own, Rest, SocketIO, handed_over, somebody
from stack import eventually

pytestmark = [
    pytest.mark.rasa,
    pytest.mark.filterwarnings("ignore::ResourceWarning"),  # Telegram's output leaves its first connection
    pytest.mark.filterwarnings("ignore:Slot auto-fill has been removed:UserWarning"),
    pytest.mark.filterwarnings(
        "ignore:The .POST /conversations/.*execute:FutureWarning"
    ),  # Rasa's, of its own
]

BUTTON = '/handover_returned{"reason": "button"}'


@pytest.fixture(params=PEOPLE, ids=lambda kind: kind.channel)
def person(request, served):
    person = somebody(request.param, served)
    yield person
    person.close()


def added(served, who, text, **more):
    """Add a message as a program does, and return the answer."""
    body = {"text": text, "sender": "user", **more}
    return served.post(f"/conversations/{who}/messages", body)


def next_action(served, who):
    """Return what the program is told to execute next."""
    scores = served.post(f"/conversations/{who}/predict", {}).json()["scores"]
    return max(scores, key=lambda each: each["score"])["action"]


def executed(served, who, action):
    """Run an action as a program does, and return the texts that it gets."""
    answer = served.post(f"/conversations/{who}/execute", {"name": action})
    return [each.get("text") for each in answer.json()["messages"]]


def test_an_added_message_leaves_no_trace_in_rasa_and_is_there_for_the_agents(served, person):
    heard = handed_over(person)
    before, calls = served.tracker(person.name), dict(served.calls)
    shown = served.shown(person.name)
    locks = served.calls["lock"]

    given = {"intent": {"name": "greet", "confidence": 1.0}, "entities": []}
    answers = [added(served, person.name, "where is my order"), added(served, person.name, "/greet")]
    answers.append(added(served, person.name, "talk to sales", parse_data=given))

    assert [answer.status_code for answer in answers] == [200] * 3
    assert served.tracker(person.name) == before
    assert served.calls == {**calls, "lock": locks + 3}  # the route takes it before it asks anybody
    assert served.transcript(person.name) == ["where is my order", "/greet", "talk to sales"]
    assert [answer.json()["events"] for answer in answers] == [shown["events"]] * 3
    assert person.heard[heard:] == []


def test_a_conversation_that_rasa_has_forgotten_stays_forgotten(served):
    person = somebody(Rest, served)
    served.services.thread_control.hand_over(person.name, channel="rest")

    answer = added(served, person.name, "hello?")

    assert (answer.status_code, answer.json()["events"]) == (200, [])
    assert served.tracker(person.name) is None
    assert served.transcript(person.name) == ["hello?"]


@pytest.mark.parametrize(
    ("way", "kept", "reason"),
    [("back to bot, please", "back to bot, please", "keyword"), (BUTTON, "Back to Bot", "button")],
    ids=["keyword", "button"],
)
def test_an_added_way_back_is_the_message_of_a_return_and_the_program_goes_on(
    served, person, way, kept, reason
):
    handed_over(person)

    answer = added(served, person.name, way)

    assert served.control(person.name) == "bot"
    assert served.transcript(person.name) == [kept]
    assert answer.json()["latest_message"]["intent"]["name"] == "handover_returned"
    assert answer.json()["latest_message"]["entities"][0]["value"] == reason
    assert next_action(served, person.name) == "action_handover_return"
    executed(served, person.name, "action_handover_return")
    assert served.slots(person.name)["handover_target"] is None
    assert next_action(served, person.name) == "utter_handover_returned"
    (said,) = executed(served, person.name, "utter_handover_returned")
    assert said.startswith("The bot is back")


def test_when_the_time_is_up_an_added_message_is_the_bots(served, person):
    handed_over(person)
    limit = served.services.settings.returning.time_limit.total_seconds()
    calls = served.calls["nlu"]

    served.clock.passed += limit + 60
    answer = added(served, person.name, "when are you open")

    assert answer.json()["latest_message"]["intent"]["name"] == "ask_hours"
    assert served.calls["nlu"] == calls + 1
    assert served.control(person.name) == "bot"
    assert next_action(served, person.name) == "utter_hours"


def test_while_the_store_is_out_of_reach_an_added_message_is_refused(served, out_of_reach, person, caplog):
    person.says("when are you open")
    before, calls = served.tracker(person.name), served.calls["nlu"]

    out_of_reach.begins()
    answer = added(served, person.name, "my secret words")
    out_of_reach.ends()

    assert (answer.status_code, answer.json()["reason"]) == (500, "ConversationError")
    assert (served.tracker(person.name), served.calls["nlu"]) == (before, calls)
    assert "who has control is not known" in caplog.text
    assert "my secret words" not in caplog.text
    assert added(served, person.name, "when are you open").status_code == 200


def test_added_messages_are_held_after_another_model_was_loaded(served):
    person = somebody(Rest, served)
    handed_over(person)

    with served.another_model():
        assert added(served, person.name, "when are you open").json()["events"] == []
        assert served.tracker(person.name) is None
        assert served.transcript(person.name) == ["when are you open"]


def test_while_the_bot_has_control_an_added_message_is_rasas(served, person):
    person.says("when are you open")
    calls = served.calls["nlu"]

    answer = added(served, person.name, "hello")

    assert answer.json()["latest_message"]["text"] == "hello"
    assert served.calls["nlu"] == calls + 1
    assert "hello" in served.events(person.name)
    assert served.transcript(person.name) == []


def test_events_that_a_program_writes_are_written_and_nobody_answers(served, person):
    heard = handed_over(person)
    calls = served.calls["nlu"]

    event = {"event": "user", "text": "from a backup", "parse_data": {"intent": {"name": "ask_hours"}}}
    url = f"/conversations/{person.name}/tracker/events?execute_side_effects=true"
    answer = served.post(url, event)

    assert answer.status_code == 200
    assert "from a backup" in served.events(person.name)
    assert next_action(served, person.name) == "action_listen"
    assert (person.heard[heard:], served.calls["nlu"]) == ([], calls)
    assert served.control(person.name) == "inbox"


def test_a_prediction_is_silence(served, person):
    handed_over(person)

    assert next_action(served, person.name) == "action_listen"


@pytest.fixture(params=[Rest, SocketIO, Callback, Own], ids=lambda kind: kind.channel)
def by_api(request, served):
    """A person on a channel that Rasa's HTTP API can write to: not Telegram, made on no running loop."""
    person = somebody(request.param, served)
    yield person
    person.close()


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("trigger_intent", {"name": "ask_hours"}),
        ("execute", {"name": "utter_hours"}),
        ("tracker/events", {"event": "bot", "text": "We are open. Come in."}),
    ],
    ids=["trigger_intent", "execute", "events"],
)
def test_what_a_program_has_rasa_say_is_heard_only_while_the_bot_has_control(served, by_api, path, body):
    heard = handed_over(by_api)
    url = f"/conversations/{by_api.name}/{path}?output_channel=latest&execute_side_effects=true"

    answer = served.post(url, body)
    assert answer.status_code == 200, answer.text
    assert answer.json().get("messages", []) == []
    assert by_api.heard[heard:] == []
    by_api.says("back to bot")
    eventually(lambda: len(by_api.heard) > heard, "the bot says that it is back")
    heard = len(by_api.heard)
    said = served.post(url, body).json().get("messages", [])

    if by_api.channel == "rest" and path != "tracker/events":  # whoever calls gets it
        assert "We are open" in said[0]["text"]
    elif by_api.channel != "rest":
        eventually(lambda: any("We are open" in text for text in by_api.heard[heard:]), "it is heard")
