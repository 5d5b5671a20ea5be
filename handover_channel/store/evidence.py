"""Reads what deliveries and refusals have shown of a set-up at Meta. Changes nothing, and makes no database.

Meta tells an app neither who is the default app nor whether it may take control: what it refused tells. Only
the newest threads and lines are looked at, so that a large database takes no longer than a small one.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, FrozenSet, Mapping, Tuple

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from handover_channel.sentences import Sentence, restored
from handover_channel.store import examination, findings
from handover_channel.store.findings import Finding
from handover_channel.store.schema import threads, transcript

#: So many of the newest threads, and lines, are looked at.
NEWEST = 5000

#: Threads of other apps that are told: enough to ask Meta about.
HELD = 3


@dataclass(frozen=True)
class Refusal:
    """A way back that Meta has refused, and that is still wanted."""

    thread: str
    said: Sentence
    seen_at: float


@dataclass(frozen=True)
class Held:
    """A thread that another app has."""

    thread: str
    page: str
    owner: str  #: app id, "" for unknown


@dataclass(frozen=True)
class Evidence:
    """What was seen."""

    findings: Tuple[Finding, ...] = ()
    refusals: Tuple[Refusal, ...] = ()  #: the newest first
    obstacles: FrozenSet[str] = frozenset()  #: rules/obstacle.py
    held: Tuple[Held, ...] = ()  #: the newest first
    apps: FrozenSet[str] = frozenset()  #: ids of apps that owned a thread, or wrote in one
    answered_by_itself: FrozenSet[str] = frozenset()  #: "automatic_reply", "meta_ai"


def read(url: str, *, now: float, authors: Tuple[str, ...], since: float) -> Evidence:
    """Return what the database at *url* knows; nothing where there is none yet. Raises StoreUnavailable.

    *authors*: of lines, which are looked for from *since* on (seconds since the epoch).
    """
    with examination.reading(url) as connection:
        if connection is None or not sa.inspect(connection).has_table(threads.name):
            return Evidence()
        return _read(connection, now=now, authors=authors, since=since)


def _read(connection: Connection, *, now: float, authors: Tuple[str, ...], since: float) -> Evidence:
    columns = ("id", "page", "control", "owner", "refusal", "obstacle", "active_at")
    newest = (
        sa.select(*(threads.c[name] for name in columns)).order_by(threads.c.active_at.desc()).limit(NEWEST)
    )
    rows = [dict(row) for row in connection.execute(newest).mappings()]
    lines = sa.select(transcript.c.author, transcript.c.app_id, transcript.c.timestamp)
    said = [
        dict(row)
        for row in connection.execute(lines.order_by(transcript.c.id.desc()).limit(NEWEST)).mappings()
    ]
    by_itself = {each["author"] for each in said if each["timestamp"] >= since * 1000} & set(authors)
    apps = {row["owner"] for row in rows} | {each["app_id"] for each in said}
    return Evidence(
        findings=tuple(findings.current(connection, now=now, limit=100)),
        refusals=tuple(_refusal(row) for row in rows if row["refusal"]),
        obstacles=frozenset(row["obstacle"] for row in rows if row["obstacle"]),
        held=tuple(_held(row) for row in rows if row["control"] == "app")[:HELD],
        apps=frozenset(apps - {""}),
        answered_by_itself=frozenset(by_itself),
    )


def _refusal(row: Mapping[str, Any]) -> Refusal:
    return Refusal(row["id"], restored(row["refusal"]), float(row["active_at"]))


def _held(row: Mapping[str, Any]) -> Held:
    return Held(row["id"], row["page"], row["owner"])
