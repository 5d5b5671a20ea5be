"""Keeps the replies of agents before they are sent, and lets one at a time go within a thread.

1. `key` is made by the page, once for each reply: a repeated click, or a request that the browser repeats, is
   the same reply.
2. Whoever sends has a claim on the replies of the thread, beside that of the worker on its deliveries, and
   renews it with each message. A reply that is being sent without such a claim was interrupted: nobody can
   tell whether Meta has got its last message. The claim is written before rows of replies: in one order
   everywhere, so that on PostgreSQL no two transactions wait for each other.
3. What was sent is a line of the transcript; here its key stays, and the name of its file. What was dropped
   keeps no more.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any, List, Mapping, NamedTuple, Optional, Sequence

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from handover_channel.sentences import Sentence, kept, restored
from handover_channel.store import deliveries
from handover_channel.store.schema import claims, replies
from handover_channel.store.upsert import insert

WAITING, SENDING, SENT, FAILED, DROPPED = "waiting", "sending", "sent", "failed", "dropped"

#: Seconds that a reply waits for those before it, and that a claim lasts. A file takes Meta longer.
REPLY_WAITS_SECONDS, REPLY_CLAIM_SECONDS, FILE_CLAIM_SECONDS = 60.0, 60.0, 400.0

#: What an agent reads where the process ended in the middle.
PERHAPS_DELIVERED = Sentence(
    "the server stopped while this was being sent: perhaps it was delivered -> look whether the customer has "
    "it before you send it again"
)
NEVER_BEGUN = Sentence("the server stopped before this was sent -> send it again")


class File(NamedTuple):
    """What an agent attaches."""

    name: str
    type: str  #: "image/png"
    content: bytes


@dataclass(frozen=True)
class Reply:
    """A reply is what an agent sends at once: a text, a file, or both. Without the bytes of its file here.

    `text` is "" once it was sent or dropped.
    """

    id: int
    key: str
    thread: str
    agent: str  #: name
    at: float  #: when it was last asked to be sent
    text: str
    file_name: str
    file_type: str
    state: str  #: WAITING, SENDING, SENT, FAILED, DROPPED
    error: Sentence  #: of a failed one: what was refused, and what to do
    kept_state: str = field(default="", repr=False)  #: as it was last written: nobody writes an interruption

    @property
    def has_failed(self) -> bool:
        """It can be retried and dropped."""
        return self.state == FAILED


_REPLY_COLUMNS = [replies.c[name] for name in Reply.__dataclass_fields__ if name != "kept_state"]
_EMPTIED: Mapping[str, Any] = {"text": "", "file": None, "error": ""}


def add(
    connection: Connection,
    thread: str,
    *,
    key: str,
    agent: str,
    text: str,
    file: Optional[File] = None,
    now: float,
) -> Optional[Reply]:
    """Keep a new reply, waiting to be sent. None: there is one with that key."""
    values = {
        "key": key,
        "thread": thread,
        "agent": agent,
        "at": now,
        "text": text,
        "file": file.content if file else None,
        "file_name": file.name if file else "",
        "file_type": file.type if file else "",
        "state": WAITING,
        "error": "",
    }
    added = connection.execute(insert(connection, replies).values(**values).on_conflict_do_nothing())
    return with_key(connection, key, now=now) if added.rowcount == 1 else None


def get(connection: Connection, reply: int, *, now: float) -> Optional[Reply]:
    """Return the reply with that id, None where there is none."""
    return next(iter(_found(connection, now, replies.c.id == reply)), None)


def with_key(connection: Connection, key: str, *, now: float) -> Optional[Reply]:
    """Return the reply with that key, None where there is none."""
    return next(iter(_found(connection, now, replies.c.key == key)), None)


def is_kept(connection: Connection, key: str) -> bool:
    """Tell whether there is a reply with that key."""
    query = sa.select(replies.c.id).where(replies.c.key == key)
    return connection.execute(query).scalar() is not None


def kept_of(connection: Connection, keys: Sequence[str]) -> List[str]:
    """Return those of these keys (some ten at most) that belong to a reply."""
    query = sa.select(replies.c.key).where(replies.c.key.in_(keys))
    return list(connection.execute(query).scalars()) if keys else []


def unsent(connection: Connection, thread: str, *, now: float) -> List[Reply]:
    """Return what waits, is being sent or has failed in *thread*, oldest first."""
    return _found(
        connection, now, replies.c.thread == thread, replies.c.state.in_((WAITING, SENDING, FAILED))
    )


def has_written(connection: Connection, thread: str, agent: str, *, since: float) -> bool:
    """Tell whether *agent* has written in *thread* since then, whatever became of it."""
    query = sa.select(replies.c.id).where(
        replies.c.thread == thread, replies.c.agent == agent, replies.c.at >= since
    )
    return connection.execute(query.limit(1)).scalar() is not None


def file_of(connection: Connection, reply: Reply) -> Optional[File]:
    """Return the file that goes with an unsent reply."""
    content = connection.execute(sa.select(replies.c.file).where(replies.c.id == reply.id)).scalar()
    return None if content is None else File(reply.file_name, reply.file_type, bytes(content))


def is_next(connection: Connection, reply: Reply, *, now: float) -> bool:
    """Tell whether nothing is being sent in the thread, and no older reply waits."""
    others = [each for each in unsent(connection, reply.thread, now=now) if each.id != reply.id]
    return not any(each.state == SENDING or (each.state == WAITING and each.id < reply.id) for each in others)


def begin(connection: Connection, reply: Reply, *, worker: str, now: float) -> bool:
    """Claim the thread's replies for *worker* and begin with this one. False: another one goes first."""
    if not is_next(connection, reply, now=now) or not renew(connection, reply, worker=worker, now=now):
        return False
    interrupted = (replies.c.thread == reply.thread, replies.c.state == SENDING)
    connection.execute(
        sa.update(replies).where(*interrupted).values(state=FAILED, error=kept(PERHAPS_DELIVERED))
    )
    begun = (replies.c.id == reply.id, replies.c.state == WAITING)
    return bool(connection.execute(sa.update(replies).where(*begun).values(state=SENDING)).rowcount == 1)


