"""While the bot does not have control Rasa sees nothing of what people write, and says nothing."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timezone

import pytest

pytest.importorskip("rasa", reason="Rasa stops at Python 3.10")

from channel_people import PEOPLE, Callback, Own, Rest, SocketIO, Telegram, handed_over, somebody
from every_channel import BOUND
from stack import eventually

from handover_channel.control.turn_gate import SettingsGate
from handover_channel.rasa import door
from handover_channel.settings.loader import WhileMuted

pytestmark = [
    pytest.mark.rasa,
    pytest.mark.filterwarnings("ignore::ResourceWarning"),  # Telegram's output leaves its first connection
    pytest.mark.filterwarnings("ignore:Slot auto-fill has been removed:UserWarning"),
]

PAYLOAD = '/handover_returned{"reason": "button"}'
BACK = "The bot is back"
REMINDED = "EXTERNAL: ask_hours"


@pytest.fixture
def settings(served):
    """Changes settings for one test."""
    before = served.services.settings
    yield served.use
    served.use(**{name: getattr(before, name) for name in ("rest_while_muted", "returning")})


@pytest.fixture(params=PEOPLE, ids=lambda kind: kind.channel)
def person(request, served):
    person = somebody(request.param, served)
    yield person
    person.close()


def test_a_message_leaves_no_trace_in_rasa_and_is_there_for_the_agents(served, person):
    heard = handed_over(person)
    before, calls = served.tracker(person.name), dict(served.calls)

    for text in ("where is my order", "/greet", "talk to sales"):
        assert person.says(text) in (0, 200)

    eventually(lambda: "talk to sales" in served.transcript(person.name), "all is kept")
    assert served.transcript(person.name) == ["where is my order", "/greet", "talk to sales"]
    assert served.tracker(person.name) == before
    assert served.calls == calls
    assert person.heard[heard:] == []


@pytest.mark.parametrize(
    ("way", "kept", "reason"),
    [("back to bot", "back to bot", "keyword"), (PAYLOAD, "Back to Bot", "button")],
    ids=["keyword", "button"],
)
def test_a_way_back_runs_the_turn_of_a_return_and_the_bot_answers_again(served, person, way, kept, reason):
    heard = handed_over(person)
    person.says("anybody there?")

    person.says(way)

    eventually(lambda: len(person.heard) > heard, "the bot says that it is back")
    assert person.heard[heard:][0].startswith(BACK)
    assert served.control(person.name) == "bot"
    assert served.transcript(person.name) == ["anybody there?", kept]
    slots = served.slots(person.name)
    assert slots["handover_target"] is None
    assert '- customer: "anybody there?"' in slots["handover_summary"]
    with served.services.store.reading() as connection:
        changes = connection.exec_driver_sql(
            "SELECT reason, who FROM changes WHERE thread = ? ORDER BY id", (person.name,)
        )
        assert [tuple(row) for row in changes] == [("handed_over", "bot"), (reason, "person")]
    heard = len(person.heard)
    person.says("when are you open")
    eventually(lambda: any("We are open" in text for text in person.heard[heard:]), "the bot answers")


def test_when_the_time_is_up_and_no_worker_runs_the_next_message_is_the_bots(served, person):
    handed_over(person)
    heard = len(person.heard)
    limit = served.services.settings.returning.time_limit.total_seconds()

    served.clock.passed += limit + 60
    person.says("when are you open")

    eventually(lambda: any("We are open" in text for text in person.heard[heard:]), "the bot answers")
    assert served.control(person.name) == "bot"
    slots = served.slots(person.name)
    assert (slots["handover_target"], slots["handover_until"]) == (None, None)


def test_what_else_a_way_back_asks_is_answered_once(served):
    person = somebody(Rest, served)
    heard = handed_over(person)

    person.says("back to bot, when are you open?")

    back, answer = person.heard[heard:]
    assert back.startswith(BACK)
    assert "We are open" in answer


def writes_while_the_bot_hands_over(served, person, text):
    """Write *text* while the turn that hands the person over has Rasa's lock. Return how much was heard."""
    with ThreadPoolExecutor(2) as threads, served.held_up("action_handover") as handover:
        first = threads.submit(person.says, "/handover")
        assert handover.begun.wait(BOUND)
        second = threads.submit(person.says, text)
        eventually(lambda: served.waiting(person.name) == 1, "it waits for the lock")
        eventually(lambda: person.heard or person.channel == "rest", "the notice is there")
        heard = len(person.heard)
        handover.goes_on.set()
        first.result(BOUND)
        second.result(BOUND)
    return heard


