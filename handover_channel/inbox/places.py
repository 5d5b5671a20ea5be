"""Finds the place in a conversation at which it is to be opened: what a search has found there."""

from __future__ import annotations

import re
from typing import NamedTuple, Optional, Sequence, Tuple

from sqlalchemy.engine import Connection

from handover_channel.inbox.timeline import MOST_TO_FOUND
from handover_channel.inbox.view_models import Said
from handover_channel.rules import search_words
from handover_channel.store import transcript

_ENTRY = re.compile(r"\A(line|bot)-([0-9]{1,18})\Z")

#: Seconds: what has the time of what was found is shown with it.
_JUST_AFTER = 0.001


class Asked(NamedTuple):
    """The place that an address asks for."""

    entry: str = ""  #: key of the entry that was found
    search: str = ""  #: what was looked for
    is_by_itself: bool = False  #: the page asks anew: it has what came before already


NOTHING_ASKED = Asked()


class Found(NamedTuple):
    """The place of an entry; `entry` is "" where there is none."""

    entry: str = ""
    wanted: Sequence[str] = ()
    back_to: Optional[float] = None  #: the time of the entry, if all since then is to be shown
    before: Optional[float] = None  #: of a place too far back: what is shown came before that time

    @property
    def is_aside(self) -> bool:
        """Whether the newest entries are not shown."""
        return self.before is not None


NOWHERE = Found()


def find(connection: Connection, thread: str, bot_part: Sequence[Said], asked: Asked) -> Found:
    """Return the place of the entry that is asked for; NOWHERE for one that is not of this thread."""
    match = _ENTRY.match(asked.entry)
    if match is None:
        return NOWHERE
    kind, number = match.groups()
    known = _of_bot(bot_part, asked.entry) if kind == "bot" else _of_line(connection, thread, int(number))
    if known is None:
        return NOWHERE
    at, newer = known
    place = Found(asked.entry, search_words.wanted_of(asked.search))
    if newer > MOST_TO_FOUND:
        return place._replace(before=at + _JUST_AFTER)
    return place if asked.is_by_itself else place._replace(back_to=at)


def _of_line(connection: Connection, thread: str, line: int) -> Optional[Tuple[float, int]]:
    found = transcript.place_of(connection, thread, line)
    return (found[0] / 1000, found[1]) if found else None


def _of_bot(bot_part: Sequence[Said], entry: str) -> Optional[Tuple[float, int]]:
    """Return when it was said, and how much of the bot's part is newer."""
    found = ((at, said) for at, said in enumerate(bot_part) if said.key == entry)
    return next(((said.at, len(bot_part) - at - 1) for at, said in found), None)
