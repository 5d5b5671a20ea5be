"""Tests a bot that has nothing of this package: a few lines behind a webhook, of whichever language."""

from __future__ import annotations

import hashlib
import hmac
import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
import pytest_runs
import requests

pytest.importorskip("aiohttp", reason="the simulator's extra")

from handover_channel.errors import HandoverError
from handover_channel.testing import start
from handover_channel.testing.bot_under_test import ActFailed
from handover_channel.testing.expectations import ExpectationFailed
from handover_channel.testing.fixtures import AnyApp, AnyExpect, AnyStaff, Messenger
from handover_channel.testing.player import play
from handover_channel.testing.scenario import parse
from handover_channel.testing.server_process import free_port

APP = start.app_of("77", "its-secret", "its-token", "its-word")

SCENARIO = """
scenarios:
- scenario: a bot without this package passes control, and answers when it is passed back
  steps:
  - person: hello
  - reply: You said hello
  - control: bot
  - person: sales please
  - reply: One moment
    buttons: [Stay]
  - control: sales_bot
  - person: anybody there?
  - silence
  - other_app: sales_bot
    does: passes_back
  - reply: Here I am again
  - control: bot
"""


class Program(ThreadingHTTPServer):
    """The bot: it checks signatures, and calls the Graph API with its own token."""

    daemon_threads = True

    def __init__(self, graph_port):
        self.graph_port = graph_port
        self.graph = f"http://127.0.0.1:{graph_port}/v27.0/me"
        super().__init__(("127.0.0.1", 0), Handler)

    def calls(self, edge, psid, **body):
        http = requests.Session()
        http.trust_env = False
        given = {"recipient": {"id": psid}, **body}
        http.post(f"{self.graph}/{edge}", json=given, params={"access_token": "its-token"}, timeout=10)

    def hears(self, item):
        psid, text = item["sender"]["id"], item.get("message", {}).get("text", "")
        if item.get("message", {}).get("is_echo"):
            return
        if "sales" in text:
            replies = [{"content_type": "text", "title": "Stay", "payload": "stay"}]
            self.calls("messages", psid, message={"text": "One moment", "quick_replies": replies})
            self.calls("pass_thread_control", psid, target_app_id="2222")
        elif text:
            self.calls("messages", psid, message={"text": f"You said {text}"})
        elif "pass_thread_control" in item:
            self.calls("messages", psid, message={"text": "Here I am again"})


class Handler(BaseHTTPRequestHandler):
    def do_GET(self):  # noqa: N802  (http.server's name)
        self._answers(200, self.path.partition("hub.challenge=")[2].encode())

    def do_POST(self):  # noqa: N802
        body = self.rfile.read(int(self.headers["Content-Length"]))
        proof = "sha256=" + hmac.new(b"its-secret", body, hashlib.sha256).hexdigest()
        if not hmac.compare_digest(proof, self.headers["X-Hub-Signature-256"]):
            self._answers(403, b"")
            return
        self._answers(200, b"ok")
        for entry in json.loads(body)["entry"]:
            for item in entry.get("messaging", ()):
                self.server.hears(item)

    def _answers(self, status, content):
        self.send_response(status)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *given):
        pass


@pytest.fixture
def bot(program):
    url, port = f"http://127.0.0.1:{program.server_address[1]}/", program.graph_port
    wanted = start.Wanted(Path(), start.OVER_HTTP, url=url, port=port, app=APP, apps={"2222": "sales_bot"})
    with start.bot(wanted) as running:
        yield running


@pytest.fixture(scope="module")
def program():
    program = Program(free_port())
    thread = threading.Thread(target=program.serve_forever)
    thread.start()
    yield program
    program.shutdown()
    thread.join()
    program.server_close()


def test_a_scenario_is_played_with_a_bot_of_which_only_the_webhook_is_known(bot):
    (scenario,) = parse(SCENARIO, Path("others.yml"))

    played = play(bot, scenario)

    assert not played.failed, played.diff()


def test_the_fixtures_act_with_it(bot):
    person = Messenger(bot).person()
    expect, app, staff = AnyExpect(person), AnyApp(person), AnyStaff(person)
    person.says("sales please")
    person.taps("Stay")
    expect.silence()

    app.says("We have it in blue.")
    app.passes_back()
    expect.reply("Here I am again")
    staff("page_inbox").replies("Hello from the page.")

    expect.silence()
    expect.control("page_inbox")
    with pytest.raises(ActFailed, match="no staff at 'inbox'"):
        staff("inbox")
    with pytest.raises(ExpectationFailed, match="it is with:       page_inbox"):
        expect.control("bot")


TEST = """
def test_a_bot_without_this_package_is_tested_with_the_same_fixtures(person, other_app, clock, expect):
    person.says("hello")
    expect.reply("You said hello")
    person.says("sales please")
    expect.control("sales_bot")
    clock.jump("2 hours")
    other_app.passes_back()
    expect.reply("Here I am again")
    expect.control("bot")
"""
SETTINGS = """
[pytest]
handover_url = {url}
handover_port = {port}
handover_app_id = 77
handover_secret = its-secret
handover_token = its-token
handover_apps = 2222 sales_bot
"""


def test_it_is_tested_by_pytest_with_its_webhook_and_its_app_alone(program, tmp_path):
    url = f"http://127.0.0.1:{program.server_address[1]}/"
    (tmp_path / "pytest.ini").write_text(SETTINGS.format(url=url, port=program.graph_port))
    (tmp_path / "test_handover.py").write_text(TEST)

    ran = pytest_runs.run(tmp_path)

    assert "1 passed" in ran.stdout, ran.stdout[-3000:] + ran.stderr[-3000:]


def test_its_secret_and_token_have_to_be_given_with_its_id():
    with pytest.raises(HandoverError, match="app 77 has no secret and no token"):
        start.app_of("77", "", "", "")
    with pytest.raises(HandoverError, match="'sales' names no app"):
        start.apps_of(["sales"])
