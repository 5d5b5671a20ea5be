"""The inbox page in the test's own process: a server of a few lines, on a thread, without a model."""

from __future__ import annotations

import itertools
import time
from contextlib import contextmanager

import sanic_servers
import sqlalchemy as sa
import yaml

from handover_channel.inbox.passwords import Passwords
from handover_channel.settings import loader as settings_file
from handover_channel.store import Store, agents, profiles, transcript
from handover_channel.store.agents import Agent
from handover_channel.store.profiles import Profile
from handover_channel.store.schema import threads
from handover_channel.store.transcript import AGENT, PERSON, Line

BASE = "/webhooks/inbox"
PASSWORD = "a long password"
HASH = Passwords().hash(PASSWORD)

HOUR = 3600
ROW = {
    "channel": "facebook", "page": "1", "owner": "", "target": "inbox", "stamp": 0, "precedence": 0,
    "reason": "handed_over", "version": 1, "wanted": "", "refusal": "", "attempts": 0, "seen": 0,
    "context": "{}", "answers_from": 0,
}  # fmt: skip

_numbers = itertools.count(1)


class Clock:
    """The real clock, and what a test adds."""

    def __init__(self):
        self.added = 0.0

    def __call__(self):
        return time.time() + self.added


class ServedInbox:
    """A Rasa server of a few lines with the inbox in it, on a thread."""

    def __init__(self, folder, **config):
        self.folder, self.config = _with_settings(folder), config
        self.clock = Clock()
        self.store = Store(f"sqlite:///{folder / 'handover.db'}")
        self.at = ""

    @contextmanager
    def running(self):
        try:
            with sanic_servers.on_a_thread(self._start):
                yield self
        finally:
            self.store.close()

    async def _start(self):
        from sanic import Sanic

        from handover_channel import InboxInput

        channel = InboxInput(settings_file.load(str(self.folder / "handover.yml")), self.clock)
        app = Sanic(f"inbox{id(self)}_{next(_numbers)}", configure_logging=False)
        app.config.update(self.config)
        app.blueprint(channel.blueprint(self._on_new_message), url_prefix=BASE)
        server, port = await sanic_servers.start(app)
        self.at = f"127.0.0.1:{port}"
        return server

    async def _on_new_message(self, message):
        return None

    def add_agent(self, name):
        with self.store.writing() as connection:
            assert agents.add(connection, Agent(name, name.title(), HASH, created_at=self.clock()))

    def remove_agent(self, name):
        with self.store.writing() as connection:
            assert agents.remove(connection, name, now=self.clock())


def _with_settings(folder):
    settings = {"app_id": "1234567890", "graph_api": {"url": "http://127.0.0.1:9"}}
    (folder / "handover.yml").write_text(yaml.safe_dump(settings))
    credentials = {
        "handover_channel.MessengerInput": {"verify": "v", "secret": "s", "page-access-token": "t"}
    }
    (folder / "credentials.yml").write_text(yaml.safe_dump(credentials))
    return folder


def put(inbox, thread, name, *texts, ago=HOUR, control="inbox", **given):
    """Add a conversation with these messages, of the person and Sara by turns, the last one so long ago."""
    at = time.time() - ago
    row = {**ROW, "active_at": at, "changed_at": at, "person_at": int(at * 1000), **given}
    with inbox.store.writing() as connection:
        connection.execute(sa.insert(threads).values(id=thread, control=control, **row))
        profiles.put(connection, Profile(thread, name, "", time.time()))
        for number, text in enumerate(texts):
            said_at = int((at - 60 * (len(texts) - 1 - number)) * 1000)
            author, agent = ((PERSON, ""), (AGENT, "sara"))[number % 2]
            line = Line(author, text, said_at, mid=f"{thread}.{number}", agent=agent)
            transcript.add(connection, thread, line)
