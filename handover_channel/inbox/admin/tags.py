"""Lists, renames, joins and deletes tags for admins. Takes the database, so a thread."""

from __future__ import annotations

import time
from typing import Callable, List, Tuple

from sqlalchemy.engine import Connection

from handover_channel.errors import NotKnown, Refused
from handover_channel.store import Store, acts, tags


class Tags:
    """Reads and changes tags wherever they are. *by*: the admin who does it."""

    def __init__(self, store: Store, clock: Callable[[], float] = time.time) -> None:
        self._store = store
        self._clock = clock

    def every(self) -> List[Tuple[str, int]]:
        """Return the tags, and how many conversations have each."""
        with self._store.reading() as connection:
            return tags.counts(connection)

    def rename(self, tag: str, to: str, *, by: str) -> None:
        """Give a tag another name.

        Raises NotUsable and TooLarge for what is no tag, Refused where there is such a tag, and NotKnown.
        """
        new = tags.new_tag(to)
        with self._store.writing() as connection:
            _expect(connection, tag)
            if new != tag and tags.is_used(connection, new):
                raise Refused("there is a tag %(tag)r already -> merge the two instead", tag=new)
            if new != tag:
                self._replace(connection, tag, new, acts.Done.TAG_RENAMED, by)

    def merge(self, tag: str, into: str, *, by: str) -> None:
        """Put another tag in the place of *tag*. Raises NotKnown where one of them is not there."""
        with self._store.writing() as connection:
            _expect(connection, tag)
            _expect(connection, into)
            if tag != into:
                self._replace(connection, tag, into, acts.Done.TAG_MERGED, by)

    def delete(self, tag: str, *, by: str) -> None:
        """Take a tag from every conversation. Raises NotKnown."""
        with self._store.writing() as connection:
            _expect(connection, tag)
            tags.delete(connection, tag, now=self._clock())
            acts.add(connection, acts.Done.TAG_DELETED, agent=by, detail=tag, now=self._clock())

    def _replace(self, connection: Connection, tag: str, new: str, done: acts.Done, by: str) -> None:
        tags.replace(connection, tag, new, now=self._clock())
        acts.add(connection, done, agent=by, detail=f"{tag} -> {new}", now=self._clock())


def _expect(connection: Connection, tag: str) -> None:
    if not tags.is_used(connection, tag):
        raise NotKnown("no conversation has the tag %(tag)r any more -> reload the page", tag=tag)
