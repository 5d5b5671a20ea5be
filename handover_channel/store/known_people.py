"""Tells which people a bot has met on Messenger, for a simulator that makes up new ones."""

from __future__ import annotations

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from handover_channel.messenger.events import MESSENGER
from handover_channel.store.schema import threads


def newest_between(connection: Connection, first: str, last: str) -> str:
    """Return the greatest id of a thread from *first* to *last*, two of one length; "" for none."""
    thread = threads.c.id
    of_that_length = (threads.c.channel == MESSENGER) & (sa.func.length(thread) == len(first))
    query = sa.select(sa.func.max(thread)).where(thread.between(first, last) & of_that_length)
    return str(connection.execute(query).scalar() or "")
