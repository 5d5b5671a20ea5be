"""Reads the inbox's lists of threads, filtered, sorted and cut into pages by the database.

Each list has an index of its own (schema.py), so that a page costs what it shows, not what there is. What is
searched for is found by search.py.
"""

from __future__ import annotations

from typing import Any, Dict, List, Mapping, NamedTuple, Optional, Sequence, Tuple

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from handover_channel.store.list_orders import ORDERS, THREADS_OF, Phase, Place, order_of
from handover_channel.store.schema import IS_OPEN, people, read_marks, tags, threads, transcript
from handover_channel.store.upsert import insert

#: Counting stops here.
MOST = 1000

#: In place of an agent's name: what nobody has.
FREE = "~"


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
    _newest("", _said.c.app_id).label("preview_app"),
    _newest(threads.c.last_file, "").label("preview_file"),
    _newest("", _said.c.attachments).label("preview_attachments"),
)


OWN_MARKS = sa.and_(read_marks.c.thread == threads.c.id, read_marks.c.agent == sa.bindparam("agent"))
_IS_UNREAD = (IS_OPEN, threads.c.person_at > sa.func.coalesce(read_marks.c.person_at, 0))


class Narrowed(NamedTuple):
    """To what a list is narrowed; "" for everything."""

    page: str = ""
    target: str = ""
    tag: str = ""
    agent: str = ""  #: who answers; FREE for nobody
    channel: str = ""
    unread: str = ""  #: by who looks; anything for yes


WHOLE = Narrowed()


def page_of(
    connection: Connection,
    name: str,
    *,
    agent: str,
    now: float,
    order: str = "",
    narrowed: Narrowed = WHOLE,
    after: Optional[Place] = None,
    limit: int = 50,
) -> List[Mapping[str, Any]]:
    """Return one page of the list *name*: columns of `threads`, `name`, `picture`, `preview` and the like.

    *now*: in seconds; *order*: of list_orders, the list's first where it is none. *after*: the `place` of the
    last row before, in whose order the page goes on. Raises KeyError for a list there is not.
    """
    order = order_of(name, after.order if after else order)
    places: List[Place] = []
    for number, phase in enumerate(ORDERS[name][order]):
        if after is not None and number < after.phase:
            continue
        query = _ids_of(phase, narrowed).limit(limit - len(places))
        if after is not None and number == after.phase:
            query = query.where(phase.behind(after.moment, after.thread))
        given = {"agent": agent, "now_ms": int(now * 1000)}
        places += [
            Place(order, number, moment, thread) for moment, thread in connection.execute(query, given)
        ]
        if len(places) >= limit:
            break
    found = rows_of(connection, [place.thread for place in places], agent=agent)
    return [{**found[place.thread], "place": place} for place in places if place.thread in found]


def _ids_of(phase: Phase, narrowed: Narrowed) -> sa.sql.Select:
    query = sa.select(phase.by, threads.c.id).where(*phase.which, *conditions(narrowed))
    if narrowed.unread:
        query = query.select_from(threads.outerjoin(read_marks, OWN_MARKS))
    return query.order_by(*phase.sorting())


def rows_of(connection: Connection, ids: Sequence[str], *, agent: str) -> Dict[str, Mapping[str, Any]]:
    """Return what lists show of these threads (some hundred at most), by id."""
    query = (
        sa.select(*_SHOWN_COLUMNS)
        .select_from(
            threads.outerjoin(people, people.c.thread == threads.c.id)
            .outerjoin(read_marks, OWN_MARKS)
            .outerjoin(_said, _said.c.id == _newest_line)
        )
        .where(threads.c.id.in_(ids))
    )
    return {row["id"]: dict(row) for row in connection.execute(query, {"agent": agent}).mappings()}


def count(connection: Connection, name: str, *, agent: str) -> int:
    """Return how many threads are in the list *name*, at most MOST."""
    which = THREADS_OF[name]
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


def add_tag(connection: Connection, thread: str, tag: str) -> bool:
    """Tag *thread*; once is enough. False: it has the tag."""
    new = insert(connection, tags).values(thread=thread, tag=tag).on_conflict_do_nothing()
    return bool(connection.execute(new).rowcount == 1)


def remove_tag(connection: Connection, thread: str, tag: str) -> bool:
    """Take a tag from *thread*. False: it does not have it."""
    these = sa.delete(tags).where(tags.c.thread == thread, tags.c.tag == tag)
    return bool(connection.execute(these).rowcount == 1)


def mark_read(connection: Connection, thread: str, agent: str, person_at: int) -> None:
    """Note that *agent* has seen what the person wrote up to *person_at* (ms)."""
    new = insert(connection, read_marks).values(agent=agent, thread=thread, person_at=person_at)
    keys = [read_marks.c.agent, read_marks.c.thread]
    newer = read_marks.c.person_at < person_at
    connection.execute(
        new.on_conflict_do_update(index_elements=keys, set_={"person_at": person_at}, where=newer)
    )


def mark_unread(connection: Connection, thread: str, agent: str, person_at: int) -> None:
    """Note that *agent* has not seen what the person wrote at *person_at* (ms), nor what came since."""
    new = insert(connection, read_marks).values(agent=agent, thread=thread, person_at=person_at - 1)
    keys = [read_marks.c.agent, read_marks.c.thread]
    connection.execute(new.on_conflict_do_update(index_elements=keys, set_={"person_at": person_at - 1}))


def read_up_to(connection: Connection, thread: str, agent: str) -> int:
    """Return up to when *agent* has seen what the person wrote, in ms."""
    query = sa.select(read_marks.c.person_at).where(
        read_marks.c.thread == thread, read_marks.c.agent == agent
    )
    return int(connection.execute(query).scalar() or 0)


def open_channels(connection: Connection, limit: int = 50) -> List[str]:
    """Return the channels on which something is open: to narrow a list by."""
    query = sa.select(threads.c.channel).where(IS_OPEN).distinct().order_by(threads.c.channel).limit(limit)
    return list(connection.execute(query).scalars())


def conditions(narrowed: Narrowed) -> List[Any]:
    """Return the conditions on `threads`; of what is unread, also on `read_marks`, joined by the caller."""
    columns = (
        (narrowed.page, threads.c.page),
        (narrowed.target, threads.c.target),
        (narrowed.channel, threads.c.channel),
        (narrowed.agent, threads.c.assignee),
    )
    found: List[Any] = [column == ("" if wanted == FREE else wanted) for wanted, column in columns if wanted]
    if narrowed.tag:
        found.append(threads.c.id.in_(sa.select(tags.c.thread).where(tags.c.tag == narrowed.tag)))
    return [*found, *(_IS_UNREAD if narrowed.unread else ())]
