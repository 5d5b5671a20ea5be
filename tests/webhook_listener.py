"""Listens for webhooks as a bot would: answers as told, and keeps what it got."""

from __future__ import annotations

import json
import socket
import threading
import time
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Callable, Dict, Iterator, List
from urllib.parse import parse_qs, urlsplit


class Bot(ThreadingHTTPServer):
    """A webhook that answers as told, and keeps what it got."""

    daemon_threads = True

    def __init__(self, port: int = 0) -> None:
        super().__init__(("127.0.0.1", port), _Webhook)
        self.bodies: List[bytes] = []
        self.headers: List[Dict[str, str]] = []
        self.statuses: List[int] = []  #: of the next answers; then 200
        self.hold = threading.Event()
        self.hold.set()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}/webhook"

    @property
    def texts(self) -> List[str]:
        items = [json.loads(body)["entry"][0] for body in self.bodies]
        messages = [(entry.get("messaging") or entry.get("standby"))[0].get("message", {}) for entry in items]
        return [message["text"] for message in messages if "text" in message]


class _Webhook(BaseHTTPRequestHandler):
    server: Bot

    def do_GET(self) -> None:  # noqa: N802 (http.server's name)
        query = parse_qs(urlsplit(self.path).query)
        right = query.get("hub.verify_token") == ["handover-demo"] and query.get("hub.mode") == ["subscribe"]
        self._answer(200 if right else 403, query["hub.challenge"][0].encode())

    def do_POST(self) -> None:  # noqa: N802 (http.server's name)
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.server.hold.wait(10)
        self.server.bodies.append(body)
        self.server.headers.append(dict(self.headers))
        self._answer(self.server.statuses.pop(0) if self.server.statuses else 200, b"ok")

    def _answer(self, status: int, body: bytes) -> None:
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        with suppress(OSError):  # who does not wait has hung up
            self.end_headers()
            self.wfile.write(body)

    def log_message(self, *_: Any) -> None:
        pass


@contextmanager
def listening(port: int = 0) -> Iterator[Bot]:
    bot = Bot(port)
    thread = threading.Thread(target=bot.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield bot
    finally:
        bot.hold.set()
        bot.shutdown()
        thread.join()
        bot.server_close()


def until(happened: Callable[[], Any], within: float = 20) -> Any:
    deadline = time.monotonic() + within
    while not happened():
        assert time.monotonic() < deadline, "it did not happen"
        time.sleep(0.01)
    return happened()


def free_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])
