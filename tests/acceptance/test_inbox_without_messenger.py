"""A bot that is not on Messenger: the inbox answers where a channel can be written to, and says where not."""

from __future__ import annotations

import html
import re
import sys
from contextlib import suppress

import pytest
import requests
import yaml
from rasa_commands import RASA
from stack import Server, copy_project, eventually, free_port, rows

from handover_channel.inbox.auth import Auth
from handover_channel.store import Store

socketio = pytest.importorskip("socketio", reason="Rasa is not installed")

pytestmark = pytest.mark.rasa

ASK = "I want to talk to a human"


class Bot:
    """Rasa and its action server, with Socket.IO, REST and the inbox."""

    def __init__(self, folder, model):
        self.folder = folder
        actions, port = free_port(), free_port()
        self.url = f"http://127.0.0.1:{port}"
        copy_project(folder, model, actions)
        credentials = {
            "handover_channel.InboxInput": None,
            "rest": None,
            # Without `session_persistence`, which Rasa 3.6 breaks with python-socketio from 5.10 on.
            "socketio": {"user_message_evt": "user_uttered", "bot_message_evt": "bot_uttered"},
        }
        settings = {
            "targets": {"inbox": {"kind": "inbox"}, "short": {"kind": "inbox", "time_limit": "3 seconds"}},
            "default_target": "inbox",
            "return": {"keywords": ["back to bot"]},
        }
        for name, content in (("credentials.yml", credentials), ("handover.yml", settings)):
            (folder / name).write_text(yaml.safe_dump(content))
        health = f"http://127.0.0.1:{actions}/health"
        command = [sys.executable, "-m", "rasa", "run", "actions", "--port", str(actions)]
        self.actions = Server("actions", command, folder, health)
        command = [*RASA, "run", "--enable-api", "--interface", "127.0.0.1", "--port", str(port)]
        command += ["--model", "models", "--credentials", "credentials.yml", "--endpoints", "endpoints.yml"]
        self.rasa = Server("rasa", command, folder, f"{self.url}/webhooks/inbox/health")

    @property
    def page(self):
        return f"{self.url}/webhooks/inbox"

    def control(self, thread):
        found = rows(self.folder / "handover.db", "SELECT control FROM threads WHERE id = ?", thread)
        return found[0]["control"] if found else "bot"

    def rest(self, sender, text):
        body = {"sender": sender, "message": text}
        answer = requests.post(f"{self.url}/webhooks/rest/webhook", json=body, timeout=60)
        return [each.get("text", "") for each in answer.json()]


@pytest.fixture(scope="module")
def bot(tmp_path_factory, model):
    bot = Bot(tmp_path_factory.mktemp("without_messenger"), model)
    servers = (bot.actions, bot.rasa)
    try:
        for server in servers:
            server.start()
        for server in servers:
            server.ready()
        yield bot
    finally:
        for server in reversed(servers):
            server.stop()
    logs = "".join(server.log() for server in servers)
    assert "Traceback" not in logs, logs[-6000:]


@pytest.fixture(scope="module")
def agent(bot):
    """A browser's requests, let in by the link for this machine."""
    browser = requests.Session()
    store = Store(f"sqlite:///{bot.folder / 'handover.db'}")
    assert browser.get(Auth(store).one_time_link(bot.page), timeout=30).status_code == 200
    store.close()
    page = browser.get(f"{bot.page}/", timeout=30).text
    token = re.search(r'"X-CSRF-Token": "([^"]+)"', html.unescape(page))
    browser.headers.update({"X-CSRF-Token": token[1], "Origin": bot.url, "HX-Request": "true"})
    return browser


class Person:
    """Somebody in a chat over Socket.IO."""

    def __init__(self, bot):
        self.heard = []
        self._client = socketio.Client()
        self._client.on("bot_uttered", lambda message: self.heard.append(message.get("text", "")))
        self._client.connect(bot.url, transports=["polling"], wait_timeout=30)
        self.name = self._client.get_sid()

    def says(self, text):
        self._client.emit("user_uttered", {"message": text})

    def leaves(self):
        with suppress(Exception):  # a client that is gone is what is wanted
            self._client.eio.disconnect(abort=True)  # an orderly one waits for the long poll to end


@pytest.fixture
def person(bot):
    person = Person(bot)
    yield person
    person.leaves()


def panel(bot, agent, thread):
    return html.unescape(agent.get(f"{bot.page}/thread/{thread}/panel", timeout=30).text)


def handed_over(bot, person):
    person.says(ASK)
    eventually(lambda: bot.control(person.name) == "inbox", "it is handed over")
    eventually(lambda: person.heard, "the notice is there")


def test_what_a_person_writes_meanwhile_is_on_the_page(bot, agent, person):
    handed_over(bot, person)
    person.says("my parcel is lost")

    eventually(lambda: "my parcel is lost" in panel(bot, agent, person.name), "the agent sees it")
    assert ASK in panel(bot, agent, person.name)


def test_an_agents_answer_reaches_the_chat_and_the_bot_is_silent(bot, agent, person):
    handed_over(bot, person)
    heard = len(person.heard)

    given = {"text": "I am looking for it.", "key": f"{person.name}-1"}
    answer = agent.post(f"{bot.page}/thread/{person.name}/reply", data=given, timeout=60)

    assert answer.status_code == 204, answer.text
    eventually(lambda: person.heard[heard:] == ["I am looking for it."], "the person hears the agent alone")


def test_given_back_by_the_agent_the_bot_greets_the_person_and_answers_again(bot, agent, person):
    handed_over(bot, person)
    heard = len(person.heard)

    agent.post(f"{bot.page}/thread/{person.name}/return", data={"note": "", "intent": ""}, timeout=60)

    eventually(lambda: bot.control(person.name) == "bot", "it is back")
    eventually(lambda: len(person.heard) > heard, "the bot says that it is back")
    heard = len(person.heard)
    person.says("hello")
    eventually(lambda: len(person.heard) > heard, "the bot answers")


def test_where_nothing_can_be_sent_the_page_says_so_and_keeps_what_was_typed(bot, agent):
    bot.rest("rest-1", ASK)
    bot.rest("rest-1", "are you there?")

    shown = panel(bot, agent, "rest-1")
    assert "This channel only answers what the customer asks" in shown
    eventually(lambda: "are you there?" in panel(bot, agent, "rest-1"), "the agent sees it")

    given = {"text": "Yes.", "key": "rest-1-1"}
    agent.post(f"{bot.page}/thread/rest-1/reply", data=given, timeout=60)
    assert "Yes." in panel(bot, agent, "rest-1")


def test_time_limits_work_without_messenger_too(bot, agent):
    bot.rest("rest-2", '/handover{"handover_target": "short"}')

    query = "SELECT control FROM changes WHERE thread = 'rest-2' ORDER BY id"
    changes = eventually(lambda: rows(bot.folder / "handover.db", query)[1:], "the time limit returns it")
    assert [each["control"] for each in changes] == ["bot"]
    assert bot.rest("rest-2", "hello")
