"""Sends a real Sanic server, as strangers may, what is beyond every limit of a request's body and address."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import hashlib
import hmac
import itertools
import json
import socket
import time
import tracemalloc
from contextlib import contextmanager
from urllib.parse import quote

import pytest
import sanic_servers
import yaml

from handover_channel.errors import InputRefused
from handover_channel.rasa.request_body import Places, Reading
from handover_channel.rules import limits
from handover_channel.rules.limits import CHUNKS, FIELDS, FORM_FIELDS, KB, MB, QUERY_FIELDS, Body, Limit
from handover_channel.settings import loader as settings_file
from handover_channel.store import Store, agents
from handover_channel.store.agents import Agent

pytestmark = pytest.mark.rasa

SECRET = "a-secret"
WEBHOOK, INBOX = "/webhooks/facebook/webhook", "/webhooks/inbox"
FORM = "application/x-www-form-urlencoded"
_numbers = itertools.count(1)


class Server:
    """Both channels on one Sanic server, as in Rasa's, on a thread."""

    def __init__(self, folder):
        self.folder, self.at, self.passed_on = folder, "", []

    @contextmanager
    def running(self):
        with sanic_servers.on_a_thread(self._start):
            yield self

    async def _start(self):
        from rasa.server import configure_cors
        from sanic import Sanic

        from handover_channel import InboxInput, MessengerInput

        settings = settings_file.load(str(self.folder / "handover.yml"))
        app = Sanic(f"limits{next(_numbers)}", configure_logging=False)
        configure_cors(app, "*")
        messenger, inbox = MessengerInput(settings, verify="v"), InboxInput(settings)
        app.blueprint(messenger.blueprint(self._on_new_message), url_prefix="/webhooks/facebook")
        app.blueprint(inbox.blueprint(self._on_new_message), url_prefix=INBOX)
        app.ctx.input_channels = [messenger, inbox]
        server, port = await sanic_servers.start(app)
        self.at = f"127.0.0.1:{port}"
        return server

    async def _on_new_message(self, message):
        return None

    def connect(self):
        host, _, port = self.at.partition(":")
        return socket.create_connection((host, int(port)), timeout=30)

    def send(self, head, *parts):
        """Send a request in parts, as long as it is taken; returns the answer's status and all of it."""
        with self.connect() as connection:
            with contextlib.suppress(OSError):  # it was refused meanwhile
                connection.sendall(head)
                for part in parts:
                    connection.sendall(part)
            return answer_of(connection)

    def post(self, path, body, *headers):
        return self.send(self.head(path, f"Content-Length: {len(body)}", *headers), body)

    def head(self, path, *headers, method="POST"):
        lines = [f"{method} {path} HTTP/1.1", f"Host: {self.at}", f"Origin: http://{self.at}", *headers]
        return ("\r\n".join(lines) + "\r\n\r\n").encode()


