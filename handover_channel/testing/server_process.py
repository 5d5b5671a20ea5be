"""Runs a server of a test's own as a process, and ends it with everything that it has started."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import time
from contextlib import suppress
from pathlib import Path
from typing import Any, Callable, List, Optional

import requests

#: The bot starts in about 15 seconds alone on a core; others may be at work.
READY_WITHIN = 180.0
PATIENCE = 60.0

_http = requests.Session()
_http.trust_env = False  # a proxy of the environment does not know this machine's loopback


def eventually(find: Callable[[], Any], what: str = "", within: float = PATIENCE) -> Any:
    """Return what *find* gives once it gives something true; fail after *within* seconds."""
    deadline = time.monotonic() + within
    while not (found := find()):
        if time.monotonic() > deadline:
            raise AssertionError(f"not within {within:g} s: {what or find}; at last: {found!r}")
        time.sleep(0.1)
    return found


def free_port() -> int:
    """Return a port nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class ServerProcess:
    """A process that serves HTTP. Each start adds to the same log, *name*.log in the folder *logs*.

    It runs in *folder*, with *environment* beside that of this process. *health*: the URL that gives 200 once
    it works.
    """

    def __init__(
        self,
        name: str,
        command: List[str],
        folder: Path,
        health: str,
        *,
        logs: Optional[Path] = None,
        **environment: str,
    ) -> None:
        self.name, self.health = name, health
        self._command, self._folder, self._environment = command, folder, environment
        self.log_file = (logs or folder) / f"{name}.log"
        self._process: Optional[subprocess.Popen[bytes]] = None

    @property
    def runs(self) -> bool:
        """Whether it was started and not stopped."""
        return self._process is not None

    def start(self) -> None:
        """Start it, and do not wait."""
        environment = {**os.environ, "PYTHONUNBUFFERED": "1", "RASA_TELEMETRY_ENABLED": "false"}
        environment.pop("HANDOVER_CONFIG", None)
        environment.update(self._environment)
        with self.log_file.open("ab") as output:
            self._process = subprocess.Popen(
                self._command,
                cwd=self._folder,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                env=environment,
                start_new_session=True,
            )

    def ready(self) -> None:
        """Wait until it works. Raises AssertionError, with the end of its log, where it does not."""
        eventually(self._answers, f"{self.name} answers at {self.health}", READY_WITHIN)

    def stop(self, number: int = signal.SIGTERM) -> None:
        """End it and what it started."""
        process, self._process = self._process, None
        if process is None:
            return
        _signal_group(process, number)
        try:
            process.wait(20)
        except subprocess.TimeoutExpired:
            _signal_group(process, signal.SIGKILL)
            process.wait()

    def kill(self) -> None:
        """End it as `kill -9` or a power cut does."""
        self.stop(signal.SIGKILL)

    def pause(self) -> None:
        """Have it hang: it takes connections and does not answer."""
        _signal_group(self._running(), signal.SIGSTOP)

    def resume(self) -> None:
        """Have it go on."""
        _signal_group(self._running(), signal.SIGCONT)

    def pids(self) -> List[int]:
        """Return the processes it consists of."""
        group = self._running().pid
        everybody = (int(entry.name) for entry in Path("/proc").iterdir() if entry.name.isdigit())
        return [pid for pid in everybody if _group_of(pid) == group]

    def log(self) -> str:
        """Return all it has written."""
        return self.log_file.read_text(errors="replace") if self.log_file.exists() else ""

    def _running(self) -> subprocess.Popen[bytes]:
        if self._process is None:
            raise RuntimeError(f"{self.name} does not run")
        return self._process

    def _answers(self) -> bool:
        code = self._running().poll()
        if code is not None:
            raise AssertionError(f"{self.name} ended with {code}:\n{self.log()[-3000:]}")
        try:
            return _http.get(self.health, timeout=2).status_code == 200
        except requests.RequestException:
            return False


def _signal_group(process: subprocess.Popen[bytes], number: int) -> None:
    with suppress(ProcessLookupError):
        os.killpg(process.pid, number)


def _group_of(pid: int) -> int:
    try:
        return os.getpgid(pid)
    except ProcessLookupError:
        return 0
