"""The conversation as the page shows it: Rasa's part, transcript, changes of control, internal notes.

Cut into stretches: a page shows the newest ENTRIES, and asks for what came before them. Each source gives as
many as one stretch can need, so that a stretch has no holes; what has the same time is not cut apart.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Callable, List, Mapping, Optional, Sequence, Tuple

from sqlalchemy.engine import Connection

from handover_channel.inbox.views import Button, Card, Changed, Entry, File, Remark, Said
from handover_channel.store import remarks, threads, transcript
from handover_channel.store.threads import LoggedChange, Thread
from handover_channel.store.transcript import AGENT, APP, PERSON, Line

#: Entries of one stretch, and how many more there may be for having the same time.
ENTRIES, MORE = 60, 20

#: (address as Meta or the bot gave it) -> address on this server
Link = Callable[[str], str]


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
) -> Tuple[List[Entry], str]:
    """Return the newest entries, oldest first, and the cursor of earlier ones; *before*: only older ones.

    *person*: their name. *waiting*: replies that are not sent.
    """
    limit = ENTRIES + MORE
    found: List[Entry] = [_bots(each, person, row, link) for each in _newest(bot_part, before, limit)]
    for line in transcript.of(connection, row.id, limit, before=None if before is None else _in_ms(before)):
        found.append(_said(line, row, person, shown_names, link))
    for change in reversed(threads.log_of(connection, row.id, limit, before=before)):
        found.append(_changed(change, shown_names))
    for remark in remarks.of(connection, row.id, before=before, limit=limit):
        name = shown_names.get(remark.agent, remark.agent)
        found.append(Remark(key=f"remark-{remark.id}", at=remark.at, name=name, text=remark.text))
    found.sort(key=lambda entry: entry.at)  # stable: what one source gave keeps its order
    first = max(len(found) - ENTRIES, 0)
    while first and found[first - 1].at == found[first].at:
        first -= 1
    shown = found[first:]
    earlier = repr(shown[0].at) if first else ""
    return ([*shown, *waiting] if before is None else shown), earlier


def _in_ms(before: float) -> int:
    """Return the first whole millisecond that is not before that time, as `_said` tells times."""
    found = round(before * 1000)
    while found / 1000 < before:
        found += 1
    return found


def _newest(bot_part: Sequence[Said], before: Optional[float], limit: int) -> Sequence[Said]:
    return [each for each in bot_part if before is None or each.at < before][-limit:]


def _bots(said: Said, person: str, row: Thread, link: Link) -> Said:
    name = person if said.speaker == "person" else ""
    return replace(
        said,
        name=name,
        files=[_linked(file, link) for file in said.files],
        cards=[_card(card, link) for card in said.cards],
        mark=_mark(said.at, row) if said.speaker == "bot" else "",
    )


def _said(line: Line, row: Thread, person: str, shown_names: Mapping[str, str], link: Link) -> Said:
    at = line.timestamp / 1000
    names = {
        PERSON: person,
        AGENT: shown_names.get(line.agent, line.agent),
        APP: row.state.target if row.state.owner == line.app_id else line.app_id,
    }
    files = [File(each.type, each.url, each.title) for each in line.attachments if each.type != "template"]
    return Said(
        key=f"line-{line.id}",
        at=at,
        speaker=line.author,
        name=names.get(line.author, ""),
        text=line.text,
        files=[_linked(file, link) for file in files],
        cards=[card for each in line.attachments for card in _cards_of(each.payload, link)],
        mark=_mark(at, row) if line.author == AGENT else "",
    )


def _mark(at: float, row: Thread) -> str:
    """Return how far a message of ours has got, as far as Meta says."""
    if row.read_to / 1000 >= at:
        return "read"
    return "delivered" if row.delivered_to / 1000 >= at else ""


def _linked(file: File, link: Link) -> File:
    return replace(file, url=link(file.url)) if file.url else file


def _card(card: Card, link: Link) -> Card:
    return replace(card, picture=link(card.picture)) if card.picture else card


def _cards_of(payload: Mapping[str, object], link: Link) -> List[Card]:
    """Return the cards of a template that another app sent."""
    generic = payload.get("generic") if isinstance(payload.get("generic"), Mapping) else payload
    elements = generic.get("elements") if isinstance(generic, Mapping) else None
    found = []
    for each in elements if isinstance(elements, list) else []:
        if isinstance(each, Mapping):
            picture = str(each.get("image_url") or "")
            card = Card(
                str(each.get("title") or ""), str(each.get("subtitle") or ""), picture, _buttons(each)
            )
            found.append(_card(card, link))
    return found


def _buttons(element: Mapping[str, object]) -> Sequence[Button]:
    given = element.get("buttons")
    return [
        Button(str(each.get("title") or ""), str(each.get("url") or ""))
        for each in (given if isinstance(given, list) else [])
        if isinstance(each, Mapping)
    ]


def _changed(change: LoggedChange, shown_names: Mapping[str, str]) -> Changed:
    return Changed(
        key=f"change-{change.id}",
        at=change.at,
        control_before=change.control_before,
        control=change.control,
        target=change.target,
        reason=change.reason,
        who=shown_names.get(change.who, change.who),
        note=change.note,
    )
