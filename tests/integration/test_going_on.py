"""A return with something that the bot is to go on with: two turns, each of them once."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from types import SimpleNamespace

import pytest

from handover_channel.errors import NotReady, TokenRefused
from handover_channel.messenger.events import MessageReceived
from handover_channel.rules.control import Control, State
from handover_channel.rules.return_reasons import ReturnReason
from handover_channel.rules.turn_outcome import Spoken
from handover_channel.store import Store
from handover_channel.store.deliveries import RETRIED, Delivery
from handover_channel.store.threads import Thread

pytest.importorskip("rasa")
pytestmark = pytest.mark.rasa

ROW = Thread("7001", channel="rest", state=State(Control.BOT))
ON_MESSENGER = Thread("7001", channel="facebook", state=State(Control.BOT))
NOTE = {"reason": "agent", "intent": "products"}


class Rasa:
    """An agent whose tracker keeps the messages that it is told; `before` may raise, `after` too."""

    def __init__(self):
        from rasa.shared.core.events import BotUttered, UserUttered

        self._uttered, self._said = UserUttered, BotUttered
        self.events = []
        self.messages = []
        self.before = self.after = lambda message: None
        self.domain = SimpleNamespace(intents=["greet", "products"])
        self.lock_store = SimpleNamespace(get_lock=lambda thread: None, delete_lock=lambda thread: None)
        self.tracker_store = SimpleNamespace()
        self.processor = self

    def is_ready(self):
        return True

    async def get_tracker(self, thread):
        return SimpleNamespace(events=list(self.events))

    async def parse_message(self, message, tracker=None):
        words = {"when are you open?": "ask_hours", "restart": "products"}
        return {**message_of(words.get(message.text, "nlu_fallback")), "text": message.text}

    async def on_new_message(self, message):
        self.before(message)
        self.messages.append(message)
        await message.output_channel.send_text_message(message.sender_id, f"to {message.text}")
        self.after(message)
        self.events.append(self._uttered(message.text, message_id=message.message_id))
        self.events.append(self._said(f"to {message.text}"))

    @property
    def intents(self):
        return [message.parse_data["intent"]["name"] for message in self.messages]


def message_of(intent):
    return {"intent": {"name": intent, "confidence": 0.9}, "entities": []}


@pytest.fixture
def rasa():
    return Rasa()


@pytest.fixture
def graph():
    sent = []
    refusals = []

    def send(token, body):
        if refusals and "message" in body:
            raise refusals[0]
        if "message" in body:
            sent.append(body["message"])
        return {"message_id": f"m_{len(sent)}"}

    return SimpleNamespace(sent=sent, send=send, refusals=refusals)


@pytest.fixture
def store():
    return Store("sqlite://")


@pytest.fixture
def conversation(rasa, graph, store):
    from handover_channel.rasa.turns import RasaBot

    thread_control = SimpleNamespace(
        token_to_speak=lambda thread: "token",
        settings=SimpleNamespace(page_of=lambda token: ""),
        findings=SimpleNamespace(works=lambda kind, page: None, refused=lambda error, **more: None),
    )
    app = SimpleNamespace(ctx=SimpleNamespace(agent=rasa, input_channels=()))
    with ThreadPoolExecutor(1) as pool:
        yield RasaBot(app, rasa.on_new_message, thread_control, graph, pool, store, lambda tag, mid: None)


async def come_back(conversation, note=NOTE, *, attempts=0, failures=0, row=ROW, outcome=""):
    delivery = Delivery(12, "7001", "returned", "", 0.0, attempts, failures, outcome)
    return await conversation.returned(row, ReturnReason.AGENT, note, delivery)


def _fail(message):
    raise RuntimeError("an action failed")


def _only(intent, then):
    return lambda message: then(message) if message.parse_data["intent"]["name"] == intent else None


async def test_the_bot_goes_on_with_what_the_agent_chose(conversation, rasa):
    await come_back(conversation)

    assert rasa.intents == ["handover_returned", "products"]
    assert [message.text for message in rasa.messages] == [
        '/handover_returned{"reason": "agent"}',
        "/products",
    ]
    assert len({message.message_id for message in rasa.messages}) == 2


async def test_without_a_choice_there_is_one_turn(conversation, rasa):
    await come_back(conversation, {"reason": "agent"})

    assert rasa.intents == ["handover_returned"]


async def test_an_intent_that_a_new_model_does_not_know_any_more_is_left_out(conversation, rasa, caplog):
    await come_back(conversation, {"reason": "agent", "intent": "gone"})

    assert rasa.intents == ["handover_returned"]
    assert "has no intent or flow gone" in caplog.text


async def test_interrupted_after_the_first_turn_only_the_second_one_is_run(conversation, rasa):
    rasa.before = _only("products", _fail)
    with pytest.raises(RuntimeError):
        await come_back(conversation)
    rasa.before = lambda message: None

    await come_back(conversation, failures=1)

    assert rasa.intents == ["handover_returned", "products"]


async def test_a_second_turn_that_had_to_wait_is_no_reason_to_run_the_first_one_again(conversation, rasa):
    def wait(message):
        raise NotReady("no model is loaded")

    rasa.before = _only("products", wait)
    with pytest.raises(NotReady):
        await come_back(conversation)
    rasa.before = lambda message: None

    await come_back(conversation)  # what only had to wait does not count as begun

    assert rasa.intents == ["handover_returned", "products"]


async def test_what_is_done_is_not_done_again(conversation, rasa):
    await come_back(conversation)
    await come_back(conversation, attempts=1)

    assert rasa.intents == ["handover_returned", "products"]


async def test_of_a_second_turn_that_was_interrupted_nothing_goes_out_twice(conversation, rasa, graph):
    rasa.after = _only("products", _fail)
    with pytest.raises(RuntimeError):
        await come_back(conversation, row=ON_MESSENGER)
    rasa.after = lambda message: None

    await come_back(conversation, row=ON_MESSENGER, failures=1)

    assert rasa.intents == ["handover_returned", "products", "products"]
    assert [message["text"] for message in graph.sent] == [
        'to /handover_returned{"reason": "agent"}',
        "to /products",
    ]
    assert len({message["metadata"] for message in graph.sent}) == 2


# --- given up, and retried ------------------------------------------------------------------------


async def asked(conversation, *, attempts=0, outcome=""):
    event = MessageReceived("7001", "1717", 1_700_000_000_000, False, mid="m_1", text="when are you open?")
    return await conversation.answer(event, {}, Delivery(12, "7001", "event", "", 0.0, attempts, 0, outcome))


async def test_the_answer_of_a_retried_message_that_meta_refused_goes_out_and_no_action_runs_twice(
    conversation, rasa, graph
):
    graph.refusals.append(TokenRefused("refused"))
    assert (await asked(conversation)).refused == ("TokenRefused",)
    graph.refusals.clear()

    spoken = await asked(conversation, attempts=1, outcome=RETRIED)

    assert spoken == Spoken(sent=1)
    assert [message["text"] for message in graph.sent] == ["to when are you open?"]
    assert len(rasa.messages) == 1


async def test_a_retried_message_whose_answer_is_refused_again_is_not_answered(conversation, graph):
    graph.refusals.append(TokenRefused("refused"))
    await asked(conversation)

    assert (await asked(conversation, attempts=1, outcome=RETRIED)).refused == ("TokenRefused",)


async def test_what_the_bot_said_after_a_refused_answer_is_not_said_again_with_it(conversation, rasa, graph):
    graph.refusals.append(TokenRefused("refused"))
    await asked(conversation)
    graph.refusals.clear()
    rasa.events += [rasa._uttered("thanks", message_id="m_2"), rasa._said("You are welcome.")]

    await asked(conversation, attempts=1, outcome=RETRIED)

    assert [message["text"] for message in graph.sent] == ["to when are you open?"]


async def test_a_retried_return_says_both_of_its_turns_that_meta_refused(conversation, rasa, graph):
    graph.refusals.append(TokenRefused("refused"))
    await come_back(conversation, row=ON_MESSENGER)
    graph.refusals.clear()

    spoken = await come_back(conversation, row=ON_MESSENGER, attempts=1, outcome=RETRIED)

    assert spoken == Spoken(sent=2)
    assert [message["text"] for message in graph.sent] == [
        'to /handover_returned{"reason": "agent"}',
        "to /products",
    ]
    assert rasa.intents == ["handover_returned", "products"]


async def test_echoes_get_their_time_once_and_not_before_there_is_a_model(conversation, rasa, monkeypatch):
    from handover_channel.rasa import turns as rasa_turns

    naps, times = [], iter([100.0, 101.0, 200.0])

    async def sleep(seconds):
        naps.append(seconds)

    monkeypatch.setattr(rasa_turns, "asyncio", SimpleNamespace(sleep=sleep))
    monkeypatch.setattr(rasa_turns, "time", SimpleNamespace(monotonic=lambda: next(times)))
    rasa.is_ready = lambda: False
    with pytest.raises(NotReady):
        await conversation.let_echoes_come()
    rasa.is_ready = lambda: True

    for _ in range(3):
        await conversation.let_echoes_come()

    assert naps == [3.0, 2.0, -97.0]


# --- the rest of the message that brought it back -------------------------------------------------


def rest(text="when are you open?", **more):
    return {"reason": "keyword", "rest": {"text": text, "always": False, **FACTS, **more}}


FACTS = {"mid": "m_1", "timestamp": 1_700_000_000_000, "page": "1717"}


async def test_the_rest_is_the_turn_after_that_of_the_return(conversation, rasa, graph):
    await come_back(conversation, rest(), row=ON_MESSENGER)

    assert rasa.intents == ["handover_returned", "ask_hours"]
    assert rasa.messages[0].metadata == {"handover": {"reason": "keyword"}}
    assert rasa.messages[1].text == "when are you open?"
    assert rasa.messages[1].metadata == FACTS
    assert [message["text"] for message in graph.sent][1] == "to when are you open?"


@pytest.mark.parametrize(("always", "turns"), [(False, 1), (True, 2)])
async def test_a_rest_that_is_not_understood_has_a_turn_only_where_the_settings_say_so(
    conversation, rasa, always, turns
):
    await come_back(conversation, rest("please", always=always), row=ON_MESSENGER)

    assert len(rasa.messages) == turns


async def test_a_rest_that_looks_like_a_payload_is_text(conversation, rasa):
    await come_back(conversation, rest("/restart"), row=ON_MESSENGER)

    assert rasa.messages[1].text == "/restart"
    assert rasa.intents == ["handover_returned", "products"]


async def test_interrupted_before_the_rest_only_the_rest_is_run(conversation, rasa):
    rasa.before = _only("ask_hours", _fail)
    with pytest.raises(RuntimeError):
        await come_back(conversation, rest())
    rasa.before = lambda message: None

    await come_back(conversation, rest(), failures=1)
    await come_back(conversation, rest(), attempts=1)

    assert rasa.intents == ["handover_returned", "ask_hours"]
