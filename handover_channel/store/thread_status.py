"""Reads everything about who has control of a thread, for `handover status`."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import List, Mapping, Optional

from handover_channel.store import (
    Store,
    agents,
    changes,
    deadlines,
    findings,
    queue_admin,
    threads,
    transcript,
)
from handover_channel.store.changes import LoggedChange
from handover_channel.store.findings import Finding
from handover_channel.store.queue_admin import QueueOfThread
from handover_channel.store.threads import Thread
from handover_channel.store.transcript import Line


@dataclass(frozen=True)
class Status:
    """Everything about who has control of a thread, for people."""

    thread: Thread
    log: List[LoggedChange]  #: newest first
    transcript: List[Line]  #: oldest first
    findings: List[Finding] = field(default_factory=list)  #: what is wrong with the set-up
    deadlines: Mapping[str, float] = field(default_factory=dict)  #: kind -> when it is due
    queue: QueueOfThread = QueueOfThread()
    shown_names: Mapping[str, str] = field(default_factory=dict)  #: of agents, by the names they sign in with


def status_of(store: Store, thread: str, *, now: float) -> Optional[Status]:
    """Return the status of *thread*, None where it was never seen. Raises StoreUnavailable."""
    with store.reading() as connection:
        found = threads.get(connection, thread)
        if found is None:
            return None
        return Status(
            found,
            changes.of(connection, thread),
            transcript.of(connection, thread),
            findings.about(connection, thread, now=now),
            deadlines.of(connection, thread),
            queue_admin.of_thread(connection, thread),
            {each.name: each.shown_name for each in agents.every(connection)},
        )
