"""Deletes and exports the data of one person: `handover forget` and `handover export`.

Both reach our own tables and Rasa's tracker, and name what they cannot reach: backups, logs (ids alone), and
the data that Meta keeps.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any, Dict, List

import typer

from handover_channel.cli.agents import COMMAND_LINE
from handover_channel.log import printable

if TYPE_CHECKING:
    from handover_channel.control.person_data import PersonData

THREAD = typer.Argument(help="The conversation id in Rasa: the person's PSID.")
ENDPOINTS_OPTION = typer.Option(Path("endpoints.yml"), help="Rasa's file that names its tracker store.")


def export(thread: str, endpoints: Path) -> None:
    """Write everything that is kept about a person as JSON: `handover export THREAD`."""
    found = _person_data(endpoints).export(thread, by=COMMAND_LINE)
    if "not_reached" in found["tracker"]:
        typer.echo(f"NOT EXPORTED: {printable(found['tracker']['not_reached'])}", err=True)
    typer.echo(json.dumps(found, indent=2))


def forget(
    thread: str = THREAD,
    endpoints: Path = ENDPOINTS_OPTION,
    yes: bool = typer.Option(False, "--yes", help="Do not ask first."),
) -> None:
    """Delete everything that is kept about a person, for good."""
    data = _person_data(endpoints)
    _list("Kept", data.held(thread))
    if not yes:
        typer.confirm("Delete all that, and the conversation in Rasa, for good?", abort=True)
    done = data.forget(thread, by=COMMAND_LINE)
    if not done.left:
        typer.echo(f"Deleted in Rasa's tracker store: {done.in_tracker}")
    _list("Deleted", done.rows)
    typer.echo("Not reached from here: backups, logs (they hold the id), and what Meta keeps.")
    for each in done.left:
        typer.echo(f"NOT DELETED: {printable(each)}", err=True)
    if done.left:
        raise typer.Exit(1)


class _ByEndpoints:
    """Rasa's conversations, without a Rasa server."""

    def __init__(self, endpoints: Path) -> None:
        self._endpoints = endpoints

    def events(self, thread: str) -> List[Dict[str, Any]]:
        from handover_channel.rasa import trackers

        return trackers.events(thread, self._endpoints)

    def delete(self, thread: str) -> int:
        from handover_channel.rasa import trackers

        return trackers.delete(thread, self._endpoints)


def _list(what: str, counts: Dict[str, int]) -> None:
    if not counts:
        typer.echo(f"{what}: nothing.")
    for name, count in sorted(counts.items()):
        typer.echo(f"{what} in {name}: {count}")


def _person_data(endpoints: Path) -> PersonData:
    from handover_channel import services
    from handover_channel.control.person_data import PersonData

    return PersonData(services.from_config().store, _ByEndpoints(endpoints))
