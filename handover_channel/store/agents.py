"""Keeps the agents of the built-in inbox: names, passwords, roles, what they prefer.

1. A name is compared folded (`folded`): "Kim" and "kim" are one agent, however it is typed.
2. Who is removed is out at once: their sign-ins go with them, and their threads are nobody's.
3. With the first agent the entrance without a password is closed, also for those who came in by it.
"""

from __future__ import annotations

import json
import re
import unicodedata
from dataclasses import dataclass, field
from typing import Any, Dict, List, Mapping, Optional, Set

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from handover_channel.errors import AgentRefused
from handover_channel.store import acts, agent_links, sign_ins
from handover_channel.store.acts import Done
from handover_channel.store.schema import agents, news, presence, read_marks, threads
from handover_channel.store.upsert import insert

AGENT, ADMIN = "agent", "admin"

#: The name of the one who works where there are no agents.
YOU = "you"

LONGEST_AGENT_NAME, LONGEST_SHOWN_NAME = 64, 100

#: The hash of whoever has not set a password yet: none is theirs.
NO_PASSWORD = ""


@dataclass(frozen=True)
class Agent:
    """An agent is a person who answers in the built-in inbox: a row of `agents`."""

    name: str
    shown_name: str
    password: str = field(repr=False)  #: its hash
    role: str = AGENT
    picture: str = ""
    preferences: Mapping[str, Any] = field(default_factory=dict)
    created_at: float = 0.0


def folded(name: str) -> str:
    """Return *name* as it is kept: without differences in case, width or outer spaces."""
    return unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", name.strip()).casefold())


def new_name(name: str) -> str:
    """Return *name* as it is kept. Raises AgentRefused for one that cannot be an agent's."""
    kept = folded(name)
    if not re.fullmatch(r"[\w.@+-]+", kept) or len(kept) > LONGEST_AGENT_NAME:
        raise AgentRefused(
            "%(name)r cannot be an agent's name -> letters, digits and . _ - + @, %(most)s at most; the "
            "shown name takes anything",
            name=name[:LONGEST_AGENT_NAME],
            most=LONGEST_AGENT_NAME,
        )
    if kept == YOU:
        raise AgentRefused(
            "%(name)r is whoever works where there are no agents -> take another name", name=YOU
        )
    return kept


def new_shown_name(text: str) -> str:
    """Return what colleagues and people see, without outer spaces. Raises AgentRefused for what cannot be."""
    shown = " ".join(text.split())
    if not shown or len(shown) > LONGEST_SHOWN_NAME or not shown.isprintable():
        raise AgentRefused(
            "the shown name cannot be shown -> letters people can read, %(most)s at most",
            most=LONGEST_SHOWN_NAME,
        )
    return shown


def add(connection: Connection, agent: Agent, *, by: str = "") -> bool:
    """Add an agent. False: there is one of that name. Whoever came in without a password is out."""
    values = {
        "name": agent.name,
        "shown_name": agent.shown_name,
        "password": agent.password,
        "role": agent.role,
        "picture": agent.picture,
        "created_at": agent.created_at,
    }
    added = connection.execute(insert(connection, agents).values(**values).on_conflict_do_nothing())
    if added.rowcount != 1:
        return False
    sign_ins.close_entrance(connection)
    now = agent.created_at
    _leave(connection, YOU, now=now)
    acts.add(connection, Done.AGENT_ADDED, agent=by, whom=agent.name, detail=agent.role, now=now)
    return True


def get(connection: Connection, name: str) -> Optional[Agent]:
    """Return the agent of that name, as it is kept."""
    row = connection.execute(sa.select(agents).where(agents.c.name == name)).mappings().first()
    return _agent(row) if row else None


def every(connection: Connection) -> List[Agent]:
    """Return all agents, by name."""
    return [_agent(row) for row in connection.execute(sa.select(agents).order_by(agents.c.name)).mappings()]


def exist(connection: Connection) -> bool:
    """Tell whether there are agents at all."""
    return connection.execute(sa.select(agents.c.name).limit(1)).first() is not None


