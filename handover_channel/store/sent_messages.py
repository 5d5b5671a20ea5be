"""Keeps a row for each message of ours that Meta has accepted, or has echoed.

The tag is the part of our `metadata` behind `rasa-handover:`: delivery and number of the message. After a
crash the same delivery makes the same tags again, and what is here need not go out twice.
"""

from __future__ import annotations

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from handover_channel.messenger.events import OUR_METADATA
from handover_channel.store.prepared import Connected, Prepared
from handover_channel.store.schema import deliveries

# These run for every message, and for every echo.
_ADD_TAG = Prepared(
    sa.text("INSERT INTO sent (tag, at, mid) VALUES (:tag, :at, :mid) ON CONFLICT DO NOTHING")
)
_FIND = Prepared(sa.text("SELECT 1 AS found FROM sent WHERE tag = :tag"))
_IS_OURS = Prepared(
    sa.text(
        "SELECT 1 AS found FROM sent WHERE mid = :mid AND mid <> '' UNION ALL SELECT 1 FROM transcript "
        "WHERE thread = :thread AND mid = :mid AND author IN ('agent', 'bot') LIMIT 1"
    )
)
_IS_DELIVERY = Prepared(
    sa.text("SELECT 1 AS found FROM deliveries WHERE id = :delivery AND thread = :thread")
)


def add(connection: Connection, tag: str, *, now: float, mid: str = "") -> bool:
    """Note that the message with *tag*, to which Meta gave *mid*, has reached it. False: that was known."""
    return _ADD_TAG.changed(connection, {"tag": tag, "at": now, "mid": mid}) == 1


def is_ours(connection: Connected, thread: str, mid: str) -> bool:
    """Tell whether Meta gave *mid* to a message that we sent: for the bot, a notice, or an agent."""
    return bool(_IS_OURS.rows(connection, {"thread": thread, "mid": mid}))


def may_be_ours(connection: Connected, thread: str, tag: str) -> bool:
    """Tell whether we can have sent *tag* in *thread*: its number is that of a delivery there, or none."""
    number = tag.partition(".")[0]
    if not (number.isascii() and number.isdigit() and len(number) < 19):
        return True
    return bool(_IS_DELIVERY.rows(connection, {"thread": thread, "delivery": int(number)}))


def find(connection: Connected, tag: str) -> bool:
    """Tell whether the message with *tag* is known to have reached Meta."""
    return bool(_FIND.rows(connection, {"tag": tag}))


def find_echo(connection: Connection, thread: str, tag: str) -> bool:
    """Tell whether an echo of the message with *tag* waits in *thread*'s queue."""
    ours = deliveries.c.body.contains(f'"metadata":"{OUR_METADATA}{tag}"', autoescape=True)
    waiting = (deliveries.c.thread == thread, deliveries.c.done_at.is_(None))
    query = sa.select(sa.literal(1)).where(*waiting, ours).limit(1)
    return connection.execute(query).scalar() is not None
