"""Processes of the bench: each in a group of its own, asked for its CPU time, ended by its own id."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import Any, Callable, Dict, Iterator, List, Optional, Sequence

import requests

ROOT = Path(__file__).resolve().parent.parent

#: Seconds in which a server has to answer. Rasa takes about 15 alone on a core.
START_WITHIN = 120.0

_http = requests.Session()
_http.trust_env = False  # a proxy of the environment does not know this machine's loopback


class Process:
    """One process, by its command. `start` may follow `kill`: the log goes on."""

    def __init__(self, command: Sequence[str], folder: Path, log: str, health: str = "") -> None:
        self._command = [sys.executable, *command]
        self._folder = folder
        self._health = health  # URL that answers 200 once it works
        self.log_file = folder / log
        self._running: Optional[subprocess.Popen[bytes]] = None

    def start(self) -> None:
        """Start, and do not wait."""
        with self.log_file.open("ab") as log:
            self._running = subprocess.Popen(
                self._command,
                cwd=self._folder,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                env=_environment(),
                start_new_session=True,
            )

    def ready(self) -> None:
        """Wait until it works."""
        until(self.answers, f"{self.log_file.name}: {self._health} answers 200", START_WITHIN)

    def answers(self) -> bool:
        """Tell whether it works. Raises RuntimeError where it has ended."""
        if self._running is None or self._running.poll() is not None:
            raise RuntimeError(f"it has ended, see {self.log_file.relative_to(ROOT)}")
        with suppress(requests.RequestException):
            return _http.get(self._health, timeout=2).status_code == 200
        return False

    def cpu(self) -> float:
        """Return the seconds of CPU that it and its child processes have used, to a hundredth."""
        if self._running is None:
            raise RuntimeError("it does not run")
        own = str(self._running.pid)
        ticks = 0
        for stat in Path("/proc").glob("[0-9]*/stat"):
            with suppress(OSError):  # it has ended meanwhile
                fields = stat.read_text().rpartition(")")[2].split()
                if own in (stat.parent.name, fields[1]):
                    ticks += int(fields[11]) + int(fields[12])
        return ticks / os.sysconf("SC_CLK_TCK")

    def pids(self) -> List[int]:
        """Return its process id, then those of its child processes."""
        if self._running is None:
            raise RuntimeError("it does not run")
        own, children = self._running.pid, []
        for stat in Path("/proc").glob("[0-9]*/stat"):
            with suppress(OSError):  # it has ended meanwhile
                if stat.read_text().rpartition(")")[2].split()[1] == str(own):
                    children.append(int(stat.parent.name))
        return [own, *sorted(children)]

    def kill(self) -> None:
        """As `kill -9`: whatever it has begun is of no use any more."""
        running, self._running = self._running, None
        if running is None:
            return
        with suppress(ProcessLookupError):
            os.killpg(running.pid, signal.SIGKILL)
        running.wait(20)

    @contextmanager
    def stopped(self) -> Iterator[None]:
        """Have it and its child processes do nothing meanwhile."""
        if self._running is None:
            raise RuntimeError("it does not run")
        os.killpg(self._running.pid, signal.SIGSTOP)
        try:
            yield
        finally:
            os.killpg(self._running.pid, signal.SIGCONT)

    def log(self) -> str:
        """Return all it has written."""
        return self.log_file.read_text(errors="replace") if self.log_file.exists() else ""


@contextmanager
def running(*processes: Process) -> Iterator[None]:
    """Start processes side by side, wait until all work, and end them at last."""
    with ExitStack() as stack:
        for process in processes:
            stack.callback(process.kill)
            process.start()
        for process in processes:
            process.ready()
        yield


def until(found: Callable[[], Any], what: str, within: float) -> Any:
    """Return what *found* gives once it gives something true. Raises TimeoutError after *within* seconds."""
    deadline = time.monotonic() + within
    while not (result := found()):
        if time.monotonic() > deadline:
            raise TimeoutError(f"not within {within:g} s: {what}")
        time.sleep(0.05)
    return result


def resident(pid: int) -> int:
    """Return the bytes of memory that a process has resident, 0 for one that has ended."""
    with suppress(OSError):
        return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")
    return 0


def cpu(pid: int) -> float:
    """Return the seconds of CPU that a process has used, to a hundredth."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def listens(port: int) -> bool:
    """Tell whether somebody listens on *port*."""
    with socket.socket() as probe:
        probe.settimeout(1)
        return probe.connect_ex(("127.0.0.1", port)) == 0


def free_port() -> int:
    """Return a port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def ask(method: str, url: str, **given: Any) -> Any:
    """Make an HTTP call to one of the processes and return the JSON of its answer."""
    answer = _http.request(method, url, timeout=given.pop("timeout", 60), **given)
    answer.raise_for_status()
    return answer.json() if answer.content else None


def _environment() -> Dict[str, str]:
    environment = {
        **os.environ,
        "PYTHONPATH": str(ROOT),  # `bench` itself is not installed
        "PYTHONUNBUFFERED": "1",
        "PYTHONWARNINGS": "ignore",
        "RASA_TELEMETRY_ENABLED": "false",
        "SQLALCHEMY_SILENCE_UBER_WARNING": "1",
        "TF_CPP_MIN_LOG_LEVEL": "3",
    }
    environment.pop("HANDOVER_CONFIG", None)  # each server has the settings of its own folder
    return environment
