"""Exchanges with hosts that take their time: the clock of the machine counts, in parts of a second."""

from __future__ import annotations

import contextlib
import functools
import gzip
import socket
import threading
import time
import zlib

import pytest
import urllib3

from handover_channel.errors import Refused
from handover_channel.graph_api import bounded_http
from handover_channel.graph_api import transport as graph_api_transport
from handover_channel.graph_api.bounded_http import bound, ends_within
from handover_channel.graph_api.transport import Call, Transport, Unanswered
from handover_channel.inbox import media_proxy
from handover_channel.inbox.media_proxy import FILE_TOO_SLOW, NOT_ALLOWED, TOO_LARGE, MediaProxy
from handover_channel.rules.limits import ADDRESSES, GRAPH_BYTES, Limit

SOON = 0.6  #: the deadline in these tests, in seconds
LATE = 5.0  #: long after it

HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: image/png\r\n"
DRIPPING = {
    "nothing at all": (b"", b""),
    "the head": (b"", b"HTTP/1.1 200 OK\r\n" + b"X: y\r\n" * 1000),
    "a body of known length": (HEAD + b"Content-Length: 100000\r\n\r\n", b"x" * 1000),
    "a body in chunks": (HEAD + b"Transfer-Encoding: chunked\r\n\r\n", b"1\r\nx\r\n" * 1000),
    "a body that ends with the connection": (HEAD + b"Connection: close\r\n\r\n", b"x" * 1000),
    "an endless 100 Continue": (b"", b"HTTP/1.1 100 Continue\r\n\r\n" * 1000),
    "the body of a redirect": (
        b"HTTP/1.1 302 Found\r\nLocation: /there\r\nContent-Length: 100000\r\n\r\n", b"x" * 1000,
    ),
}  # fmt: skip


class Host:
    """A host that sends *at_once* to whoever asks, then *drops* byte by byte, then what *then* gives."""

    def __init__(self, at_once, drops, then=()):
        self.at_once, self.drops, self.then = at_once, drops, then
        self.asked = 0
        self.over = threading.Event()
        self._answering = []
        self._listening = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._listening.getsockname()[1]}"

    def serve(self):
        with contextlib.suppress(OSError):
            while True:
                connection, _ = self._listening.accept()
                self._answering.append(threading.Thread(target=self._answer, args=(connection,)))
                self._answering[-1].start()

    def close(self):
        self.over.set()
        self._listening.shutdown(socket.SHUT_RDWR)
        self._listening.close()
        for each in self._answering:
            each.join()

    def _answer(self, connection):
        with contextlib.suppress(OSError), connection:
            connection.recv(65536)
            self.asked += 1
            connection.sendall(self.at_once)
            for drop in self.drops:
                connection.sendall(bytes([drop]))
                if self.over.wait(0.02):
                    return
            if not self.at_once and not self.drops:
                self.over.wait()
            for more in self.then:
                connection.sendall(more)


@pytest.fixture
def host():
    """Make hosts that end with the test."""
    made = []

    def make(*given):
        made.append(Host(*given))
        threading.Thread(target=made[-1].serve, daemon=True).start()
        return made[-1]

    yield make
    for each in made:
        each.close()


@pytest.fixture
def soon(monkeypatch):
    """Let the limits of seconds be over soon."""
    monkeypatch.setattr(media_proxy, "FETCH_SECONDS", SOON)
    soon = Limit("", "", SOON, "seconds", "", "")
    monkeypatch.setattr(graph_api_transport, "GRAPH_SECONDS", soon)


def took(work):
    begun = time.monotonic()
    work()
    return time.monotonic() - begun


def refused(fetch):
    with pytest.raises(Refused) as refusal:
        fetch()
    return str(refusal.value)


