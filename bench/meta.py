"""The bench's side of the fake Graph API: start it, set it, read what was sent."""

from __future__ import annotations

from collections import defaultdict
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Dict, Iterator, List, Sequence

from bench.processes import Process, ask, free_port, running


@dataclass(frozen=True)
class Call:
    """One Graph call."""

    at: float  #: seconds, monotonic clock of this machine
    thread: str
    kind: str  #: "message", a sender action, or the edge
    text: str
    wall: float = 0.0  #: the same in seconds since the epoch
    accepted: bool = True  #: it was answered with yes


class Meta:
    """The fake, as the figures use it."""

    def __init__(self, url: str, pid: int) -> None:
        self.url = url
        self.pid = pid

    def set(self, *, delay: float, callbacks: Sequence[int] = (), lies: int = 0) -> None:
        """Let calls take *delay* seconds and echoes go to the *callbacks*; forget what was.

        *lies*: a seed, and it lies from now on; 0: it is honest.
        """
        given = {"delay": delay, "callbacks": list(callbacks), "lies": lies}
        ask("POST", f"{self.url}/bench/settings", json=given)

    def wait(self, messages: int, within: float) -> int:
        """Wait until so many messages were sent, *within* seconds at most; returns how many were."""
        query = {"messages": str(messages), "within": str(within)}
        answer = ask("GET", f"{self.url}/bench/wait", params=query, timeout=within + 30)
        return int(answer["messages"])

    def calls(self) -> List[Call]:
        """Return every call since `set`, in order."""
        return [Call(*call) for call in ask("GET", f"{self.url}/bench/log")]

    def messages(self) -> List[Call]:
        """Return the messages sent since `set`, in order."""
        return [call for call in self.calls() if call.kind == "message"]

    def texts(self) -> Dict[str, List[str]]:
        """Return the texts sent since `set`, in order, by thread."""
        found: Dict[str, List[str]] = defaultdict(list)
        for call in self.messages():
            found[call.thread].append(call.text)
        return found


@contextmanager
def serving(folder: Path) -> Iterator[Meta]:
    """Run the fake."""
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    folder.mkdir(parents=True, exist_ok=True)
    process = Process(["-m", "bench.fake_meta", str(port)], folder, "meta.log", f"{url}/bench/log")
    with running(process):
        yield Meta(url, process.pids()[0])
