"""Prints what the doctor finds: `handover doctor`.

A table line for each check, in colour where there is a terminal; for what is not well, beneath it, why it
matters, what to open and what to do there. `--json` prints the JSON alone on stdout.
"""

from __future__ import annotations

import json
from enum import Enum
from typing import TYPE_CHECKING, Callable, List

import typer
from rich.console import Console
from rich.text import Text

from handover_channel.log import printable
from handover_channel.sentences import Sentence

if TYPE_CHECKING:
    from handover_channel.doctor.report import Report, Result

_COLOURS = {"ok": "green", "warn": "yellow", "fail": "red", "could_not_look": "magenta"}


class Language(str, Enum):
    """What the doctor speaks."""

    ENGLISH = "en"
    ARABIC = "ar"


def doctor(
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

    report = examine(Facts(), only=only, fix=fix)
    say = _speaking(language)
    if as_json:
        typer.echo(json.dumps(to_json(report, say), ensure_ascii=False, indent=2))
    else:
        _print(Console(), report, say)
    raise typer.Exit(report.exit_code)


def _speaking(language: Language) -> Callable[[Sentence], str]:
    from handover_channel.inbox.rendering import translations
    from handover_channel.inbox.translation import translated

    texts = translations(language.value)

    def say(text: Sentence) -> str:
        said = translated(text, texts)
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
