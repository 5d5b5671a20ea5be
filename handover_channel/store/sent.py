"""What was sent: a row for each message of ours that Meta has accepted, or has echoed.

The tag is the part of our `metadata` behind `rasa-handover:`: delivery and number of the message. After a
crash the same delivery makes the same tags again, and what is here need not go out twice.
"""

from __future__ import annotations

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from handover_channel.routing import OUR_METADATA
from handover_channel.store.prepared import Prepared
from handover_channel.store.schema import deliveries, sent

# It runs for every message.
_ADD = Prepared(sa.text("INSERT INTO sent (tag, at) VALUES (:tag, :at) ON CONFLICT DO NOTHING"))
_FIND = sa.select(sa.literal(1)).where(sent.c.tag == sa.bindparam("tag"))


def add(connection: Connection, tag: str, *, now: float) -> bool:
    """Note that the message with *tag* has reached Meta. False: that was known."""
    return _ADD.changed(connection, {"tag": tag, "at": now}) == 1


def find(connection: Connection, tag: str) -> bool:
    """Tell whether the message with *tag* is known to have reached Meta."""
    return connection.execute(_FIND, {"tag": tag}).scalar() is not None


def find_echo(connection: Connection, thread: str, tag: str) -> bool:
    """Tell whether an echo of the message with *tag* waits in *thread*'s queue."""
    ours = deliveries.c.body.contains(f'"metadata":"{OUR_METADATA}{tag}"', autoescape=True)
    waiting = (deliveries.c.thread == thread, deliveries.c.done_at.is_(None))
    query = sa.select(sa.literal(1)).where(*waiting, ours).limit(1)
    return connection.execute(query).scalar() is not None
