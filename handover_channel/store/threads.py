"""Keeps threads: the row that says who has control. The log of its changes is in changes.py.

1. The only UPDATEs of control are `change` and `confirm`. They are guarded by the row's version: if somebody
   else has changed the row meanwhile nothing is written, and the caller decides again.
2. Who answers a thread in the inbox (`assign`) is guarded by who did so far, in the same way.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from typing import Any, Dict, List, Mapping, Optional, Tuple

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from handover_channel.messenger.events import MESSENGER
from handover_channel.rules.control import Control, State
from handover_channel.rules.obstacle import silence_of
from handover_channel.rules.thread_ids import can_be_stored
from handover_channel.sentences import Sentence, kept, restored
from handover_channel.store import acts, changes
from handover_channel.store.prepared import Connected, Prepared
from handover_channel.store.schema import IS_OPEN, presence, threads
from handover_channel.store.upsert import insert_new


@dataclass(frozen=True)
class Released:
    """Whose a thread is again if its return, which rests on signs alone, fails: rules/control.py, rule 5."""

    owner: str
    target: str
    until: Optional[float]


@dataclass(frozen=True)
class Thread:
    """A thread is the conversation of one person with one page, and who has control of it: one row.

    Its units are in schema.py.
    """

    id: str
    channel: str = MESSENGER
    page: str = ""
    state: State = State()
    reason: str = ""
    changed_at: float = 0.0
    until: Optional[float] = None
    version: int = 0  #: 0: no row yet
    wanted: str = ""
    refusal: Sentence = restored("")
    attempts: int = 0
    seen: int = 0
    active_at: float = 0.0
    person_at: int = 0
    context: Mapping[str, Any] = None  # type: ignore[assignment]  # never None: see _thread
    answers_from: int = 0
    assignee: str = ""  #: name of the agent who answers
    assigned_at: Optional[float] = None
    assigned_by: str = ""  #: name of the agent who gave it to them, who may be the same
    waiting_since: Optional[float] = None
    delivered_to: int = 0
    read_to: int = 0
    released_from: Optional[Released] = None  #: it came back on signs alone, from there
    release_refused: int = 0  #: 1: such a return failed, and nothing new is known since
    window_at: int = 0  #: when the person last opened Meta's window by anything but a message; 0: not known
    obstacle: str = ""  #: what Meta said of an agent's message since: rules/obstacle.py
    last_at: int = 0
    last_author: str = ""
    last_text: str = ""
    last_file: str = ""

    @property
    def opened_at(self) -> int:
        """When the person last opened Meta's messaging window, in ms; 0 where that is not known."""
        return max(self.person_at, self.window_at)

    def silence(self, now: float) -> Optional[float]:
        """Return the seconds since then, None where it is not known: asked of whatever wants to go out."""
        return silence_of(self.opened_at, self.obstacle, now=now)


# These run for every message.
_GET = Prepared(sa.select(threads).where(threads.c.id == sa.bindparam("thread")))
_CONTROL = Prepared(
    sa.select(threads.c.control, threads.c.page).where(threads.c.id == sa.bindparam("thread"))
)


def get(connection: Connected, thread: str) -> Optional[Thread]:
    """Return the row of *thread*, None where there is none: the bot has control then.

    No row is of an id that no database can look up: clients of other channels than Messenger may write such.
    """
    found = _GET.rows(connection, {"thread": thread}) if can_be_stored(thread) else []
    return _thread(found[0]) if found else None


def existing(connection: Connection, thread: str) -> Thread:
    """Return the row of *thread*. Raises LookupError where there is none."""
    found = get(connection, thread)
    if found is None:
        raise LookupError(f"thread {thread} has no row")
    return found


def control_of(connection: Connected, thread: str) -> Optional[Control]:
    """Return who has control, None where there is no row."""
    return (control_and_page_of(connection, thread) or (None,))[0]