def answer_of(connection):
    read = bytearray()
    with contextlib.suppress(OSError):
        while b"\r\n\r\n" not in read and (data := connection.recv(65536)):
            read += data
        head, _, rest = bytes(read).partition(b"\r\n\r\n")
        length = [line for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:")]
        while length and len(rest) < int(length[0].split(b":")[1]) and (data := connection.recv(65536)):
            rest += data
            read += data
    return int(read.split(b" ", 2)[1] or 0) if read else 0, read.decode("utf-8", "replace")


def signed(body):
    return "X-Hub-Signature-256: sha256=" + hmac.new(SECRET.encode(), body, hashlib.sha256).hexdigest()


def delivery(size):
    """A signed delivery of that many bytes, with nothing in it."""
    body = json.dumps({"object": "page", "entry": []}).encode()
    return body + b" " * (size - len(body))


UNSIGNED = f"X-Hub-Signature-256: sha256={'0' * 64}"


@pytest.fixture(autouse=True, scope="module")
def _several_servers_in_one_process():
    with sanic_servers.several():
        yield


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    folder = tmp_path_factory.mktemp("limits")
    settings = {"app_id": "1234567890", "graph_api": {"url": "http://127.0.0.1:9"}}
    (folder / "handover.yml").write_text(yaml.safe_dump(settings))
    block = {"verify": "v", "secret": SECRET, "page-access-token": "t"}
    (folder / "credentials.yml").write_text(yaml.safe_dump({"handover_channel.MessengerInput": block}))
    with Server(folder).running() as running:
        store = Store(f"sqlite:///{folder / 'handover.db'}")
        with store.writing() as connection:
            assert agents.add(connection, Agent("kim", "Kim", "-"))
        store.close()
        yield running


# --- the webhook ----------------------------------------------------------------------------------


def test_a_delivery_of_the_most_bytes_is_taken(server):
    body = delivery(limits.WEBHOOK_BODY.value)

    assert server.post(WEBHOOK, body, signed(body))[0] == 200


def test_a_delivery_in_chunks_is_taken(server):
    body = delivery(300 * KB)
    chunks = [b"%x\r\n%b\r\n" % (len(part), part) for part in (body[:1000], body[1000:])]

    head = server.head(WEBHOOK, "Transfer-Encoding: chunked", signed(body))

    assert server.send(head, *chunks, b"0\r\n\r\n")[0] == 200


#: Where anybody can send a body, and how large it may be.
BODIES = {
    WEBHOOK: limits.WEBHOOK_BODY.value,
    f"{INBOX}/sign-in": limits.SIGN_IN_BODY.value,
    f"{INBOX}/sign-out": limits.FORM_BODY.value,
    f"{INBOX}/preferences": limits.FORM_BODY.value,
    **{
        f"{INBOX}/thread/1/{act}": limits.FORM_BODY.value
        for act in ("retry", "drop", "claim", "assign", "take-over", "extend", "typing", "no-act")
    },
    f"{INBOX}/thread/1/tag": limits.NOTE_BODY.value,
    f"{INBOX}/thread/1/remark": limits.NOTE_BODY.value,
    f"{INBOX}/thread/1/return": limits.NOTE_BODY.value,
    f"{INBOX}/thread/1/reply": limits.REPLY_BODY.value,
}  # fmt: skip


@pytest.mark.parametrize("path", BODIES)
@pytest.mark.parametrize("kind", ["", "Expect: 100-continue"])
def test_one_byte_too_many_is_refused_from_the_head_alone(server, path, kind):
    with server.connect() as connection:
        connection.sendall(
            server.head(path, f"Content-Length: {BODIES[path] + 1}", UNSIGNED, *([kind] if kind else []))
        )
        status, answer = answer_of(connection)  # none of the body was sent

    assert status == 413
    assert "100 Continue" not in answer
    assert "connection: close" in answer.lower()


@pytest.mark.parametrize("path", [WEBHOOK, f"{INBOX}/sign-in"])
@pytest.mark.parametrize("size", [64 * KB, 10 * MB])
def test_chunks_are_counted_before_they_are_read(server, path, size):
    most = BODIES[path]
    chunk = b"%x\r\n%b\r\n" % (size, b"a" * size)
    head = server.head(path, "Transfer-Encoding: chunked", UNSIGNED, f"Content-Type: {FORM}")

    status, _ = server.send(head, *[chunk] * (most // size + 1))

    assert status == 413


@pytest.mark.parametrize("path", [WEBHOOK, f"{INBOX}/sign-in"])
def test_chunks_of_a_byte_are_not_taken_without_end(server, path):
    head = server.head(path, "Transfer-Encoding: chunked", UNSIGNED, f"Content-Type: {FORM}")

    status, _ = server.send(head, b"1\r\na\r\n" * (CHUNKS.value + 1))

    assert status == 413


@pytest.mark.parametrize("path", [WEBHOOK, f"{INBOX}/sign-in"])
@pytest.mark.parametrize(
    "lengths",
    [["Content-Length: -5"], ["Content-Length: +5"], ["Content-Length: 5", "Transfer-Encoding: chunked"]],
)
def test_a_length_that_is_none_is_refused(server, path, lengths):
    status, _ = server.send(server.head(path, *lengths, UNSIGNED), *[b"x" * 65536] * 10)

    assert status == 400


@pytest.mark.parametrize(
    "signature",
    [
        "",
        "X-Hub-Signature-256: ",
        "X-Hub-Signature-256: sha1=" + "0" * 40,
        "X-Hub-Signature-256: sha256=" + "0" * 63,
        "X-Hub-Signature-256: sha256=" + "A" * 64,
        "X-Hub-Signature-256: sha256=" + "0" * 65,
        "X-Hub-Signature-256: " + "0" * 64,
        "X-Hub-Signature: sha1=" + "0" * 40,
    ],
)
def test_a_signature_that_can_be_nobodys_is_refused_before_the_body_comes(server, signature):
    with server.connect() as connection:
        connection.sendall(server.head(WEBHOOK, "Content-Length: 1000", *([signature] if signature else [])))
        assert answer_of(connection)[0] == 403


def test_a_wrong_signature_is_refused(server):
    assert server.post(WEBHOOK, delivery(100), UNSIGNED)[0] == 403


def test_what_was_refused_leaves_no_memory_behind(server):
    head = server.head(WEBHOOK, f"Content-Length: {95 * MB}", UNSIGNED)
    parts = [b"x" * MB] * 95
    tracemalloc.start()
    try:
        for _ in range(3):
            server.send(head, *parts)
        gc.collect()
        assert tracemalloc.get_traced_memory()[1] < 16 * MB
    finally:
        tracemalloc.stop()


# --- forms ----------------------------------------------------------------------------------------


def test_a_sign_in_of_the_most_bytes_is_read(server):
    body = b"name=kim&x=" + b"a" * (limits.SIGN_IN_BODY.value - 11)

    status, text = server.post(f"{INBOX}/sign-in", body, f"Content-Type: {FORM}")

    assert status == 403
    assert 'value="kim"' in text


@pytest.mark.parametrize(("count", "expected"), [(FORM_FIELDS.value, 403), (FORM_FIELDS.value + 1, 400)])
def test_the_fields_of_a_form_are_counted(server, count, expected):
    body = "&".join(["a=1"] * count).encode()

    assert server.post(f"{INBOX}/sign-in", body, f"Content-Type: {FORM}")[0] == expected


@pytest.mark.parametrize("name", ["name", "password", "next"])
def test_a_field_that_is_too_long_is_refused_and_not_sent_back(server, name):
    most = FIELDS[name].value
    answers = {
        length: server.post(f"{INBOX}/sign-in", f"{name}={'n' * length}".encode(), f"Content-Type: {FORM}")
        for length in (most, most + 1)
    }

    assert answers[most][0] == 403
    assert answers[most + 1][0] == 400
    assert "n" * (most + 1) not in answers[most + 1][1]


def test_arguments_of_an_address_are_counted_and_measured(server):
    def get(query):
        return server.send(server.head(f"{INBOX}/sign-in?{query}", method="GET"))[0]

    assert get("&".join(["a=1"] * QUERY_FIELDS.value)) == 200
    assert get("&".join(["a=1"] * (QUERY_FIELDS.value + 1))) == 400
    assert get("next=" + "a" * FIELDS["next"].value) == 200
    assert get("next=" + "a" * (FIELDS["next"].value + 1)) == 400
    assert get("x=" + "a" * limits.HEAD.value) == 413


# --- reading, by the clock ------------------------------------------------------------------------


class Stream:
    """A body as Sanic gives it, in pieces that take their time."""

    request_body = True
    recv_buffer = b""  # nothing came along with the head
    expecting_continue = False

    def __init__(self, *pieces, pause=0.0):
        self.pieces, self.pause = pieces, pause

    async def __aiter__(self):
        for piece in self.pieces:
            await asyncio.sleep(self.pause)
            yield piece


class Request:
    def __init__(self, *pieces, pause=0.0, **headers):
        self.stream = Stream(*pieces, pause=pause)
        self.headers = headers


def body_limits(size, seconds):
    return Body(Limit("", "", size, "bytes", "", ""), Limit("", "", seconds, "seconds", "", ""))


@pytest.mark.parametrize("begun", [b"", b"x"])
def test_a_delivery_that_does_not_go_on_is_refused_in_time(server, monkeypatch, begun):
    monkeypatch.setattr(limits, "WEBHOOK", body_limits(MB, 0.3))
    with server.connect() as connection:
        connection.sendall(server.head(WEBHOOK, "Content-Length: 100", UNSIGNED) + begun)
        assert answer_of(connection)[0] == 408


async def test_a_body_that_takes_too_long_is_refused():
    with pytest.raises(InputRefused) as refused:
        await Reading(Request(*[b"x"] * 1000, pause=0.02), body_limits(MB, 0.2), Places(1)).read()

    assert refused.value.status == 408


async def test_a_body_whose_client_never_hears_that_it_may_go_on_is_refused_in_time():
    request = Request(b"here already", pause=60.0, **{"content-length": "12"})
    request.stream.recv_buffer, request.stream.expecting_continue = b"here already", True

    with pytest.raises(InputRefused) as refused:
        await Reading(request, body_limits(MB, 0.1), Places(1)).read()

    assert refused.value.status == 408


async def test_large_bodies_are_read_a_few_at_a_time_and_small_ones_always():
    places, large = Places(1), limits.LARGE.value + 1
    first = Reading(Request(b"x" * large), body_limits(MB, 5), places)
    assert len(await first.read()) == large

    second = Reading(Request(b"x" * large), body_limits(MB, 5), places)
    with pytest.raises(InputRefused) as refused:
        await second.read()
    second.end()
    assert refused.value.status == 503
    assert await Reading(Request(b"small"), body_limits(MB, 5), places).read() == b"small"
    assert await Reading(Request(b"x" * large), body_limits(MB, 5), places, whose="else").read()

    first.end()
    assert await Reading(Request(b"x" * large), body_limits(MB, 5), places).read()


@pytest.mark.parametrize("size", [32, 5 * KB, limits.LARGE.value + 1])
@pytest.mark.parametrize("cut", [0, 1, -1], ids=["together", "after the first byte", "before the last byte"])
def test_deliveries_that_come_one_behind_the_other_are_each_read_to_their_end(server, size, cut):
    first, second = delivery(size), delivery(size)[:-1] + b"\n"
    every = server.head(WEBHOOK, f"Content-Length: {size}", signed(first)) + first
    every += server.head(WEBHOOK, f"Content-Length: {size}", signed(second), "Connection: close") + second

    with server.connect() as connection:
        for part in (every[:cut], every[cut:]):
            connection.sendall(part)
            time.sleep(0.02)  # so that they are two for the server, too
        answers = connection.makefile("rb").read()

    assert answers.count(b"HTTP/1.1 200 OK") == 2, answers


# --- other origins --------------------------------------------------------------------------------


@pytest.mark.parametrize("method", ["GET", "POST", "OPTIONS", "PUT", "HEAD"])
@pytest.mark.parametrize(
    "path", ["/", "/sign-in", "/thread/1", "/list", "/nothing", "/static/base.css", "/health", "/live",
             f"/file?of={quote('https://example.org/a.png')}&proof=x"],
)  # fmt: skip
def test_no_other_origin_may_read_the_inbox_where_rasa_allows_all(server, method, path):
    head = server.head(
        f"{INBOX}{path}", "Access-Control-Request-Method: GET", "Connection: close", method=method
    )

    status, answer = server.send(head.replace(b"Origin: http://127", b"Origin: http://evil.example:127"))

    assert status
    assert "access-control" not in answer.lower()
    assert "content-security-policy" in answer.lower()


@pytest.mark.parametrize("secret", [signed, lambda body: UNSIGNED], ids=["signed", "unsigned"])
def test_headers_of_cors_are_on_the_answer_to_a_browsers_webhook_call_alone(server, secret):
    body = delivery(100)
    head = server.head(WEBHOOK, f"Content-Length: {len(body)}", secret(body))
    of_meta = b"\r\n".join(line for line in head.split(b"\r\n") if not line.startswith(b"Origin:"))

    (as_browser, browsers), (as_meta, metas) = server.send(head, body), server.send(of_meta, body)

    assert as_browser == as_meta == (200 if secret is signed else 403)
    assert f"access-control-allow-origin: http://{server.at}" in browsers.lower()
    assert "access-control" not in metas.lower()


def test_other_channels_keep_what_rasa_allows_them(server):
    _, answer = server.send(server.head("/webhooks/facebook/", method="GET"))

    assert "access-control-allow-origin" in answer.lower()
