"""Prints what the doctor finds: `handover doctor`.

A table line for each check, in colour where there is a terminal; for what is not well, beneath it, why it
matters, what to open and what to do there. `--json` prints the JSON alone on stdout.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Callable, Dict, List, Optional

import typer
from rich.console import Console
from rich.text import Text

from handover_channel.cli.language import Language, translating
from handover_channel.cli.status import WhyOfThread, print_paragraph, why_of
from handover_channel.errors import HandoverError, SettingsError
from handover_channel.log import printable, printable_lines
from handover_channel.sentences import Sentence

if TYPE_CHECKING:
    from handover_channel.doctor.report import Report, Result

_COLOURS = {"ok": "green", "warn": "yellow", "fail": "red", "could_not_look": "magenta"}


def doctor(
    thread: Optional[str] = typer.Argument(
        None, help="The conversation id in Rasa, the person's PSID: first, why the bot is silent there."
    ),
    only: List[str] = typer.Option(
        [],
        "--only",
        metavar="ID",
        help="Run this check alone, or these: model.policy, token. May be repeated.",
    ),
    fix: bool = typer.Option(False, "--fix", help="Put right what can be put right by Meta's API."),
    as_json: bool = typer.Option(False, "--json", help="Print JSON, and nothing else."),
    language: Language = typer.Option(Language.ENGLISH, help="Of the sentences."),
) -> None:
    """Look at settings, bot, stores and Meta's switches, and say what is wrong and what to click.

    Exit code 0: nothing is wrong; 1: something is; 2: something could not be looked at.
    """
    from handover_channel.doctor.facts import Facts
    from handover_channel.doctor.report import to_json
    from handover_channel.doctor.run import examine

    why = _why(thread, language) if thread else None
    if why and not as_json:
        print_paragraph(Console(), why)
    report = examine(Facts(), only=only, fix=fix)
    say = _speaking(language)
    if as_json:
        found: Dict[str, Any] = {
            **to_json(report, say),
            **({"thread": {"id": why.thread, **why.plain()}} if why else {}),
        }
        typer.echo(json.dumps(found, ensure_ascii=False, indent=2))
    else:
        _print(Console(), report, say)
    not_looked_at = 2 if thread and why is None else 0
    raise typer.Exit(report.exit_code or not_looked_at)


def _why(thread: str, language: Language) -> Optional[WhyOfThread]:
    """Return why the bot is silent in *thread*; None, and a line on stderr, where that cannot be known."""
    try:
        return why_of(thread, language)
    except SettingsError:
        said = f"why the bot is silent in thread {thread} cannot be told: the settings are wrong, see below"
    except HandoverError as error:
        said = str(error)
    typer.echo(printable_lines(said), err=True)
    return None


def _speaking(language: Language) -> Callable[[Sentence], str]:
    translated = translating(language)

    def say(text: Sentence) -> str:
        said = translated(text)
        return " ".join(filter(None, (said.sentence, said.details)))

    return say


def _print(console: Console, report: Report, say: Callable[[Sentence], str]) -> None:
    for result in report.results:
        _print_result(console, result, say)


def _print_result(console: Console, result: Result, say: Callable[[Sentence], str]) -> None:
    status = result.status.value
    line = Text(f"{status.replace('_', ' '):<15}", style=_COLOURS[status])
    line.append(f"{result.id:<26}", style="bold")
    line.append(printable(say(result.found or result.title)))
    console.print(line, soft_wrap=True)
    where = " ".join(filter(None, result.where)) if result.where else ""
    for text in filter(None, (say(result.why), where, say(result.remedy))):
        if status != "ok":
            console.print(Text(f"{'':<15}{printable(text)}"), soft_wrap=True)
