"""Tests what an operator sees of a running channel: metrics, health, log."""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import json
import logging
import threading
import time

import pytest
import requests
import sanic_servers
import yaml
from prometheus_client.parser import text_string_to_metric_families

from handover_channel import simulator
from handover_channel.settings import loader as settings_file
from handover_channel.simulator import Simulator

pytest.importorskip("rasa")
pytestmark = pytest.mark.rasa

SECRET, TOKEN, PAGE, PSID = "a-secret", "demo-page-token", "1000000000000001", "7001"
CREDENTIALS = {"verify": "a-word", "secret": SECRET, "page-access-token": TOKEN}
WORDS = "my-card-is-4929-0000"


class Bot:
    """The channel on a Sanic server, on a thread; `before` is called in every turn."""

    def __init__(self, folder):
        self.folder = folder
        self.before = lambda: None
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)

    def __enter__(self):
        self._thread.start()
        self._server = asyncio.run_coroutine_threadsafe(self._start(), self._loop).result(30)
        eventually(lambda: requests.get(f"{self.url}/", timeout=30).status_code == 200)
        return self

    def __exit__(self, *error):
        asyncio.run_coroutine_threadsafe(self._stop(), self._loop).result(30)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    async def _start(self):
        from sanic import Sanic

        from handover_channel import MessengerInput

        settings = settings_file.load(str(self.folder / "handover.yml"), credentials=CREDENTIALS)
        channel = MessengerInput(settings, verify="a-word")
        app = Sanic(f"seen{time.monotonic_ns()}", configure_logging=False)
        app.blueprint(channel.blueprint(self._on_new_message), url_prefix="/webhooks/facebook")
        server, port = await sanic_servers.start(app)
        self.url = f"http://127.0.0.1:{port}/webhooks/facebook"
        return server

    async def _stop(self):
        await sanic_servers.stop(self._server)

    async def _on_new_message(self, message):
        await asyncio.get_running_loop().run_in_executor(None, self.before)
        await message.output_channel.send_response(message.sender_id, {"text": f"you said {message.text}"})

    def gets(self, text, mid, secret=SECRET):
        item = {
            "sender": {"id": PSID},
            "recipient": {"id": PAGE},
            "timestamp": int(time.time() * 1000),
            "message": {"mid": mid, "text": text},
        }
        body = json.dumps({"object": "page", "entry": [{"id": PAGE, "messaging": [item]}]}).encode()
        signature = "sha256=" + hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()
        headers = {"X-Hub-Signature-256": signature}
        return requests.post(f"{self.url}/webhook", data=body, headers=headers, timeout=30).status_code

    def metrics(self):
        """(name, labels) -> value."""
        answer = requests.get(f"{self.url}/metrics", timeout=30)
        assert answer.status_code == 200
        assert answer.headers["Content-Type"].startswith("text/plain; version=")
        families = text_string_to_metric_families(answer.text)
        return {(s.name, *s.labels.values()): s.value for family in families for s in family.samples}


def eventually(find, within=30.0):
    deadline = time.monotonic() + within
    while not find():
        assert time.monotonic() < deadline, f"not within {within:g} s"
        time.sleep(0.02)


@pytest.fixture(autouse=True, scope="module")
def _several_servers_in_one_process():
    with sanic_servers.several():
        yield


@pytest.fixture
def bot(tmp_path):
    with simulator.running(Simulator(apps={}, secret=SECRET)) as url:
        settings = {"app_id": "1234567890", "graph_api": {"url": url}}
        (tmp_path / "handover.yml").write_text(yaml.safe_dump(settings))
        with Bot(tmp_path) as running:
            yield running


def test_a_message_can_be_followed_through_the_metrics(bot):
    before = bot.metrics()

    def counted(*sample):
        return bot.metrics().get(sample, 0) - before.get(sample, 0)

    assert bot.gets("hello", "m_1") == 200
    assert bot.gets("hello", "m_2", secret="another") == 403
    eventually(lambda: counted("handover_deliveries_total", "answered") == 1)

    assert counted("handover_acknowledgement_seconds_count", "200") == 1
    assert counted("handover_acknowledgement_seconds_count", "403") == 1
    assert counted("handover_events_stored_total") == 1
    assert counted("handover_turn_seconds_count", "event", "done") == 1
    assert counted("handover_sends_total", "sent") == 1
    assert bot.metrics()["handover_store_up",] == 1
    assert bot.metrics()["handover_queue_length", "event"] == 0


def test_health_is_as_in_rasa_and_tells_of_a_late_queue(bot, monkeypatch):
    from handover_channel.rasa import runtime

    health = f"{bot.url}/"
    gate = threading.Event()
    bot.before = lambda: gate.wait(30)
    try:
        bot.gets("hello", "m_1")
        eventually(lambda: bot.metrics()["handover_queue_length", "event"] == 1)
        answer = requests.get(health, timeout=30)
        assert (answer.status_code, answer.json()) == (200, {"status": "ok"})

        monkeypatch.setattr(runtime, "LATE", 0.2)
        eventually(lambda: "oldest_seconds" in requests.get(health, timeout=30).json())
        answer = requests.get(health, timeout=30)
        assert (answer.status_code, answer.json()["status"]) == (200, "ok")
        assert 0 < answer.json()["oldest_seconds"] < 60
    finally:
        gate.set()
    eventually(lambda: requests.get(health, timeout=30).json() == {"status": "ok"})


def test_the_log_of_a_running_channel_tells_no_secret_and_nothing_said(bot, caplog):
    failures = iter([RuntimeError(WORDS)] * 3)

    def before():
        for error in failures:
            raise error

    bot.before = before
    with caplog.at_level(logging.DEBUG):
        for number in range(3):
            bot.gets(WORDS, f"m_{number}")
        bot.gets(WORDS, "m_9", secret="another")
        eventually(lambda: bot.metrics()["handover_queue_length", "event"] == 0)

    ours = [each for each in caplog.records if each.name.startswith(("handover_channel", "urllib3"))]
    told = "\n".join(logging.Formatter("%(message)s").format(each) + str(vars(each)) for each in ours)
    assert "given up" in told
    assert "refused a webhook call" in told
    assert not [secret for secret in (WORDS, SECRET, TOKEN) if secret in told]
    about = {each.thread_id for each in ours if "given up" in each.getMessage()}
    assert about == {PSID}
