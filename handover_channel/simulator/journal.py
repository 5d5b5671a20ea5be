"""Records what happened, in order: every webhook with its deliveries, every Graph API call with its response.

Entries are numbered from 1. Their facts may change later (a delivery is retried), their number does not;
`revision` grows with every change, so that a page knows when to reload. The oldest entries are dropped, and
whoever reads is told how many of what they asked for are not there any more: no gap is silent.
Tokens and proofs are never recorded.
"""

from __future__ import annotations

import threading
from collections import deque
from itertools import islice
from typing import Any, Callable, Deque, Dict, List, NamedTuple, Sequence, Tuple, Union

KEPT_ENTRIES = 5000  #: entries

JournalEntry = Dict[str, Any]
Listener = Callable[[], object]

#: What a line is about: a Graph call, a webhook, an act in the Page inbox; a fault that was ordered or
#: removed; a move of the clock; what Meta does by itself (alert, disabled, lapse).
ENTRY_KINDS: Tuple[str, ...] = ("graph", "webhook", "inbox", "fault", "clock", "meta")


class Read(NamedTuple):
    """What was asked for: the entries, and how many of them the bound has dropped."""

    entries: List[JournalEntry]
    dropped: int


class Journal:
    """The log of one page. May be used from several threads."""

    def __init__(self, clock: Callable[[], int], kept: int = KEPT_ENTRIES) -> None:
        self._clock = clock  # ms since the epoch
        self._entries: Deque[JournalEntry] = deque(maxlen=kept)
        self._listeners: List[Listener] = []
        self._lock = threading.Lock()
        self.count = 0  #: number of the newest entry
        self._cleared = 0  # up to this number they were forgotten on purpose
        self.revision = 0

    def add(self, kind: str, **facts: Any) -> JournalEntry:
        """Append an entry of that kind: one of `ENTRY_KINDS`."""
        with self._lock:
            self.count += 1
            entry: JournalEntry = {"n": self.count, "at": self._clock(), "kind": kind, **facts}
            self._entries.append(entry)
        self.changed()
        return entry

    def amend(self, entry: JournalEntry, **facts: Any) -> None:
        """Change the facts of an entry."""
        with self._lock:
            entry.update(facts)
        self.changed()

    def note_move(self, how: str, by: Union[str, float]) -> Callable[[Sequence[str]], None]:
        """Add an entry for a move of the clock; returns what is told what happened by it."""
        entry = self.add("clock", app="", page="", psid="", act=how, text=f"by {by}")
        return lambda happened: self.amend(entry, happened=list(happened))

    def after(self, number: int = 0) -> List[JournalEntry]:
        """Return copies of the entries after that number."""
        return self.read(number).entries

    def read(self, number: int = 0) -> Read:
        """Return copies of the entries after that number, and how many more were dropped since the reset."""
        with self._lock:
            first = self.count - len(self._entries) + 1
            begin = max(number + 1 - first, 0)
            found = [dict(entry) for entry in islice(self._entries, begin, None)]
            return Read(found, max(first - 1 - max(number, self._cleared), 0))

    def clear(self) -> None:
        """Forget the entries; the numbers go on."""
        with self._lock:
            self._entries.clear()
            self._cleared = self.count
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
