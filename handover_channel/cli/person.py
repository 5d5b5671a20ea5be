"""Deletes and exports the data of one person: `handover forget` and `handover export`.

Both reach our own tables and Rasa's tracker, and name what they cannot reach: backups, logs (ids alone), and
the data that Meta keeps.
"""

from __future__ import annotations

import json
import time
from datetime import datetime, timezone
from pathlib import Path
from typing import TYPE_CHECKING, Any, Dict, List

import typer

from handover_channel.errors import HandoverError
from handover_channel.log import printable

if TYPE_CHECKING:
    from handover_channel.store import Store

#: Of the JSON that `export` writes.
SCHEMA = 1

#: Seconds that a worker which is at the thread gets to end, and for which workers are kept off it then.
WORKER_ENDS_WITHIN, HELD_SECONDS = 20.0, 120.0

THREAD = typer.Argument(help="The conversation id in Rasa: the person's PSID.")
ENDPOINTS_OPTION = typer.Option(Path("endpoints.yml"), help="Rasa's file that names its tracker store.")


def export(thread: str, endpoints: Path) -> None:
    """Write everything that is kept about a person as JSON: `handover export THREAD`."""
    from handover_channel.store import personal_data

    with _store().reading() as connection:
        found = personal_data.export(connection, thread)
    at = datetime.now(timezone.utc).isoformat(timespec="seconds")
    everything = {"schema": SCHEMA, "thread": thread, "exported_at": at, "tables": found}
    typer.echo(json.dumps({**everything, "tracker": _tracker(thread, endpoints)}, indent=2))


def forget(
    thread: str = THREAD,
    endpoints: Path = ENDPOINTS_OPTION,
    yes: bool = typer.Option(False, "--yes", help="Do not ask first."),
) -> None:
    """Delete everything that is kept about a person, for good."""
    from handover_channel.store import personal_data

    store = _store()
    with store.reading() as connection:
        _list("Kept", personal_data.held(connection, thread))
    if not yes:
        typer.confirm("Delete all that, and the conversation in Rasa, for good?", abort=True)
    left = _forget(store, thread, endpoints)
    typer.echo("Not reached from here: backups, logs (they hold the id), and what Meta keeps.")
    for each in left:
        typer.echo(f"NOT DELETED: {printable(each)}", err=True)
    if left:
        raise typer.Exit(1)


def _forget(store: Store, thread: str, endpoints: Path) -> List[str]:
    """Delete all of it; return what was not."""
    from handover_channel.rasa import trackers
    from handover_channel.store import personal_data, search_sources

    left: List[str] = []
    _claim(store, thread)
    try:
        try:
            typer.echo(f"Deleted in Rasa's tracker store: {trackers.delete(thread, endpoints)}")
        except trackers.TrackerOutOfReach as error:
            left.append(str(error))
        with store.writing() as connection:
            counts = personal_data.forget(connection, thread, now=time.time())
        search_sources.leave_out_deleted(store)
        store.tidy_up(wholly=True)  # out of SQLite's log, too
    finally:
        with store.writing() as connection:
            personal_data.give_back(connection, thread)
    counts.pop("claims", None)  # our own
    _list("Deleted", counts)
    return left


def _claim(store: Store, thread: str) -> None:
    from handover_channel.store import personal_data

    until = time.monotonic() + WORKER_ENDS_WITHIN
    while True:
        now = time.time()
        with store.writing() as connection:
            if personal_data.claim(connection, thread, now=now, until=now + HELD_SECONDS):
                return
        if time.monotonic() > until:
            raise HandoverError(
                f"the bot is at work in thread {thread} -> try again in a minute, or stop Rasa first"
            )
        time.sleep(0.2)


def _tracker(thread: str, endpoints: Path) -> Dict[str, Any]:
    from handover_channel.rasa import trackers

    try:
        return {"events": trackers.events(thread, endpoints)}
    except trackers.TrackerOutOfReach as error:
        typer.echo(f"NOT EXPORTED: {printable(str(error))}", err=True)
        return {"not_reached": str(error)}


def _list(what: str, counts: Dict[str, int]) -> None:
    if not counts:
        typer.echo(f"{what}: nothing.")
    for name, count in sorted(counts.items()):
        typer.echo(f"{what} in {name}: {count}")


def _store() -> Store:
    from handover_channel import services

    return services.from_config().store
