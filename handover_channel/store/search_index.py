"""Keeps the words that the inbox's search looks for, and finds them: FTS5 on SQLite, GIN on PostgreSQL.

1. Both get the same words (rules/search_words.py), each behind the number of its *block* of rows: a search
   asks the newest block first and goes back as far as it has to. So a word that is everywhere costs a block,
   and not all there is; a word that is nowhere costs a few look-ups (docs/decisions/0012).
2. A search ends after TIME_TO_SEARCH and says how far it has got: the next page goes on there.
3. With a row its words go: by triggers on SQLite, by a foreign key on PostgreSQL. FTS5 notes that they are
   gone, and has them in its file until it writes that part of the index anew: `write_anew`.
"""

from __future__ import annotations

import time
from typing import Any, Callable, Dict, Iterable, List, NamedTuple, Sequence, Tuple

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from handover_channel.rules.search_words import words_in

LINES, SEARCHED = "line_words", "searched_words"
#: Whose words an index has: table, and its key.
_WORDS_OF = {LINES: ("transcript", "id"), SEARCHED: ("searched", "place")}

#: What tells the words of a name from others in `searched_words`, and both from the number of a block (hex).
OF_WORDS, OF_NAMES = "z", "y"

#: Rows of a block, as a power of two: changing it needs a new index.
BLOCK = 15
#: Blocks that are asked in one statement, at most.
BLOCKS_AT_ONCE = 64
#: Pages of SQLite's index that are written anew in one transaction.
PAGES_AT_ONCE = 500
#: Seconds in which a search begins to ask for more blocks.
TIME_TO_SEARCH = 0.1


class Hits(NamedTuple):
    """The rows of an index that a search has found."""

    ids: List[int]  #: the newest first
    reached: int  #: what is below was not looked at; 0: everything was


#: Words to be kept, by the row's id.
Terms = Dict[int, List[str]]


def terms_of(rows: Iterable[Tuple[int, str]], kind: str = OF_WORDS) -> Terms:
    """Return what `put` keeps of these rows (id, text). It takes a while: best outside of a transaction."""
    return {number: [f"{number >> BLOCK:x}{kind}{word}" for word in words_in(text)] for number, text in rows}


def put(connection: Connection, index: str, terms: Terms) -> None:
    """Keep these words, in place of those that were kept of the same rows."""
    if not terms:
        return
    if connection.dialect.name != "postgresql":
        _put_on_sqlite(connection, index, terms)
        return
    of, key = _WORDS_OF[index]
    given = {"ids": list(terms), "words": [" ".join(words) for words in terms.values()]}
    # In one statement; of a row that somebody has deleted meanwhile nothing is kept.
    connection.execute(
        sa.text(
            f"INSERT INTO {index} (id, words) "  # noqa: S608 - our own words
            "SELECT given.id, array_to_tsvector(string_to_array(given.words, ' ')) "
            "FROM unnest(CAST(:ids AS BIGINT[]), CAST(:words AS TEXT[])) AS given (id, words) "
            f"WHERE EXISTS (SELECT 1 FROM {of} WHERE {of}.{key} = given.id) "
            "ON CONFLICT (id) DO UPDATE SET words = excluded.words"
        ),
        given,
    )


def write_anew(connection: Connection, index: str, *, begin: bool) -> bool:
    """Write a stretch of SQLite's index without what was deleted from it. True: there is more to write.

    https://www.sqlite.org/fts5.html#the_merge_command
    """
    if connection.dialect.name != "sqlite" or not has_fts5(connection, index):
        return False
    connection.execute(sa.text("PRAGMA secure_delete=ON"))  # whole pages, too
    before = connection.execute(sa.text("SELECT total_changes()")).scalar_one()
    pages = -PAGES_AT_ONCE if begin else PAGES_AT_ONCE
    into = f"INSERT INTO {index} ({index}, rank) VALUES ('merge', :pages)"  # noqa: S608 - our own words
    connection.execute(sa.text(into), {"pages": pages})
    return int(connection.execute(sa.text("SELECT total_changes()")).scalar_one()) - int(before) >= 2


def _put_on_sqlite(connection: Connection, index: str, terms: Terms) -> None:
    column = "rowid" if has_fts5(connection, index) else "id"
    gone = [{"id": number} for number in terms]
    connection.execute(sa.text(f"DELETE FROM {index} WHERE {column} = :id"), gone)  # noqa: S608
    values = [{"id": number, "words": " " + " ".join(words)} for number, words in terms.items() if words]
    if values:
        into = f"INSERT INTO {index} ({column}, words) VALUES (:id, :words)"  # noqa: S608
        connection.execute(sa.text(into), values)


def is_missing(connection: Connection, index: str, key: Any) -> Any:
    """Return the condition that no words of that row are kept."""
    column = "id" if connection.dialect.name == "postgresql" else "rowid"
    kept = sa.table(index, sa.column(column))
    return ~sa.exists().where(kept.c[column] == key)