def lack_passwords(connection: Connection) -> bool:
    """Tell whether there are agents, and none of them has set a password."""
    return bool(connection.execute(sa.select(sa.func.max(agents.c.password))).scalar() == NO_PASSWORD)


def remove(connection: Connection, name: str, *, now: float, by: str = "") -> bool:
    """Remove an agent, their sign-ins, and their name from their threads. False: there is none."""
    removed = connection.execute(sa.delete(agents).where(agents.c.name == name))
    if removed.rowcount != 1:
        return False
    sign_ins.end_all_of(connection, name)
    agent_links.drop(connection, name)
    sign_ins.close_entrance(connection)  # where this was the last agent, earlier links stay worth nothing
    _leave(connection, name, now=now)
    acts.add(connection, Done.AGENT_REMOVED, agent=by, whom=name, now=now)
    return True


def set_password(connection: Connection, name: str, hashed: str, *, now: float, by: str = "") -> bool:
    """Change the password, and end all sign-ins of *name* and their link. False: there is no such agent."""
    if not _set(connection, name, password=hashed):
        return False
    sign_ins.end_all_of(connection, name)
    agent_links.drop(connection, name)
    acts.add(connection, Done.PASSWORD_SET, agent=by, whom=name, now=now)
    return True


def sign_out_everywhere(connection: Connection, name: str, *, now: float, by: str = "") -> None:
    """End all sign-ins of *name*: they sign in again with the password that they have."""
    sign_ins.end_all_of(connection, name)
    acts.add(connection, Done.SIGNED_OUT, agent=by, whom=name, now=now)


def admins(connection: Connection) -> Set[str]:
    """Return the names of admins who can sign in; they stay such until this transaction ends."""
    can = sa.select(agents.c.name).where(agents.c.role == ADMIN, agents.c.password != NO_PASSWORD)
    return set(connection.execute(can.with_for_update()).scalars())


def holds_password(connection: Connection, name: str, hashed: str) -> bool:
    """Tell whether the agent still has this hash; nobody changes it before this transaction ends."""
    found = sa.select(agents.c.name).where(agents.c.name == name, agents.c.password == hashed)
    return connection.execute(found.with_for_update()).first() is not None


def renew_hash(connection: Connection, name: str, hashed: str) -> None:
    """Keep the same password's newer hash: sign-ins go on."""
    _set(connection, name, password=hashed)


def set_role(connection: Connection, name: str, role: str, *, now: float, by: str = "") -> bool:
    """Change the role; it counts from the agent's next click. False: there is no such agent."""
    if not _set(connection, name, role=role):
        return False
    acts.add(connection, Done.ROLE_CHANGED, agent=by, whom=name, detail=role, now=now)
    return True


def set_preferences(connection: Connection, name: str, preferences: Mapping[str, Any]) -> bool:
    """Keep what the agent prefers. False: there is no such agent."""
    return _set(connection, name, preferences=json.dumps(dict(preferences)))


def preferences_from(text: Optional[str]) -> Dict[str, Any]:
    """Return what a `preferences` column holds, {} where that is nothing to go by."""
    try:
        found = json.loads(text or "{}")
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}


def _set(connection: Connection, name: str, **values: Any) -> bool:
    done = connection.execute(sa.update(agents).where(agents.c.name == name).values(**values))
    return bool(done.rowcount == 1)


def _leave(connection: Connection, name: str, *, now: float) -> None:
    assigned = threads.c.assignee == name
    told = sa.select(threads.c.id, sa.literal(now, sa.Float(53))).where(assigned)
    connection.execute(sa.insert(news).from_select(["thread", "at"], told))
    for thread in connection.execute(sa.select(threads.c.id).where(assigned)).scalars().all():
        acts.add(connection, Done.FREED, thread=thread, whom=name, now=now)
    connection.execute(sa.update(threads).where(assigned).values(assignee=""))
    for table in (presence, read_marks):
        connection.execute(sa.delete(table).where(table.c.agent == name))


def _agent(row: sa.engine.RowMapping) -> Agent:
    return Agent(
        name=row["name"],
        shown_name=row["shown_name"],
        password=row["password"],
        role=row["role"],
        picture=row["picture"],
        preferences=preferences_from(row["preferences"]),
        created_at=row["created_at"],
    )
