"""Keeps the canned replies: those of handover.yml, which the page only shows, and those saved in the page.

1. Everybody saves a new one; only admins change and delete them.
2. A name is unique, in the file and in the page together. Where the file gets one later that the page has,
   the file's is used, and the page says so.
3. Texts and placeholders have the limits of handover.yml; as many are saved here as may stand there.

Takes the database, so a thread.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Callable, Dict, List, Mapping

from sqlalchemy.engine import Connection

from handover_channel.errors import NotKnown, NotUsable, Refused, TooLarge
from handover_channel.sentences import counted
from handover_channel.settings.inbox import (
    CANNED_PLACEHOLDERS,
    MAX_CANNED_REPLIES,
    MAX_TEXT,
    placeholders_of,
)
from handover_channel.store import Store, acts, canned_replies
from handover_channel.store.agents import folded
from handover_channel.store.canned_replies import CannedReply

LONGEST_CANNED_NAME = 40

_KNOWN = " ".join("{" + name + "}" for name in CANNED_PLACEHOLDERS)


@dataclass(frozen=True)
class CannedView:
    """A canned reply, as admins see it."""

    key: str  #: what it is changed by
    name: str
    text: str
    agent: str = ""  #: who saved it
    is_fixed: bool = False  #: stands in handover.yml
    is_hidden: bool = False  #: handover.yml has one of that name


class CannedReplies:
    """Reads and changes the canned replies. *fixed*: those of handover.yml; *by*: who does it."""

    def __init__(
        self, fixed: Mapping[str, str], store: Store, clock: Callable[[], float] = time.time
    ) -> None:
        self._fixed = fixed
        self._keys = {folded(name) for name in fixed}
        self._store = store
        self._clock = clock

    def every(self) -> List[CannedView]:
        """Return all of them: first those of the page, by name."""
        with self._store.reading() as connection:
            kept = canned_replies.every(connection)
        saved = [CannedView(r.key, r.name, r.text, r.agent, is_hidden=r.key in self._keys) for r in kept]
        fixed = [CannedView(folded(name), name, text, is_fixed=True) for name, text in self._fixed.items()]
        return [*saved, *fixed]

    def texts(self, connection: Connection) -> Dict[str, str]:
        """Return what agents choose from: name -> text, those of the file first."""
        saved = {
            each.name: each.text for each in canned_replies.every(connection) if each.key not in self._keys
        }
        return {**self._fixed, **saved}

    def add(self, name: str, text: str, *, by: str) -> None:
        """Save a new one.

        Raises NotUsable and TooLarge for what it cannot be, Refused where there is one of that name, or there
        are as many as there may be.
        """
        reply = self._checked(name, text, by)
        with self._store.writing() as connection:
            if len(canned_replies.every(connection)) >= MAX_CANNED_REPLIES:
                raise Refused(
                    "there are %(most)s canned replies, as many as there may be -> delete one first",
                    most=MAX_CANNED_REPLIES,
                )
            self._put(connection, reply, acts.Done.CANNED_ADDED)

    def change(self, key: str, name: str, text: str, *, by: str) -> None:
        """Change the one of that key. Raises as `add`, and NotKnown."""
        reply = self._checked(name, text, by)
        with self._store.writing() as connection:
            if not canned_replies.remove(connection, key):
                raise _unknown()
            self._put(connection, reply, acts.Done.CANNED_CHANGED)

    def remove(self, key: str, *, by: str) -> None:
        """Delete the one of that key. Raises NotKnown."""
        with self._store.writing() as connection:
            found = canned_replies.get(connection, key)
            if found is None or not canned_replies.remove(connection, key):
                raise _unknown()
            done = acts.Done.CANNED_REMOVED
            acts.add(connection, done, agent=by, detail=found.name, now=self._clock())

    def _put(self, connection: Connection, reply: CannedReply, done: acts.Done) -> None:
        if reply.key in self._keys:
            raise Refused("handover.yml has a canned reply %(name)r -> take another name", name=reply.name)
        if not canned_replies.add(connection, reply):
            raise Refused("there is a canned reply %(name)r already -> take another name", name=reply.name)
        acts.add(connection, done, agent=reply.agent, detail=reply.name, now=reply.at)

    def _checked(self, name: str, text: str, by: str) -> CannedReply:
        shown = " ".join(name.split())
        if not shown or not shown.isprintable():
            raise NotUsable("a canned reply needs a name -> write one by which agents find it")
        if len(shown) > LONGEST_CANNED_NAME:
            raise TooLarge(
                counted(
                    "the name has %(number)s character; %(most)s are allowed -> shorten it",
                    "the name has %(number)s characters; %(most)s are allowed -> shorten it",
                    len(shown),
                    most=LONGEST_CANNED_NAME,
                )
            )
        return CannedReply(shown, _text(text), by, self._clock())


def _text(text: str) -> str:
    said = text.strip()
    if not said:
        raise NotUsable("the canned reply is empty -> write what agents answer with it")
    if len(said) > MAX_TEXT:
        raise TooLarge(
            counted(
                "the text has %(number)s character; %(most)s are allowed -> shorten it",
                "the text has %(number)s characters; %(most)s are allowed -> shorten it",
                len(said),
                most=MAX_TEXT,
            )
        )
    for name in placeholders_of(said):
        if name not in CANNED_PLACEHOLDERS:
            raise NotUsable(
                "nothing is filled in for %(placeholder)s -> the placeholders are %(known)s",
                placeholder="{" + name[:LONGEST_CANNED_NAME] + "}",
                known=_KNOWN,
            )
    return said


def _unknown() -> NotKnown:
    return NotKnown("there is no such canned reply any more -> reload the page")
