"""Reads the inbox's lists of threads, filtered, sorted and cut into pages by the database.

Each list has an index of its own (schema.py), so that a page costs what it shows, not what there is. A search
reads names and what was said while the bot was silent: that costs what was said.
"""

from __future__ import annotations

from typing import Any, Dict, List, Mapping, Optional, Sequence, Tuple

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from handover_channel.rules.control import Control
from handover_channel.store.schema import (
    IS_ASSIGNED,
    IS_OPEN,
    IS_RETURNED,
    IS_WAITING,
    people,
    read_marks,
    tags,
    threads,
    transcript,
)
from handover_channel.store.upsert import insert

#: Counting stops here.
MOST = 1000

_is_bot = threads.c.control == Control.BOT.value

#: list -> (which threads, sorted by). The newest come first.
_LISTS: Mapping[str, Tuple[Tuple[Any, ...], Any]] = {
    "waiting": ((IS_WAITING, threads.c.assignee == ""), threads.c.waiting_since),
    "mine": ((threads.c.assignee == sa.bindparam("agent"), IS_ASSIGNED), threads.c.active_at),
    "open": ((IS_OPEN,), threads.c.active_at),
    "returned": ((IS_RETURNED,), threads.c.active_at),
    "bot": ((_is_bot,), threads.c.active_at),
}


_said = transcript.alias("said")
_newest_line = (
    sa.select(transcript.c.id)
    .where(transcript.c.thread == threads.c.id)
    .order_by(transcript.c.id.desc())
    .limit(1)
    .scalar_subquery()
)

#: What was said last: in the transcript, or (newer than that) with the bot.
_of_the_bot = threads.c.last_at > sa.func.coalesce(_said.c.timestamp, 0)


def _newest(of_the_bot: Any, said: Any) -> Any:
    return sa.case((_of_the_bot, of_the_bot), else_=sa.func.coalesce(said, ""))


_SHOWN_COLUMNS = (
    *threads.c,
    sa.func.coalesce(people.c.name, "").label("name"),
    sa.func.coalesce(people.c.picture, "").label("picture"),
    sa.func.coalesce(read_marks.c.person_at, 0).label("read_to_by_agent"),
    _newest(threads.c.last_text, _said.c.text).label("preview"),
    _newest(threads.c.last_author, _said.c.author).label("preview_author"),
    _newest(threads.c.last_file, "").label("preview_file"),
    _newest("", _said.c.attachments).label("preview_attachments"),
)


def page_of(
    connection: Connection,
    name: str,
    *,
    agent: str,
    search: str = "",
    page: str = "",
    target: str = "",
    tag: str = "",
    after: Optional[Tuple[float, str]] = None,
    limit: int = 50,
) -> List[Mapping[str, Any]]:
    """Return one page of the list *name*: columns of `threads`, `name`, `picture`, `preview` and the like.

    *after*: the sorting time and the id of the last one before. Raises KeyError for a list there is not.
    """
    which, by = _LISTS[name]
    marks = sa.and_(read_marks.c.thread == threads.c.id, read_marks.c.agent == sa.bindparam("agent"))
    query = (
        sa.select(*_SHOWN_COLUMNS, by.label("sorted_by"))
        .select_from(
            threads.outerjoin(people, people.c.thread == threads.c.id)
            .outerjoin(read_marks, marks)
            .outerjoin(_said, _said.c.id == _newest_line)
        )
        .where(*which, *_narrowed(search, page, target, tag))
        .order_by(by.desc(), threads.c.id.desc())
        .limit(limit)
    )
    if after is not None:
        moment, thread = after
        # As a row: an OR would read everything that comes before, too.
        query = query.where(sa.tuple_(by, threads.c.id) < sa.tuple_(moment, thread))
    return [dict(row) for row in connection.execute(query, {"agent": agent}).mappings()]


def count(connection: Connection, name: str, *, agent: str) -> int:
    """Return how many threads are in the list *name*, at most MOST."""
    which, _ = _LISTS[name]
    some = sa.select(sa.literal(1)).select_from(threads).where(*which).limit(MOST).subquery()
    return int(
        connection.execute(sa.select(sa.func.count()).select_from(some), {"agent": agent}).scalar() or 0
    )


def tags_of(connection: Connection, found: Sequence[str]) -> Dict[str, Tuple[str, ...]]:
    """Return the tags of these threads."""
    query = sa.select(tags.c.thread, tags.c.tag).where(tags.c.thread.in_(found)).order_by(tags.c.tag)
    result: Dict[str, Tuple[str, ...]] = {}
    for thread, tag in connection.execute(query):
        result[thread] = (*result.get(thread, ()), tag)
    return result


def all_tags(connection: Connection, limit: int = 200) -> List[str]:
    """Return the tags there are."""
    return list(
        connection.execute(sa.select(tags.c.tag).distinct().order_by(tags.c.tag).limit(limit)).scalars()
    )


def add_tag(connection: Connection, thread: str, tag: str) -> None:
    """Tag *thread*; once is enough."""
    connection.execute(insert(connection, tags).values(thread=thread, tag=tag).on_conflict_do_nothing())


def remove_tag(connection: Connection, thread: str, tag: str) -> None:
    """Take a tag from *thread*."""
    connection.execute(sa.delete(tags).where(tags.c.thread == thread, tags.c.tag == tag))


def mark_read(connection: Connection, thread: str, agent: str, person_at: int) -> None:
    """Note that *agent* has seen what the person wrote up to *person_at* (ms)."""
    new = insert(connection, read_marks).values(agent=agent, thread=thread, person_at=person_at)
    keys = [read_marks.c.agent, read_marks.c.thread]
    newer = read_marks.c.person_at < person_at
    connection.execute(
        new.on_conflict_do_update(index_elements=keys, set_={"person_at": person_at}, where=newer)
    )


def read_up_to(connection: Connection, thread: str, agent: str) -> int:
    """Return up to when *agent* has seen what the person wrote, in ms."""
    query = sa.select(read_marks.c.person_at).where(
        read_marks.c.thread == thread, read_marks.c.agent == agent
    )
    return int(connection.execute(query).scalar() or 0)


def _narrowed(search: str, page: str, target: str, tag: str) -> List[Any]:
    found: List[Any] = []
    if page:
        found.append(threads.c.page == page)
    if target:
        found.append(threads.c.target == target)
    if tag:
        found.append(threads.c.id.in_(sa.select(tags.c.thread).where(tags.c.tag == tag)))
    if search:
        named = sa.select(people.c.thread).where(people.c.name.ilike(_like(search), escape="\\"))
        said = sa.select(transcript.c.thread).where(transcript.c.text.ilike(_like(search), escape="\\"))
        found.append(sa.or_(threads.c.id == search, threads.c.id.in_(named), threads.c.id.in_(said)))
    return found


def _like(text: str) -> str:
    for sign in ("\\", "%", "_"):
        text = text.replace(sign, f"\\{sign}")
    return f"%{text}%"
