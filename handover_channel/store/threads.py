"""Threads: the row that says who has control, and the log of its changes.

The only UPDATEs of control are `change` and `confirm`, guarded by the row's version: who decided from an
older row is told.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any, Dict, List, Mapping, Optional

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from handover_channel.control import Control, State
from handover_channel.store.schema import changes, threads
from handover_channel.store.upsert import insert


@dataclass(frozen=True)
class Thread:
    """One row of `threads`; see schema.py for the units."""

    id: str
    channel: str = "facebook"
    page: str = ""
    state: State = State()
    reason: str = ""
    changed_at: float = 0.0
    until: Optional[float] = None
    version: int = 0  #: 0: no row yet
    wanted: str = ""
    refusal: str = ""
    attempts: int = 0
    seen: int = 0
    active_at: float = 0.0
    person_at: int = 0
    context: Mapping[str, Any] = None  # type: ignore[assignment]  # never None: see _thread
    answers_from: int = 0
    assignee: str = ""  #: name of the agent who answers
    waiting_since: Optional[float] = None
    delivered_to: int = 0
    read_to: int = 0


@dataclass(frozen=True)
class LoggedChange:
    """One line of the log of changes."""

    at: float
    control_before: str
    control: str
    owner: str
    target: str
    reason: str
    who: str
    note: str = ""  #: what an agent wrote about it
    id: int = 0


def _greater(column: Any, name: str) -> Any:
    # GREATEST in PostgreSQL, MAX in SQLite: CASE is the same in both.
    value = sa.bindparam(name, type_=column.type)
    return sa.case((column < value, value), else_=column)


# Built once: these run for every message, and building a statement costs more than running it.
_GET = sa.select(threads).where(threads.c.id == sa.bindparam("thread"))
_TOUCH = (
    sa.update(threads)
    .where(threads.c.id == sa.bindparam("thread"))
    .values(
        active_at=_greater(threads.c.active_at, "now"),
        page=sa.func.coalesce(sa.func.nullif(sa.bindparam("new_page"), ""), threads.c.page),
        seen=_greater(threads.c.seen, "new_seen"),
        person_at=_greater(threads.c.person_at, "new_person_at"),
    )
)
_CONTROL = sa.select(threads.c.control).where(threads.c.id == sa.bindparam("thread"))


def get(connection: Connection, thread: str) -> Optional[Thread]:
    """Return the row of *thread*, None where there is none: the bot has control then."""
    row = connection.execute(_GET, {"thread": thread}).mappings().first()
    return _thread(row) if row else None


def existing(connection: Connection, thread: str) -> Thread:
    """Return the row of *thread*. Raises LookupError where there is none."""
    found = get(connection, thread)
    if found is None:
        raise LookupError(f"thread {thread} has no row")
    return found


def control_of(connection: Connection, thread: str) -> Optional[Control]:
    """Return who has control, None where there is no row. The cheapest question, asked before every send."""
    found = connection.execute(_CONTROL, {"thread": thread}).scalar()
    return None if found is None else Control(found)


def get_or_add(connection: Connection, thread: str, *, channel: str, page: str, now: float) -> Thread:
    """Return the row of *thread*, making it where it is new."""
    found = get(connection, thread)
    if found:
        return found
    state = State()
    values = {
        "id": thread,
        "channel": channel,
        "page": page,
        **_columns(state),
        "reason": "",
        "changed_at": now,
        "until": None,
        "version": 1,
        "wanted": "",
        "refusal": "",
        "attempts": 0,
        "seen": 0,
        "active_at": now,
        "person_at": 0,
        "context": "{}",
        "answers_from": 0,
    }
    # Another process may add the same row at the same time.
    connection.execute(insert(connection, threads).values(**values).on_conflict_do_nothing())
    return existing(connection, thread)


def touch(
    connection: Connection, thread: str, *, page: str, seen: int, now: float, person_at: int = 0
) -> None:
    """Note that an event was seen: the newest time wins, by Meta's clock and by ours."""
    given = {"thread": thread, "new_page": page, "new_seen": seen, "now": now, "new_person_at": person_at}
    connection.execute(_TOUCH, given)


