"""A person may write more than NLU can bear: it gets the beginning, everything else gets all."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from types import SimpleNamespace

import pytest

from handover_channel.messenger.events import MessageReceived, PostbackReceived
from handover_channel.store.deliveries import Delivery

pytest.importorskip("rasa")
pytestmark = pytest.mark.rasa

LIMIT = 20
LONG = "x" * 100_000
PAYLOAD = '/order{"number": "' + "1" * 900 + '"}'


class Rasa:
    """An agent that notes what its NLU is asked, and what turns it runs."""

    def __init__(self):
        self.asked, self.messages = [], []
        self.lock_store = SimpleNamespace(get_lock=lambda thread: None)
        self.tracker_store = SimpleNamespace()
        self.processor = self

    def is_ready(self):
        return True

    async def get_tracker(self, thread):
        return None

    async def parse_message(self, message, tracker=None):
        self.asked.append(message.text)
        return {"text": message.text, "intent": {"name": "greet", "confidence": 1.0}, "entities": []}

    async def on_new_message(self, message):
        if message.parse_data is None:
            await self.parse_message(message)  # as Rasa's processor does
        self.messages.append(message)


@pytest.fixture
def rasa():
    return Rasa()


@pytest.fixture
def says(rasa):
    from handover_channel.rasa.turns import RasaBot

    thread_control = SimpleNamespace(
        token_to_speak=lambda thread: "token",
        settings=SimpleNamespace(page_of=lambda token: ""),
        findings=SimpleNamespace(works=lambda kind, page: None),
    )
    graph = SimpleNamespace(send=lambda token, body: {})
    app = SimpleNamespace(ctx=SimpleNamespace(agent=rasa, input_channels=()))

    async def answer(event, limit=LIMIT):
        with ThreadPoolExecutor(1) as pool:
            conversation = RasaBot(
                app, rasa.on_new_message, thread_control, graph, pool, None, lambda tag: None, nlu_limit=limit
            )
            await conversation.answer(event, {}, Delivery(12, "7001", "event", "", 0.0, 0, 0))

    return answer


def message(text, payload=None):
    return MessageReceived("7001", "1717", 5, False, mid="m", text=text, payload=payload)


def postback(title, payload=None):
    return PostbackReceived("7001", "1717", 5, False, mid="m", title=title, payload=payload)


@pytest.mark.parametrize("text", [LONG, f"/{LONG}", f"/ /{LONG}", "hello " * 1000], ids=range(4))
async def test_nlu_gets_the_beginning_of_a_long_text_and_the_tracker_all_of_it(rasa, says, text):
    await says(message(text))

    (asked,), (told,) = rasa.asked, rasa.messages
    assert len(asked) == LIMIT
    assert told.text == text.strip()
    assert told.parse_data["text"] == text.strip()
    assert told.parse_data["intent"]["name"] == "greet"


@pytest.mark.parametrize("event", [message("hello"), message("x" * LIMIT)], ids=range(2))
async def test_a_text_within_the_limit_is_left_to_rasa(rasa, says, event):
    await says(event)

    assert rasa.asked == [event.text]
    assert rasa.messages[0].parse_data is None


@pytest.mark.parametrize("event", [message("Order", PAYLOAD), postback("Order", PAYLOAD)], ids=range(2))
async def test_a_payload_that_names_an_intent_is_never_cut(rasa, says, event):
    await says(event)

    assert rasa.messages[0].text == PAYLOAD
    assert rasa.messages[0].parse_data is None


@pytest.mark.parametrize("event", [message("Order", LONG), postback(LONG)], ids=range(2))
async def test_a_payload_or_title_that_nlu_has_to_understand_is_cut_as_text_is(rasa, says, event):
    await says(event)

    assert [len(asked) for asked in rasa.asked] == [LIMIT]
    assert rasa.messages[0].text == LONG


async def test_without_a_limit_nlu_gets_all(rasa, says):
    await says(message(LONG), limit=None)

    assert rasa.asked == [LONG]