def renew(connection: Connection, reply: Reply, *, worker: str, now: float) -> bool:
    """Renew the claim on the thread's replies. False: it has run out, and somebody else has it."""
    until = now + (FILE_CLAIM_SECONDS if reply.file_type else REPLY_CLAIM_SECONDS)
    return deliveries.claim(connection, _claim_of(reply.thread), worker=worker, now=now, until=until)


def release(connection: Connection, reply: Reply, *, worker: str) -> None:
    """Give up the claim: the next reply may go."""
    deliveries.release(connection, worker=worker, thread=_claim_of(reply.thread))


def failed(connection: Connection, reply: int, error: str) -> None:
    """Note why it was not sent; unless it turned out meanwhile that it was, or nobody wants it any more."""
    as_it_was = (replies.c.id == reply, replies.c.state.in_((WAITING, SENDING, FAILED)))
    connection.execute(sa.update(replies).where(*as_it_was).values(state=FAILED, error=kept(error)))


def sent(connection: Connection, reply: int) -> None:
    """Note that all of it has gone out, whatever was thought before."""
    connection.execute(sa.update(replies).where(replies.c.id == reply).values(state=SENT, **_EMPTIED))


def retry(connection: Connection, reply: Reply, *, now: float) -> bool:
    """Have a failed reply wait again. False: it has not failed, or somebody else was faster."""
    return reply.has_failed and _update(connection, reply, state=WAITING, error="", at=now)


def drop(connection: Connection, reply: Reply) -> bool:
    """Forget a failed reply. False: as in `retry`."""
    return reply.has_failed and _update(connection, reply, state=DROPPED, **_EMPTIED)


def _update(connection: Connection, reply: Reply, **values: Any) -> bool:
    as_it_was = (
        replies.c.id == reply.id,
        replies.c.at == reply.at,
        replies.c.state == reply.kept_state,
    )
    done = connection.execute(sa.update(replies).where(*as_it_was).values(**values))
    return bool(done.rowcount == 1)


def _found(connection: Connection, now: float, *which: Any) -> List[Reply]:
    """Return replies as they stand: those that were interrupted have failed, though nobody has noted it."""
    query = (
        sa.select(*_REPLY_COLUMNS, claims.c.until)
        .select_from(
            replies.outerjoin(claims, claims.c.thread == sa.literal(_claim_of("")) + replies.c.thread)
        )
        .where(*which)
        .order_by(replies.c.id)
    )
    found = []
    for row in connection.execute(query).mappings():
        values = dict(row)
        until = values.pop("until")
        values["error"] = restored(values["error"])
        reply = Reply(**values, kept_state=values["state"])
        found.append(_as_it_stands(reply, is_claimed=until is not None and until > now, now=now))
    return found


def _as_it_stands(reply: Reply, *, is_claimed: bool, now: float) -> Reply:
    if reply.state == SENDING and not is_claimed:
        return replace(reply, state=FAILED, error=PERHAPS_DELIVERED)
    # Whoever waits gives up after REPLY_WAITS_SECONDS, and says so: then there is nobody who waits.
    if reply.state == WAITING and now - reply.at > 2 * REPLY_WAITS_SECONDS:
        return replace(reply, state=FAILED, error=NEVER_BEGUN)
    return reply


def _claim_of(thread: str) -> str:
    return f"replies:{thread}"
