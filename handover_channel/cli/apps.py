"""Lists the Meta apps of the bot's page, and makes one of them a target: `handover apps`.

It is what page owners know from other platforms as "select the secondary app". `add` changes handover.yml in
one place, after showing it; what comes of it has to be good settings before anything is written.
"""

from __future__ import annotations

import json
import time
from dataclasses import asdict
from typing import TYPE_CHECKING, Any, Dict, List, Tuple

import typer
from rich.console import Console
from rich.table import Table

from handover_channel.cli.ages import age
from handover_channel.cli.diff import show_changes
from handover_channel.cli.status import ASK_WITHIN, SCHEMA
from handover_channel.cli.waiting import within
from handover_channel.errors import HandoverError, SettingsError
from handover_channel.log import printable, printable_lines

if TYPE_CHECKING:
    from handover_channel.control.known_apps import KnownApp, KnownApps
    from handover_channel.settings.loader import Settings

app = typer.Typer(help="Show the apps of the bot's page at Meta, and make one of them a target.")


@app.callback(invoke_without_command=True)
def show(
    context: typer.Context,
    as_json: bool = typer.Option(False, "--json", help="For programs."),
) -> None:
    """Show the apps of the page: those that Meta lists, those that have acted, and those that are targets.

    Exit code: 0; 2 if the settings are wrong or the database cannot be reached.
    """
    if context.invoked_subcommand:
        return
    found = _known()
    if as_json:
        plain = asdict(found)
        pages = [{**page, "default_app": page["default_app"].value} for page in plain["pages"]]
        problems = [str(each) for each in found.problems]
        typer.echo(json.dumps({"schema": SCHEMA, **plain, "pages": pages, "problems": problems}, indent=2))
        return
    _print(Console(), found)


def _app_ids() -> List[Tuple[str, str]]:
    """Return the ids of apps that are no targets, with their names, for the shell to complete."""
    try:
        found = _known()
    except HandoverError:
        return []
    return [(each.id, each.name) for each in found.apps if not each.target and not each.is_ours]


@app.command()
def add(
    app_id: str = typer.Argument(help="The id of the app, as in `handover apps`.", autocompletion=_app_ids),
    name: str = typer.Option(
        ..., help="What the target is called: sales_bot. People can ask for it by that."
    ),
    metadata: str = typer.Option("", help="A text that goes along to the other app."),
    time_limit: str = typer.Option("", help='Its own time limit: "2 days".'),
    yes: bool = typer.Option(False, "--yes", "-y", help="Do not ask first."),
    dry_run: bool = typer.Option(False, "--dry-run", help="Show what would change, and change nothing."),
) -> None:
    """Make an app a target: written to handover.yml, where nothing else is touched.

    Exit code: 0; 1 if you said no; 2 if it cannot be written, or the settings would be wrong then.
    """
    from handover_channel.project_setup import folder as files
    from handover_channel.project_setup import target
    from handover_channel.settings import loader
    from handover_channel.settings.environment import settings_path

    before, path, name = loader.load(), settings_path(), name.strip()
    _expect_new(before, app_id, name)
    values = _values(app_id, metadata=metadata, time_limit=time_limit)
    text = files.read_text(path.parent, path.name)
    changed = target.add(path.name, text, name, values, default_target=before.default_target)
    _expect_good(before, changed, name)
    show_changes(Console(), {path.name: text}, {path.name: changed})
    if dry_run:
        typer.echo("Nothing was changed.")
        return
    if not yes:
        typer.confirm("Write that?", abort=True)
    files.write(path.parent, {path.name: changed}, {path.name: text})
    typer.echo(printable(f"Done: {name} is a target. Stop and start Rasa and the action server."))


def _values(app_id: str, *, metadata: str, time_limit: str) -> Dict[str, Any]:
    """Return the keys of the target. The Page inbox has a kind of its own, and its id is known."""
    from handover_channel.messenger.events import META_INBOXES, PAGE_INBOX_APP_ID

    kind = "page_inbox" if app_id in META_INBOXES else "app"
    given = {"metadata": metadata, "time_limit": time_limit}
    return {
        "kind": kind,
        **({} if app_id == PAGE_INBOX_APP_ID else {"app_id": app_id}),
        **{key: value for key, value in given.items() if value},
    }


def _expect_new(settings: Settings, app_id: str, name: str) -> None:
    """Raise HandoverError where the name or the app is a target already, or is none that could be."""
    from handover_channel.settings.targets import is_app_id, same_id

    if not settings.pages:
        raise HandoverError(
            "this bot is not on Messenger, so there is no other app to hand over to -> "
            "take a target of kind inbox"
        )
    if not name or not name.isprintable():
        raise HandoverError(
            "--name is missing, or cannot be read -> write a word by which people may ask for it, such "
            "as sales_bot"
        )
    if name in settings.targets:
        raise HandoverError(f"--name {name}: there is a target of that name already -> choose another one")
    if not is_app_id(app_id):
        raise HandoverError(f"APP_ID {app_id}: Meta's app ids are digits only -> see `handover apps`")
    twin = next((each for each in settings.targets.values() if same_id(each.app_id, app_id)), None)
    if twin:
        raise HandoverError(
            f"app {app_id} is the target {twin.name} already -> take it away in handover.yml first"
        )


def _expect_good(before: Settings, text: str, name: str) -> None:
    """Raise HandoverError unless *text* is good settings, with one target more and all else as before."""
    from handover_channel.settings import loader

    try:
        after = loader.load(text=text)
    except SettingsError as error:
        raise HandoverError(f"Nothing was changed, as the settings would be wrong then:\n{error}") from None
    others = {key: target for key, target in after.targets.items() if key != name}
    if others != before.targets or after.default_target != before.default_target:
        raise HandoverError("handover.yml cannot be added to safely -> write the target into it by hand")


def _known() -> KnownApps:
    from handover_channel import services
    from handover_channel.control import known_apps
    from handover_channel.sentences import Sentence

    parts = services.from_config()
    if not parts.settings.pages:
        raise HandoverError(
            "this bot is not on Messenger: it has no page, and no other app -> take a target of kind inbox"
        )
    found = known_apps.Found()
    threads = known_apps.threads_of_apps(parts.settings, parts.store)
    if within(ASK_WITHIN, lambda: known_apps.ask_meta(parts.settings, parts.graph, threads, found)) is None:
        late = Sentence("Meta has not answered everything in time -> try again later")
        found.problems = found.problems or [late]
    return known_apps.known_apps(parts.settings, parts.store, found)


def _print(console: Console, found: KnownApps) -> None:
    table = Table("app id", "name", "target", "known by", "last seen")
    for each in found.apps:
        seen = ", ".join(each.seen)
        last = f"{age(time.time() - each.last_at)} ago" if each.last_at else ""
        table.add_row(*map(printable, (each.id, _title(each), each.target, seen, last)))
    console.print(table, markup=False)
    for page in found.pages:
        of = f" of page {page.id}" if page.id else ""
        typer.echo(printable(f"Default app{of}: {page.default_app.value}."))
    for problem in found.problems:
        typer.echo(printable_lines(f"Meta did not tell all: {problem}"), err=True)
    if any(not (each.target or each.is_ours) for each in found.apps):
        typer.echo("Make one a target: handover apps add APP_ID --name NAME")


def _title(each: KnownApp) -> str:
    if each.is_ours:
        return f"{each.name} (this bot)".strip()
    return each.name or ("Page inbox" if each.is_inbox else "")