def change(
    connection: Connection,
    before: Thread,
    after: State,
    *,
    reason: str,
    who: str,
    now: float,
    until: Optional[float],
    answers_from: Optional[int] = None,
) -> bool:
    """Write *after* over *before* and log it. False: the row has changed meanwhile, decide again."""
    values: Dict[str, Any] = {
        **_columns(after),
        "reason": reason,
        "changed_at": now,
        "until": until,
        "version": before.version + 1,
        "wanted": "",
        "refusal": "",
        "attempts": 0,
    }
    if answers_from is not None:
        values["answers_from"] = answers_from
    done = connection.execute(
        sa.update(threads)
        .where(threads.c.id == before.id, threads.c.version == before.version)
        .values(**values)
    )
    if done.rowcount != 1:
        return False
    connection.execute(
        sa.insert(changes).values(
            thread=before.id,
            at=now,
            control_before=before.state.control.value,
            control=after.control.value,
            owner=after.owner,
            target=after.target,
            reason=reason,
            who=who,
        )
    )
    return True


def confirm(connection: Connection, before: Thread, after: State) -> bool:
    """Write the newer stamp of *after* over *before*, whose control it confirms. False: as in `change`."""
    done = connection.execute(
        sa.update(threads)
        .where(threads.c.id == before.id, threads.c.version == before.version)
        .values(stamp=after.stamp, precedence=after.precedence, version=before.version + 1)
    )
    return bool(done.rowcount == 1)


def refuse(connection: Connection, thread: str, *, wanted: str, refusal: str) -> None:
    """Keep that a return was refused: why it was wanted, and what Meta said."""
    connection.execute(
        sa.update(threads)
        .where(threads.c.id == thread)
        .values(wanted=wanted, refusal=refusal, attempts=threads.c.attempts + 1)
    )


def set_context(connection: Connection, thread: str, context: Mapping[str, Any]) -> None:
    """Keep referral and opt-in for the metadata of the person's next message."""
    connection.execute(sa.update(threads).where(threads.c.id == thread).values(context=json.dumps(context)))


def log_of(
    connection: Connection, thread: str, limit: int = 20, *, before: Optional[float] = None
) -> List[LoggedChange]:
    """Return the newest changes of control, newest first; *before*: only older ones."""
    columns = [changes.c[name] for name in LoggedChange.__dataclass_fields__]
    query = sa.select(*columns).where(changes.c.thread == thread)
    if before is not None:
        query = query.where(changes.c.at < before)
    query = query.order_by(changes.c.id.desc()).limit(limit)
    return [LoggedChange(**row) for row in connection.execute(query).mappings()]


def left_bot(connection: Connection, thread: str) -> Optional[LoggedChange]:
    """Return the change by which the bot last lost control, None where it never did."""
    columns = [changes.c[name] for name in LoggedChange.__dataclass_fields__]
    from_bot = (changes.c.thread == thread, changes.c.control_before == Control.BOT.value)
    query = sa.select(*columns).where(*from_bot).order_by(changes.c.id.desc()).limit(1)
    row = connection.execute(query).mappings().first()
    return LoggedChange(**row) if row else None


def _columns(state: State) -> Dict[str, Any]:
    return {
        "control": state.control.value,
        "owner": state.owner,
        "target": state.target,
        "stamp": state.stamp,
        "precedence": state.precedence,
    }


def _thread(row: Mapping[str, Any]) -> Thread:
    values = dict(row)
    state = State(
        control=Control(values.pop("control")),
        **{name: values.pop(name) for name in ("owner", "target", "stamp", "precedence")},
    )
    return Thread(**{**values, "context": json.loads(values["context"])}, state=state)
