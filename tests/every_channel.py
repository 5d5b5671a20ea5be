"""The example bot with its trained model on a real Sanic server, on every kind of channel but Messenger.

Rasa's own server with its HTTP API, in the process of the test; the actions run in it, too. Counted is what a
message must not reach while the bot does not have control: NLU and locks.
"""

from __future__ import annotations

import asyncio
import contextlib
import threading
import time
from dataclasses import replace
from datetime import datetime
from types import SimpleNamespace

import requests
import sanic_servers
from aiohttp import web
from play import settings_with
from rasa.core.channels import telegram as telegram_channel
from rasa.core.channels.callback import CallbackInput
from rasa.core.channels.channel import (
    InputChannel,
    OutputChannel,
    UserMessage,
    register,
)
from rasa.core.channels.rest import RestInput
from rasa.core.channels.socketio import SocketIOInput
from rasa.core.jobs import kill_scheduler
from rasa.server import create_app
from rasa.shared.core.events import ReminderScheduled
from rasa.utils.endpoints import EndpointConfig
from rasa_commands import ROOT
from sanic import Blueprint, Sanic, response

from handover_channel import services
from handover_channel.store import transcript
from handover_channel.testing.in_process_rasa import load_agent

BOUND = 30.0  # seconds, for what has to happen at some time
TELEGRAM_TOKEN = "123456:" + "a" * 35


class Clock:
    """The time of day, moved by hand."""

    def __init__(self):
        self.passed = 0.0

    def __call__(self):
        return time.time() + self.passed


class OwnInput(InputChannel):
    """A channel as somebody writes one: it answers the call at once, and delivers to a list."""

    def __init__(self, delivered):
        self._delivered = delivered

    @classmethod
    def name(cls):
        return "own"

    def get_output_channel(self):
        return OwnOutput(self._delivered)

    def blueprint(self, on_new_message):
        routes = Blueprint("own_webhook", __name__)

        @routes.post("/webhook")
        async def receive(request):
            said = request.json
            await on_new_message(
                UserMessage(said["text"], self.get_output_channel(), said["who"], input_channel=self.name())
            )
            return response.text("taken")

        return routes


class OwnOutput(OutputChannel):
    def __init__(self, delivered):
        self._delivered = delivered

    @classmethod
    def name(cls):
        return "own"

    async def send_text_message(self, recipient_id, text, **given):
        self._delivered.append((recipient_id, text))


class Neighbour:
    """The servers that callback and Telegram call: what they are told is in `heard`."""

    def __init__(self, loop):
        self._loop, self.heard = loop, []
        self._runner = asyncio.run_coroutine_threadsafe(self._start(), loop).result(BOUND)
        host, port = self._runner.addresses[0]
        self.url = f"http://{host}:{port}"

    def close(self):
        asyncio.run_coroutine_threadsafe(self._runner.cleanup(), self._loop).result(BOUND)

    async def _start(self):
        app = web.Application()
        app.router.add_post("/callback", self._called)
        app.router.add_post("/bot{token}/{method}", self._telegram)
        runner = web.AppRunner(app, shutdown_timeout=0.1)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        return runner

    async def _called(self, request):
        said = await request.json()
        self.heard.append((said["recipient_id"], said.get("text") or said.get("custom")))
        return web.Response(text="ok")

    async def _telegram(self, request):
        given, method = await request.post(), request.match_info["method"]
        if method == "sendMessage":
            self.heard.append((given["chat_id"], given["text"]))
        result = {
            "getMe": {"id": 1, "is_bot": True, "first_name": "bot", "username": "shop_bot"},
            "sendMessage": {"message_id": 1, "date": 1, "chat": {"id": 5, "type": "private"}, "text": "x"},
        }.get(method, True)
        return web.json_response({"ok": True, "result": result})


