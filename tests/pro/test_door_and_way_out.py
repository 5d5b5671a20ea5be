"""On Rasa Pro, too, nothing of Rasa's runs while the bot does not have control, and nothing is said."""

from __future__ import annotations

import asyncio

import pytest
import requests

pytest.importorskip("rasa.dialogue_understanding", reason="Rasa Pro is not installed: make test-pro has it")

from calm_engine import ASKS_FOR_HOURS, ASKS_FOR_PEOPLE, BOUND
from rasa.core.channels.channel import CollectingOutputChannel
from rasa.core.channels.rest import RestInput

from handover_channel.errors import StoreUnavailable
from handover_channel.rasa.door import close_the_door
from handover_channel.rasa.way_out import close_the_way_out

pytestmark = pytest.mark.pro

BACK = "The bot is back. How can I help?"
PAYLOAD = '/handover_returned{"reason": "button"}'


@pytest.fixture
def served(bot):
    close_the_door()
    close_the_way_out()
    with bot.serving():
        yield bot


@pytest.fixture
def handed_over(served):
    (notice,) = served.says("ada", ASKS_FOR_PEOPLE)
    assert notice.startswith("I am handing you over")
    assert served.control("ada") == "inbox"
    return served


def test_a_muted_message_reaches_no_lock_no_llm_and_no_tracker_and_the_agents_have_it(handed_over):
    before, calls = handed_over.tracker("ada"), dict(handed_over.calls)

    for text in (ASKS_FOR_HOURS, "/handover", "/SetSlots(amount=5)"):
        assert handed_over.says("ada", text) == []

    assert (handed_over.tracker("ada"), dict(handed_over.calls)) == (before, calls)
    assert handed_over.transcript("ada") == [ASKS_FOR_HOURS, "/handover", "/SetSlots(amount=5)"]


@pytest.mark.parametrize("way", ["back to bot", PAYLOAD], ids=["keyword", "button"])
def test_a_way_back_starts_the_flow_of_a_return_without_asking_the_llm(handed_over, way):
    asked = handed_over.calls["llm"]

    assert handed_over.says("ada", way) == [BACK]

    assert (handed_over.control("ada"), handed_over.calls["llm"]) == ("bot", asked)
    assert handed_over.says("ada", ASKS_FOR_HOURS) == ["We are open from 9 to 18."]


def test_the_rest_of_a_way_back_is_understood_with_the_conversation_and_answered(handed_over):
    assert handed_over.says("ada", f"back to bot, {ASKS_FOR_HOURS}") == [BACK, "We are open from 9 to 18."]

    assert handed_over.engine.trackers_of_parsing[-1].sender_id == "ada"


def test_a_rest_of_which_the_llm_makes_nothing_has_no_turn(handed_over):
    assert handed_over.says("ada", "back to bot, xyzzy?") == [BACK]


def test_a_message_that_a_channel_sends_twice_is_kept_once_and_answered_as_the_first_time(handed_over):
    async def twice(text, mid):
        from rasa.core.channels.channel import UserMessage

        heard = []
        for _ in range(2):
            output = CollectingOutputChannel()
            await handed_over.agent.handle_message(
                UserMessage(text, output, "ada", input_channel="rest", message_id=mid)
            )
            heard.append([each["text"] for each in output.messages])
        return heard

    assert asyncio.run(twice("hello?", "m1")) == [[], []]
    assert asyncio.run(twice("back to bot", "m2")) == [[BACK], [BACK]]
    assert handed_over.transcript("ada") == ["hello?", "back to bot"]
    assert handed_over.calls["action_handover_return"] == 1


def test_what_an_action_says_while_people_have_the_conversation_is_held(handed_over):
    async def late():
        output = CollectingOutputChannel()
        tracker = await handed_over.engine.get_tracker("ada")
        result = await handed_over.engine.run("utter_hours", tracker, output)
        return output.messages, result

    messages, result = asyncio.run(late())

    assert messages == []
    assert not result.events  # Rasa Pro adds them to the tracker


def test_rest_gets_an_empty_list_while_the_database_is_out_of_reach_and_the_log_no_words(
    served, monkeypatch, caplog
):
    def away(*given, **named):
        raise StoreUnavailable("no connection")

    monkeypatch.setattr(type(served.services.store), "glancing", away)

    assert served.says("ada", "my secret words") == []
    body = {"sender": "ada", "message": "my secret words"}
    answer = requests.post(f"{served.url}/webhooks/rest/webhook?stream=true", json=body, timeout=BOUND)

    assert (answer.status_code, answer.text) == (200, "")
    assert served.calls["turn"] == 0
    assert "who has control is not known" in caplog.text
    assert "secret words" not in caplog.text


def test_rest_cannot_claim_to_be_messenger(served):
    from handover_channel.rasa.claimed_channels import keep_apart

    keep_apart()
    body = {"sender": "eve", "message": ASKS_FOR_HOURS, "input_channel": "facebook"}
    requests.post(f"{served.url}/webhooks/{RestInput.name()}/webhook", json=body, timeout=BOUND)

    assert served.events("eve")[0].input_channel == "rest"
