"""Merges a conversation for the page: Rasa's part, transcript, changes of control, notes, acts of agents.

It is cut into stretches: a page shows the newest ENTRIES, and asks for what came before them. Each source
gives as many as one stretch can need, so that a stretch has no holes; what has the same time stays together.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Callable, List, Mapping, NamedTuple, Optional, Sequence, Tuple

from sqlalchemy.engine import Connection

from handover_channel.inbox import message_changes
from handover_channel.inbox.bot_history import without
from handover_channel.inbox.view_models import (
    AgentAct,
    AgentActs,
    ControlChange,
    Entry,
    PrivateNote,
    Said,
    Title,
)
from handover_channel.messenger.bubble import Card, File
from handover_channel.messenger.content import content_of
from handover_channel.messenger.events import Attachment
from handover_channel.rules.continuing import in_words
from handover_channel.store import acts, changes, private_notes, thread_events, transcript
from handover_channel.store.acts import LoggedAct
from handover_channel.store.changes import LoggedChange
from handover_channel.store.thread_events import ThreadEvent
from handover_channel.store.threads import Thread
from handover_channel.store.transcript import AGENT, APP, PERSON, Line

#: Entries of one stretch, and how many more there may be for having the same time.
ENTRIES, MORE = 60, 20

#: Entries that are shown before what a search has found; and how many, at most, from there to the newest one.
BEFORE_FOUND, MOST_TO_FOUND = 15, 1000

#: (address as Meta or the bot gave it) -> address on this server
Link = Callable[[str], str]


class _Names(NamedTuple):
    """Names of those who take part in one thread."""

    person: str
    agents: Mapping[str, str]  #: shown names
    app: Callable[[str], str]  #: by its id
    intent: Callable[[str], Title]  #: what agents read of one that the bot went on with


def stretch(
    connection: Connection,
    row: Thread,
    bot_part: Sequence[Said],
    *,
    before: Optional[float],
    person: str,
    shown_names: Mapping[str, str],
    link: Link,
    waiting: Sequence[Said] = (),
    app_name: Callable[[str], str] = str,
    title_of: Callable[[str], Title] = in_words,
    back_to: Optional[float] = None,
) -> Tuple[List[Entry], str]:
    """Return the newest entries, oldest first, and the cursor of earlier ones; *before*: only older ones.

    *person*: their name. *waiting*: replies that are not sent. *app_name*: by the id of another app.
    *title_of*: of an intent or flow that the bot went on with.
    *back_to*: with all since then (MOST_TO_FOUND of each source), and some before it.
    """
    limit = ENTRIES + MORE if back_to is None else MOST_TO_FOUND + MORE
    names = _Names(person, shown_names, app_name, title_of)
    found, events = _gathered(connection, row, bot_part, before, names, link, limit)
    found.sort(key=lambda entry: entry.at)  # stable: what one source gave keeps its order
    first = max(len(found) - ENTRIES, 0)
    if back_to is not None:
        there = next((place for place, entry in enumerate(found) if entry.at >= back_to), first)
        first = min(first, max(there - BEFORE_FOUND, 0))
    while first and found[first - 1].at == found[first].at:
        first -= 1
    earlier = repr(found[first].at) if first else ""
    since = found[first].at if first else 0.0
    shown = message_changes.applied(
        connection,
        row,
        found[first:],
        since=since,
        before=before,
        bot_part=bot_part,
        events=events,
        person=person,
    )
    folded = _folded(with_choices(shown))
    return ([*folded, *waiting] if before is None else folded), earlier


def _gathered(
    connection: Connection,
    row: Thread,
    bot_part: Sequence[Said],
    before: Optional[float],
    names: _Names,
    link: Link,
    limit: int,
) -> Tuple[List[Entry], List[ThreadEvent]]:
    """Return *limit* entries of each source, and what happened to its messages."""
    went_out = _newest_that_went_out(connection, row, bot_part, before, limit)
    found: List[Entry] = [_bots(each, names.person, row, link) for each in went_out]
    in_ms = None if before is None else _in_ms(before)
    for line in transcript.of(connection, row.id, limit, before=in_ms):
        found.append(_said(line, row, names, link))
    mids = [each.mid for each in found if isinstance(each, Said) and each.mid]
    events = thread_events.of(connection, row.id, limit, about=mids, before=in_ms)
    found.extend(_happened(each, names.person) for each in events if in_ms is None or each.timestamp < in_ms)
    for change in reversed(changes.of(connection, row.id, limit, before=before)):
        found.append(_changed(change, names))
    for done in acts.of(connection, row.id, before=before, limit=limit):
        found.append(_act(done, names.agents))
    for note in private_notes.of(connection, row.id, before=before, limit=limit):
        name = names.agents.get(note.agent, note.agent)
        found.append(PrivateNote(key=f"remark-{note.id}", at=note.at, name=name, text=note.text))
    return found, events


def _in_ms(before: float) -> int:
    """Return the first whole millisecond that is not before that time, as `_said` tells times."""
    found = round(before * 1000)
    while found / 1000 < before:
        found += 1
    return found


def _newest_that_went_out(
    connection: Connection, row: Thread, bot_part: Sequence[Said], before: Optional[float], limit: int
) -> Sequence[Said]:
    """Return the newest of the bot's part, without the turns of which the transcript has the words."""
    older = [each for each in bot_part if before is None or each.at < before]
    found: List[Said] = []
    while older and len(found) < limit:
        older, some = older[:-limit], older[-limit:]
        turns = list(dict.fromkeys(each.turn for each in some if each.turn))
        found = [*without(transcript.kept_of(connection, row.id, turns), some), *found]
    return found[-limit:]


