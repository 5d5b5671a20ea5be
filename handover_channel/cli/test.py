"""Plays scenarios with the bot of this folder, and says which went otherwise: `handover test`.

Exit code 0: all went as they should; 1: one did not, or none was played; 2: a file is no scenario, or the bot
cannot be started.
"""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING, List, Optional

import typer

from handover_channel.errors import HandoverError
from handover_channel.log import printable

if TYPE_CHECKING:
    from handover_channel.testing.player import Played

#: Where scenarios are looked for where none are named.
SCENARIOS = Path("tests/scenarios")

_PLAYED = f"Scenarios, or folders of them; else {SCENARIOS}."


def play_scenarios(
    files: Optional[List[Path]] = typer.Argument(None, help=_PLAYED, show_default=False),
    over_http: bool = typer.Option(
        False, "--over-http", help="Start the bot with all its servers, and test it as a person would."
    ),
    url: str = typer.Option(
        "", help="Test a bot that runs already, by the URL of its webhook. Its graph_api.url has to be ours."
    ),
    port: int = typer.Option(8090, help="With --url: where its Graph API is."),
    app_id: str = typer.Option("", help="With --url: the app id of a bot without this package, and then:"),
    secret: str = typer.Option("", envvar="MESSENGER_SECRET", help="its app secret,"),
    token: str = typer.Option("", envvar="PAGE_ACCESS_TOKEN", help="its page access token,"),
    verify: str = typer.Option("", help="the verify token of its webhook,"),
    other_app: List[str] = typer.Option([], help="another app of its page, ID=NAME."),
    model: Optional[Path] = typer.Option(None, help="The model to test; else the newest in models/."),
    actions: str = typer.Option("actions", help="The module of the bot's actions."),
    junit: Optional[Path] = typer.Option(None, help="Write what came of it there, too, as JUnit XML."),
) -> None:
    """Play scenarios with the bot of this folder: who writes what, who answers, who has control."""
    from handover_channel.testing import junit as report
    from handover_channel.testing import scenario, start
    from handover_channel.testing.player import play_all

    scenarios = scenario.read_all(files or [_of_folder()])
    kind = start.OVER_HTTP if over_http or url else start.IN_PROCESS
    began = time.monotonic()
    played: List[Played] = []
    app = start.app_of(app_id, secret, token, verify)
    wanted = start.Wanted(Path.cwd(), kind, model, actions, url, port, app, start.apps_of(other_app))
    with start.bot(wanted) as bot:
        for each in play_all(bot, scenarios):
            played.append(each)
            _print(each)
    if junit is not None:
        _write(junit, report.xml_of(played, kind))
    for each in played:
        if each.failed:
            typer.echo(f"\n{_lines(each.diff())}")
    failed = sum(each.failed for each in played)
    skipped = sum(bool(each.skipped) for each in played)
    passed = len(played) - failed - skipped
    seconds = time.monotonic() - began
    typer.echo(f"\n{passed} passed, {failed} failed, {skipped} not played, in {seconds:.1f} s ({bot.kind})")
    raise typer.Exit(1 if failed or not passed else 0)


def _of_folder() -> Path:
    if not SCENARIOS.is_dir():
        raise HandoverError(f"there is no folder {SCENARIOS} -> name the scenarios: handover test FILES")
    return SCENARIOS


def _print(played: Played) -> None:
    how = "FAILED" if played.failed else "-" if played.skipped else "ok"
    why = f" ({played.skipped})" if played.skipped else ""
    typer.echo(printable(f"{how:<7} {played.scenario.file}: {played.scenario.name}{why}"))


def _write(path: Path, text: str) -> None:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    except OSError as error:
        raise HandoverError(
            f"--junit: {path} cannot be written ({error.strerror}) -> name another file"
        ) from None


def _lines(text: str) -> str:
    return "\n".join(printable(line) for line in text.splitlines())
