"""Keeps findings: what events and refusals have shown to be wrong with the set-up, until it is right again.

Each is a sentence for people: what was found, and what to do. Health and `handover status` show them. A kind
and its subject (a page, an app, a thread) have one row, however often they are seen.
"""

from __future__ import annotations

import threading
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Callable, Dict, List, Mapping, Set, Tuple

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from handover_channel import log
from handover_channel.errors import GraphError, OverBudget, StoreUnavailable, TokenRefused
from handover_channel.store import Store
from handover_channel.store.schema import findings

logger = log.logger(__name__)

#: Meta refuses the token of a page.
TOKEN_REFUSED = "token_refused"  # noqa: S105  (a kind, no secret)
#: Echoes of what we sent carry another app id than handover.yml.
APP_ID_DIFFERS = "app_id_differs"
#: Meta warns or blocks a page for breaking its policies.
POLICY_ENFORCED = "policy_enforced"
#: A thread has used up its budget of calls or changes.
BUDGET_SPENT = "over_budget"

#: Every kind, in the order of the metric.
FINDING_KINDS = (TOKEN_REFUSED, APP_ID_DIFFERS, POLICY_ENFORCED, BUDGET_SPENT)
#: Kinds whose subject is a thread.
OF_THREADS = frozenset({BUDGET_SPENT})

#: Seconds after which a finding that was not seen again is forgotten.
FORGOTTEN_AFTER = 7 * 24 * 3600.0

#: Seconds between two times that one process notes the same finding.
NOTE_AGAIN_AFTER = 60.0

_PUT = sa.text(
    "INSERT INTO findings (kind, subject, text, at) VALUES (:kind, :subject, :text, :at) "
    "ON CONFLICT (kind, subject) DO UPDATE SET text = excluded.text, at = excluded.at"
)


@dataclass(frozen=True)
class Finding:
    """One finding. *at*: when it was seen last, in seconds since the epoch."""

    kind: str
    subject: str
    text: str
    at: float


def put(connection: Connection, kind: str, subject: str, text: str, *, now: float) -> None:
    """Note a finding, or that it was seen again."""
    connection.execute(_PUT, {"kind": kind, "subject": subject, "text": text, "at": now})


def clear(connection: Connection, kind: str, subject: str) -> None:
    """Forget a finding: it is right again."""
    connection.execute(sa.delete(findings).where(findings.c.kind == kind, findings.c.subject == subject))


def current(connection: Connection, *, now: float, limit: int = 20) -> List[Finding]:
    """Return what was found, the newest first."""
    return _found(connection, now, sa.true(), limit)


def about(connection: Connection, thread: str, *, now: float, limit: int = 20) -> List[Finding]:
    """Return what concerns *thread*: what was found about it, and about the set-up as a whole."""
    of_others = sa.and_(findings.c.kind.in_(sorted(OF_THREADS)), findings.c.subject != thread)
    return _found(connection, now, sa.not_(of_others), limit)


def _found(connection: Connection, now: float, which: Any, limit: int) -> List[Finding]:
    query = sa.select(findings).where(findings.c.at > now - FORGOTTEN_AFTER, which)
    query = query.order_by(findings.c.at.desc(), findings.c.kind, findings.c.subject).limit(limit)
    return [Finding(**row) for row in connection.execute(query).mappings()]


def counts(connection: Connection, *, now: float) -> Mapping[str, int]:
    """Return how many findings there are of each kind."""
    query = sa.select(findings.c.kind, sa.func.count()).where(findings.c.at > now - FORGOTTEN_AFTER)
    return {kind: int(count) for kind, count in connection.execute(query.group_by(findings.c.kind))}


def tidy(connection: Connection, *, now: float) -> int:
    """Delete what is forgotten, and return how many."""
    old = sa.delete(findings).where(findings.c.at <= now - FORGOTTEN_AFTER)
    return int(connection.execute(old).rowcount)


class Findings:
    """Notes what one process finds: in the log once, in the table at most once a minute. From any thread."""

    def __init__(self, store: Store, clock: Callable[[], float]) -> None:
        self._store = store
        self._clock = clock
        self._lock = threading.Lock()
        self._noted: Dict[Tuple[str, str], float] = {}
        self._works: Set[Tuple[str, str]] = set()

    def refused(self, error: GraphError, *, page: str, thread: str) -> None:
        """Note what the refusal of a message shows to be wrong with the set-up, if it shows anything."""
        if isinstance(error, TokenRefused):
            self.found(TOKEN_REFUSED, page, f"a page access token is refused: {error}")
        elif isinstance(error, OverBudget):
            self.found(BUDGET_SPENT, thread, str(error))

    def found(self, kind: str, subject: str, text: str) -> None:
        """Note that something is wrong."""
        key, now = (kind, subject), self._clock()
        with self._lock:
            last = self._noted.get(key)
            if last is not None and now - last < NOTE_AGAIN_AFTER:
                return
            self._noted[key] = now
            self._works.discard(key)
        if last is None:
            logger.error("%s", text)
        with suppress(StoreUnavailable), self._store.writing() as connection:
            put(connection, kind, subject, text, now=now)

    def works(self, kind: str, subject: str) -> None:
        """Note that it is right. Costs nothing where this process has said so already."""
        key = (kind, subject)
        if key in self._works:
            return
        with self._lock:
            self._works.add(key)
            self._noted.pop(key, None)
        try:
            with self._store.writing(durable=False) as connection:
                clear(connection, kind, subject)
        except StoreUnavailable:
            self._works.discard(key)  # the next time, then
