"""Records what happened, in order: every webhook with its deliveries, every Graph API call with its response.

Entries are numbered from 1. Their facts may change later (a delivery is retried), their number does not;
`revision` grows with every change, so that a page knows when to reload. The oldest entries are dropped.
Tokens and proofs are never recorded.
"""

from __future__ import annotations

import threading
from collections import deque
from typing import Any, Callable, Deque, Dict, List

KEPT_ENTRIES = 5000  #: entries

JournalEntry = Dict[str, Any]
Listener = Callable[[], object]


class Journal:
    """The log of one page, as GET /simulator/log shows it. May be used from several threads."""

    def __init__(self, clock: Callable[[], int]) -> None:
        self._clock = clock  # ms since the epoch
        self._entries: Deque[JournalEntry] = deque(maxlen=KEPT_ENTRIES)
        self._listeners: List[Listener] = []
        self._lock = threading.Lock()
        self._count = 0
        self.revision = 0

    def add(self, kind: str, **facts: Any) -> JournalEntry:
        """Append an entry of that kind: "graph", "webhook" or "inbox"."""
        with self._lock:
            self._count += 1
            entry: JournalEntry = {"n": self._count, "at": self._clock(), "kind": kind, **facts}
            self._entries.append(entry)
        self.changed()
        return entry

    def amend(self, entry: JournalEntry, **facts: Any) -> None:
        """Change the facts of an entry."""
        with self._lock:
            entry.update(facts)
        self.changed()

    def after(self, number: int = 0) -> List[JournalEntry]:
        """Return copies of the entries after that number."""
        with self._lock:
            return [dict(entry) for entry in self._entries if entry["n"] > number]

    def clear(self) -> None:
        """Forget the entries; the numbers go on."""
        with self._lock:
            self._entries.clear()
        self.changed()

    def listen(self, listener: Listener) -> Callable[[], None]:
        """Call *listener* after every change, from any thread; returns what ends that."""
        self._listeners.append(listener)
        return lambda: self._listeners.remove(listener)

    def changed(self) -> None:
        """Tell the listeners that something changed, here or in the threads."""
        self.revision += 1
        for listener in list(self._listeners):
            listener()