@pytest.mark.parametrize("name", DRIPPING)
def test_a_file_that_comes_byte_by_byte_is_given_up_in_time(host, soon, name):
    slow = host(*DRIPPING[name])
    told = []

    assert took(lambda: told.append(refused(lambda: MediaProxy(slow.url).fetch(f"{slow.url}/a.png")))) < LATE
    assert told == [NOT_ALLOWED if name.endswith("redirect") else FILE_TOO_SLOW]


@pytest.mark.parametrize("name", [name for name in DRIPPING if not name.endswith("redirect")])
def test_an_answer_of_the_graph_api_that_comes_byte_by_byte_is_given_up_in_time(host, soon, name):
    slow = host(*DRIPPING[name])
    transport = Transport(slow.url, "v26.0", timeouts=(3, 10))

    def call():
        with pytest.raises(Unanswered) as silence:
            transport.exchange(Call("GET", "/me", "token"))
        assert silence.value.sent

    assert took(call) < LATE


def test_a_connection_that_was_kept_open_ends_in_time_too(host, soon):
    kept = host(HEAD + b"Content-Length: 2\r\n\r\n{}", b"")
    kept._answer = lambda connection: _answer_once_and_be_silent(kept, connection)
    transport = Transport(kept.url, "v26.0", timeouts=(3, 10))
    assert transport.exchange(Call("GET", "/me", "token")).body == {}

    def call():
        with pytest.raises(Unanswered):
            transport.exchange(Call("GET", "/me", "token"))

    assert took(call) < LATE


def _answer_once_and_be_silent(host, connection):
    with connection:
        connection.recv(65536)
        connection.sendall(host.at_once)
        connection.recv(65536)
        host.over.wait()


def test_after_a_deadline_the_thread_is_free_of_it(host):
    quick = host(HEAD + b"Content-Length: 2\r\n\r\n{}", b"")
    transport = Transport(quick.url, "v26.0", timeouts=(3, 10))
    with ends_within(0.01):
        time.sleep(0.05)

    assert transport.exchange(Call("GET", "/me", "token")).status == 200


def test_only_a_few_addresses_of_a_host_are_tried(monkeypatch):
    tried = []

    def resolved(name, port, **more):
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (f"93.184.216.{at}", port)) for at in range(100)]

    def connect(address, *more):
        tried.append(address[0])
        raise OSError

    monkeypatch.setattr(socket, "getaddrinfo", resolved)
    monkeypatch.setattr(bounded_http, "create_connection", connect)

    assert refused(lambda: MediaProxy("http://127.0.0.1:9").fetch("https://many.example.com/")) == NOT_ALLOWED
    assert len(tried) == ADDRESSES.value


def test_a_name_that_leads_inside_is_not_even_called(monkeypatch):
    called = []
    inside = [(socket.AF_INET, socket.SOCK_STREAM, 6, "", ("10.0.0.1", 443))]
    monkeypatch.setattr(socket, "getaddrinfo", lambda *given, **more: inside)
    monkeypatch.setattr(bounded_http, "create_connection", lambda *given: called.append(given))

    told = refused(lambda: MediaProxy("http://127.0.0.1:9").fetch("https://inside.example.com/x.png"))

    assert (told, called) == (NOT_ALLOWED, [])


def test_whether_an_address_is_refused_or_silent_is_not_told(monkeypatch):
    web = MediaProxy("http://127.0.0.1:9")
    monkeypatch.setattr(socket, "getaddrinfo", lambda *given, **more: _raise(socket.gaierror("no such name")))

    told = {
        refused(lambda: web.fetch("https://10.0.0.1/x.png")),
        refused(lambda: web.fetch("https://nowhere.example.com/x.png")),
        refused(lambda: web.fetch("http://127.0.0.1:9/x.png")),
    }

    assert told == {NOT_ALLOWED}


def _raise(error):
    raise error


gzipped = functools.partial(gzip.compress, mtime=0)  # without it the second stands in the bytes
PACKED = {
    "": bytes,
    "gzip": gzipped,
    "deflate": zlib.compress,
    "gzip, gzip": lambda content: gzipped(gzipped(content)),
}