class Served:
    """The server. `url`; `agent`: Rasa's; `services`: ours, with a clock that is moved by hand."""

    def __init__(self, model, folder, neighbour, monkeypatch, **settings):
        self.neighbour, self.delivered, self.clock = neighbour, [], Clock()
        self.calls = {"nlu": 0, "lock": 0}
        self.telegram_outputs = []
        database = f"sqlite:///{folder / 'handover.db'}"
        self.services = services.build(settings_with(database=database, app_id="", **settings), self.clock)
        self._monkeypatch = monkeypatch
        monkeypatch.setattr(services.process, "stands_in", self.services)
        monkeypatch.syspath_prepend(str(ROOT))
        self.model = model
        self._first = load_agent(model, "actions")
        self._app = create_app(self._first)
        register(self._channels(), self._app, route="/webhooks/")
        self._count(monkeypatch)

    @property
    def agent(self):
        return self._app.ctx.agent

    def _channels(self):
        api = telegram_channel.TelegramOutput.__init__
        base = self.neighbour.url

        def at_the_neighbour(output, token):
            from aiogram.bot.api import TelegramAPIServer

            api(output, token)
            output.server = TelegramAPIServer.from_base(base)
            self.telegram_outputs.append(output)

        self._monkeypatch.setattr(telegram_channel.TelegramOutput, "__init__", at_the_neighbour)
        return [
            RestInput(),
            SocketIOInput(),
            CallbackInput(EndpointConfig(f"{base}/callback")),
            telegram_channel.TelegramInput(TELEGRAM_TOKEN, "shop_bot", "https://example.org/webhook"),
            OwnInput(self.delivered),
        ]

    def _count(self, monkeypatch):
        from rasa.core.processor import MessageProcessor

        parse, calls = MessageProcessor.parse_message, self.calls

        async def parse_message(processor, *given, **named):
            calls["nlu"] += 1
            return await parse(processor, *given, **named)

        monkeypatch.setattr(MessageProcessor, "parse_message", parse_message)
        store = type(self.agent.lock_store)
        lock = store.lock

        def counted(lock_store, *given, **named):
            calls["lock"] += 1
            return lock(lock_store, *given, **named)

        monkeypatch.setattr(store, "lock", counted)

    @contextlib.contextmanager
    def running(self):
        try:
            with sanic_servers.on_a_thread(self._start):
                yield self
                asyncio.run_coroutine_threadsafe(self._end(), self.loop).result(BOUND)
        finally:
            Sanic._app_registry.pop(self._app.name, None)
            self.services.store.close()

    async def _start(self):
        for output in self.telegram_outputs:  # Rasa has registered the webhook on a loop that has ended
            output._session.detach()
            output._session = None
        server, port = await sanic_servers.start(self._app)
        self.url = f"http://127.0.0.1:{port}"
        self.loop = asyncio.get_running_loop()
        return server

    async def _end(self):
        kill_scheduler()  # of the reminders: it is of this loop, as the connections are
        for output in self.telegram_outputs:
            if output._session is not None:
                await output._session.close()

    def channel(self, name):
        """Rasa's input channel of that name."""
        return next(each for each in self._app.ctx.input_channels if each.name() == name)

    # What is known of a conversation

    def tracker(self, who):
        """The tracker as its store has it: bytes."""
        return self.agent.tracker_store._tracker_store.store.get(who)

    def control(self, who):
        row = self.services.thread_control.find(who)
        return row.state.control.value if row else "bot"

    def transcript(self, who):
        with self.services.store.reading() as connection:
            return [line.text for line in transcript.of(connection, who)]

    def shown(self, who):
        """The tracker as the HTTP API shows it."""
        return requests.get(f"{self.url}/conversations/{who}/tracker", timeout=BOUND).json()

    def slots(self, who):
        return self.shown(who)["slots"]

    def use(self, **changes):
        """Run with other settings from here on."""
        made = services.build(
            replace(self.services.settings, **changes), self.clock, store=self.services.store
        )
        self._monkeypatch.setattr(services.process, "stands_in", made)

    def events(self, who):
        """All texts of the tracker, whoever said them."""
        return [event.get("text") for event in self.shown(who)["events"]]

    def remind(self, person, intent):
        """Have a reminder be due that was set with the output of the person's channel, as turns set them."""
        done = asyncio.run_coroutine_threadsafe(self._remind(person, intent), self.loop)
        done.result(BOUND)

    async def _remind(self, person, intent):
        processor = self.agent.processor
        tracker = await processor.get_tracker(person.name)
        reminder = ReminderScheduled(intent, datetime.now(), kill_on_user_message=False)
        tracker.update(reminder)
        await processor.save_tracker(tracker)
        await processor.handle_reminder(reminder, person.name, person.output())

    @contextlib.contextmanager
    def another_model(self):
        """Have Rasa load its model anew, by its HTTP API, and serve the first agent again afterwards."""
        before = self.agent
        try:
            answer = self.post("/model", {"model_file": str(self.model)}, method="PUT")
            assert answer.status_code == 204, answer.text
            assert self.agent is not before
            yield
        finally:
            self._app.ctx.agent = self._first

    @contextlib.contextmanager
    def held_up(self, action):
        """Have *action* wait on its way to the action server until `goes_on`; `begun`: it is there."""
        endpoint, begun, goes_on = self.agent.action_endpoint, threading.Event(), threading.Event()
        request = endpoint.request

        async def waiting(**more):
            if more["json"]["next_action"] == action:
                begun.set()
                await asyncio.get_running_loop().run_in_executor(None, goes_on.wait, BOUND)
            return await request(**more)

        endpoint.request = waiting
        try:
            yield SimpleNamespace(begun=begun, goes_on=goes_on)
        finally:
            goes_on.set()
            endpoint.__dict__.pop("request")

    def waiting(self, who):
        """How many messages wait for Rasa's lock on that conversation, behind the one that has it."""
        lock = self.agent.lock_store.get_lock(who)
        return len(lock.tickets) - 1 if lock else 0

    def post(self, path, body, method="POST", **more):
        return requests.request(method, f"{self.url}{path}", json=body, timeout=BOUND, **more)
