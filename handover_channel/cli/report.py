"""Adds up handovers: `handover report`. Nothing of what was said is in it."""

from __future__ import annotations

import sys
import time
from typing import TYPE_CHECKING, List, Mapping, Optional

import typer
from rich.console import Console
from rich.table import Table

from handover_channel.cli.ages import age
from handover_channel.cli.audit import moment
from handover_channel.errors import HandoverError
from handover_channel.log import printable

if TYPE_CHECKING:
    from handover_channel.store.reports import Containment, Sum, Times

_TITLES_OF_SUMS = {
    "total": "All handovers",
    "agent": "By agent who took it",
    "target": "By target",
    "reason": "By reason of the handover",
    "return": "By reason of the return",
    "tag": "By tag of the conversation",
    "hour": "By hour of the day (UTC)",
    "day": "By day (UTC)",
}


def report(
    since: str = typer.Option(
        "30 days", help='From then on: 2026-11-01, "2026-11-01 14:30" (UTC), or "30 days" for so long ago.'
    ),
    until: Optional[str] = typer.Option(None, help="Before then; a day is part of it."),
    csv: bool = typer.Option(False, "--csv", help="For spreadsheets and programs; times in seconds."),
) -> None:
    """Show how long people waited and were answered, by agent, target, reason, tag, hour and day.

    Exit code: 0; 2 if the settings are wrong, the database cannot be reached or a time is none.
    """
    from handover_channel import services
    from handover_channel.store import agents, reports

    begin, end, now = moment("--since", since), moment("--until", until, is_end=True), time.time()
    if begin is None or begin >= (now if end is None else end):
        raise HandoverError(
            "--since: the period ends before it begins -> an earlier --since, or a later --until"
        )
    period = reports.Period.so_far(begin, end, now=now)
    with services.from_config().store.snapshot() as connection:
        names = {each.name: each.shown_name for each in agents.every(connection)}
        found, contained = reports.sums(connection, period), reports.containment(connection, period)
    if csv:
        _write(found)
    else:
        _print(found, contained, names)


def _write(found: List[Sum]) -> None:
    from handover_channel.exports import output_file, tables
    from handover_channel.store import reports

    with output_file.opened(None) as stream:
        tables.write(stream, tables.Format.CSV, reports.COLUMNS, map(reports.row, found))


def _print(found: List[Sum], contained: Optional[Containment], names: Mapping[str, str]) -> None:
    console = Console(width=None if sys.stdout.isatty() else 160)
    for by, title in _TITLES_OF_SUMS.items():
        sums = [each for each in found if each.by == by]
        if not sums:
            continue
        heads = ("", "handovers", "returned", "again in 24 h", "waiting", "first answer", "handling")
        table = Table(*heads, title=title, title_justify="left")
        for each in sums:
            name = names.get(each.key, each.key) if by == "agent" else each.key
            cells = (name or ("" if by == "total" else "-"), each.handovers, each.returned, each.again)
            times = (each.waiting, each.first_answer, each.handling)
            table.add_row(*(printable(str(cell)) for cell in cells), *map(_shown, times))
        console.print(table, markup=False)
    console.print("Times: the median, and what nine of ten do not exceed.", markup=False)
    console.print(_contained(contained), markup=False)


def _shown(times: Times) -> str:
    if times.median is None or times.p90 is None:
        return ""
    return f"{age(times.median)} / {age(times.p90)}"


def _contained(contained: Optional[Containment]) -> str:
    if contained is None:
        return (
            "Conversations without a handover: this cannot be told of a period that is over, as of a "
            "conversation only its last activity is kept -> leave --until away."
        )
    if not contained.conversations:
        return "Conversations without a handover: none was active on Messenger."
    share = contained.without / contained.conversations
    return (
        f"Conversations without a handover: {contained.without} of {contained.conversations} that were "
        f"active on Messenger ({share:.0%})."
    )