def control_and_page_of(connection: Connected, thread: str) -> Optional[Tuple[Control, str]]:
    """Return who has control, and of which page the thread is; None where there is no row.

    The cheapest question: it is asked before each call that the bot makes, and before each action.
    """
    found = _CONTROL.rows(connection, {"thread": thread}) if can_be_stored(thread) else []
    return (Control(found[0]["control"]), found[0]["page"]) if found else None


def get_or_add(connection: Connection, thread: str, *, channel: str, page: str, now: float) -> Thread:
    """Return the row of *thread*, making it where it is new."""
    found = get(connection, thread)
    if found:
        return found
    values = {
        "id": thread,
        "channel": channel,
        "page": page,
        **_columns(State()),
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
        "assignee": "",
        "assigned_at": None,
        "assigned_by": "",
        "waiting_since": None,
        "delivered_to": 0,
        "read_to": 0,
        "released_from": "",
        "release_refused": 0,
        "window_at": 0,
        "obstacle": "",
        "last_at": 0,
        "last_author": "",
        "last_text": "",
        "last_file": "",
    }
    # Another process may add the same row at the same time.
    insert_new(connection, threads, [values])
    return existing(connection, thread)


def obstructed(connection: Connection, thread: str, obstacle: str) -> None:
    """Note what keeps agents' messages from the person: the value of an Obstacle, "" for nothing."""
    changed = (threads.c.id == thread, threads.c.obstacle != obstacle)
    connection.execute(sa.update(threads).where(*changed).values(obstacle=obstacle))


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
    note: str = "",
    intent: str = "",
    channel: str = "",
    released_from: Optional[Released] = None,
    release_refused: bool = False,
) -> Optional[Thread]:
    """Write *after* over *before*, log it, and return the row. None: it has changed meanwhile, decide again.

    *note*, *intent*: see LoggedChange. *channel*: the one it belongs to from now on, "" for no
    other. *released_from*: it rests on signs alone; *release_refused*: they were none.
    """
    values: Dict[str, Any] = {
        **_columns(after),
        "reason": reason,
        "changed_at": now,
        "until": until,
        "version": before.version + 1,
        "wanted": "",
        "refusal": "",
        "attempts": 0,
        "assignee": "",
        "waiting_since": now if after.control is Control.INBOX else None,
        "released_from": json.dumps(vars(released_from)) if released_from else "",
        "release_refused": int(release_refused),
        "channel": channel or before.channel,
    }
    if answers_from is not None:
        values["answers_from"] = answers_from
    if not _write(connection, before, values):
        return None
    changes.add(
        connection, before.id, before.state, after, reason=reason, who=who, now=now, note=note, intent=intent
    )
    return _written(before, after, {**values, "released_from": released_from})


def extend(
    connection: Connection, before: Thread, *, until: float, reason: str, who: str, now: float
) -> Optional[Thread]:
    """Write a later time limit, and log it. Returns as `change`."""
    values = {"until": until, "version": before.version + 1}
    if not _write(connection, before, values):
        return None
    changes.add(connection, before.id, before.state, before.state, reason=reason, who=who, now=now)
    return _written(before, before.state, values)


def confirm(connection: Connection, before: Thread, after: State) -> Optional[Thread]:
    """Write the newer stamp of *after* over *before*, whose control it confirms. Returns as `change`."""
    values = {"stamp": after.stamp, "precedence": after.precedence, "version": before.version + 1}
    values["release_refused"] = 0  # Meta has said who it is: something new is known
    return _written(before, after, values) if _write(connection, before, values) else None


def returned_by(connection: Connection, thread: str, *, stamp: int) -> None:
    """Note that the event at *stamp* (ms, Meta's clock) was meant for the return that has just happened."""
    newer = (threads.c.id == thread, threads.c.control == Control.BOT.value, threads.c.stamp < stamp)
    connection.execute(sa.update(threads).where(*newer).values(stamp=stamp))


