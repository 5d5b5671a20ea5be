"""Offers `handover init`: puts handover into the Rasa project of this folder, after showing the changes."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Dict, Iterable, List, Mapping, Optional, Tuple

import typer
from rich.console import Console
from rich.table import Table

from handover_channel.cli.diff import show_changes
from handover_channel.errors import HandoverError
from handover_channel.log import printable

if TYPE_CHECKING:
    from handover_channel.project_setup.plan import Facts
    from handover_channel.project_setup.project import Choices, Planned, Project
    from handover_channel.project_setup.record import Run


def init(
    folder: Path = typer.Argument(Path("."), help="The folder of the bot, with config.yml."),
    yes: bool = typer.Option(False, "--yes", "-y", help="Ask nothing, and change the files."),
    dry_run: bool = typer.Option(False, "--dry-run", help="Show what would change, and change nothing."),
    check: bool = typer.Option(False, "--check", help="For CI: exit with 1 if there is something to do."),
    undo: bool = typer.Option(False, "--undo", help="Take out what handover init put in, and nothing else."),
    language: List[str] = typer.Option(
        [], help="Of the examples and texts: en, ar, fr, es, de, pt, tr. Several times for several."
    ),
    intent: List[str] = typer.Option(
        [], help="The intents by which people ask for people; by default the bot's own, or else handover."
    ),
    app_id: str = typer.Option("", help="The id of this bot's Meta app."),
    messenger: Optional[bool] = typer.Option(
        None, help="Whether the bot is on Messenger; by default if credentials.yml does not say otherwise."
    ),
    domain: str = typer.Option(
        "", help="The domain, a file or folder, where it is not domain.yml or domain."
    ),
    data: str = typer.Option("", help="The folder of the training data, where it is not data."),
) -> None:
    """Put handover into the Rasa project of a folder, after showing what that changes."""
    from handover_channel.project_setup import folder as files

    console = Console()
    asks = not (yes or dry_run or check)
    if undo:
        _undo(console, folder, asks=asks, dry_run=dry_run or check)
        return
    from handover_channel.project_setup import plan, record

    project = files.read(folder, domain=domain, data=data)
    found = plan.look(project)
    choices = _choices(console, found.facts, asks=asks, language=language, intent=intent, messenger=messenger)
    choices = _with_app_id(choices, found.facts, app_id, asks=asks)
    planned = plan.plan(found, choices)
    if planned.is_empty:
        typer.echo("Nothing to do: handover is in this project.")
        return
    runs = files.records(folder)
    before = plan.texts_of(project)
    folders = files.missing_folders(folder, list(planned.created))
    changed, run = record.carry_out(planned, before, folders)
    show_changes(console, before, changed)
    _say(console, planned)
    if check:
        _fail_check(changed)
        return
    if dry_run:
        typer.echo("Nothing was changed.")
        return
    _expect_clean(folder, asks=asks)
    if asks and not typer.confirm("Change these files?"):
        raise HandoverError("Nothing was changed.")
    _write(folder, changed, before, [*runs, run])
    typer.echo(f"Done: {len(changed)} files. handover init --undo takes it out again.")
    _say_next(project, found.facts, on_messenger=choices.messenger)


def _fail_check(lacking: Iterable[str]) -> None:
    """Exit with 1 if files lack something. What git ignores does not count: it differs between machines."""
    from handover_channel.project_setup.project import GIT_IGNORE

    count = len({*lacking} - {GIT_IGNORE})
    if count:
        typer.echo(f"{count} files lack something of handover -> handover init", err=True)
        raise typer.Exit(1)
    typer.echo(f"Handover is in this project; {GIT_IGNORE} does not cover its database -> handover init")


def _say_next(project: Project, facts: Facts, *, on_messenger: bool) -> None:
    """Print the commands that follow, with the places that Rasa does not look into by itself."""
    from handover_channel.project_setup.project import SETTINGS
    from handover_channel.project_setup.settings_file import SIMULATOR_URL

    domain = project.domain_folder or next(iter(project.domain))
    places = f" --domain {domain}" if domain != "domain.yml" else ""
    places += f" --data {project.data_folder}" if project.data_folder != "data" else ""
    tests = "rasa test e2e e2e_tests" if facts.config.is_calm else "rasa test --stories tests"
    commands = (f"rasa data validate{places}", f"rasa train{places}", tests)
    simulate = f"handover simulate{' --any-secret' if facts.credentials.keeps_secret else ''}"
    servers = ["rasa run --enable-api", "rasa run actions", *([simulate] if on_messenger else [])]
    typer.echo(printable(f"Next: {', '.join(commands)}"))
    typer.echo(f"Then, each in a terminal of its own: {', '.join(servers)}")
    if facts.credentials.keeps_secret and not facts.settings.is_there:
        url = f'graph_api: {{url: "{SIMULATOR_URL}"}}'
        typer.echo(f"While you try things with handover simulate, {SETTINGS} needs {url}")


def _choices(
    console: Console,
    facts: Facts,
    *,
    asks: bool,
    language: List[str],
    intent: List[str],
    messenger: Optional[bool],
) -> Choices:
    from handover_channel.project_setup.phrases import PHRASES_OF_LANGUAGE, code_of
    from handover_channel.project_setup.project import Choices
    from handover_channel.rules.bot_contract import HANDOVER_INTENT

    unknown = [each for each in language if each not in PHRASES_OF_LANGUAGE]
    if unknown:
        raise HandoverError(
            f"--language {unknown[0]}: there are {', '.join(PHRASES_OF_LANGUAGE)} -> choose among these"
        )
    languages = tuple(dict.fromkeys(language)) or (code_of(facts.config.language),)
    if asks and not language:
        languages = _asked_languages(languages, tuple(PHRASES_OF_LANGUAGE))
    intents: Tuple[str, ...] = tuple(dict.fromkeys(intent)) or facts.settings.intents
    if not intents:
        own = facts.usable_intents or (facts.likely_intents if asks else ())
        named = ", ".join(own)
        if own and own != (HANDOVER_INTENT,) and asks:
            own = (
                own
                if typer.confirm(f"People ask this bot for people by {named}. Use it?", default=True)
                else ()
            )
        intents = own or (HANDOVER_INTENT,)
    leaves_stories = facts.hands_over or tuple(intent) == (HANDOVER_INTENT,)
    own_actions = () if leaves_stories else facts.own_actions
    if own_actions and asks:
        question = (
            f"The bot hands over by {', '.join(own_actions)}. Let its stories use action_handover instead?"
        )
        own_actions = own_actions if typer.confirm(question, default=True) else ()
    return Choices(languages, intents, own_actions, _on_messenger(facts, messenger, asks=asks))


def _asked_languages(default: Tuple[str, ...], known: Tuple[str, ...]) -> Tuple[str, ...]:
    while True:
        said = typer.prompt(f"Languages of the people ({', '.join(known)})", default=", ".join(default))
        given = tuple(dict.fromkeys(said.replace(",", " ").split()))
        if given and set(given) <= set(known):
            return given
        typer.echo(f"There are {', '.join(known)}.")


def _on_messenger(facts: Facts, said: Optional[bool], *, asks: bool) -> bool:
    found = facts.credentials
    if found.has_facebook or found.has_messenger:
        return True
    if said is not None:
        return said
    if facts.settings.is_there:
        return False
    default = not found.has_others
    return typer.confirm("Is, or will this bot be on Messenger?", default=default) if asks else default


def _with_app_id(choices: Choices, facts: Facts, app_id: str, *, asks: bool) -> Choices:
    from dataclasses import replace

    if app_id and not app_id.isdecimal():
        raise HandoverError(
            "--app-id: Meta's app ids are digits only -> copy it from Meta for Developers > My apps"
        )
    taken_over = facts.credentials.has_facebook and not facts.settings.is_there
    if taken_over and asks and not app_id:
        question = "Id of the bot's Meta app (Meta for Developers > My apps; empty for later)"
        app_id = typer.prompt(question, default="", show_default=False)
        app_id = app_id if app_id.isdecimal() else ""
    return replace(choices, app_id=app_id)


def _expect_clean(folder: Path, *, asks: bool) -> None:
    from handover_channel.project_setup import folder as files

    if not files.uncommitted(folder):
        return
    if asks:
        if not typer.confirm("git has uncommitted changes here, and these would mix with them. Go on?"):
            raise HandoverError("Nothing was changed -> commit or stash what there is, then handover init")
        return
    typer.echo("git has uncommitted changes here: those of handover init mix with them.", err=True)


def _write(
    folder: Path, changed: Mapping[str, Optional[str]], before: Mapping[str, str], runs: List[Run]
) -> None:
    from handover_channel.project_setup import folder as files
    from handover_channel.project_setup import record

    texts: Dict[str, Optional[str]] = dict(changed)
    were = dict(before)
    if (folder / record.NAME).is_file():
        were[record.NAME] = files.read_text(folder, record.NAME)
    texts[record.NAME] = record.dump(runs) if runs else None
    files.write(folder, texts, were)


def _undo(console: Console, folder: Path, *, asks: bool, dry_run: bool) -> None:
    from handover_channel.project_setup import folder as files
    from handover_channel.project_setup import record

    runs = files.records(folder)
    if not runs:
        typer.echo(f"Nothing to do: there is no {record.NAME}, so handover init put nothing in here.")
        return
    paths = {entry.path for run in runs for entry in run.entries}
    before = {path: files.read_text(folder, path) for path in sorted(paths) if (folder / path).is_file()}
    undone = record.undo(runs, before)
    show_changes(console, before, undone.texts)
    for path in undone.kept:
        typer.echo(f"{path} was changed since, and stays.")
    for place in undone.left:
        typer.echo(f"{printable(place)}, and stays -> take it out by hand")
    if dry_run:
        typer.echo("Nothing was changed.")
        return
    if undone.texts and asks and not typer.confirm("Take this out?"):
        raise HandoverError("Nothing was changed.")
    _write(folder, undone.texts, before, [*undone.runs])
    files.remove_folders(folder, undone.folders)
    if undone.left:
        rest = "the rest of what handover init put in is out" if undone.texts else "nothing was changed"
        typer.echo(f"Done, but for what stays: {rest}.")
        return
    typer.echo("Done: what handover init put in is out.")


def _say(console: Console, planned: Planned) -> None:
    table = Table("file", "what", title="Changes", title_justify="left")
    for path in sorted({*planned.created, *planned.edits}):
        table.add_row(printable(path), "new" if path in planned.created else "changed")
    console.print()
    console.print(table, markup=False)
    for remark in planned.remarks:
        console.print(printable(remark), markup=False, highlight=False, soft_wrap=True)