def test_what_waits_for_the_lock_while_the_bot_hands_over_is_the_agents(served, person):
    person.says("when are you open")
    calls = served.calls["nlu"]

    writes_while_the_bot_hands_over(served, person, "where is my order")

    eventually(lambda: served.transcript(person.name) == ["where is my order"], "it is kept")
    assert served.control(person.name) == "inbox"
    assert "where is my order" not in served.events(person.name)
    assert served.calls["nlu"] == calls + 1  # of the request
    assert not any("order number" in text for text in person.heard)


def test_a_way_back_that_waits_for_the_lock_is_one(served, person):
    writes_while_the_bot_hands_over(served, person, "back to bot, when are you open?")

    eventually(lambda: any("We are open" in text for text in person.heard), "the bot answers the rest")
    assert any(text.startswith(BACK) for text in person.heard)
    assert served.control(person.name) == "bot"
    assert served.transcript(person.name) == ["back to bot, when are you open?"]
    assert served.slots(person.name)["handover_target"] is None


def test_who_does_not_wait_for_the_lock_is_asked_about_once(served, monkeypatch):
    person, heard = somebody(Rest, served), []
    hear = SettingsGate.hear
    monkeypatch.setattr(SettingsGate, "hear", lambda gate, said: heard.append(said.text) or hear(gate, said))

    person.says("when are you open")

    assert heard == ["when are you open"]


def test_a_rest_that_is_not_understood_has_no_turn(served, monkeypatch):
    person = somebody(Rest, served)
    heard = handed_over(person)
    monkeypatch.setattr(door, "is_understood", lambda parse_data: parse_data["text"] != "xyzzy plugh?")

    person.says("back to bot, xyzzy plugh?")

    assert [text[: len(BACK)] for text in person.heard[heard:]] == [BACK]


def test_a_payload_typed_with_another_intent_is_no_way_back(served):
    person = somebody(Rest, served)
    heard = handed_over(person)

    person.says("/handover_returned_twice")

    assert person.heard[heard:] == []
    assert served.control(person.name) == "inbox"


def test_what_comes_by_another_channel_is_no_word_of_the_person(served):
    person = somebody(SocketIO, served)
    heard = handed_over(person)
    stranger = somebody(Rest, served)
    stranger.name = person.name

    stranger.says("back to bot")

    assert stranger.heard == []
    assert served.control(person.name) == "inbox"
    assert served.transcript(person.name) == []
    assert person.heard[heard:] == []
    person.close()


@pytest.mark.parametrize("wanted", WhileMuted)
def test_a_client_is_told_who_has_the_conversation_if_it_wants_to_know(served, settings, person, wanted):
    settings(rest_while_muted=wanted)
    heard = handed_over(person)

    person.says("hello?")

    until = served.services.thread_control.find(person.name).until
    told = wanted is WhileMuted.HANDOVER and person.channel in ("rest", "callback")
    expected = [{"handover": {"target": "inbox", "until": until}}] if told else []
    eventually(lambda: served.transcript(person.name) == ["hello?"], "it is kept")
    eventually(lambda: person.heard[heard:] == expected, "it is told")


def test_a_streaming_client_of_rest_gets_an_end(served):
    person = somebody(Rest, served)
    handed_over(person)

    answer = served.post("/webhooks/rest/webhook?stream=true", {"sender": person.name, "message": "hello?"})

    assert (answer.status_code, answer.text) == (200, "")


def test_a_streaming_client_of_rest_comes_back(served):
    person = somebody(Rest, served)
    handed_over(person)

    body = {"sender": person.name, "message": "back to bot, when are you open?"}
    answer = served.post("/webhooks/rest/webhook?stream=true", body)

    said = [json.loads(line)["text"] for line in answer.text.splitlines()]
    assert said[0].startswith(BACK)
    assert "We are open" in said[1]


@pytest.mark.parametrize("kind", [Rest, Callback, Telegram, Own], ids=lambda kind: kind.channel)
def test_while_the_store_is_out_of_reach_nothing_runs_and_the_channel_says_so(
    served, out_of_reach, kind, caplog
):
    person = somebody(kind, served)
    person.says("when are you open")
    heard, before, calls = len(person.heard), served.tracker(person.name), dict(served.calls)

    out_of_reach.begins()
    status = person.says("my secret words")
    out_of_reach.ends()

    assert status == person.error
    assert (len(person.heard), served.tracker(person.name), served.calls) == (heard, before, calls)
    assert "who has control is not known" in caplog.text
    assert "my secret words" not in caplog.text
    assert person.says("when are you open") == 200
    eventually(lambda: len(person.heard) > heard, "it works again")


