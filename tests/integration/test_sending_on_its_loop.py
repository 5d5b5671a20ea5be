"""The output of another channel sends on the loop of its server, whichever loop a turn is on."""

from __future__ import annotations

import asyncio
import threading

import pytest

pytest.importorskip("rasa")

from rasa.core.channels.channel import CollectingOutputChannel

from handover_channel.rasa_loops import OnLoop

pytestmark = pytest.mark.rasa


class Output(CollectingOutputChannel):
    """Notes on which loop it sends."""

    def __init__(self):
        super().__init__()
        self.loops = []

    async def send_text_message(self, recipient_id, text, **given):
        self.loops.append(asyncio.get_running_loop())
        await super().send_text_message(recipient_id, text, **given)


@pytest.fixture
def servers_loop():
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever)
    thread.start()
    yield loop
    loop.call_soon_threadsafe(loop.stop)
    thread.join()
    loop.close()


async def test_a_turn_elsewhere_sends_on_the_servers_loop(servers_loop):
    output = Output()

    await OnLoop(output, servers_loop).send_response("24680", {"text": "I am back."})

    assert output.loops == [servers_loop]
    assert [message["text"] for message in output.messages] == ["I am back."]


async def test_what_the_channel_refuses_is_raised_in_the_turn(servers_loop):
    output = Output()
    output.send_text_message = None

    with pytest.raises(TypeError):
        await OnLoop(output, servers_loop).send_response("24680", {"text": "I am back."})


def test_its_name_is_that_of_the_channel(servers_loop):
    assert OnLoop(Output(), servers_loop).name() == "collector"