def _bots(said: Said, person: str, row: Thread, link: Link) -> Said:
    name = person if said.speaker == "person" else ""
    mark = _mark(said.at, row) if said.speaker == "bot" else ""
    return _fetchable(replace(said, name=name, mark=mark), link)


def _said(line: Line, row: Thread, names: _Names, link: Link) -> Said:
    at = line.timestamp / 1000
    by_author = {
        PERSON: names.person,
        AGENT: names.agents.get(line.agent, line.agent),
        APP: names.app(line.app_id),
    }
    content = content_of(line.text, line.attachments)
    found = Said(
        key=f"line-{line.id}",
        at=at,
        speaker=line.author,
        name=by_author.get(line.author, ""),
        **vars(content),
        mid=line.mid,
        reply_to=line.reply_to,
        former=() if line.original is None else (line.original,),
        mark=_mark(at, row) if line.author == AGENT else "",
    )
    return _fetchable(found, link)


def _happened(event: ThreadEvent, person: str) -> Said:
    content = content_of("", [Attachment(event.kind, payload=event.detail)])
    return Said(
        key=message_changes.key_of(event),
        at=event.timestamp / 1000,
        speaker=event.author,
        name=person if event.author == PERSON else "",
        **vars(content),
        reply_to=event.mid,
        reaction=message_changes.reaction_of(event),
    )


def _mark(at: float, row: Thread) -> str:
    """Return how far a message of ours has got, as far as Meta says."""
    if row.read_to / 1000 >= at:
        return "read"
    return "delivered" if row.delivered_to / 1000 >= at else ""


def _fetchable(said: Said, link: Link) -> Said:
    """Return the message with addresses of this server, where files and pictures are fetched for the page."""
    return replace(
        said,
        files=[_file(file, link) for file in said.files],
        cards=[_card(card, link) for card in said.cards],
    )


def _file(file: File, link: Link) -> File:
    return replace(file, url=link(file.url)) if file.url else file


def _card(card: Card, link: Link) -> Card:
    return replace(card, picture=link(card.picture)) if card.picture else card


def _act(done: LoggedAct, shown_names: Mapping[str, str]) -> AgentActs:
    key = f"act-{done.id}"
    who, whom = (shown_names.get(name, name) for name in (done.agent, done.whom))
    return AgentActs(key, done.at, [AgentAct(key, done.at, done.kind, who, whom, done.detail)])


def with_choices(entries: Sequence[Entry]) -> List[Entry]:
    """Return the entries with the button that the person took, where their next words are its title."""
    found: List[Entry] = []
    words = ""
    for entry in reversed(entries):
        if isinstance(entry, Said):
            words = entry.text if entry.speaker == "person" else words
            if words in (button.title for button in (*entry.buttons, *entry.quick_replies)):
                entry = replace(entry, chosen=words)
        found.append(entry)
    return found[::-1]


def _folded(entries: Sequence[Entry]) -> List[Entry]:
    """Return the entries with one for all that agents did in a row."""
    found: List[Entry] = []
    for entry in entries:
        last = found[-1] if found else None
        if isinstance(entry, AgentActs) and isinstance(last, AgentActs):
            found[-1] = replace(last, acts=[*last.acts, *entry.acts])
        else:
            found.append(entry)
    return found


def _changed(change: LoggedChange, names: _Names) -> ControlChange:
    return ControlChange(
        key=f"change-{change.id}",
        at=change.at,
        control_before=change.control_before,
        control=change.control,
        target=change.target,
        reason=change.reason,
        who=names.agents.get(change.who, change.who),
        note=change.note,
        went_on=names.intent(change.intent) if change.intent else {},
    )
