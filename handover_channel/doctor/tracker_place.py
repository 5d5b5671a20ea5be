"""Looks whether the tracker store is where endpoints.yml says: a file's folder, a server that answers.

Rasa 3.6.21 starts without it all the same, logs an error, and keeps in memory what it cannot store
(rasa/core/tracker_store.py: `SQLTrackerStore`, `FailSafeTrackerStore`).
"""

from __future__ import annotations

import socket
from pathlib import Path
from typing import Any, Mapping, NamedTuple, Optional
from urllib.parse import urlsplit

#: Seconds for which a server's answer is waited for.
ANSWERS_WITHIN = 5.0

#: The port that Rasa, or its driver, takes where none is given.
_DEFAULT_PORTS = {"postgresql": 5432, "mysql": 3306, "redis": 6379, "mongod": 27017}


class Server(NamedTuple):
    """Where a store's server listens."""

    host: str
    port: int

    def __str__(self) -> str:
        return f"{self.host}:{self.port}"


def missing_folder(store: Mapping[Any, Any], folder: Path) -> Optional[Path]:
    """Return the folder of an SQLite file if it is not there, else None; also for a store that is no file."""
    if _kind(store) != "sqlite" or store.get("url") or store.get("login_db"):
        return None
    name = store.get("db") or "rasa.db"
    if not isinstance(name, str) or name.startswith((":memory:", "file:")):
        return None
    place = (folder / name).parent
    return None if place.is_dir() else place


def server(store: Mapping[Any, Any]) -> Optional[Server]:
    """Return the server of a store, None where the store has none, or its address is not understood."""
    kind = _kind(store)
    if kind not in _DEFAULT_PORTS:
        return None
    given = str(store.get("url") or store.get("host") or "localhost")
    try:
        parts = urlsplit(given if "://" in given else f"scheme://{given}")
        port = parts.port or int(store.get("port") or _DEFAULT_PORTS[kind])
    except ValueError:
        return None
    # A list of hosts and a name that only DNS's SRV records explain are for the driver to read.
    if not parts.hostname or "," in parts.netloc or parts.scheme.endswith("+srv"):
        return None
    return Server(parts.hostname, port)


def answers(at: Server, seconds: float) -> bool:
    """Tell whether somebody accepts a connection there."""
    try:
        socket.create_connection(at, timeout=seconds).close()
    except (OSError, UnicodeError):  # a host that is no name for DNS
        return False
    return True


def _kind(store: Mapping[Any, Any]) -> str:
    """Return what keeps the conversations: "sqlite", "postgresql", "redis" ..."""
    kind = str(store.get("type") or "").lower()
    if kind != "sql":
        return kind
    return str(store.get("dialect") or "sqlite").lower().partition("+")[0]
