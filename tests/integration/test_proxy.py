"""deploy/nginx.conf, run by nginx itself before a server that notes what reaches it."""

from __future__ import annotations

import re
import socket
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
import requests
import sanic_servers
from nginx import BELOW_BOT, NGINX, Proxy

from handover_channel.inbox.passwords import Passwords
from handover_channel.settings import loader as settings_file
from handover_channel.store import Store, agents
from handover_channel.store.agents import Agent

pytestmark = pytest.mark.nginx

WEBHOOK, INBOX = "/webhooks/facebook/webhook", "/webhooks/inbox"
PASSWORD = "a long password"
KB, MB = 1024, 1024**2


class Rasa(ThreadingHTTPServer):
    """Answers everything, and keeps what reached it: (path, headers, bytes)."""

    def __init__(self):
        super().__init__(("127.0.0.1", 0), _Noting)
        self.reached = []


class _Noting(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_POST(self):
        content = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        self.server.reached.append((self.path, self.headers, len(content)))
        self.send_response(200)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def do_GET(self):
        self.do_POST()

    def log_message(self, *given):
        pass


@pytest.fixture(scope="module")
def rasa():
    server = Rasa()
    serving = threading.Thread(target=server.serve_forever)
    serving.start()
    yield server
    server.shutdown()
    serving.join()
    server.server_close()


@pytest.fixture(scope="module")
def proxy(rasa, tmp_path_factory):
    proxy = Proxy(tmp_path_factory.mktemp("nginx"), rasa, NGINX)
    yield proxy
    proxy.stop()


def test_nginx_understands_its_settings(proxy):
    assert proxy.checked.returncode == 0, proxy.checked.stderr
    assert "warn" not in proxy.checked.stderr


@pytest.mark.parametrize(
    ("path", "most"),
    [
        (WEBHOOK, 4 * MB),
        (f"{INBOX}/sign-in", 16 * KB),
        (f"{INBOX}/preferences", 16 * KB),
        (f"{INBOX}/thread/1/tag", 16 * KB),
        (f"{INBOX}/thread/1/remark", 128 * KB),
        (f"{INBOX}/thread/1/return", 128 * KB),
        (f"{INBOX}/thread/1/reply", 30 * MB),
        (f"{INBOX}/thread/1/x/reply", 16 * KB),
        (f"{INBOX}/thread/a%3Ab/reply", 30 * MB),
    ],
)
def test_bodies_have_the_size_that_their_address_takes(proxy, rasa, path, most):
    rasa.reached.clear()

    assert proxy.ask("POST", path, data=b"x" * most).status_code == 200
    assert [size for _, _, size in rasa.reached] == [most]
    assert _refused(proxy, path, most + 1)
    assert len(rasa.reached) == 1


def _refused(proxy, path, size):
    try:
        return proxy.ask("POST", path, data=b"x" * size).status_code == 413
    except requests.ConnectionError:  # it hung up while we were still sending
        return True


@pytest.mark.parametrize(
    "path",
    [
        f"{INBOX}/health",
        f"{INBOX}/health/",
        f"{INBOX}//health",
        f"{INBOX}/./health",
        f"{INBOX}/%68ealth",
        "/webhooks/facebook/",
        "/webhooks/facebook/metrics",
        "/webhooks/facebook/webhook/",
        "/webhooks/rest/webhook",
        "/conversations/1/tracker",
        "/webhooks/inbox/../rest/webhook",
        "/",
    ],
)
def test_what_is_for_the_inside_is_not_there(proxy, rasa, path):
    rasa.reached.clear()
    with socket.create_connection(("127.0.0.1", proxy.port), timeout=10) as connection:  # the path as it is
        connection.sendall(f"GET {path} HTTP/1.1\r\nHost: bot\r\nConnection: close\r\n\r\n".encode())
        status = int(connection.recv(65536).split(b" ")[1])

    assert status == 404
    assert not rasa.reached


def test_nobody_chooses_the_address_they_are_counted_by(proxy, rasa):
    rasa.reached.clear()
    spoofed = {"X-Forwarded-For": "10.0.0.5", "X-Real-IP": "10.0.0.5", "X-Forwarded-Proto": "nonsense"}
    proxy.ask("GET", f"{INBOX}/sign-in", headers=spoofed)

    ((_, headers, _),) = rasa.reached
    assert headers.get_all("X-Forwarded-For") == ["127.0.0.1"]
    assert headers.get_all("X-Forwarded-Proto") == ["http"]
    assert headers.get_all("Host") == [f"127.0.0.1:{proxy.port}"]


def test_behind_what_ends_tls_visitors_keep_their_own_addresses(rasa, tmp_path):
    settings = re.sub(r"#(set_real_ip_from) 10.0.0.0/8", r"\1 127.0.0.1", NGINX)
    proxy = Proxy(tmp_path, rasa, re.sub(r"#(real_ip_)", r"\1", settings))
    try:
        rasa.reached.clear()
        for visitor in ("203.0.113.7", "198.51.100.1, 203.0.113.8"):
            headers = {"X-Forwarded-For": visitor, "X-Forwarded-Proto": "https"}
            proxy.ask("POST", f"{INBOX}/sign-in", data=b"a=1", headers=headers)
    finally:
        proxy.stop()

    # The last one before the balancer: what a visitor wrote before that counts for nothing.
    assert [headers["X-Forwarded-For"] for _, headers, _ in rasa.reached] == ["203.0.113.7", "203.0.113.8"]
    assert {headers["X-Forwarded-Proto"] for _, headers, _ in rasa.reached} == {"https"}


def test_whoever_takes_their_time_reaches_nobody(rasa, tmp_path):
    proxy = Proxy(tmp_path, rasa, re.sub(r"(client_(header|body)_timeout) 10s", r"\1 1s", NGINX))
    try:
        rasa.reached.clear()
        heads = [
            "GET / HTTP/1.1\r\nX: y",
            f"POST {WEBHOOK} HTTP/1.1\r\nHost: bot\r\nContent-Length: 9\r\n\r\n1",
        ]
        slow = [socket.create_connection(("127.0.0.1", proxy.port), timeout=10) for _ in heads]
        for connection, head in zip(slow, heads):
            connection.sendall(head.encode())
        answers = [connection.recv(65536) for connection in slow]
        for connection in slow:
            connection.close()
    finally:
        proxy.stop()

    assert all(not answer or b" 408 " in answer for answer in answers)
    assert not rasa.reached


def test_one_address_has_so_many_requests_at_a_time(rasa, tmp_path):
    proxy = Proxy(tmp_path, rasa, re.sub(r"limit_conn visitors \d+", "limit_conn visitors 1", NGINX))
    try:
        with socket.create_connection(("127.0.0.1", proxy.port), timeout=10) as waiting:
            waiting.sendall(f"POST {WEBHOOK} HTTP/1.1\r\nHost: bot\r\nContent-Length: 9\r\n\r\n1".encode())
            time.sleep(0.3)
            assert proxy.ask("GET", f"{INBOX}/sign-in").status_code == 429
        assert _eventually(lambda: proxy.ask("GET", f"{INBOX}/sign-in").status_code == 200)
    finally:
        proxy.stop()


def _eventually(found, within=10.0):
    deadline = time.monotonic() + within
    while not found():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.05)
    return True


