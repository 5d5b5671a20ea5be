"""Puts on each message what came after it: edits, reactions, and the words that an answer quotes.

1. Each stands on the message it is about, whether that is in the transcript or in Rasa's part. Where that
   message is not on the page, it is an entry of its own, with the words it is about as far as they are known.
   A reaction that was taken back is gone.
2. How the person came, and what they agreed to, is a divider: nobody has said it.
3. Rasa's tracker keeps no `mid` of what the bot has said: its echoes are looked up, as long as they are kept.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Dict, Iterable, List, Mapping, Optional, Sequence, Set, Tuple

from sqlalchemy.engine import Connection

from handover_channel.inbox.view_models import Arrival, Entry, Quote, Reaction, Said
from handover_channel.messenger import webhook
from handover_channel.messenger.bubble import Content, Note, summary
from handover_channel.messenger.content import content_of, emoji_of, is_taken_back
from handover_channel.messenger.events import MessageEchoed, MessageReceived
from handover_channel.rules.event_meaning import REACTION
from handover_channel.store import deliveries, edits, transcript
from handover_channel.store.edits import Edit
from handover_channel.store.thread_events import ThreadEvent
from handover_channel.store.threads import Thread
from handover_channel.store.transcript import BOT, PERSON

#: Characters of a quote.
QUOTED = 140

#: Milliseconds; later than all there is.
_EVER = 2**62

#: Notes of what is no part of a message, though it may come with one.
_ARRIVALS = frozenset({"ad", "came_by", "optin"})

_KIND_OF_EVENT = {MessageEchoed: BOT, MessageReceived: PERSON}


def applied(
    connection: Connection,
    row: Thread,
    entries: Sequence[Entry],
    *,
    since: float,
    before: Optional[float],
    bot_part: Sequence[Said],
    events: Sequence[ThreadEvent],
    person: str,
) -> List[Entry]:
    """Return *entries* with what came afterwards.

    *since*, *before*: the time that they cover, in seconds. *events*: what happened to them, oldest first.
    *person*: their name.
    """
    mids = {each.mid for each in entries if isinstance(each, Said) and each.mid}
    until = _EVER if before is None else int(before * 1000)
    changed = edits.of_page(connection, row.id, mids, int(since * 1000), until)
    found = [
        *_with_reactions(_with_arrivals(entries), mids, events),
        *(_alone(mid, found, person) for mid, found in changed.items() if mid not in mids),
    ]
    found = [_edited(each, changed) if isinstance(each, Said) else each for each in found]
    found.sort(key=lambda entry: entry.at)
    return _with_quotes(connection, row, found, bot_part)


def _edited(said: Said, changed: Mapping[str, List[Edit]]) -> Said:
    newer = changed.get(said.mid, ()) if said.mid else ()
    texts = [*(said.former or (said.text,)), *(edit.text for edit in newer)]
    versions = [text for number, text in enumerate(texts) if not number or text != texts[number - 1]]
    if not newer or len(versions) == 1:
        return said
    told = tuple(note for note in said.notes if note.key not in ("nothing", "blank"))
    now = replace(said, text=versions[-1], former=tuple(versions[:-1]), notes=told)
    return now if not _content(now).is_empty else replace(now, notes=(Note("nothing"),))


def _alone(mid: str, found: List[Edit], name: str) -> Said:
    """Return the entry for edits of a message that is not on the page."""
    newest = found[-1]
    content = content_of(newest.text, ())
    notes = (Note("edited_earlier"), *content.notes)
    return Said(
        key=f"edit-{newest.id}",
        at=newest.timestamp / 1000,
        speaker=PERSON,
        name=name,
        text=content.text,
        notes=notes,
        reply_to=mid,
    )


def reaction_of(event: ThreadEvent) -> Optional[Reaction]:
    """Return the reaction that *event* is, None where it is something else."""
    if event.kind != REACTION:
        return None
    return Reaction(emoji_of(event.detail), event.author, is_taken_back(event.detail))


def _with_reactions(entries: Iterable[Entry], mids: Set[str], events: Iterable[ThreadEvent]) -> List[Entry]:
    """Put reactions on their messages: of each who reacted the last one, if it was not taken back."""
    last: Dict[Tuple[str, str], Tuple[str, Reaction]] = {}
    for event in events:
        reaction = reaction_of(event)
        if reaction is not None:
            last[event.mid, event.author] = (key_of(event), reaction)
    on: Dict[str, List[Reaction]] = {}
    alone = set()
    for (mid, _), (key, reaction) in last.items():
        if reaction.is_taken_back:
            continue
        if mid in mids:
            on.setdefault(mid, []).append(reaction)
        else:
            alone.add(key)
    return [
        replace(each, reactions=tuple(on[each.mid])) if isinstance(each, Said) and each.mid in on else each
        for each in entries
        if not (isinstance(each, Said) and each.reaction) or each.key in alone
    ]


def key_of(event: ThreadEvent) -> str:
    """Return the key of the entry that *event* is, where it is one."""
    return f"event-{event.delivery}"


def _with_arrivals(entries: Iterable[Entry]) -> List[Entry]:
    """Put how the person came, and what they agreed to, between the messages.

    The ad or link is told by an event of its own, and once more by the metadata of their next message.
    """
    told: Set[Note] = set()
    found: List[Entry] = []
    for each in entries:
        if not isinstance(each, Said) or each.speaker != PERSON:
            found.append(each)
            continue
        notes = [note for note in each.notes if note.key in _ARRIVALS]
        rest = replace(each, notes=tuple(note for note in each.notes if note not in notes))
        is_by_itself = bool(notes) and _content(rest).is_empty
        new = [note for note in notes if is_by_itself or note not in told]
        found.extend(Arrival(f"{each.key}-{note.key}", each.at, note.key, note.detail) for note in new)
        if is_by_itself:
            told.update(notes)
        else:
            found.append(rest)
    return found


def _with_quotes(
    connection: Connection, row: Thread, entries: List[Entry], bot_part: Sequence[Said]
) -> List[Entry]:
    wanted = {each.reply_to for each in entries if isinstance(each, Said) and each.reply_to}
    if not wanted:
        return entries
    # The newest words first: an edited message is quoted as it stands on the page.
    here = {each.mid: each for each in (*bot_part, *entries) if isinstance(each, Said) and each.mid in wanted}
    quotes = {mid: _quote(each.speaker, _content(each)) for mid, each in here.items()}
    quotes.update(_quotes_elsewhere(connection, row, wanted - set(quotes)))
    return [
        replace(each, quote=quotes.get(each.reply_to, Quote()))
        if isinstance(each, Said) and each.reply_to
        else each
        for each in entries
    ]


def _quotes_elsewhere(connection: Connection, row: Thread, mids: Set[str]) -> Dict[str, Quote]:
    lines = transcript.with_mids(connection, row.id, mids) if mids else {}
    found = {mid: _quote(line.author, content_of(line.text, line.attachments)) for mid, line in lines.items()}
    keys = {
        webhook.key_of(kind.__name__, row.page, row.id, mid): mid
        for mid in mids - set(found)
        for kind in _KIND_OF_EVENT
    }
    for key, body in (deliveries.bodies_of(connection, keys) if keys else {}).items():
        event = webhook.unmarshal(body)
        if isinstance(event, (MessageEchoed, MessageReceived)):
            shown = content_of(event.text, (*event.attachments, *event.extras))
            found[keys[key]] = _quote(_KIND_OF_EVENT[type(event)], shown)
    return found


def _quote(speaker: str, content: Content) -> Quote:
    return Quote(speaker, *summary(content, QUOTED))


def _content(said: Said) -> Content:
    return Content(**{name: getattr(said, name) for name in Content.__dataclass_fields__})
