"""The doctor beside real neighbours that are not well: they hang, or answer otherwise."""

from __future__ import annotations

import contextlib
import socket
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import bots
import pytest

from handover_channel.doctor import action_server
from handover_channel.doctor.run import examine
from handover_channel.store import examination

PAGE = b"<html>welcome to nginx</html>"


class Answers(BaseHTTPRequestHandler):
    """Answers each address with what the server has for it: (status, body)."""

    def do_GET(self):
        status, body = self.server.answers
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *given):
        pass


@pytest.fixture
def answering():
    """Start a server that answers everything alike; return its address."""
    with contextlib.ExitStack() as stack:

        def start(status, body):
            server = ThreadingHTTPServer(("127.0.0.1", 0), Answers)
            server.answers = (status, body)
            thread = threading.Thread(target=server.serve_forever)
            thread.start()
            stack.callback(thread.join)
            stack.callback(server.server_close)
            stack.callback(server.shutdown)
            return f"http://127.0.0.1:{server.server_port}/webhook"

        yield start


@pytest.fixture
def hanging():
    """The port of somebody who takes connections and says nothing."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server.getsockname()[1]


def look(folder, *only, **endpoints):
    bots.make(folder, **endpoints)
    results = examine(bots.facts(folder), only=only).results
    return [(each.id, each.status.value) for each in results if each.status.value != "ok"], results


def with_action_server(url):
    return {"endpoints_yml": {"action_endpoint": {"url": url}}}


def test_an_action_server_that_hangs_is_wrong_and_what_it_offers_is_not_seen(tmp_path, hanging, monkeypatch):
    monkeypatch.setattr(action_server, "ACTION_SERVER_ANSWERS_WITHIN", 0.3)

    found, results = look(
        tmp_path, "action_server", **with_action_server(f"http://127.0.0.1:{hanging}/webhook")
    )

    assert found == [("action_server.reachable", "fail"), ("action_server.actions", "could_not_look")]
    assert "takes connections, and does not answer" in results[1].line


@pytest.mark.parametrize(("status", "body"), [(200, PAGE), (404, PAGE), (200, b"[1]"), (500, b"")])
def test_what_answers_otherwise_is_there_and_what_it_offers_is_not_seen(tmp_path, answering, status, body):
    found, _ = look(tmp_path, "action_server", **with_action_server(answering(status, body)))

    assert found == [("action_server.actions", "could_not_look")]


def test_an_action_server_with_our_actions_is_ok(tmp_path, answering):
    names = b'[{"name": "action_handover"}, {"name": "action_handover_return"}]'

    assert look(tmp_path, "action_server", **with_action_server(answering(200, names)))[0] == []


def test_a_database_that_hangs_is_out_of_reach(tmp_path, hanging, monkeypatch):
    pytest.importorskip("psycopg2")
    monkeypatch.setattr(examination, "_CONNECT", 2)  # the least that libpq takes
    url = f"postgresql://bot:{bots.SECRETS['password']}@127.0.0.1:{hanging}/bot"

    found, results = look(tmp_path, "database", handover_yml={**bots.FILES["handover.yml"], "database": url})

    assert found == [
        ("database.reachable", "fail"),
        ("database.migrated", "could_not_look"),
        ("database.durable", "could_not_look"),
    ]
    assert bots.SECRETS["password"] not in str(results)
