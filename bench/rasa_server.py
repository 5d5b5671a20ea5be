"""A Rasa server in a folder of its own, with our channel or with Rasa's."""

from __future__ import annotations

import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Dict, Optional

import yaml

from bench import our_store
from bench.bodies import APP_ID, OTHER_APP_ID, SECRET, TOKEN, VERIFY, echo, post
from bench.meta import Meta
from bench.processes import Process, ask, free_port
from bench.trackers import copy_events, events
from bench.wire import Connection, run

OURS, STOCK = "handover_channel.MessengerInput", "facebook"
INBOX = "handover_channel.InboxInput"

#: A Meta app whose handovers end after `SOON` seconds.
SOON_APP_ID, SOON = "5555", 6


@dataclass(frozen=True)
class Backing:
    """Where a server keeps what it knows. By default in SQLite files of its own."""

    handover: str = "sqlite:///handover.db"
    tracker: Optional[Dict[str, Any]] = None  #: block `tracker_store` of endpoints.yml
    lock: Optional[Dict[str, Any]] = None  #: block `lock_store`


class RasaServer(Process):
    """`rasa run`, and what the figures do with it."""

    def __init__(
        self,
        folder: Path,
        model: Path,
        meta: Meta,
        *,
        channel: str,
        backing: Optional[Backing] = None,
        inbox: bool = False,
    ) -> None:
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.channel = channel
        self.database = folder / "handover.db"
        self.tracker_store = folder / "rasa.db"
        self.config = folder / "handover.yml"
        _write(folder, meta, channel, backing or Backing(), inbox=inbox)
        start = ["-m", "bench.stock", meta.url] if channel == STOCK else ["-m", "bench.rasa_command"]
        options = {
            "--interface": "127.0.0.1",
            "--port": str(self.port),
            "--model": str(model),
            "--credentials": "credentials.yml",
            "--endpoints": "endpoints.yml",
        }
        command = [*start, "run", "--enable-api", *(part for pair in options.items() for part in pair)]
        super().__init__(command, folder, "rasa.log", f"{self.url}/webhooks/facebook/")

    def fill(self, first: str, *others: str, count: int, paused: bool = False) -> None:
        """Give conversations *count* events each, the last of them a pause if wanted.

        The first gets them by HTTP, the others have copies of Rasa's rows: Rasa takes seconds for 10,000.
        """
        url = f"{self.url}/conversations/{first}/tracker/events"
        # An answer with all of them would take longer than the writing.
        ask("PUT", url, params={"include_events": "NONE"}, json=events(count, paused=paused), timeout=120)
        if others:
            copy_events(self.tracker_store, first, others)

    def post(self, *requests: bytes) -> None:
        """Deliver requests one after another; each has to be answered 200."""

        async def deliver() -> None:
            connection = Connection(self.port)
            for request in requests:
                status = await connection.ask(request)
                if status != 200:
                    raise RuntimeError(f"a webhook was answered {status}")
            connection.close()

        run(deliver(), within=60)

    def mute(self, *threads: str) -> None:
        """Let somebody in the Page inbox write beside the bot: that mutes the thread."""
        self.post(*(post(echo(thread, "I am on it", app_id=OTHER_APP_ID)) for thread in threads))
        self.settled()

    def settled(self, within: float = 60.0) -> bool:
        """Wait until every stored delivery was processed; False where that takes longer."""
        if self.channel != OURS:
            return True  # answered means processed
        deadline = time.monotonic() + within
        while our_store.waiting(self.database):
            if time.monotonic() > deadline:
                return False
            time.sleep(0.02)
        return True

    def tracebacks(self) -> int:
        """Return how many tracebacks it has written."""
        return self.log().count("Traceback (most recent call last)")


def _write(folder: Path, meta: Meta, channel: str, backing: Backing, *, inbox: bool) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    secrets = {"verify": VERIFY, "secret": SECRET, "page-access-token": TOKEN}
    endpoints = {
        "action_endpoint": {"url": f"{meta.url}/actions"},
        "tracker_store": backing.tracker or {"type": "SQL", "dialect": "sqlite", "db": "rasa.db"},
        **({"lock_store": backing.lock} if backing.lock else {}),
    }
    settings = {
        "app_id": APP_ID,
        "database": backing.handover,
        "graph_api": {"url": meta.url},
        "default_target": "inbox",
        "targets": {
            "inbox": {"kind": "inbox"},
            "page_inbox": {"kind": "page_inbox"},
            "soon": {"kind": "app", "app_id": SOON_APP_ID, "time_limit": f"{SOON} seconds"},
        },
        "return": {"time_limit": "12 hours", "keywords": ["back to bot"]},
    }
    channels = {channel: secrets, "rest": None, **({INBOX: None} if inbox else {})}
    documents = {"credentials.yml": channels, "endpoints.yml": endpoints, "handover.yml": settings}
    for name, content in documents.items():
        (folder / name).write_text(yaml.safe_dump(content), encoding="utf-8")
