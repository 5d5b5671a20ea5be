"""The whole on several machines: two Rasa servers behind a proxy, PostgreSQL for both, Redis for locks."""

from __future__ import annotations

import itertools
import threading
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, Dict, Iterator, List, Mapping, Sequence

import psycopg2
import psycopg2.extras
import requests
import yaml
from databases import PostgreSQL, Redis, free_port
from stack import Server, Stack, rasa_server

#: Pauses of Meta's before it sends a delivery again, in seconds; shortened.
PAUSES = (0.25, 0.5, 1, 1, 2, 2, 4, 4, 8, 8, 8)


class Proxy:
    """Hands deliveries to the servers in turn; one that cannot be reached is passed over."""

    def __init__(self, servers: Sequence[str]) -> None:
        self._servers, self._turn = servers, itertools.count()

    @contextmanager
    def running(self, port: int) -> Iterator[None]:
        """Serve on *port*."""
        proxy = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self) -> None:
                proxy._answer(self, b"")

            def do_POST(self) -> None:
                proxy._answer(self, self.rfile.read(int(self.headers.get("Content-Length") or 0)))

            def log_message(self, format: str, *args: Any) -> None:
                pass

        server = ThreadingHTTPServer(("127.0.0.1", port), Handler)
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        try:
            yield
        finally:
            server.shutdown()
            server.server_close()
            thread.join()

    def _answer(self, handler: BaseHTTPRequestHandler, body: bytes) -> None:
        status, content = self._handed_on(handler, body)
        try:
            handler.send_response(status)
            handler.send_header("Content-Length", str(len(content)))
            handler.end_headers()
            handler.wfile.write(content)
        except OSError:  # the caller has hung up
            handler.close_connection = True

    def _handed_on(self, handler: BaseHTTPRequestHandler, body: bytes) -> Any:
        first = next(self._turn)
        for number in range(len(self._servers)):
            server = self._servers[(first + number) % len(self._servers)]
            with requests.Session() as http:
                http.trust_env = False
                try:
                    answer = http.request(
                        handler.command,
                        server + handler.path,
                        data=body,
                        headers={key: handler.headers[key] for key in handler.headers},
                        timeout=30,
                    )
                except requests.RequestException:
                    continue
                return answer.status_code, answer.content
        return 502, b"no server"


class OnPostgreSQL(Stack):
    """A whole with our store on PostgreSQL, and Rasa's trackers in a file."""

    def __init__(self, folder: Path, model: Path, postgresql: PostgreSQL) -> None:
        self.database = postgresql.create()
        super().__init__(folder, model, tracebacks=True)

    def rows(self, query: str, *given: Any) -> List[Dict[str, Any]]:
        """Read our store."""
        return query_postgresql(self.database, query, *given)

    def write(self, query: str, *given: Any) -> None:
        """Write to our store."""
        query_postgresql(self.database, query, *given)

    def insist(self, item: Mapping[str, Any]) -> List[int]:
        """Deliver an item as Meta does, until it is taken; returns every status."""
        statuses: List[int] = []
        for pause in (*PAUSES, None):
            try:
                statuses.append(self.deliver(item))
            except requests.RequestException:
                statuses.append(0)
            if statuses[-1] == 200 or pause is None:
                return statuses
            threading.Event().wait(pause)
        return statuses


class Forked(OnPostgreSQL):
    """One Rasa server that forks into two processes."""

    def __init__(self, folder: Path, model: Path, postgresql: PostgreSQL, redis: Redis) -> None:
        super().__init__(folder, model, postgresql)
        share_stores(folder, postgresql, redis)
        port = int(self.url.rpartition(":")[2])
        self.rasa = rasa_server("rasa", folder, port, SANIC_WORKERS="2")
        self.servers = [self.actions, self.rasa]


class Cluster(OnPostgreSQL):
    """Two Rasa servers that share everything."""

    def __init__(self, folder: Path, model: Path, postgresql: PostgreSQL, redis: Redis) -> None:
        super().__init__(folder, model, postgresql)
        self.postgresql, self.redis = postgresql, redis
        share_stores(folder, postgresql, redis)
        second = free_port()
        self.rasas: List[Server] = [self.rasa, rasa_server("rasa 2", folder, second)]
        self.servers.append(self.rasas[1])
        self.urls = [self.url, f"http://127.0.0.1:{second}"]
        self._port = free_port()
        self.webhook = f"http://127.0.0.1:{self._port}/webhooks/facebook/webhook"
        self._simulator.bot.callback = self.webhook

    @contextmanager
    def running(self) -> Iterator[Cluster]:
        """Start everything, and stop it in the end."""
        with Proxy(self.urls).running(self._port), super().running():
            yield self


def query_postgresql(url: str, query: str, *given: Any) -> List[Dict[str, Any]]:
    """Run one statement, with question marks for what is given."""
    connection = psycopg2.connect(url)
    try:
        with connection, connection.cursor(cursor_factory=psycopg2.extras.RealDictCursor) as cursor:
            cursor.execute(query.replace("?", "%s"), given)
            return [dict(row) for row in cursor.fetchall()] if cursor.description else []
    finally:
        connection.close()


def share_stores(folder: Path, postgresql: PostgreSQL, redis: Redis) -> None:
    """Let Rasa keep trackers in PostgreSQL, and locks in Redis."""
    endpoints = yaml.safe_load((folder / "endpoints.yml").read_text())
    database = {"url": "127.0.0.1", "port": postgresql.port, "username": "handover", "password": ""}
    name = postgresql.create().rpartition("/")[2]
    endpoints["tracker_store"] = {"type": "SQL", "dialect": "postgresql", "db": name, **database}
    endpoints["lock_store"] = {"type": "redis", "url": "127.0.0.1", "port": redis.port, "db": 1}
    (folder / "endpoints.yml").write_text(yaml.safe_dump(endpoints))
