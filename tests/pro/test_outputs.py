"""Our outputs are what Rasa Pro expects of one: more is asked of them than in Open Source."""

from __future__ import annotations

import asyncio
import inspect
import threading
from concurrent.futures import ThreadPoolExecutor
from types import SimpleNamespace

import pytest

pytest.importorskip("rasa.dialogue_understanding", reason="Rasa Pro is not installed: make test-pro has it")

from rasa.core.channels.channel import OutputChannel, OutputDeliveryResult, complete_channel_turn
from rasa.core.processor import BaseMessageProcessor
from rasa.shared.core.events import BotUttered
from rasa.shared.core.trackers import DialogueStateTracker

from handover_channel.rasa.event_loops import ALSO_AWAITED, OnLoop
from handover_channel.rasa.output import MessengerOutput

pytestmark = pytest.mark.pro

BOUND = 10.0  # seconds, for what has to happen at some time


class Output(OutputChannel):
    """Notes what it is asked, and on which thread."""

    def __init__(self):
        super().__init__()
        self.asked = []

    async def send_response(self, recipient_id, message):
        self._note("send_response", recipient_id, message)
        return OutputDeliveryResult(failed=True)

    async def send_text_message(self, recipient_id, text, **more):
        self._note("send_text_message", recipient_id, text)

    async def hangup(self, recipient_id, **more):
        self._note("hangup", recipient_id)

    async def notify_message_processing_started(self):
        self._note("notify_message_processing_started")

    async def notify_message_processing_completed(self):
        self._note("notify_message_processing_completed")

    async def record_turn_outcome(self, outcome):
        self._note("record_turn_outcome", outcome)

    def _note(self, *asked):
        self.asked.append((*asked, threading.current_thread().name))


@pytest.fixture
def loop():
    made = asyncio.new_event_loop()
    thread = threading.Thread(target=made.run_forever, name="of the server")
    thread.start()
    yield made
    made.call_soon_threadsafe(made.stop)
    thread.join()
    made.close()


@pytest.fixture
def messenger():
    thread_control = SimpleNamespace(
        token_to_speak=lambda thread: "token",
        settings=SimpleNamespace(page_of=lambda token: ""),
        findings=SimpleNamespace(works=lambda kind, page: None, refused=lambda error, **more: None),
    )
    graph = SimpleNamespace(sent=[])
    graph.send = lambda token, body: graph.sent.append(body) or {"message_id": "m"}
    with ThreadPoolExecutor(1) as pool:
        output = MessengerOutput(thread_control, graph, pool)
        output.graph = graph
        yield output


def tracker():
    return DialogueStateTracker.from_events("24680", [])


async def test_what_is_asked_of_the_output_is_asked_of_the_channel_on_its_own_loop(loop):
    output = Output()
    on_loop = OnLoop(output, loop)

    await on_loop.notify_message_processing_started()
    result = await on_loop.send_response("24680", {"text": "hello"})
    await on_loop.send_text_message("24680", "a word between")
    await on_loop.record_turn_outcome("done")
    await on_loop.hangup("24680")
    await complete_channel_turn(on_loop, tracker())

    assert output.asked == [
        ("notify_message_processing_started", "of the server"),
        ("send_response", "24680", {"text": "hello"}, "of the server"),
        ("send_text_message", "24680", "a word between", "of the server"),
        ("record_turn_outcome", "done", "of the server"),
        ("hangup", "24680", "of the server"),
        ("notify_message_processing_completed", "of the server"),
    ]
    assert result.failed
    assert output._tracker.sender_id == "24680"


def test_all_that_rasa_pro_awaits_of_an_output_is_passed_on_or_made_of_what_is():
    """A new method of Rasa's is found here."""
    awaited = {name for name, each in vars(OutputChannel).items() if inspect.iscoroutinefunction(each)}
    parts_of_a_response = {name for name in awaited if name.startswith("send_")} - set(ALSO_AWAITED)
    of_its_own_queue = {
        "_deliver_queued_responses",
        "wait_for_response_deliveries",
        "shutdown_response_deliveries",
    }

    assert awaited - parts_of_a_response - of_its_own_queue == set(ALSO_AWAITED)


async def test_messengers_output_sends_what_rasa_pro_sends_and_writes_out_no_tracker(messenger):
    said = [
        BotUttered("hello"),
        BotUttered("how are you", {"buttons": [{"title": "fine", "payload": "/fine"}]}),
    ]

    messenger.attach_tracker_state(tracker())
    result = await BaseMessageProcessor._send_bot_messages(said, tracker(), messenger)
    await messenger.notify_message_processing_started()
    await complete_channel_turn(messenger, tracker())
    await messenger.record_turn_outcome(None)
    await messenger.hangup("24680")
    await messenger.wait_for_response_deliveries()

    assert isinstance(result, OutputDeliveryResult)
    assert messenger.tracker_state is None
    assert messenger.spoken.sent == 2
    assert "hello" in str(messenger.graph.sent[0])
