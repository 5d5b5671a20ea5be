"""Reads and writes what the figures need of our store: the only place that knows its tables.

On SQLite, except `waiting`. Open handovers by the hundred thousand are copies of one that was really made.
"""

from __future__ import annotations

import sqlite3
import time
from contextlib import closing
from pathlib import Path
from typing import Any, Dict, List, Set, Tuple

import sqlalchemy as sa
from handover_channel import services
from handover_channel.store import Store

_WAITING = "SELECT count(*) FROM deliveries WHERE done_at IS NULL"


def waiting(database: Path) -> int:
    """Return how many deliveries are still to be processed."""
    return int(_one(database, _WAITING))


def waiting_at(url: str) -> int:
    """Return the same of a database by its URL."""
    store = Store(url)
    try:
        with store.reading() as connection:
            return int(connection.execute(sa.text(_WAITING)).scalar() or 0)
    finally:
        store.close()


def stored(database: Path) -> int:
    """Return how many deliveries were stored."""
    return int(_one(database, "SELECT count(*) FROM deliveries"))


def hand_over(config: Path, threads: Dict[str, str]) -> None:
    """Hand each thread (PSID -> target) over for real, as `action_handover` does."""
    handover = services.from_config(str(config))
    for thread, target in threads.items():
        handover.thread_control.hand_over(thread, target)
    services.process.close(handover)


def copy_open(database: Path, thread: str, prefix: str, count: int) -> None:
    """Copy an open handover *count* times, each with a deadline in the day that begins in 12 hours."""
    far = time.time() + 12 * 3600
    with closing(sqlite3.connect(database, timeout=60)) as connection, connection:
        for table, key in (("threads", "id"), ("deadlines", "thread")):
            columns = [row[1] for row in connection.execute(f"PRAGMA table_info({table})")]
            due = f"{far} + (n % 86400)"
            changed = {key: f"'{prefix}' || printf('%07d', n)", "until": due, "due_at": due}
            chosen = ", ".join(changed.get(name, f'"{name}"') for name in columns)
            connection.execute(
                "WITH RECURSIVE numbers(n) AS (SELECT 0 UNION ALL SELECT n + 1 FROM numbers WHERE n + 1 < ?) "
                f"INSERT INTO {table} SELECT {chosen} FROM numbers, {table} WHERE {key} = ?",
                (count, thread),
            )


def set_due(database: Path, due: Dict[str, float]) -> None:
    """Set the time limits (epoch seconds) of threads."""
    rows = [(at, thread) for thread, at in due.items()]
    with closing(sqlite3.connect(database, timeout=60)) as connection, connection:
        connection.executemany("UPDATE threads SET until = ? WHERE id = ?", rows)
        connection.executemany("UPDATE deadlines SET due_at = ? WHERE thread = ?", rows)


def returned_by_clock(database: Path) -> List[Tuple[str, float]]:
    """Return (thread, epoch seconds) of each return by a time limit."""
    query = "SELECT thread, at FROM changes WHERE reason = 'time_limit' AND control = 'bot'"
    with closing(sqlite3.connect(database, timeout=60)) as connection:
        return [(str(thread), float(at)) for thread, at in connection.execute(query)]


def muted(database: Path) -> List[str]:
    """Return the threads that the bot does not have."""
    with closing(sqlite3.connect(database, timeout=60)) as connection:
        return [str(row[0]) for row in connection.execute("SELECT id FROM threads WHERE control <> 'bot'")]


def controls(database: Path) -> Dict[str, List[Tuple[float, str]]]:
    """Return (epoch seconds, who has control from then on) of each thread's changes, in order."""
    found: Dict[str, List[Tuple[float, str]]] = {}
    with closing(sqlite3.connect(database, timeout=60)) as connection:
        for thread, at, control in connection.execute("SELECT thread, at, control FROM changes ORDER BY id"):
            found.setdefault(str(thread), []).append((float(at), str(control)))
    return found


def answered_or_kept(database: Path) -> Set[str]:
    """Return the ids of messages that the bot has answered, or that agents see."""
    answered = "SELECT key FROM deliveries WHERE outcome = 'answered'"
    with closing(sqlite3.connect(database, timeout=60)) as connection:
        found = {str(row[0]).rsplit(":", 1)[1] for row in connection.execute(answered)}
        kept = connection.execute("SELECT mid FROM transcript WHERE mid IS NOT NULL")
        return found | {str(row[0]) for row in kept}


def _one(database: Path, query: str) -> Any:
    with closing(sqlite3.connect(database, timeout=60)) as connection:
        return connection.execute(query).fetchone()[0]