def test_while_the_store_is_out_of_reach_nothing_runs_on_socketio_and_the_log_says_so(
    served, out_of_reach, caplog
):
    person = somebody(SocketIO, served)
    person.says("when are you open")
    eventually(lambda: person.heard, "it works")
    heard, before, calls = len(person.heard), served.tracker(person.name), dict(served.calls)

    out_of_reach.begins()
    person.emits("my secret words")  # nobody will say that it was taken
    eventually(lambda: "who has control is not known" in caplog.text, "the log says so")
    out_of_reach.ends()

    assert (len(person.heard), served.tracker(person.name), served.calls) == (heard, before, calls)
    assert "my secret words" not in caplog.text
    person.says("when are you open")
    eventually(lambda: len(person.heard) > heard, "it works again")
    person.close()


def test_an_answer_in_a_stream_ends_while_the_store_is_out_of_reach(served, out_of_reach):
    body = {"sender": "rest-stream", "message": "hello"}

    out_of_reach.begins()
    answer = served.post("/webhooks/rest/webhook?stream=true", body)

    assert (answer.status_code, answer.text) == (200, "")


def test_it_holds_after_another_model_was_loaded(served, person):
    heard = handed_over(person)

    with served.another_model():
        person.says("when are you open")
        eventually(lambda: served.transcript(person.name) == ["when are you open"], "it is kept")
        assert person.heard[heard:] == []
        assert served.tracker(person.name) is None


# --- What Rasa says without having been written to ---


def answers_later(served, person):
    """Have the shop's action hand the person over to people while it runs, and then answer."""
    endpoint = served.agent.action_endpoint
    request = endpoint.request

    async def slow(**more):
        if more["json"]["next_action"] != "action_order_status":
            return await request(**more)
        served.services.thread_control.hand_over(person.name, channel=person.channel, who="Ada")
        return {"events": [], "responses": [{"text": "Your order is on its way."}]}

    endpoint.request = slow
    return lambda: endpoint.__dict__.pop("request")


def test_an_action_that_answers_after_the_bot_lost_control_is_not_heard(served, person):
    for number, text in enumerate(["where is my order", "10234"], 1):
        person.says(text)
        eventually(lambda number=number: len(person.heard) >= number, "the bot asks for a detail")
    heard, undo = len(person.heard), answers_later(served, person)

    try:
        person.says("sam@example.org")
    finally:
        undo()

    eventually(lambda: served.control(person.name) == "inbox", "it is handed over")
    assert "Your order is on its way." in served.events(person.name)
    assert person.heard[heard:] == []


def test_a_reminder_that_is_due_meanwhile_says_nothing_and_later_does_what_rasa_does(served, person):
    heard = handed_over(person)

    served.remind(person, "ask_hours")
    assert person.heard[heard:] == []
    assert served.transcript(person.name) == []
    person.says("back to bot")
    eventually(lambda: len(person.heard) > heard, "the bot says that it is back")
    heard = len(person.heard)
    served.remind(person, "ask_hours")

    eventually(lambda: any("We are open" in text for text in person.heard[heard:]), "the reminder is heard")


def remind_soon(served, person):
    """Have a program set a reminder that is due at once, and wait until Rasa's scheduler has run it."""
    before = served.events(person.name).count(REMINDED)
    at = datetime.now(timezone.utc).isoformat()
    event = {"event": "reminder", "intent": "ask_hours", "date_time": at, "kill_on_user_msg": False}
    url = f"/conversations/{person.name}/tracker/events?output_channel=latest&execute_side_effects=true"
    assert served.post(url, event).status_code == 200
    eventually(lambda: served.events(person.name).count(REMINDED) > before, "the reminder is run")


@pytest.mark.parametrize("kind", [SocketIO, Callback, Own], ids=lambda kind: kind.channel)
def test_a_reminder_that_rasas_scheduler_runs_says_nothing_meanwhile(served, kind):
    person = somebody(kind, served)
    heard = handed_over(person)

    remind_soon(served, person)
    assert person.heard[heard:] == []
    person.says("back to bot")
    eventually(lambda: len(person.heard) > heard, "the bot says that it is back")
    heard = len(person.heard)
    remind_soon(served, person)

    eventually(lambda: any("We are open" in text for text in person.heard[heard:]), "the reminder is heard")
    person.close()


def test_nothing_is_said_while_the_store_is_out_of_reach(served, out_of_reach):
    person = somebody(Own, served)
    person.says("when are you open")
    heard = len(person.heard)

    out_of_reach.begins()
    served.post(f"/conversations/{person.name}/execute?output_channel=latest", {"name": "utter_hours"})
    out_of_reach.ends()

    assert person.heard[heard:] == []
