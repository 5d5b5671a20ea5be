"""A PostgreSQL and a Redis of the tests' own: found on this machine, each in a folder of its own.

Nothing of theirs is flushed to the disk (`fsync=off`): they survive their own restarts, which is what is
tested, and not the machine's.
"""

from __future__ import annotations

import os
import pwd
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from importlib.util import find_spec
from itertools import count
from pathlib import Path
from typing import Any, Dict, List, Optional

import pytest

#: For tests of what is different there; all others run on both (see unit/conftest.py).
on_sqlite = pytest.mark.parametrize("database", ["sqlite"], indirect=True)
on_postgresql = pytest.mark.parametrize(
    "database", [pytest.param("postgresql", marks=pytest.mark.postgres)], indirect=True
)

_USER = "handover"

#: Seconds a server may take to start, on a machine that is busy.
_START_WITHIN = 60.0

_names = count(1)


def find_postgresql() -> Optional[Path]:
    """Return the folder of PostgreSQL's programs, None where there are none."""
    places = [found.parent for found in [shutil.which("initdb")] if found for found in [Path(found)]]
    places += sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True)
    if shutil.which("pg_config"):
        asked = subprocess.run(["pg_config", "--bindir"], capture_output=True, text=True, check=False)
        places.append(Path(asked.stdout.strip() or "/nowhere"))
    return next((place for place in places if (place / "postgres").exists()), None)


def has_postgresql() -> bool:
    """Tell whether tests can use PostgreSQL here."""
    return find_spec("psycopg2") is not None and find_postgresql() is not None


def has_redis() -> bool:
    """Tell whether tests can use Redis here."""
    return shutil.which("redis-server") is not None


def free_port() -> int:
    """Return a port nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class _Daemon:
    """A server in a temporary folder, for this test run alone."""

    def __init__(self, prefix: str, user: Optional[str] = None) -> None:
        self.port = free_port()
        self.folder = Path(tempfile.mkdtemp(prefix=prefix))
        self._as: Dict[str, Any] = {}
        if user:
            shutil.chown(self.folder, user)
            # The user of the tests has groups that this one must not have.
            self._as = {"user": user, "group": pwd.getpwnam(user).pw_gid, "extra_groups": []}
        self._process: Optional[subprocess.Popen[bytes]] = None

    def start(self) -> None:
        """Start, and wait until it answers."""
        with (self.folder / "log").open("ab") as log:
            self._process = subprocess.Popen(
                self._command(), cwd=self.folder, stdout=log, stderr=log, start_new_session=True, **self._as
            )
        deadline = time.monotonic() + _START_WITHIN
        while not self._answers():
            assert self._process.poll() is None, (self.folder / "log").read_text()[-2000:]
            assert time.monotonic() < deadline, f"not within {_START_WITHIN:g} s: {self._command()[0]}"
            time.sleep(0.05)

    def stop(self, number: int = signal.SIGINT) -> None:
        """End it: SIGINT closes connections and ends, SIGQUIT or SIGKILL is a crash."""
        process, self._process = self._process, None
        if process is not None:
            process.send_signal(number)
            process.wait(_START_WITHIN)

    def remove(self) -> None:
        """End it, and leave nothing behind."""
        self.stop()
        shutil.rmtree(self.folder, ignore_errors=True)

    def _command(self) -> List[str]:
        raise NotImplementedError

    def _answers(self) -> bool:
        raise NotImplementedError


class PostgreSQL(_Daemon):
    """A PostgreSQL server; it listens on the loopback only."""

    def __init__(self) -> None:
        programs = find_postgresql()
        assert programs is not None
        self._programs = programs
        # PostgreSQL refuses to run as root.
        super().__init__("handover-postgresql-", user=_unprivileged() if os.getuid() == 0 else None)
        subprocess.run(
            [programs / "initdb", "--pgdata", "data", "--username", _USER, "--auth", "trust", "--no-sync"],
            cwd=self.folder,
            check=True,
            capture_output=True,
            **self._as,
        )

    def url(self, name: str = "postgres") -> str:
        """Return the URL of a database."""
        return f"postgresql://{_USER}@127.0.0.1:{self.port}/{name}"

    def create(self, like: str = "template1") -> str:
        """Make a database and return its URL."""
        name = f"test_{next(_names)}"
        self.run(f"CREATE DATABASE {name} TEMPLATE {like}")
        return self.url(name)

    def run(self, statement: str, name: str = "postgres") -> List[Any]:
        """Run one statement outside a transaction; returns its rows."""
        import psycopg2

        connection = psycopg2.connect(self.url(name))
        connection.autocommit = True
        try:
            with connection.cursor() as cursor:
                cursor.execute(statement)
                return list(cursor.fetchall()) if cursor.description else []
        finally:
            connection.close()

    def cut(self, name: str) -> None:
        """Cut all connections to a database, as a restart of the server does."""
        mine = "datname = current_database() AND pid <> pg_backend_pid()"
        self.run(f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE {mine}", name)  # noqa: S608

    def _command(self) -> List[str]:
        settings = {
            "port": self.port,
            "listen_addresses": "127.0.0.1",
            "unix_socket_directories": "",
            "max_connections": 300,
            "fsync": "off",
            "full_page_writes": "off",
        }
        options = [f"--{name}={value}" for name, value in settings.items()]
        return [str(self._programs / "postgres"), "-D", "data", *options]

    def _answers(self) -> bool:
        import psycopg2

        try:
            return self.run("SELECT 1") == [(1,)]
        except psycopg2.OperationalError:
            return False


class Redis(_Daemon):
    """A Redis server that forgets everything when it ends."""

    def __init__(self) -> None:
        super().__init__("handover-redis-")

    def _command(self) -> List[str]:
        memory_only = ["--save", "", "--appendonly", "no", "--dir", str(self.folder)]
        return ["redis-server", "--bind", "127.0.0.1", "--port", str(self.port), *memory_only]

    def _answers(self) -> bool:
        try:
            with socket.create_connection(("127.0.0.1", self.port), timeout=1) as client:
                client.sendall(b"PING\r\n")
                return client.recv(7) == b"+PONG\r\n"
        except OSError:
            return False


def _unprivileged() -> str:
    known = {entry.pw_name for entry in pwd.getpwall()}
    return "postgres" if "postgres" in known else "nobody"
