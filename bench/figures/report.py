"""The report: 1,000,000 changes of control in a year, 500,000 handovers, on SQLite and PostgreSQL.

A tenth of the handovers come soon after the one before, of the same person; nine tenths are claimed and
answered, a tenth of the conversations has a tag. The time is that of `handover report` in the store: all
sums of a period, and the conversations without a handover. *Filling* is the step of the upgrade that makes
the table of handovers from the log of changes, 450,000 claims and 1,800,000 lines of transcripts.
"""

from __future__ import annotations

import importlib
import tempfile
import time
from contextlib import closing
from pathlib import Path
from typing import Dict, List, NamedTuple, Optional

import sqlalchemy as sa
from handover_channel.store import Store, reports
from sqlalchemy.engine import Connection

from bench import databases, kept, processes
from bench.outcome import NOT_MEASURED, Line, Outcome, Table, verdict
from bench.samples import percentile
from bench.stage import Stage

WANTED_SECONDS, HANDOVERS = 1.0, 500_000
#: Days of a period -> how often its report is made.
REPEATS = {7: 11, 30: 21, 90: 5, 365: 1}
YEAR = 365 * 86400
_fill_handovers = importlib.import_module("handover_channel.store.migrations.versions.0012_handovers").fill

#: Handover number n: whose, when, taken and ended after so many seconds. Numbers that look like chance.
_MADE = """
WITH RECURSIVE numbers(n) AS (
    SELECT CAST(0 AS BIGINT) UNION ALL SELECT n + 1 FROM numbers WHERE n + 1 < :count
),
spread AS (
    SELECT n, CASE WHEN n % 10 = 9 THEN n - 200 ELSE n END AS person,
        :begin + n * :apart AS at, n * 7919 % 997 AS a, n * 104729 % 991 AS b, n * 611953 % 983 AS c
    FROM numbers
),
made AS (
    SELECT n, 't' || (person % :people) AS thread, at, 'agent' || (a % 20) AS agent, b % 10 < 9 AS is_taken,
        at + a * a / 1000.0 AS taken_at, at + a * a / 1000.0 + b / 8.0 AS answered_at,
        at + a * a / 1000.0 + b / 8.0 + 1 + c * c / 150.0 AS ended_at,
        CASE c % 3 WHEN 0 THEN 'inbox' WHEN 1 THEN 'sales_bot' ELSE 'page_inbox' END AS target,
        CASE WHEN c % 5 < 4 THEN 'handed_over' ELSE 'took_over' END AS reason,
        CASE b % 3 WHEN 0 THEN 'agent' WHEN 1 THEN 'button' ELSE 'time_limit' END AS back
    FROM spread
)
"""
_TABLES = (
    f"""{_MADE} INSERT INTO changes (thread, at, control_before, control, owner, target, reason, who)
    SELECT thread, at, control_before, control, '', target, reason, who FROM (
        SELECT thread, at, 'bot' AS control_before, 'inbox' AS control, target, reason, 'bot' AS who FROM made
        UNION ALL SELECT thread, ended_at, 'inbox', 'bot', '', back, agent FROM made
    ) AS both_ends ORDER BY at""",
    f"""{_MADE} INSERT INTO acts (thread, at, agent, kind, whom, detail)
    SELECT thread, taken_at, agent, 'claimed', agent, '' FROM made WHERE is_taken ORDER BY n""",
    f"""{_MADE} INSERT INTO transcript (thread, timestamp, author, app_id, text, attachments, agent)
    SELECT thread, CAST(answered_at * 1000 AS BIGINT) + line * 250,
        CASE line % 2 WHEN 0 THEN 'agent' ELSE 'person' END, '',
        'Where is my order number ' || n || '? I have been waiting for days.', '[]',
        CASE line % 2 WHEN 0 THEN agent ELSE '' END
    FROM made, (SELECT 0 AS line UNION ALL SELECT 1 UNION ALL SELECT 2 UNION ALL SELECT 3) AS lines
    WHERE is_taken ORDER BY n""",
    """INSERT INTO threads (id, channel, page, control, owner, target, stamp, precedence, reason, changed_at,
        version, wanted, refusal, attempts, seen, active_at, person_at, context, answers_from)
    SELECT thread, 'facebook', '1', 'bot', '', '', 0, 0, 'agent', max(at), 1, '', '', 0, 0, max(at), 0, '{}',
        0 FROM changes GROUP BY thread""",
    "INSERT INTO tags (thread, tag) SELECT id, 'tag ' || length(id) FROM threads WHERE length(id) % 3 = 0",
)


