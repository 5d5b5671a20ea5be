"""Lists, renames, joins and deletes tags. A tag is there as long as a thread has it.

Pages that show a thread whose tag has changed are told, and every list.
"""

from __future__ import annotations

from typing import List, Tuple

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from handover_channel.errors import NotUsable, TooLarge
from handover_channel.sentences import counted
from handover_channel.store import page_updates
from handover_channel.store.schema import presence, tags
from handover_channel.store.upsert import insert

LONGEST_TAG = 40

#: Tags that are listed: nobody finds one among more.
MOST_LISTED = 1000


def new_tag(text: str) -> str:
    """Return *text* as a tag. Raises NotUsable for an empty one, TooLarge for a long one."""
    tag = " ".join(text.split())
    if not tag or not any(letter.isprintable() and not letter.isspace() for letter in tag):
        raise NotUsable("a tag needs at least one letter -> type it before you add it")
    if len(tag) > LONGEST_TAG:
        raise TooLarge(
            counted(
                "the tag has %(number)s character; %(most)s are allowed -> shorten it",
                "the tag has %(number)s characters; %(most)s are allowed -> shorten it",
                len(tag),
                most=LONGEST_TAG,
            )
        )
    return tag


def counts(connection: Connection, limit: int = MOST_LISTED) -> List[Tuple[str, int]]:
    """Return the tags, by name, and how many threads have each: read from the index on the tag alone."""
    query = sa.select(tags.c.tag, sa.func.count()).group_by(tags.c.tag).order_by(tags.c.tag).limit(limit)
    return [(tag, int(number)) for tag, number in connection.execute(query)]


def is_used(connection: Connection, tag: str) -> bool:
    """Tell whether a thread has the tag."""
    return connection.execute(sa.select(tags.c.tag).where(tags.c.tag == tag).limit(1)).first() is not None


def replace(connection: Connection, tag: str, by: str, *, now: float) -> None:
    """Give *by* to every thread that has *tag*, in its place; one that has both keeps one."""
    _tell(connection, tag, now)
    threads = sa.select(tags.c.thread, sa.literal(by)).where(tags.c.tag == tag)
    new = insert(connection, tags).from_select(["thread", "tag"], threads).on_conflict_do_nothing()
    connection.execute(new)
    connection.execute(sa.delete(tags).where(tags.c.tag == tag))


def delete(connection: Connection, tag: str, *, now: float) -> None:
    """Take the tag from every thread."""
    _tell(connection, tag, now)
    connection.execute(sa.delete(tags).where(tags.c.tag == tag))


def _tell(connection: Connection, tag: str, now: float) -> None:
    # Not each thread that has it: there may be 100,000, and those that nobody looks at are read anew anyway.
    tagged = sa.select(tags.c.thread).where(tags.c.tag == tag)
    shown = sa.select(presence.c.thread).where(presence.c.thread.in_(tagged)).distinct()
    for thread in ("", *connection.execute(shown).scalars().all()):
        page_updates.add(connection, thread, now=now)
