"""Stores deliveries before they are acknowledged: many in one transaction.

A commit that survives a power cut costs the disk a flush. While one transaction is written, the next
deliveries gather, and go together into the one after: the busier the page, the cheaper each of them.
"""

from __future__ import annotations

import queue
import threading
import time
from concurrent.futures import Future
from typing import Any, Callable, Dict, Iterable, List, Optional, Tuple

from handover_channel import metrics
from handover_channel.errors import StoreUnavailable
from handover_channel.store import Store, deliveries

_Row = Dict[str, Any]
_Waiting = Tuple[List[_Row], "Future[None]"]

#: Rows of one transaction: bounded, so that the first of a flood is not kept waiting for the last.
_MOST = 2000


#: Deliveries that gather while one transaction is written, from which on others should give way to more of
#: them, and for how many seconds.
PRESSED, PRESSED_FOR = 6, 0.1


class Intake:
    """Writes rows in a thread of its own. `stored` is called with the threads that have new work."""

    def __init__(self, store: Store, stored: Callable[[Iterable[str]], None]) -> None:
        self._store = store
        self._stored = stored
        self._waiting: queue.SimpleQueue[Optional[_Waiting]] = queue.SimpleQueue()
        self._stopped = False
        self._pressed_until = 0.0
        self._thread = threading.Thread(target=self._run, name="handover-intake", daemon=True)

    def start(self) -> None:
        """Start writing."""
        self._thread.start()

    def stop(self) -> None:
        """Write what was put, then end."""
        self._stopped = True
        self._waiting.put(None)
        self._thread.join()

    def is_pressed(self) -> bool:
        """Tell whether so much comes in just now that other work had better wait."""
        return time.monotonic() < self._pressed_until

    def put(self, rows: List[_Row]) -> Future[None]:
        """Store *rows*. The future is done once they are on disk; it raises StoreUnavailable."""
        done: Future[None] = Future()
        if self._stopped:
            done.set_exception(StoreUnavailable("the server is stopping"))
            return done
        self._waiting.put((rows, done))
        return done

    def _run(self) -> None:
        while True:
            batch, last = self._gather()
            if batch:
                self._write(batch)
            if last:
                return

    def _gather(self) -> Tuple[List[_Waiting], bool]:
        batch: List[_Waiting] = []
        found = self._waiting.get()
        while found is not None:
            batch.append(found)
            if sum(len(rows) for rows, _ in batch) >= _MOST:
                return batch, False
            try:
                found = self._waiting.get_nowait()
            except queue.Empty:
                return batch, False
        return batch, True

    def _write(self, batch: List[_Waiting]) -> None:
        rows = [row for rows, _ in batch for row in rows]
        if len(batch) >= PRESSED:
            self._pressed_until = time.monotonic() + PRESSED_FOR
        # Who has hung up meanwhile is not waiting any more; from here on nobody can.
        waiting = [done for _, done in batch if done.set_running_or_notify_cancel()]
        try:
            with self._store.writing() as connection:
                deliveries.add(connection, rows)
        except StoreUnavailable as error:
            for done in waiting:
                done.set_exception(error)
            return
        except Exception as error:  # never leave a request waiting, nor end this thread
            for done in waiting:
                done.set_exception(StoreUnavailable(f"{type(error).__name__} in the database driver"))
            return
        for done in waiting:
            done.set_result(None)
        metrics.stored(len(rows))
        self._stored({row["thread"] for row in rows})