def test_below_a_path_that_nginx_takes_off_the_inbox_works(tmp_path):
    pytest.importorskip("rasa", reason="Rasa stops at Python 3.10")
    inbox = Inbox(tmp_path)
    with sanic_servers.several(), inbox.running():
        (tmp_path / "nginx").mkdir()
        proxy = Proxy(tmp_path / "nginx", inbox, BELOW_BOT)
        try:
            _assert_it_works_below(proxy, "/bot")
        finally:
            proxy.stop()


def _assert_it_works_below(proxy, prefix):
    base, alone = f"{prefix}{INBOX}", {"allow_redirects": False}
    before = proxy.ask("GET", f"{base}/", **alone)
    assert (before.status_code, before.headers["Location"]) == (303, f"{base}/sign-in?next={INBOX}/")

    fields = {"name": "kim", "password": PASSWORD, "next": f"{base}/preferences"}
    origin = {"Origin": f"http://127.0.0.1:{proxy.port}"}
    entered = proxy.ask("POST", f"{base}/sign-in", data=fields, headers=origin, **alone)
    assert (entered.status_code, entered.headers["Location"]) == (303, f"{base}/preferences")
    assert f"Path={base};" in entered.headers["Set-Cookie"] + ";"

    page = proxy.ask("GET", f"{base}/")
    assert page.status_code == 200
    linked = re.findall(r'(?:href|src|action|hx-get|data-base|hx-push-url)="(/[^"]*)"', page.text)
    assert len(linked) > 10
    assert [path for path in linked if not path.startswith(base)] == []
    for path in {path for path in linked if "/static/" in path}:
        assert proxy.ask("GET", path).status_code == 200
    with proxy.ask("GET", f"{base}/live?page=a1", stream=True) as stream:
        assert stream.headers["Content-Type"].startswith("text/event-stream")


class Inbox:
    """The inbox on a server of its own, with one agent."""

    def __init__(self, folder):
        self.folder, self.server_port = folder, 0

    def running(self):
        return sanic_servers.on_a_thread(self._start)

    async def _start(self):
        from sanic import Sanic

        from handover_channel import InboxInput

        (self.folder / "handover.yml").write_text("")
        (self.folder / "credentials.yml").write_text("handover_channel.InboxInput:\n")
        channel = InboxInput(settings_file.load(str(self.folder / "handover.yml")))
        store = Store(f"sqlite:///{self.folder / 'handover.db'}")
        with store.writing() as connection:
            assert agents.add(connection, Agent("kim", "Kim", Passwords().hash(PASSWORD), created_at=0.0))
        store.close()
        app = Sanic("inbox_below_a_path", configure_logging=False)
        app.blueprint(channel.blueprint(self._on_new_message), url_prefix=INBOX)
        server, self.server_port = await sanic_servers.start(app)
        return server

    async def _on_new_message(self, message):
        return None
