"""Counts what is asked of a SQLite database: transactions, and how often the row of a thread is read.

Counts do not depend on the machine. They catch a path that begins to open one transaction more, or to read
again what it has in its hands.
"""

from __future__ import annotations

import re
import threading
from contextlib import contextmanager
from typing import Any, Dict, Iterator, List, NamedTuple

import sqlalchemy as sa

from handover_channel.store import Store

_READS_THREADS = re.compile(r"SELECT\b.*\bFROM threads\b", re.DOTALL)


class Statements(NamedTuple):
    """The statements of one stretch, in order, each behind the connection that ran it."""

    every: List[str]

    @property
    def transactions(self) -> int:
        """Transactions, of readers and writers."""
        return sum(each.startswith("BEGIN") for each in self.every)

    @property
    def writing(self) -> int:
        """Transactions that may write: on SQLite one at a time, for all processes."""
        return self.every.count("BEGIN IMMEDIATE")

    @property
    def reads_of_threads(self) -> int:
        """How often rows of `threads` were read, in a transaction or by a glance."""
        return sum(bool(_READS_THREADS.match(each)) for each in self.every)

    def __str__(self) -> str:
        """Return the figures, and every statement: what a failed test shows."""
        said = (
            f"{self.transactions} transactions ({self.writing} writing), "
            f"{self.reads_of_threads} reads of threads"
        )
        return "\n".join([said, *(" ".join(each.split())[:150] for each in self.every)])


@contextmanager
def statements_of(store: Store) -> Iterator[Statements]:
    """Give the statements that *store* runs meanwhile, whichever thread runs them."""
    found = Statements([])
    heard: Dict[int, Any] = {}
    lock = threading.Lock()

    def hear(driver: Any, record: Any, proxy: Any) -> None:
        with lock:
            heard[id(driver)] = driver
        driver.set_trace_callback(found.every.append)

    sa.event.listen(store._engine, "checkout", hear)
    store._connections.close()  # what is kept is not checked out again
    try:
        yield found
    finally:
        sa.event.remove(store._engine, "checkout", hear)
        for driver in heard.values():
            driver.set_trace_callback(None)


def in_use(store: Store) -> int:
    """Return how many connections of *store* somebody has now: not those that wait for the next one."""
    return store._engine.pool.checkedout() - len(store._connections._kept)
