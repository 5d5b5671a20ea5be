"""Keeps one kind of log line from flooding the log."""

from __future__ import annotations

import logging
import time
from typing import Callable, Dict, Tuple, Union

from handover_channel import log

#: Kinds of lines that are told apart at a time; more are somebody's doing, and count as one.
_KINDS_AT_MOST = 200
_OTHERS = ""


class Rarely:
    """Logs the first of many lines of one kind at once, and then one in *seconds*, with how many there were.

    For what others can cause as often as they like. From any thread.
    """

    def __init__(self, seconds: float = 60.0, clock: Callable[[], float] = time.monotonic) -> None:
        self._seconds = seconds
        self._clock = clock
        self._said: Dict[str, Tuple[float, int]] = {}  # kind -> when, and how many were left out since

    def warning(self, to: Union[logging.Logger, log.Logger], kind: str, text: str, *facts: object) -> None:
        """Log a warning of that kind, unless one was logged a moment ago."""
        now = self._clock()
        kind = self._kind(kind, now)
        at, left_out = self._said.get(kind, (now - self._seconds, 0))
        if now - at < self._seconds:
            self._said[kind] = (at, left_out + 1)
            return
        self._said[kind] = (now, 0)
        if left_out:
            to.warning(f"{text} (and %d more since the last line of this kind)", *facts, left_out)
        else:
            to.warning(text, *facts)

    def _kind(self, kind: str, now: float) -> str:
        """Return under which name a line is counted: that of all the others, where there are too many."""
        if kind in self._said or len(self._said) < _KINDS_AT_MOST:
            return kind
        at, _ = self._said.get(_OTHERS, (now - self._seconds, 0))
        if now - at >= self._seconds:  # not at each line: it looks at all of them
            fresh = (each for each, said in self._said.items() if now - said[0] < self._seconds)
            self._said = {each: self._said[each] for each in (*fresh, _OTHERS) if each in self._said}
        return _OTHERS
