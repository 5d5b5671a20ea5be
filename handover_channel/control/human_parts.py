"""Reads what happened between a handover and its return from the log of changes and the transcript.

The times of changes are ours, those of messages Meta's. Here they are compared, as on the agents' page: it
decides what is told, and nothing about control.
"""

from __future__ import annotations

from typing import List, Mapping, Optional, Sequence, Tuple

from sqlalchemy.engine import Connection

from handover_channel.rules import human_part
from handover_channel.rules.control import Control
from handover_channel.rules.human_part import HumanPart, Spoken
from handover_channel.rules.return_reasons import ReturnReason
from handover_channel.settings.loader import Settings
from handover_channel.store import agents, changes, threads, transcript
from handover_channel.store.changes import LoggedChange
from handover_channel.store.threads import Thread
from handover_channel.store.transcript import AGENT, APP, PERSON, Line

#: Changes of control that are looked at, the newest first.
CHANGES_LOOKED_AT = 60
#: Messages of a human part that are read, the newest ones, and characters of each.
MESSAGES_READ, MESSAGE_CHARACTERS = 50, 2000
#: Seconds by which Meta's clock and ours may differ.
CLOCKS_DIFFER = 5.0

_RETURNED = frozenset(each.value for each in ReturnReason)
_AUTHORS: Mapping[str, str] = {
    PERSON: human_part.CUSTOMER,
    AGENT: human_part.AGENT,
    APP: human_part.APP,
}


def newest(connection: Connection, settings: Settings, thread: str) -> Optional[HumanPart]:
    """Return the newest human part of *thread* that has ended, None where there was none."""
    log = changes.of(connection, thread, CHANGES_LOOKED_AT)
    found = _found(log)
    row = threads.get(connection, thread)
    if found is None or row is None:
        return None
    left, back, is_newest = found
    shown = {each.name: each.shown_name for each in agents.every(connection)}
    return HumanPart(
        thread=thread,
        channel=row.channel,
        target=_target(log, left, back),
        began=left.at if left else None,
        ended=back.at,
        reason=back.reason,
        who=shown.get(back.who, back.who) if back.reason == ReturnReason.AGENT.value else "",
        note=back.note,
        spoken=_spoken(connection, settings, row, left, None if is_newest else back, shown),
        change=back.id,
    )


def _found(log: Sequence[LoggedChange]) -> Optional[Tuple[Optional[LoggedChange], LoggedChange, bool]]:
    """Return the change by which the bot lost control, that of the return, and whether nothing came after."""
    for number, back in enumerate(log):
        if back.control != Control.BOT.value or back.reason not in _RETURNED:
            continue
        older = log[number + 1 :]
        left = next((each for each in older if each.control_before == Control.BOT.value), None)
        return left, back, number == 0
    return None


def _target(log: Sequence[LoggedChange], left: Optional[LoggedChange], back: LoggedChange) -> str:
    """Return who had it last: the row of the return itself names nobody."""
    since = left.id if left else 0
    between = (each.target for each in log if since <= each.id < back.id)
    return next(filter(None, between), "")


def _spoken(
    connection: Connection,
    settings: Settings,
    row: Thread,
    left: Optional[LoggedChange],
    back: Optional[LoggedChange],
    shown: Mapping[str, str],
) -> List[Spoken]:
    """Return what was said; *back*: None where everything since belongs to it."""
    since = (left.at - CLOCKS_DIFFER) if left else 0.0
    until = (back.at + CLOCKS_DIFFER) if back else float("inf")
    lines = transcript.of(connection, row.id, MESSAGES_READ)
    within = [each for each in lines if since <= each.timestamp / 1000 <= until and each.author in _AUTHORS]
    return [
        Spoken(_AUTHORS[each.author], _name(settings, each, shown), _text(each), each.timestamp / 1000)
        for each in within
    ]


def _name(settings: Settings, line: Line, shown: Mapping[str, str]) -> str:
    if line.author == AGENT:
        return shown.get(line.agent, line.agent)
    if line.author != APP:
        return ""
    target = settings.target_of_app(line.app_id) if line.app_id else None
    return target.name if target else line.app_id


def _text(line: Line) -> str:
    if line.text.strip():
        return line.text[:MESSAGE_CHARACTERS]
    return " ".join(f"[{each.type}]" for each in line.attachments)
