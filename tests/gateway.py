"""A way to the Graph API on which things go wrong: for one thread, or for all."""

from __future__ import annotations

import json
import threading
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Dict, Iterator, Tuple
from urllib.parse import parse_qs, urlsplit

import requests

HTML = b"<html><body><h1>502 Bad Gateway</h1></body></html>"


class Gateway:
    """Hands calls on to the simulator. `faults`: "<PSID>", "<PSID>/<edge>" or "" for all -> what goes wrong.

    "down": the connection is cut; "html": a 502 in HTML; "slow": no answer until the fault is over;
    "lost": the call has its effect, and the answer does not arrive.
    """

    def __init__(self) -> None:
        self.behind = ""  #: URL of the simulator
        self.faults: Dict[str, str] = {}
        self._over = threading.Condition()

    @contextmanager
    def running(self) -> Iterator[str]:
        """Serve; gives the URL."""
        gateway = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self) -> None:
                gateway._answer(self, b"")

            def do_POST(self) -> None:
                gateway._answer(self, self.rfile.read(int(self.headers.get("Content-Length") or 0)))

            def log_message(self, format: str, *args: Any) -> None:
                pass

        server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_address[1]}"
        finally:
            self.heal()
            server.shutdown()
            server.server_close()
            thread.join()

    def heal(self) -> None:
        """Let everything work again."""
        with self._over:
            self.faults.clear()
            self._over.notify_all()

    def _fault(self, psid: str, edge: str) -> str:
        return self.faults.get(f"{psid}/{edge}") or self.faults.get(psid) or self.faults.get("", "")

    def _answer(self, handler: BaseHTTPRequestHandler, body: bytes) -> None:
        psid, edge = _about(handler.path, body), urlsplit(handler.path).path.rpartition("/")[2]
        fault = self._fault(psid, edge)
        if fault == "lost":
            self._handed_on(handler, body)
            fault = "slow"
        if fault == "slow":
            with self._over:
                self._over.wait_for(lambda: not self._fault(psid, edge), timeout=120)
            fault = "down"  # who waited that long has hung up
        if fault == "down":
            handler.close_connection = True
            return
        status, content = (502, HTML) if fault == "html" else self._handed_on(handler, body)
        try:
            handler.send_response(status)
            handler.send_header("Content-Type", "text/html" if fault else "application/json")
            handler.send_header("Content-Length", str(len(content)))
            handler.end_headers()
            handler.wfile.write(content)
        except OSError:
            handler.close_connection = True

    def _handed_on(self, handler: BaseHTTPRequestHandler, body: bytes) -> Tuple[int, bytes]:
        kept = ("Authorization", "Content-Type")
        headers = {name: handler.headers[name] for name in kept if handler.headers.get(name)}
        with requests.Session() as http:
            http.trust_env = False
            answer = http.request(
                handler.command, self.behind + handler.path, data=body, headers=headers, timeout=30
            )
        return answer.status_code, answer.content


def _about(path: str, body: bytes) -> str:
    query = parse_qs(urlsplit(path).query)
    if "recipient" in query:
        return query["recipient"][0]
    try:
        return str(json.loads(body)["recipient"]["id"])
    except (ValueError, KeyError, TypeError):
        return ""
