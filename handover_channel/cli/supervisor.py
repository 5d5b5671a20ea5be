"""Starts child processes that live and end together.

1. Each child leads a process group of its own: the processes that it starts end with it, and Ctrl-C in the
   terminal reaches only us, so that one place decides when all stop.
2. Each child writes to its own log; its last lines say why it ended.
3. Leaving the `with` block ends every group: SIGTERM, a grace period for all of them together, SIGKILL.
"""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import List, Mapping, Optional, Sequence, Tuple, Type
from urllib.parse import urlsplit

import requests

#: Seconds that the children have to end by themselves. Rasa closes its server in one or two.
GRACE = 10.0

#: A health check that takes longer than this counts as no answer (seconds).
HEALTHY_WITHIN = 2.0


@dataclass(frozen=True)
class Part:
    """One child: what it is called, how it starts, where it answers."""

    name: str
    command: Tuple[str, ...]  #: arguments of our own Python: ("-m", "rasa", "run")
    health: str = ""  #: URL that answers 200 once the part works; "" where it serves nothing
    environment: Mapping[str, str] = field(default_factory=dict)  #: added to ours

    @property
    def port(self) -> int:
        """The port that it listens on, 0 where it serves nothing."""
        return urlsplit(self.health).port or 0


@dataclass(frozen=True)
class Child:
    """A part that runs."""

    part: Part
    process: subprocess.Popen[bytes]
    log: Path

    def answers(self) -> bool:
        """Whether the health check says 200 now."""
        with requests.Session() as http:
            http.trust_env = False  # a proxy of the environment does not know this machine's loopback
            try:
                return http.get(self.part.health, timeout=HEALTHY_WITHIN).status_code == 200
            except requests.RequestException:
                return False

    def last_lines(self, count: int = 15) -> List[str]:
        """Return the end of its log, without the progress bars that overwrite their line."""
        lines = self.log.read_bytes().decode("utf-8", "replace").split("\n")
        return [line.rstrip("\r").rpartition("\r")[2] for line in lines if line.strip()][-count:]


class Children:
    """Start the parts on entering, end all of them on leaving."""

    def __init__(self, parts: Sequence[Part], *, logs: Path, grace: float = GRACE) -> None:
        self._parts = parts
        self._logs = logs
        self._grace = grace
        self._children: List[Child] = []

    def __enter__(self) -> List[Child]:
        """Start every part, each with a fresh log."""
        self._logs.mkdir(parents=True, exist_ok=True)
        try:
            for part in self._parts:
                self._children.append(_start(part, self._logs / f"{part.name.lower().replace(' ', '-')}.log"))
        except BaseException:
            self._stop()
            raise
        return self._children

    def __exit__(
        self,
        kind: Optional[Type[BaseException]],
        error: Optional[BaseException],
        trace: Optional[TracebackType],
    ) -> None:
        """End every group."""
        self._stop()

    def _stop(self) -> None:
        for child in self._children:
            _signal(child, signal.SIGTERM)
        deadline = time.monotonic() + self._grace
        for child in self._children:
            with suppress(subprocess.TimeoutExpired):
                child.process.wait(max(0.0, deadline - time.monotonic()))
        for child in self._children:
            # Also where the leader has ended: what it started may be left in its group.
            _signal(child, signal.SIGKILL)
            child.process.wait()


def taken(parts: Sequence[Part]) -> List[Part]:
    """Return the parts whose port somebody else listens on already."""
    return [part for part in parts if part.port and listening(part.port)]


def listening(port: int) -> bool:
    """Tell whether somebody listens on that port of this machine."""
    with socket.socket() as probe:
        probe.settimeout(HEALTHY_WITHIN)
        return probe.connect_ex(("127.0.0.1", port)) == 0


def _start(part: Part, log: Path) -> Child:
    # The environment is handed on, not read: only settings/loader.py does that.
    environment = {
        **os.environ,
        "PYTHONUNBUFFERED": "1",  # the log is read while the child runs
        "RASA_TELEMETRY_ENABLED": "false",
        "SQLALCHEMY_SILENCE_UBER_WARNING": "1",
        "TF_CPP_MIN_LOG_LEVEL": "2",
        **part.environment,
    }
    with log.open("wb") as output:
        process = subprocess.Popen(
            [sys.executable, *part.command],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            env=environment,
            start_new_session=True,
        )
    return Child(part, process, log)


def _signal(child: Child, number: int) -> None:
    # PermissionError: macOS says so of a group whose members have all ended.
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(child.process.pid, number)
