"""Shows who did what: `handover audit`. Nothing of what was said is in it."""

from __future__ import annotations

import json
import time
from dataclasses import asdict
from datetime import datetime, timezone
from typing import TYPE_CHECKING, Dict, List, Optional

import typer
from rich.console import Console
from rich.table import Column, Table

from handover_channel.errors import HandoverError
from handover_channel.log import printable

if TYPE_CHECKING:
    from handover_channel.store.audit import Audited

#: Of the JSON.
SCHEMA = 1

AUDITED_SINCE = typer.Option(
    None, help='From then on: 2026-11-01, "2026-11-01 14:30" (UTC), or "30 days" for so long ago.'
)
AUDITED_AGENT = typer.Option(None, help="Only what this agent did, or what concerns them: the sign-in name.")
AUDITED_THREAD = typer.Option(None, help="Only in this conversation: the person's PSID.")


def audit(
    since: Optional[str] = AUDITED_SINCE,
    agent: Optional[str] = AUDITED_AGENT,
    thread: Optional[str] = AUDITED_THREAD,
    limit: int = typer.Option(200, min=1, max=100_000, help="The newest so many."),
    as_json: bool = typer.Option(False, "--json", help="For programs."),
) -> None:
    """Show who did what: claims, assignments, tags, notes, sign-ins, roles, and changes of control.

    Exit code: 0; 2 if the settings are wrong, the database cannot be reached or nobody has that name.
    """
    from handover_channel import services
    from handover_channel.store import agents
    from handover_channel.store import audit as log
    from handover_channel.store.audit import Which

    store = services.from_config().store
    which = Which(moment("--since", since), agents.folded(agent) if agent else None, thread)
    with store.reading() as connection:
        names = {each.name: each.shown_name for each in agents.every(connection)}
        if which.agent and which.agent not in names and not log.is_known(connection, which.agent):
            raise HandoverError(
                f"--agent: nobody called {agent!r} has done anything -> `handover agents list` shows who "
                "there is"
            )
        found = log.newest(connection, which, limit=limit + 1)
    more, found = len(found) > limit, found[-limit:]
    if as_json:
        typer.echo(json.dumps({"schema": SCHEMA, "more": more, "done": list(map(_plain, found))}, indent=2))
        return
    _print(found, names)
    if more:
        typer.echo(f"There is more before that: a larger --limit than {limit}, or --since.", err=True)


def moment(option: str, text: Optional[str], *, is_end: bool = False) -> Optional[float]:
    """Return what somebody typed as a point in time. Raises HandoverError for what is none."""
    from handover_channel.rules.points_in_time import point_in_time

    if text is None:
        return None
    try:
        return point_in_time(text, now=time.time(), is_end=is_end)
    except ValueError as error:
        raise HandoverError(f"{option}: {text!r} is no point in time -> {error}") from None


def _print(found: List[Audited], names: Dict[str, str]) -> None:
    if not found:
        typer.echo("Nothing was done.")
        return
    table = Table("when", "who", "what", Column("thread", no_wrap=True), "whom", "detail")
    for each in found:
        detail = f"{each.before} -> {each.after} ({each.detail})" if each.after else each.detail
        who, whom = (names.get(name, name) for name in (each.who, each.whom))
        cells = (who, each.what.replace("_", " "), each.thread, whom, detail)
        table.add_row(_time(each.at), *map(printable, cells))
    Console().print(table, markup=False)


def _plain(each: Audited) -> Dict[str, object]:
    return {**asdict(each), "at": datetime.fromtimestamp(each.at, timezone.utc).isoformat()}


def _time(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, timezone.utc).strftime("%Y-%m-%d %H:%M:%S UTC")
