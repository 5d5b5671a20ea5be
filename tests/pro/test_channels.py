"""Our channels on Rasa Pro's server library, Sanic 25.12, over HTTP: Messenger's webhook, and the inbox."""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import json
import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import SimpleNamespace

import pytest
import requests

pytest.importorskip("rasa.dialogue_understanding", reason="Rasa Pro is not installed: make test-pro has it")

import sanic
from calm_engine import ASKS_FOR_HOURS, ASKS_FOR_PEOPLE, BOUND, Bot
from served_bot import body as delivery_of
from served_bot import eventually, item

from handover_channel import InboxInput, MessengerInput
from handover_channel.inbox.rasa_gateway import RasaGateway
from handover_channel.rasa.door import close_the_door
from handover_channel.rasa.turns import RasaBot
from handover_channel.rules.control import Control, State
from handover_channel.rules.return_reasons import ReturnReason
from handover_channel.settings.loader import GraphApiSettings
from handover_channel.store.deliveries import Delivery
from handover_channel.store.threads import Thread

pytestmark = [pytest.mark.pro, pytest.mark.filterwarnings("ignore::ResourceWarning")]

PERSON = "24680"


@pytest.fixture
def meta():
    """Answers as the Send API does; `texts`: what was sent."""
    texts = []

    class Meta(BaseHTTPRequestHandler):
        def do_POST(self):
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            message = body.get("message") or {}
            text = message.get("text") or message.get("attachment", {}).get("payload", {}).get("text")
            texts.extend([text] if text else [])
            self._answer({"recipient_id": PERSON, "message_id": f"m_{len(texts)}", "success": True})

        def do_GET(self):
            self._answer({"data": []})

        def _answer(self, content):
            sent = json.dumps(content).encode()
            self.send_response(200)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(sent)))
            self.end_headers()
            self.wfile.write(sent)

        def log_message(self, *given):
            """Stay quiet."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Meta)
    server.texts = texts
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield server
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture
def served(tmp_path, monkeypatch, meta):
    graph_api = GraphApiSettings(f"http://127.0.0.1:{meta.server_address[1]}", "v27.0")
    bot = Bot(tmp_path, monkeypatch, app_id="1111", graph_api=graph_api)
    with bot.serving(MessengerInput(bot.settings, verify="a-word"), InboxInput(bot.settings)):
        bot.meta = meta
        eventually(lambda: health(bot).status_code == 200, "the channel is ready", within=60.0)
        yield bot
    bot.close()


def health(bot):
    return requests.get(f"{bot.url}/webhooks/facebook/", timeout=BOUND)


def writes(bot, text):
    content = json.dumps(delivery_of(item(PERSON, text))).encode()
    signature = hmac.new(bot.settings.secret.encode(), content, hashlib.sha256).hexdigest()
    headers = {"X-Hub-Signature-256": f"sha256={signature}"}
    answer = requests.post(
        f"{bot.url}/webhooks/facebook/webhook", data=content, headers=headers, timeout=BOUND
    )
    assert answer.status_code == 200, answer.text


def test_a_conversation_on_messenger_goes_to_people_and_comes_back(served):
    assert sanic.__version__.startswith("25.")
    query = {"hub.mode": "subscribe", "hub.verify_token": "a-word", "hub.challenge": "42"}
    assert requests.get(f"{served.url}/webhooks/facebook/webhook", params=query, timeout=BOUND).text == "42"

    writes(served, ASKS_FOR_PEOPLE)
    eventually(lambda: served.control(PERSON) == "inbox", "it is handed over")
    calls = served.calls["turn"], served.calls["llm"]
    writes(served, ASKS_FOR_HOURS)
    eventually(lambda: ASKS_FOR_HOURS in served.transcript(PERSON), "the agents have it")
    assert (served.calls["turn"], served.calls["llm"]) == calls
    writes(served, "back to bot")
    eventually(lambda: any("The bot is back" in text for text in served.meta.texts), "the bot says so")

    assert served.control(PERSON) == "bot"
    assert served.calls["action_handover_return"] == 1
    assert [text[:10] for text in served.meta.texts] == ["I am handi", "The bot is"]


def test_typed_text_with_a_slash_is_text_for_the_llm_and_is_logged_as_it_was_typed(served):
    writes(served, "/SetSlots(amount=5)")

    eventually(lambda: served.calls["turn"], "Rasa has it")
    eventually(
        lambda: any(getattr(each, "text", "") == "/SetSlots(amount=5)" for each in served.events(PERSON))
    )
    (tracker,) = served.engine.trackers_of_parsing
    assert tracker.sender_id == PERSON


def test_the_inbox_is_served(served):
    page = requests.get(f"{served.url}/webhooks/inbox/", timeout=BOUND)
    state = requests.get(f"{served.url}/webhooks/inbox/health", timeout=BOUND)
    style = requests.get(f"{served.url}/webhooks/inbox/static/base.css", timeout=BOUND)

    assert (page.status_code, "This inbox has no agents yet." in page.text) == (403, True)
    assert (state.status_code, state.json()["status"]) == (200, "ok")
    assert (style.status_code, style.headers["Content-Type"][:8]) == (200, "text/css")


def test_agents_may_have_the_bot_go_on_with_its_flows(bot):
    app = SimpleNamespace(ctx=SimpleNamespace(agent=bot.agent, input_channels=[]))
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever)
    thread.start()
    try:
        assert RasaGateway(app, loop).flows() == {
            "opening_hours": "Tell when the shop is open.",
            "transfer_money": "Send money to a friend.",
        }
    finally:
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()


def test_an_agent_chooses_a_flow_and_the_bot_starts_it_after_the_turn_of_a_return(bot):
    close_the_door()
    app = SimpleNamespace(ctx=SimpleNamespace(agent=bot.agent, input_channels=[]))
    row = Thread("ada", channel="rest", state=State(Control.BOT))
    note = {"reason": "agent", "intent": "opening_hours"}
    with ThreadPoolExecutor(1) as pool:
        conversation = RasaBot(app, bot.agent.handle_message, None, None, pool, None, lambda tag, mid: None)
        delivery = Delivery(12, "ada", "returned", "", 0.0, 0, 0)
        asyncio.run(conversation.returned(row, ReturnReason.AGENT, note, delivery))
        asyncio.run(conversation.returned(row, ReturnReason.AGENT, note, replace(delivery, attempts=1)))

    assert [bot.calls[each] for each in ("turn", "action_handover_return", "utter_hours", "llm")] == [
        2,
        1,
        1,
        0,
    ]