def find(
    connection: Connection,
    index: str,
    wanted: Sequence[str],
    *,
    below: int,
    limit: int,
    kind: str = OF_WORDS,
    clock: Callable[[], float] = time.monotonic,
) -> Hits:
    """Return the newest rows below the id *below* that have all words that begin as *wanted*."""
    first, last = _span(connection, index)
    newest, oldest = min(below - 1, last) >> BLOCK, first >> BLOCK
    found: List[int] = []
    until, at_once = clock() + TIME_TO_SEARCH, 1
    match = _matching(connection, index)
    while newest >= oldest and last:
        if clock() > until:
            return Hits(found, (newest + 1) << BLOCK)
        blocks = range(newest, max(newest - at_once, oldest - 1), -1)
        given = {"below": below, "limit": limit + 1 - len(found), **match.values(blocks, wanted, kind)}
        found += connection.execute(sa.text(match.statement(len(blocks), len(wanted))), given).scalars()
        if len(found) > limit:
            return Hits(found[:limit], found[limit - 1])
        newest -= len(blocks)
        at_once = min(at_once * 2, BLOCKS_AT_ONCE)
    return Hits(found, 0)


def _span(connection: Connection, index: str) -> Tuple[int, int]:
    """Return the lowest and the highest id there is, 0 where there is no row."""
    of, key = _WORDS_OF[index]
    found = connection.exec_driver_sql(
        f"SELECT (SELECT min({key}) FROM {of}), (SELECT max({key}) FROM {of})"  # noqa: S608 - our own words
    ).one()
    return int(found[0] or 0), int(found[1] or 0)


class _Matching:
    """How an index is asked. There is a word for each of *wanted* in each block."""

    def __init__(self, index: str) -> None:
        self.index = index

    def statement(self, blocks: int, words: int) -> str:
        """Return the statement; its parameters: `below`, `limit`, and those of `values`."""
        raise NotImplementedError

    def values(self, blocks: Iterable[int], wanted: Sequence[str], kind: str) -> Dict[str, Any]:
        """Return the parameters for these blocks."""
        raise NotImplementedError


class _Fts5(_Matching):
    def statement(self, blocks: int, words: int) -> str:
        return (
            f"SELECT rowid FROM {self.index} WHERE {self.index} MATCH :match AND rowid < :below "  # noqa: S608
            "ORDER BY rowid DESC LIMIT :limit"
        )

    def values(self, blocks: Iterable[int], wanted: Sequence[str], kind: str) -> Dict[str, Any]:
        every = (" AND ".join(f'"{block:x}{kind}{word}"*' for word in wanted) for block in blocks)
        return {"match": " OR ".join(f"({each})" for each in every)}


class _Gin(_Matching):
    def statement(self, blocks: int, words: int) -> str:
        # The `+ 0` has PostgreSQL ask the index for the words, and never walk along the ids.
        return (
            f"SELECT id FROM {self.index} WHERE words @@ CAST(:match AS tsquery) AND id < :below "  # noqa: S608
            "ORDER BY id + 0 DESC LIMIT :limit"
        )

    def values(self, blocks: Iterable[int], wanted: Sequence[str], kind: str) -> Dict[str, Any]:
        every = (" & ".join(f"'{block:x}{kind}{word}':*" for word in wanted) for block in blocks)
        return {"match": " | ".join(f"({each})" for each in every)}


class _Plain(_Matching):
    """SQLite without FTS5: every row is read."""

    def statement(self, blocks: int, words: int) -> str:
        of_block = (
            " AND ".join(f"words LIKE :word{block}_{word}" for word in range(words))
            for block in range(blocks)
        )
        return (
            f"SELECT id FROM {self.index} WHERE id < :below AND id BETWEEN :least AND :most AND "  # noqa: S608
            f"({' OR '.join(of_block)}) ORDER BY id DESC LIMIT :limit"
        )

    def values(self, blocks: Iterable[int], wanted: Sequence[str], kind: str) -> Dict[str, Any]:
        numbers = list(blocks)
        span = {"least": numbers[-1] << BLOCK, "most": ((numbers[0] + 1) << BLOCK) - 1}
        every = {
            f"word{at}_{number}": f"% {block:x}{kind}{word}%"
            for at, block in enumerate(numbers)
            for number, word in enumerate(wanted)
        }
        return {**span, **every}


def has_fts5(connection: Connection, index: str) -> bool:
    """Tell whether a SQLite database has the index, or a plain table in its place."""
    query = sa.text("SELECT sql FROM sqlite_master WHERE name = :name")
    return "fts5" in str(connection.execute(query, {"name": index}).scalar())


def _matching(connection: Connection, index: str) -> _Matching:
    if connection.dialect.name == "postgresql":
        return _Gin(index)
    return _Fts5(index) if has_fts5(connection, index) else _Plain(index)
