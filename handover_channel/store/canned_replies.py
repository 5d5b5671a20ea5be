"""Keeps the canned replies that agents and admins have saved in the page; others stand in handover.yml.

A name is compared folded, as those of agents are: "Hello" and "hello" are one.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import List, Optional

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from handover_channel.store.admin_schema import canned_replies
from handover_channel.store.agents import folded
from handover_channel.store.upsert import insert


@dataclass(frozen=True)
class CannedReply:
    """A canned reply: a row of `canned_replies`. *agent*: who saved it last."""

    name: str
    text: str
    agent: str = ""
    at: float = 0.0  #: seconds since the epoch

    @property
    def key(self) -> str:
        """The name as it is compared."""
        return folded(self.name)


def every(connection: Connection) -> List[CannedReply]:
    """Return all of them, by name."""
    query = sa.select(*(canned_replies.c[name] for name in CannedReply.__dataclass_fields__))
    return [CannedReply(**row) for row in connection.execute(query.order_by(canned_replies.c.key)).mappings()]


def get(connection: Connection, key: str) -> Optional[CannedReply]:
    """Return the one of that name, as it is compared."""
    return next((each for each in every(connection) if each.key == key), None)


def add(connection: Connection, reply: CannedReply) -> bool:
    """Add one. False: there is one of that name."""
    values = {"key": reply.key, "name": reply.name, "text": reply.text, "agent": reply.agent, "at": reply.at}
    new = insert(connection, canned_replies).values(**values).on_conflict_do_nothing()
    return bool(connection.execute(new).rowcount == 1)


def remove(connection: Connection, key: str) -> bool:
    """Delete one. False: there is none of that name."""
    done = connection.execute(sa.delete(canned_replies).where(canned_replies.c.key == key))
    return bool(done.rowcount == 1)
