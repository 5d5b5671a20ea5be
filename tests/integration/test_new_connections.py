"""A burst at the channel, on Sanic's own event loop: everybody is let in before anybody is passed on."""

from __future__ import annotations

import hashlib
import hmac
import json
import socket
import threading
from contextlib import ExitStack
from urllib.parse import urlsplit

import pytest
import sanic_servers
import yaml
from served_bot import SECRET, Bot, Rasa, body, item

pytest.importorskip("rasa", reason="Rasa stops at Python 3.10")

from handover_channel.rasa import channel, new_connections
from handover_channel.rasa.runtime import Runtime

pytestmark = pytest.mark.rasa

uvloop = pytest.importorskip("uvloop")
CROWD = 32
SOON = 30  #: seconds that nothing here should ever take


@pytest.fixture(autouse=True)
def _sanics_own_loop(monkeypatch):
    monkeypatch.setattr(sanic_servers.asyncio, "SelectorEventLoop", uvloop.new_event_loop)
    with sanic_servers.several():
        yield


def _request(text):
    found = json.dumps(body(item("7001", text))).encode()
    signature = hmac.new(SECRET.encode(), found, hashlib.sha256).hexdigest()
    head = f"Host: localhost\r\nX-Hub-Signature-256: sha256={signature}\r\nContent-Length: {len(found)}"
    return f"POST /webhooks/facebook/webhook HTTP/1.1\r\n{head}\r\n\r\n".encode() + found


def test_in_a_burst_everybody_is_let_in_before_anybody_is_passed_on(tmp_path, monkeypatch):
    settings = {"app_id": "1234567890", "targets": {"inbox": {"kind": "inbox"}}}
    (tmp_path / "handover.yml").write_text(yaml.safe_dump(settings))
    loop_held, knocked = threading.Event(), threading.Event()
    servers, let_in = [], []
    connections_of = channel.connections_of

    def noted(request):
        servers.append(connections_of(request))
        return servers[-1]

    async def receive(runtime, signature, received):
        let_in.append(len(servers[-1]))
        if len(let_in) == 1:  # the loop is at something else while they knock
            loop_held.set()
            assert knocked.wait(SOON)
        return 200, "success"

    monkeypatch.setattr(new_connections, "LET_IN", SOON)  # on a busy machine, too
    monkeypatch.setattr(channel, "connections_of", noted)
    monkeypatch.setattr(Runtime, "receive", receive)
    bot = Bot(tmp_path, Rasa())
    with bot.running(), ExitStack() as opened:
        address = ("127.0.0.1", urlsplit(bot.url).port)

        def knock(text):
            connection = opened.enter_context(socket.create_connection(address, timeout=SOON))
            connection.sendall(_request(text))
            return connection

        first = knock("first")
        assert loop_held.wait(SOON)
        crowd = [knock(f"number {number}") for number in range(CROWD)]
        knocked.set()
        answers = [connection.recv(1 << 16) for connection in (first, *crowd)]

    assert all(answer.startswith(b"HTTP/1.1 200") for answer in answers)
    assert let_in[1:] == [1 + CROWD] * CROWD