def assign(connection: Connection, thread: str, *, agent: str, seen: str, now: float, by: str = "") -> bool:
    """Give *thread* to *agent* ("" for nobody), as long as it is still whose the page showed: *seen*.

    *by*: the agent who does it, "" for nobody. False: somebody else has it meanwhile, or it is not in the
    inbox any more. Of two agents who claim it at the same moment one is told so.
    """
    given = (threads.c.id == thread, threads.c.control == Control.INBOX.value, threads.c.assignee == seen)
    values = {"assignee": agent, "assigned_at": now, "assigned_by": by}
    return bool(connection.execute(sa.update(threads).where(*given).values(**values)).rowcount == 1)


def answered(connection: Connection, thread: str) -> None:
    """Note that an agent has answered: the person does not wait any more."""
    waiting = (threads.c.id == thread, threads.c.waiting_since.isnot(None))
    connection.execute(sa.update(threads).where(*waiting).values(waiting_since=None))


def unassign_offline(connection: Connection, *, before: float, now: float) -> List[str]:
    """Take threads from agents none of whose pages was seen since *before*, and return the threads.

    What was assigned since then stays: to somebody who is yet to come.
    """
    present = sa.select(presence.c.agent).where(presence.c.seen_at >= before)
    # Spelt out, for SQLite: it takes no partial index for a parameter.
    old = sa.func.coalesce(threads.c.assigned_at, 0.0) < before
    away = (IS_OPEN, threads.c.assignee != "", old, threads.c.assignee.not_in(present))
    taken = []
    # In one order everywhere, so that of two processes none waits for the other one in a circle.
    query = sa.select(threads.c.id, threads.c.assignee).where(*away).order_by(threads.c.id)
    for thread, agent in connection.execute(query).all():
        if assign(connection, thread, agent="", seen=agent, now=now):
            acts.add(connection, acts.Done.FREED, thread=thread, whom=agent, now=now)
            taken.append(thread)
    return taken


def waiting_before(connection: Connection, row: Thread) -> int:
    """Return how many people have waited longer than that of *row* for an agent of the same target."""
    if row.waiting_since is None:
        return 0
    longer = (threads.c.waiting_since < row.waiting_since, threads.c.target == row.state.target)
    query = sa.select(sa.func.count()).select_from(threads).where(*longer)
    return int(connection.execute(query).scalar() or 0)


def refuse(connection: Connection, thread: str, *, wanted: str, refusal: str) -> None:
    """Keep that a return was refused: why it was wanted, and what Meta said."""
    connection.execute(
        sa.update(threads)
        .where(threads.c.id == thread)
        .values(wanted=wanted, refusal=kept(refusal), attempts=threads.c.attempts + 1)
    )


def set_context(connection: Connection, thread: str, context: Mapping[str, Any]) -> None:
    """Keep referral and opt-in for the metadata of the person's next message."""
    connection.execute(sa.update(threads).where(threads.c.id == thread).values(context=json.dumps(context)))


def correct_channel(connection: Connection, before: Thread, *, channel: str, page: str) -> bool:
    """Write down which channel the thread belongs to, where the bot has it. False: as in `change`."""
    return _write(connection, before, {"channel": channel, "page": page, "version": before.version + 1})


def _write(connection: Connection, before: Thread, values: Mapping[str, Any]) -> bool:
    """Write *values* over *before*, unless the row has changed meanwhile."""
    guard = (threads.c.id == before.id, threads.c.version == before.version)
    return bool(connection.execute(sa.update(threads).where(*guard).values(**values)).rowcount == 1)


def _written(before: Thread, after: State, values: Mapping[str, Any]) -> Thread:
    """Return *before* with what was written over it, so that nobody has to read it again."""
    of_state = _columns(after)
    return replace(
        before, state=after, **{name: value for name, value in values.items() if name not in of_state}
    )


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
    taken = values.pop
    state = State(
        Control(taken("control")), taken("owner"), taken("target"), taken("stamp"), taken("precedence")
    )
    context = values["context"]
    values["context"] = {} if context == "{}" else json.loads(context)
    values["refusal"] = restored(values["refusal"])
    released = values["released_from"]
    values["released_from"] = Released(**json.loads(released)) if released else None
    return Thread(**values, state=state)