class Made(NamedTuple):
    """One report. Seconds; the CPU is that of this process and of the database."""

    handovers: int
    taken: float
    cpu: float


class Measured(NamedTuple):
    """The figures of one database."""

    filling: float  #: seconds
    made: Dict[int, List[Made]]  #: by the days of the period


def measure(stage: Stage) -> Outcome:
    """Measure it."""
    count = stage.count(HANDOVERS, 5_000)
    found: Dict[str, Measured] = {}
    with tempfile.TemporaryDirectory(prefix="handover-bench-") as folder:
        database = Path(folder) / "report.db"
        url = f"sqlite:///{database}"
        now = kept.sqlite("report-sqlite", count, database, lambda: _make(url, count))
        found["SQLite"] = _measured(url, now)
    if not databases.missing():
        with kept.postgresql("report-postgresql", count, lambda url: _make(url, count)) as (url, now):
            found["PostgreSQL"] = _measured(url, now)
    return Outcome([_line(name, each) for name, each in found.items()], _tables(found))


def _line(name: str, measured: Measured) -> Line:
    slow = percentile([each.taken for each in measured.made[30]], 95)
    return Line(
        f"report of 30 days, of 1,000,000 changes in a year on {name}, p95",
        NOT_MEASURED,
        NOT_MEASURED,
        f"{slow * 1000:.0f} ms",
        f"under {WANTED_SECONDS:.0f} s",
        verdict(slow < WANTED_SECONDS),
    )


def _tables(found: Dict[str, Measured]) -> List[Table]:
    rows = [
        [name, str(days), f"{made[0].handovers:,}", *_milliseconds(made)]
        for name, each in found.items()
        for days, made in each.made.items()
    ]
    filling = [[name, f"{each.filling:.1f}"] for name, each in found.items()]
    return [
        Table("A report", ["database", "days", "handovers", "p50 ms", "p95 ms", "CPU p50 ms"], rows),
        Table("Filling the table of handovers", ["database", "seconds"], filling),
    ]


def _milliseconds(made: List[Made]) -> List[str]:
    taken, cpu = [each.taken for each in made], [each.cpu for each in made]
    found = (percentile(taken, 50), percentile(taken, 95), percentile(cpu, 50))
    return [f"{seconds * 1000:.0f}" for seconds in found]


def _make(url: str, count: int) -> None:
    begin = time.time() - YEAR
    given = {"count": count, "begin": begin, "apart": YEAR / count, "people": max(count // 10, 1000)}
    with closing(Store(url)) as store:
        for statement in _TABLES:
            used = {name: value for name, value in given.items() if f":{name}" in statement}
            with store.writing(durable=False) as connection:
                connection.execute(sa.text(statement), used)
        if store.dialect == "postgresql":  # it does that by itself within a minute
            with store.writing() as connection:
                connection.execute(sa.text("ANALYZE"))


def _measured(url: str, now: float) -> Measured:
    """*now*: when the handovers of the year end."""
    store = Store(url)
    try:
        begun = time.perf_counter()
        with store.writing() as connection:
            _fill_handovers(connection)
        filling = time.perf_counter() - begun
        reported = {
            days: [_report(store, now - days * 86400) for _ in range(most)] for days, most in REPEATS.items()
        }
        return Measured(filling, reported)
    finally:
        store.close()


def _report(store: Store, since: float) -> Made:
    period = reports.Period(since)
    with store.snapshot() as connection:
        server = _server(store, connection)
        begun, cpu = time.perf_counter(), _cpu(server)
        found = reports.sums(connection, period)
        reports.containment(connection, period)
        return Made(found[0].handovers, time.perf_counter() - begun, _cpu(server) - cpu)


def _server(store: Store, connection: Connection) -> Optional[int]:
    """Return the process of the server that answers this connection."""
    if store.dialect == "sqlite":
        return None
    return int(connection.execute(sa.text("SELECT pg_backend_pid()")).scalar() or 0)


def _cpu(server: Optional[int]) -> float:
    return time.process_time() + (processes.cpu(server) if server else 0.0)
