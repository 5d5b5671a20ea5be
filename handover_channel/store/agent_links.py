"""Keeps the links by which agents set a password of their own: as SHA-256, for a while, for one use.

Each agent has one at most: a newer one makes the older one worthless, and so does a password that is set.
"""

from __future__ import annotations

from typing import Dict, Optional

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from handover_channel.store.admin_schema import agent_links
from handover_channel.store.upsert import insert


def put(connection: Connection, agent: str, key: str, *, expires_at: float) -> None:
    """Keep the hash of the agent's link, in place of the one before."""
    values = {"key": key, "expires_at": expires_at}
    new = insert(connection, agent_links).values(agent=agent, **values)
    connection.execute(new.on_conflict_do_update(index_elements=[agent_links.c.agent], set_=values))


def agent_of(connection: Connection, key: str, *, now: float) -> Optional[str]:
    """Return whose link it is; None: it was used, is too old, or never was."""
    good = sa.select(agent_links.c.agent).where(agent_links.c.key == key, agent_links.c.expires_at > now)
    found: Optional[str] = connection.execute(good).scalar()
    return found


def claim(connection: Connection, key: str, *, now: float) -> bool:
    """Use a link up. False as `agent_of`: of two who use it at once, one gets True."""
    good = sa.and_(agent_links.c.key == key, agent_links.c.expires_at > now)
    return bool(connection.execute(sa.delete(agent_links).where(good)).rowcount == 1)


def good_until(connection: Connection, *, now: float) -> Dict[str, float]:
    """Return until when the links are good that are, by agent."""
    query = sa.select(agent_links.c.agent, agent_links.c.expires_at).where(agent_links.c.expires_at > now)
    return {agent: float(at) for agent, at in connection.execute(query)}


def drop(connection: Connection, agent: str) -> None:
    """Make the agent's link worthless."""
    connection.execute(sa.delete(agent_links).where(agent_links.c.agent == agent))
