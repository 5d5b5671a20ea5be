"""Remembers which threads this worker is at, and of which there was word of new work meanwhile."""

from __future__ import annotations

import threading
from typing import Dict, Iterable, List


class ThreadsInProgress:
    """At most *at_once* of them. From any thread of the process."""

    def __init__(self, at_once: int) -> None:
        self._at_once = at_once
        # Thread -> there is work that was not looked for yet. Read and written in one go, under the lock.
        self._word: Dict[str, bool] = {}
        self._lock = threading.Lock()

    def __len__(self) -> int:
        """Return how many there are."""
        return len(self._word)

    @property
    def room(self) -> int:
        """How many more there may be."""
        return max(self._at_once - len(self._word), 0)

    def reserve(self, threads: Iterable[str]) -> List[str]:
        """Add those of *threads* that are not in progress, and return them; none where there is no room."""
        with self._lock:
            free = [thread for thread in threads if thread not in self._word]
            if len(self._word) + len(free) > self._at_once:
                return []
            self._word.update(dict.fromkeys(free, False))
            return free

    def hear(self, thread: str) -> bool:
        """Note that there is work in *thread*; return whether it is new here, and now in progress."""
        with self._lock:
            is_new = thread not in self._word
            self._word[thread] = True
            return is_new

    def hear_more(self, thread: str) -> bool:
        """Note that there is work in *thread* if it is in progress, and return whether it is."""
        with self._lock:
            is_known = thread in self._word
            if is_known:
                self._word[thread] = True
            return is_known

    def take_word(self, thread: str) -> bool:
        """Tell whether there was word of work in *thread* since the last time."""
        with self._lock:
            there_was, self._word[thread] = self._word[thread], False
            return there_was

    def leave(self, thread: str) -> bool:
        """Take *thread* out; return whether there was word of work since it was last taken."""
        with self._lock:
            return self._word.pop(thread, False)
