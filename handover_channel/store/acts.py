"""Keeps what agents did beside answering: claims, assignments, tags, notes, sign-ins, roles.

1. A row is written in the transaction of the act itself: there is none without the other.
2. Nothing of what was said is here; of a note only that it was written.
3. An act in no thread (a sign-in, another role) has the thread "".
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import List, Optional

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from handover_channel.store import handovers
from handover_channel.store.schema import acts


class Done(str, Enum):
    """The acts that there are."""

    CLAIMED = "claimed"  #: somebody took the conversation themselves
    ASSIGNED = "assigned"  #: somebody gave it to `whom`
    UNASSIGNED = "unassigned"  #: somebody took it from `whom`, and gave it to nobody
    FREED = "freed"  #: it was taken from `whom`, who was away for too long or is no agent any more
    TAGGED = "tagged"  #: `detail` is the tag
    UNTAGGED = "untagged"
    NOTED = "noted"  #: somebody wrote an internal note
    SIGNED_IN = "signed_in"
    AGENT_ADDED = "agent_added"  #: `whom` may sign in, with the role in `detail`
    AGENT_REMOVED = "agent_removed"
    ROLE_CHANGED = "role_changed"  #: `whom` has the role in `detail`
    LINK_MADE = "link_made"  #: by which `whom` can set a password
    PASSWORD_SET = "password_set"  # noqa: S105  (the name of an act)
    SIGNED_OUT = "signed_out"  #: `whom`, everywhere
    CANNED_ADDED = "canned_added"  #: a canned reply; `detail` is its name
    CANNED_CHANGED = "canned_changed"
    CANNED_REMOVED = "canned_removed"
    TAG_RENAMED = "tag_renamed"  #: in all conversations; `detail` is what was and is
    TAG_MERGED = "tag_merged"
    TAG_DELETED = "tag_deleted"
    EXPORTED = "exported"  #: all that is kept about the person
    FORGOTTEN = "forgotten"  #: all of it, of somebody: the log does not say of whom


#: Acts in a thread that the conversation does not show.
_NOT_SHOWN = (Done.NOTED.value, Done.EXPORTED.value)


@dataclass(frozen=True)
class LoggedAct:
    """One row: *agent* did it ("" where nobody did), to *whom* ("" for nobody). `at`: seconds, our clock."""

    id: int
    thread: str
    at: float
    agent: str
    kind: str  #: the value of a Done
    whom: str
    detail: str


def add(
    connection: Connection,
    kind: Done,
    *,
    thread: str = "",
    agent: str = "",
    whom: str = "",
    detail: str = "",
    now: float,
) -> None:
    """Write down that *agent* did something: in the transaction that does it."""
    values = {"thread": thread, "at": now, "agent": agent, "whom": whom, "detail": detail}
    connection.execute(sa.insert(acts).values(kind=kind.value, **values))


def assigned(connection: Connection, thread: str, *, to: str, before: str, by: str, now: float) -> None:
    """Write down that *by* gave *thread*, which *before* had, to *to*; "" for nobody."""
    if to == before:
        return
    kind = Done.UNASSIGNED if not to else Done.CLAIMED if to == by else Done.ASSIGNED
    detail = before if to else ""  # from whom
    add(connection, kind, thread=thread, agent=by, whom=to or before, detail=detail, now=now)
    if to:
        handovers.taken(connection, thread, agent=to, at=now)


def of(
    connection: Connection, thread: str, *, before: Optional[float] = None, limit: int = 50
) -> List[LoggedAct]:
    """Return the newest acts in *thread*, oldest first; *before*: only older ones.

    Not that notes were written: the conversation has the notes themselves; nor that data were exported.
    """
    query = sa.select(acts).where(acts.c.thread == thread, acts.c.kind.notin_(_NOT_SHOWN))
    if before is not None:
        query = query.where(acts.c.at < before)
    rows = connection.execute(query.order_by(acts.c.id.desc()).limit(limit)).mappings().all()
    return [LoggedAct(**row) for row in reversed(rows)]