@pytest.mark.parametrize("coding", ["", "gzip", "deflate"])
def test_an_answer_of_the_graph_api_is_read_up_to_its_limit(host, coding):
    body, coding = PACKED[coding](b" " * (50 * GRAPH_BYTES.value)), f"Content-Encoding: {coding}\r\n".encode()
    large = host(HEAD + coding + b"Content-Length: %d\r\n\r\n" % len(body), b"", [body])

    with pytest.raises(Unanswered, match="more than"):
        Transport(large.url, "v26.0", timeouts=(3, 10)).exchange(Call("GET", "/me", "token"))


@pytest.mark.parametrize("coding", ["", "gzip", "deflate"])
def test_an_answer_of_just_that_size_is_read(host, coding):
    body = PACKED[coding](b'"' + b"x" * (GRAPH_BYTES.value - 2) + b'"')
    head = HEAD + f"Content-Encoding: {coding}\r\n".encode()
    large = host(head + b"Content-Length: %d\r\n\r\n" % len(body), b"", [body])

    answer = Transport(large.url, "v26.0", timeouts=(3, 10)).exchange(Call("GET", "/me", "token"))

    assert len(answer.body) == GRAPH_BYTES.value - 2


def test_the_body_of_a_redirect_is_not_read(host, monkeypatch):
    redirect = b"HTTP/1.1 302 Found\r\nLocation: https://10.0.0.1/\r\nContent-Length: 9999999999\r\n\r\n"
    endless = host(redirect, b"", (b"x" * 65536 for _ in range(20_000)))

    assert took(lambda: refused(lambda: MediaProxy(endless.url).fetch(f"{endless.url}/a.png"))) < LATE


def test_a_file_larger_than_its_limit_is_given_up_while_it_comes(host, monkeypatch):
    monkeypatch.setattr(media_proxy, "LARGEST_DOWNLOAD", 100_000)
    large = host(HEAD + b"\r\n", b"", (b"x" * 65536 for _ in range(20_000)))

    assert refused(lambda: MediaProxy(large.url).fetch(f"{large.url}/a.png")) == TOO_LARGE


@pytest.mark.parametrize("coding", PACKED)
def test_a_file_that_was_packed_is_unpacked_up_to_its_limit(host, coding):
    def fetched(content):
        body, head = PACKED[coding](content), HEAD + f"Content-Encoding: {coding}\r\n".encode()
        packed = host(head + b"Content-Length: %d\r\n\r\n" % len(body), b"", [body])
        return MediaProxy(packed.url).fetch(f"{packed.url}/a.png").content

    assert fetched(b"png") == (PACKED[coding](b"png") if "," in coding else b"png")
    if "," not in coding:
        assert refused(lambda: fetched(bytes(media_proxy.LARGEST_DOWNLOAD + 1))) == TOO_LARGE
    else:
        assert len(fetched(bytes(media_proxy.LARGEST_DOWNLOAD + 1))) < 10_000


def test_a_proxy_is_called_on_connections_that_end_in_time(host, monkeypatch):
    slow = host(b"", b"H" * 1000)
    manager = bound(urllib3.ProxyManager(slow.url))

    def ask():
        with ends_within(SOON), pytest.raises((urllib3.exceptions.HTTPError, OSError)):
            manager.urlopen("GET", "https://example.com/", retries=False, timeout=10)

    assert took(ask) < LATE


def test_files_that_come_through_a_proxy_end_in_time(host, soon, monkeypatch):
    slow = host(b"", b"H" * 1000)
    monkeypatch.setenv("HTTPS_PROXY", slow.url)
    monkeypatch.delenv("no_proxy", raising=False)
    monkeypatch.delenv("NO_PROXY", raising=False)

    assert (
        took(lambda: refused(lambda: MediaProxy("http://127.0.0.1:9").fetch("https://example.com/a"))) < LATE
    )
    assert slow.asked
