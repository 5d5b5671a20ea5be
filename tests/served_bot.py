"""The channel on a real Sanic server, with a real store, before a Rasa of a few lines."""

from __future__ import annotations

import copy
import hashlib
import hmac
import itertools
import json
import sqlite3
import time
from contextlib import closing, contextmanager

import requests
import sanic_servers

from handover_channel.settings import loader as settings_file

SECRET, PAGE = "a-secret", "1000000000000001"
CREDENTIALS = {"verify": "a-word", "secret": SECRET, "page-access-token": "demo-page-token"}
APPS = {"2222": "sales_bot"}

numbers = itertools.count(1)


class Rasa:
    """Keeps what it is told, and answers with `responses`."""

    def __init__(self):
        self.messages = []
        self.responses = []
        self.before = lambda message: None  #: may raise, or give an awaitable

    async def on_new_message(self, message):
        waiting = self.before(message)
        if waiting is not None:
            await waiting
        self.messages.append(message)
        for response in self.responses:
            await message.output_channel.send_response(message.sender_id, copy.deepcopy(response))

    def texts(self, psid):
        return [message.text for message in list(self.messages) if message.sender_id == psid]


class Bot:
    """One Rasa process: a Sanic server on a thread, the channel on it."""

    def __init__(self, folder, rasa):
        self.folder, self.rasa = folder, rasa
        self.url = ""

    @contextmanager
    def running(self, ready=True):
        with sanic_servers.on_a_thread(self._start):
            if ready:  # as a load balancer waits for it: the queue's process is up then
                eventually(lambda: self.health().status_code == 200, "ready", within=60.0)
            yield self

    async def _start(self):
        from sanic import Sanic

        from handover_channel import MessengerInput

        settings = settings_file.load(str(self.folder / "handover.yml"), credentials=CREDENTIALS)
        channel = MessengerInput(settings, verify="a-word")
        app = Sanic(f"bot{next(numbers)}", configure_logging=False)
        app.blueprint(channel.blueprint(self.rasa.on_new_message), url_prefix="/webhooks/facebook")
        server, port = await sanic_servers.start(app)
        self.url = f"http://127.0.0.1:{port}/webhooks/facebook"
        return server

    def health(self):
        return requests.get(f"{self.url}/", timeout=30)

    def post(self, body):
        body = body if isinstance(body, bytes) else json.dumps(body).encode()
        signature = "sha256=" + hmac.new(SECRET.encode(), body, hashlib.sha256).hexdigest()
        headers = {"X-Hub-Signature-256": signature}
        return requests.post(f"{self.url}/webhook", data=body, headers=headers, timeout=30).status_code


def item(psid, text, mid=""):
    number = next(numbers)
    return {
        "sender": {"id": psid},
        "recipient": {"id": PAGE},
        "timestamp": 1_790_000_000_000 + number,
        "message": {"mid": mid or f"m_{number}", "text": text},
    }


def body(*items, channel="messaging"):
    return {"object": "page", "entry": [{"id": PAGE, "time": 1_790_000_000_000, channel: list(items)}]}


def eventually(find, what="", within=30.0):
    deadline = time.monotonic() + within
    while not (found := find()):
        assert time.monotonic() < deadline, f"not within {within:g} s: {what}"
        time.sleep(0.02)
    return found


def rows(folder, query):
    with closing(sqlite3.connect(folder / "handover.db", timeout=20)) as connection:
        return connection.execute(query).fetchall()


def processed(folder):
    return lambda: not rows(folder, "SELECT id FROM deliveries WHERE done_at IS NULL")
