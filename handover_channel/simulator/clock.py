"""Keeps Meta's time: it passes by itself, and is moved forward by hand. No I/O.

1. `jump` moves it at once: what came due on the way happens once, in the order in which it was due, and at
   the end of the way. What that makes due later, though still on the way, happens then as well, once.
2. `run` stops at everything that is due: each thing happens at its own time.
3. It is never moved back, and no further than ten years at a time.
4. What is due by the passing of real time happens at the next `tick`: the server calls it, and so does every
   act.
"""

from __future__ import annotations

import heapq
import itertools
import re
import threading
import time
from contextlib import contextmanager, suppress
from typing import Any, Callable, Iterator, List, Optional, Sequence, Tuple, Union

LONGEST_MOVE = 10 * 365 * 86400.0  #: seconds

_SECONDS_OF = {"second": 1, "minute": 60, "hour": 3600, "day": 86400, "week": 604800}
_SHORT = {"s": "second", "sec": "second", "min": "minute", "h": "hour", "d": "day", "w": "week"}
_AMOUNT = re.compile(r"([0-9]{1,9}(?:\.[0-9]{1,6})?)\s*([a-z]+)", re.ASCII)

#: What happens; it is told nothing.
Happening = Callable[[], object]
#: Told of a move; returns what happened by it.
Listener = Callable[[], Sequence[str]]
#: Told how ("jump", "run") and by how much a move begins; returns what is told at its end what happened.
Witness = Callable[[str, Union[str, float]], Callable[[Sequence[str]], object]]


def seconds_of(given: Union[str, float]) -> float:
    """Return the seconds of a duration: a number of them, or "25 hours", "2 days", "10 min".

    Raises ValueError, which says what is accepted, also for what is negative or longer than ten years.
    """
    seconds: Any = _of_text(given) if isinstance(given, str) else given
    if isinstance(seconds, bool) or not isinstance(seconds, (int, float)) or not 0 <= seconds <= LONGEST_MOVE:
        raise ValueError(
            f'{given!r} is no time to move by: write seconds, or a number and a unit ("25 hours", "2 days"), '
            "forward and ten years at most"
        )
    return float(seconds)


def _of_text(given: str) -> Optional[float]:
    found = _AMOUNT.fullmatch(given.strip().lower())
    if found is None:
        return None
    unit = _SHORT.get(found[2], found[2])
    unit = unit[:-1] if unit.endswith("s") else unit
    return float(found[1]) * _SECONDS_OF[unit] if unit in _SECONDS_OF else None


class Timer:
    """Something that will happen at a time; may be cancelled."""

    def __init__(self, due: float, happening: Happening, what: str) -> None:
        self.due, self.happening, self.what = due, happening, what

    def cancel(self) -> None:
        """Have it not happen; nothing where it has."""
        self.happening = _nothing

    @property
    def is_cancelled(self) -> bool:
        """Whether it will not happen any more."""
        return self.happening is _nothing


def _nothing() -> None:
    pass


class Clock:
    """Seconds since the epoch. *source*: the time that passes by itself. May be used from several threads."""

    def __init__(self, source: Callable[[], float] = time.time) -> None:
        self._source = source
        self._timers: List[Tuple[float, int, Timer]] = []
        self._numbers = itertools.count()
        self._listeners: List[Listener] = []
        self._stops: List[Callable[[], Optional[float]]] = []
        self._witnesses: List[Witness] = []
        self._lock = threading.Lock()
        self._moving = threading.RLock()  # one move at a time; never waited for while the other one is held
        self.offset = 0.0  #: how far it is ahead of *source*

    def __call__(self) -> float:
        """Return the time."""
        return self._source() + self.offset

    now = __call__

    def at(self, due: float, happening: Happening, what: str = "") -> Timer:
        """Have *happening* at *due*, once. *what* names it in what `jump` and `run` give."""
        timer = Timer(due, happening, what)
        with self._lock:
            heapq.heappush(self._timers, (due, next(self._numbers), timer))
        return timer

    def next_due(self) -> Optional[float]:
        """Return when the next thing is due, None where nothing is."""
        with self._lock:
            while self._timers and self._timers[0][2].is_cancelled:
                heapq.heappop(self._timers)
            return self._timers[0][0] if self._timers else None

    def on_moved(
        self, listener: Listener, *, next_stop: Callable[[], Optional[float]] = lambda: None
    ) -> Callable[[], None]:
        """Call *listener* after each move, before what is due happens; returns what ends that.

        *next_stop* gives when it wants to be called next: `run` stops there.
        """
        self._listeners.append(listener)
        self._stops.append(next_stop)

        def end() -> None:
            with suppress(ValueError):
                self._listeners.remove(listener)
                self._stops.remove(next_stop)

        return end

    def on_move(self, witness: Witness) -> None:
        """Have *witness* told of each move that somebody orders, before and after it."""
        self._witnesses.append(witness)

    @contextmanager
    def _witnessed(self, how: str, by: Union[str, float]) -> Iterator[List[str]]:
        happened: List[str] = []
        ends = [witness(how, by) for witness in self._witnesses]
        try:
            yield happened
        finally:
            for end in ends:
                end(happened)

    def jump(self, by: Union[str, float]) -> List[str]:
        """Move at once by a duration (see `seconds_of`); returns what happened, in order (rule 1)."""
        seconds = seconds_of(by)
        with self._witnessed("jump", by) as happened, self._moving:
            happened += self._moved_to(self.now() + seconds)
        return happened

    def run(self, by: Union[str, float]) -> List[str]:
        """Move by a duration, stopping at everything that is due; returns what happened (rule 2)."""
        return [what for happened in self.steps(by) for what in happened]

    def steps(self, by: Union[str, float]) -> Iterator[List[str]]:
        """Run, and yield what happened at each stop, the last one at the end of the way."""
        end = self.now() + seconds_of(by)
        with self._witnessed("run", by) as happened:
            while (stop := self._next_stop()) is not None and stop <= end:
                yield self._stopped_at(stop, happened)
            yield self._stopped_at(end, happened)

    def _stopped_at(self, stop: float, before: List[str]) -> List[str]:
        with self._moving:
            happened = self._moved_to(stop)
        before += happened
        return happened

    def _next_stop(self) -> Optional[float]:
        now = self.now()
        stops = [
            self.next_due(),
            *(stop for each in self._stops if (stop := each()) is not None and stop > now),
        ]
        return min((stop for stop in stops if stop is not None), default=None)

    def tick(self) -> List[str]:
        """Have happen what is due now; nothing while the clock is being moved elsewhere."""
        due = self.next_due()
        if due is None or due > self.now() or not self._moving.acquire(blocking=False):
            return []
        try:
            return self._happen_until(self.now())
        finally:
            self._moving.release()

    def _moved_to(self, then: float) -> List[str]:
        """Move there, unless it is later already, and have happen what is due; returns what happened."""
        ahead = then - self.now()
        happened: List[str] = []
        if ahead > 0:
            self.offset += ahead
            while self.now() < then:  # a sum of floats may fall short
                self.offset += 1e-6
            for listener in list(self._listeners):
                happened += listener()
        return happened + self._happen_until(self.now())

    def _happen_until(self, until: float) -> List[str]:
        happened = []
        while (timer := self._take(until)) is not None:
            if not timer.is_cancelled:
                happened.append(timer.what)
                timer.happening()
        return [what for what in happened if what]

    def _take(self, until: float) -> Optional[Timer]:
        with self._lock:
            if self._timers and self._timers[0][0] <= until:
                return heapq.heappop(self._timers)[2]
        return None
