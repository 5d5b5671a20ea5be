"""Keeps who is signed in to the built-in inbox, by the hash of a cookie, and the links that let one in.

1. Nothing here opens anything by itself: cookies and links are kept as SHA-256 only.
2. A sign-in that has ended opens nothing, but is kept for a while: by it a browser is known in which this
   agent was before (see inbox/sign_in_limits.py).
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any, Dict, Mapping, Optional, Set

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from handover_channel.store.schema import agents, entrance_keys, sign_ins

#: `agent` of those who came in by a link.
NOBODY = ""


@dataclass(frozen=True)
class SignIn:
    """A sign-in that is still good, with what is known of its agent."""

    key: str = field(repr=False)
    agent: str  #: NOBODY: came in by a link
    csrf: str = field(repr=False)
    started_at: float
    expires_at: float
    shown_name: str = ""
    role: str = ""
    preferences: str = "{}"  #: JSON
    proof_key: str = field(repr=False, default="")  #: never leaves the server


_anybody = agents.alias("anybody")
# Built once: this runs for every request.
_VALID_SIGN_IN = (
    sa.select(
        sign_ins,
        agents.c.shown_name,
        agents.c.role,
        agents.c.preferences.label("preferences_of_agent"),
    )
    .select_from(sign_ins.outerjoin(agents, agents.c.name == sign_ins.c.agent))
    .where(
        sign_ins.c.key == sa.bindparam("of"),
        sign_ins.c.expires_at > sa.bindparam("now"),
        sa.or_(
            agents.c.name.isnot(None),
            sa.and_(sign_ins.c.agent == NOBODY, ~sa.exists(sa.select(_anybody.c.name))),
        ),
    )
)


def live(connection: Connection, key: str, *, now: float) -> Optional[SignIn]:
    """Return the sign-in of a cookie's hash, None where it has ended or its agent is gone.

    One that came in by a link is none any more as soon as there are agents.
    """
    row = connection.execute(_VALID_SIGN_IN, {"of": key, "now": now}).mappings().first()
    if row is None:
        return None
    of_nobody = row["agent"] == NOBODY
    return SignIn(
        key=row["key"],
        agent=row["agent"],
        csrf=row["csrf"],
        proof_key=row["proof_key"],
        started_at=row["started_at"],
        expires_at=row["expires_at"],
        shown_name=row["shown_name"] or "",
        role=row["role"] or "",
        preferences=(row["preferences"] if of_nobody else row["preferences_of_agent"]) or "{}",
    )


def add(connection: Connection, sign_in: SignIn) -> None:
    """Let somebody in."""
    values = {
        "key": sign_in.key,
        "agent": sign_in.agent,
        "csrf": sign_in.csrf,
        "proof_key": sign_in.proof_key,
        "started_at": sign_in.started_at,
        "expires_at": sign_in.expires_at,
    }
    connection.execute(sa.insert(sign_ins).values(**values))


def renew(connection: Connection, key: str, *, now: float, until: float) -> None:
    """Let a sign-in last longer, unless it has ended meanwhile."""
    good = sa.and_(sign_ins.c.key == key, sign_ins.c.expires_at > now)
    connection.execute(sa.update(sign_ins).where(good).values(expires_at=until))


def end(connection: Connection, key: str, *, now: float) -> None:
    """End a sign-in; its browser stays known."""
    good = sa.and_(sign_ins.c.key == key, sign_ins.c.expires_at > now)
    connection.execute(sa.update(sign_ins).where(good).values(expires_at=now, csrf=""))


def forget(connection: Connection, key: str) -> None:
    """End a sign-in for which there is a newer one in the same browser."""
    connection.execute(sa.delete(sign_ins).where(sign_ins.c.key == key))


def end_all_of(connection: Connection, agent: str) -> None:
    """End all sign-ins of an agent; no browser stays known."""
    connection.execute(sa.delete(sign_ins).where(sign_ins.c.agent == agent))


def agents_signed_in(connection: Connection, *, now: float) -> Set[str]:
    """Return the names of those who have a good sign-in somewhere."""
    query = sa.select(sign_ins.c.agent).where(sign_ins.c.expires_at > now).distinct()
    return set(connection.execute(query).scalars())


def newest(connection: Connection) -> Dict[str, float]:
    """Return when each agent signed in last, of those who have lately."""
    query = sa.select(sign_ins.c.agent, sa.func.max(sign_ins.c.started_at)).group_by(sign_ins.c.agent)
    return {agent: float(at) for agent, at in connection.execute(query)}


def is_known(connection: Connection, key: str, agent: str) -> bool:
    """Tell whether a cookie, good or ended, is of a sign-in of this agent."""
    query = sa.select(sign_ins.c.key).where(sign_ins.c.key == key, sign_ins.c.agent == agent)
    return agent != NOBODY and connection.execute(query).first() is not None


def set_preferences(connection: Connection, key: str, preferences: Mapping[str, Any]) -> None:
    """Keep what one who came in by a link prefers."""
    kept = json.dumps(dict(preferences))
    connection.execute(sa.update(sign_ins).where(sign_ins.c.key == key).values(preferences=kept))


def tidy(connection: Connection, *, now: float, started_before: float) -> None:
    """Delete what has ended and is old, and links that nobody used."""
    old = sa.and_(sign_ins.c.expires_at <= now, sign_ins.c.started_at < started_before)
    connection.execute(sa.delete(sign_ins).where(old))
    connection.execute(sa.delete(entrance_keys).where(entrance_keys.c.expires_at <= now))


def add_entrance_key(connection: Connection, key: str, *, expires_at: float) -> None:
    """Keep the hash of a link that lets one in."""
    connection.execute(sa.insert(entrance_keys).values(key=key, expires_at=expires_at))


def claim_entrance_key(connection: Connection, key: str, *, now: float) -> bool:
    """Use up a link. False: it was used, is too old, or never was."""
    good = sa.and_(entrance_keys.c.key == key, entrance_keys.c.expires_at > now)
    return bool(connection.execute(sa.delete(entrance_keys).where(good)).rowcount == 1)


def close_entrance(connection: Connection) -> None:
    """Let in nobody any more without a password, nor keep them in."""
    connection.execute(sa.delete(entrance_keys))
    end_all_of(connection, NOBODY)
