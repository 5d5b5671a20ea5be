"""Tests that the bot learns on Messenger, too, how the human part went: in Rasa's tracker, before it speaks.

And an address that words it, over HTTP.
"""

from __future__ import annotations

import asyncio
import json
import shutil
import threading
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest
from rasa_commands import ROOT

pytest.importorskip("rasa")

from handover_channel.control.summary_hook import SummaryHook
from handover_channel.rules.human_part import CUSTOMER, HumanPart, Spoken
from handover_channel.settings.summary import SummarySettings
from handover_channel.testing.fixtures import AnyExpect, AnyStaff, Messenger

pytestmark = pytest.mark.rasa


@pytest.fixture(scope="module")
def bot(model, tmp_path_factory):
    from handover_channel.testing.in_process import InProcess

    folder = tmp_path_factory.mktemp("bot")
    settings = (ROOT / "handover.yml").read_text(encoding="utf-8")
    (folder / "handover.yml").write_text(f"{settings}\nsummary: true\n", encoding="utf-8")
    shutil.copy(ROOT / "credentials.yml", folder / "credentials.yml")
    bot = InProcess(folder, model)
    yield bot
    bot.close()


def events_of(bot, person):
    tracker = bot._loop.run(bot._agent.processor.get_tracker(person.conversation.psid))
    return [event.as_dict() for event in tracker.events]


@pytest.mark.parametrize("way", ["button", "keyword", "agent"])
def test_every_return_tells_it_before_the_bots_first_word(bot, way):
    bot.begin()
    person = Messenger(bot).person()
    person.says("talk to a human")
    AnyExpect(person).control("inbox")
    person.says("my parcel is broken")
    AnyStaff(person)("inbox").replies("you get a new one")

    {
        "button": lambda: person.taps("Back to Bot"),
        "keyword": lambda: person.says("back to bot"),
        "agent": lambda: AnyStaff(person)("inbox").done(),
    }[way]()

    AnyExpect(person).control("bot")
    events = events_of(bot, person)
    told = [number for number, each in enumerate(events) if each.get("name") == "handover_summary"]
    spoke = [number for number, each in enumerate(events) if each["event"] == "bot"]
    note = events[told[-1]]["value"]
    assert told[-1] < spoke[-1]
    assert '- customer: "my parcel is broken"' in note
    assert "you get a new one" in note
    assert note.startswith("Finished: ")


class _Notes(BaseHTTPRequestHandler):
    """Somebody's address that words human parts."""

    def do_POST(self):
        facts = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        said = {"summary": f"{facts['messages'][0]['text']} / {self.headers['Authorization']}"}
        body = json.dumps(said).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *given):
        """Say nothing."""


class _Silent(_Notes):
    """One that takes the call, and never answers."""

    goes_on = threading.Event()

    def do_POST(self):
        self.goes_on.wait(30)


@contextmanager
def served(handler):
    server = HTTPServer(("127.0.0.1", 0), handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/notes"
    finally:
        _Silent.goes_on.set()
        server.shutdown()
        thread.join()
        server.server_close()


def noted(**settings):
    part = HumanPart(
        "7001", "facebook", "inbox", 1.0, 2.0, "agent", "Sara", "", [Spoken(CUSTOMER, "", "hello", 1.5)]
    )
    return asyncio.run(SummaryHook(SummarySettings(**settings)).note(part))


def test_an_address_is_called_over_http():
    with served(_Notes) as url:
        assert noted(by=url, token="abc").endswith("\nhello / Bearer abc")


def test_an_address_that_never_answers_leaves_our_own_note(caplog):
    from datetime import timedelta

    with served(_Silent) as url:
        assert '- customer: "hello"' in noted(by=url, within=timedelta(milliseconds=300))
    assert "our own note of the human part" in caplog.text


def test_an_address_where_nobody_is_leaves_our_own_note(caplog):
    with served(_Notes) as url:
        pass

    assert '- customer: "hello"' in noted(by=url)
    assert "was not reached" in caplog.text
