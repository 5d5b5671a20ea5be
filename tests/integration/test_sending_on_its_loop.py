"""The output of another channel sends on the loop of its server, whichever loop a turn is on."""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor
from types import SimpleNamespace

import pytest

pytest.importorskip("rasa")

from rasa.core.channels.channel import CollectingOutputChannel
from rasa.core.channels.rest import RestInput

from handover_channel.inbox.rasa_gateway import RasaGateway
from handover_channel.rasa.event_loops import OnLoop, output_of
from handover_channel.rasa.turns import RasaBot
from handover_channel.rules.control import Control, State
from handover_channel.rules.return_reasons import ReturnReason
from handover_channel.store.deliveries import Delivery
from handover_channel.store.threads import Thread

pytestmark = pytest.mark.rasa

BOUND = 10.0  # seconds, for what has to happen at some time


class Output(CollectingOutputChannel):
    """Notes on which loop it sends."""

    def __init__(self):
        super().__init__()
        self.loops = []

    async def send_text_message(self, recipient_id, text, **given):
        self.loops.append(asyncio.get_running_loop())
        await super().send_text_message(recipient_id, text, **given)


async def test_a_turn_elsewhere_sends_on_the_other_loop(other_loop):
    output = Output()

    await OnLoop(output, other_loop).send_response("24680", {"text": "I am back."})

    assert output.loops == [other_loop]
    assert [message["text"] for message in output.messages] == ["I am back."]


async def test_what_the_channel_refuses_is_raised_in_the_turn(other_loop):
    output = Output()
    output.send_text_message = None

    with pytest.raises(TypeError):
        await OnLoop(output, other_loop).send_response("24680", {"text": "I am back."})


# --- Telegram's output is made on no running loop, and asks the network ---


#: Rasa's channel does, where it registers its webhook.
leaves_a_connection = pytest.mark.filterwarnings("ignore::ResourceWarning")


@pytest.fixture
def telegram(other_loop, monkeypatch):
    """Rasa's Telegram channel, with another server in the place of Telegram's; `.calls`."""
    from aiogram.bot.api import TelegramAPIServer
    from aiohttp import web
    from rasa.core.channels import telegram

    calls = []

    async def answer(request):
        calls.append((request.path.rpartition("/")[2], dict(await request.post())))
        sent = {"message_id": 1, "date": 1, "chat": {"id": 5, "type": "private"}, "text": "x"}
        return web.json_response({"ok": True, "result": True if calls[-1][0] == "setWebhook" else sent})

    async def start():
        app = web.Application()
        app.router.add_post("/{path:.*}", answer)
        runner = web.AppRunner(app, shutdown_timeout=0.1)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        return runner

    runner = asyncio.run_coroutine_threadsafe(start(), other_loop).result(BOUND)
    host, port = runner.addresses[0]
    api = TelegramAPIServer.from_base(f"http://{host}:{port}")
    make = telegram.TelegramOutput.__init__

    def make_there(self, token):
        make(self, token)
        self.server = api

    monkeypatch.setattr(telegram.TelegramOutput, "__init__", make_there)
    channel = telegram.TelegramInput("123456:" + "a" * 35, "bot", "https://example.org/webhook")
    channel.calls = calls
    yield channel
    session = getattr(output_of(channel), "_session", None)
    for end in (session.close,) if session else ():
        asyncio.run_coroutine_threadsafe(end(), other_loop).result(BOUND)
    asyncio.run_coroutine_threadsafe(runner.cleanup(), other_loop).result(BOUND)


@leaves_a_connection
def test_an_agent_answers_on_telegram_and_looking_asks_nobody(other_loop, telegram):
    rasa = RasaGateway(SimpleNamespace(ctx=SimpleNamespace(input_channels=[telegram])), other_loop)

    assert rasa.port_of("telegram") is not None
    assert telegram.calls == []

    for text in ("hello", "and more"):
        rasa.port_of("telegram")("5", text)

    assert [name for name, _ in telegram.calls] == ["setWebhook", "sendMessage", "sendMessage"]
    assert [given["text"] for _, given in telegram.calls[1:]] == ["hello", "and more"]


def test_what_only_answers_requests_has_no_port(other_loop):
    rasa = RasaGateway(SimpleNamespace(ctx=SimpleNamespace(input_channels=[RestInput()])), other_loop)

    assert rasa.port_of("rest") is None
    assert rasa.port_of("of elsewhere") is None


@leaves_a_connection
async def test_the_bot_is_back_on_telegram_too(other_loop, telegram):
    async def on_new_message(message):
        await message.output_channel.send_response(message.sender_id, {"text": "I am back."})

    app = SimpleNamespace(ctx=SimpleNamespace(input_channels=[telegram]))
    row = Thread("5", channel="telegram", state=State(Control.BOT))
    with ThreadPoolExecutor(1) as pool:
        conversation = RasaBot(app, on_new_message, None, None, pool, None, lambda tag: None, other_loop)
        delivery = Delivery(12, "5", "returned", "", 0.0, 0, 0)
        await conversation.returned(row, ReturnReason.AGENT, {"reason": "agent"}, delivery)

    assert telegram.calls[-1] == ("sendMessage", {"chat_id": "5", "text": "I am back."})


def test_its_name_is_that_of_the_channel(other_loop):
    assert OnLoop(Output(), other_loop).name() == "collector"
