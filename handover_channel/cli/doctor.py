"""Prints what the doctor finds: `handover doctor`.

1. A row for each check. Of what is well, that it is; of the rest, why it matters, what to open, what to do.
   A terminal gets a table in colours, anything else lines.
2. Checks that could not be done for one and the same reason share a row.
3. `--json` prints the JSON alone on stdout.
"""

from __future__ import annotations

import json
from enum import Enum
from itertools import groupby
from typing import TYPE_CHECKING, Any, Callable, Dict, Iterator, List, NamedTuple, Optional, Tuple

import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text

from handover_channel.cli.language import Language, translating
from handover_channel.cli.status import WhyOfThread, print_paragraph, why_of
from handover_channel.errors import HandoverError, NotReady, SettingsError
from handover_channel.log import printable, printable_lines
from handover_channel.sentences import Sentence

if TYPE_CHECKING:
    from handover_channel.doctor.report import Report, Result

Say = Callable[[Sentence], str]

_COLOURS = {"ok": "green", "warn": "yellow", "fail": "bold red", "could_not_look": "magenta"}
_VERDICTS = {
    "ok": Sentence("ok"),
    "warn": Sentence("warning"),
    "fail": Sentence("wrong"),
    "could_not_look": Sentence("not seen"),
}


def check_ids() -> List[str]:
    """Return the ids of the checks, for the shell to complete."""
    from handover_channel.doctor.run import CHECKS

    return [each.id for each in CHECKS]


def doctor(
    thread: Optional[str] = typer.Argument(
        None, help="The conversation id in Rasa, the person's PSID: first, why the bot is silent there."
    ),
    only: List[str] = typer.Option(
        [],
        "--only",
        metavar="ID",
        help="Run this check alone, or those that begin with it: model.policy, token. May be repeated.",
        autocompletion=check_ids,
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
        show(Console(), report, say)
    not_looked_at = 2 if thread and why is None else 0
    raise typer.Exit(report.exit_code or not_looked_at)


def _why(thread: str, language: Language) -> Optional[WhyOfThread]:
    """Return why the bot is silent in *thread*; None, and a line on stderr, where that cannot be known."""
    try:
        _expect_tables()
        return why_of(thread, language)
    except SettingsError:
        said = f"why the bot is silent in thread {thread} cannot be told: the settings are wrong, see below"
    except HandoverError as error:
        said = str(error)
    typer.echo(printable_lines(said), err=True)
    return None


def _expect_tables() -> None:
    """Raise NotReady where asking about a thread would make the database, or bring its tables up to date."""
    from handover_channel import services
    from handover_channel.store import examination

    if examination.look(services.from_config().store.url).revision != examination.newest():
        raise NotReady(
            "of no thread anything can be told: the database does not have the tables of this version "
            "-> start Rasa or the action server"
        )


def _speaking(language: Language) -> Say:
    translated = translating(language)

    def say(text: Sentence) -> str:
        said = translated(text)
        return printable(" ".join(filter(None, (said.sentence, said.details))))

    return say


class _Row(NamedTuple):
    """A line of what is shown."""

    status: str
    ids: str
    found: str
    more: Tuple[str, ...]  #: beneath it


def show(console: Console, report: Report, say: Say) -> None:
    """Print the report, a table where there is a terminal."""
    rows = list(_rows(report, say))
    words = {status: say(word).rstrip(".").lower() for status, word in _VERDICTS.items()}
    if console.is_terminal:
        console.print(_table(rows, words))
    else:
        for each in rows:
            _print_lines(console, each, words)
    counts = report.counts()
    console.print(
        Text("\n" + ", ".join(f"{words[each.value]}: {counts[each]}" for each in sorted(counts, key=_order)))
    )


def _order(status: Enum) -> int:
    return list(_VERDICTS).index(status.value)


def _rows(report: Report, say: Say) -> Iterator[_Row]:
    for (status, found), alike in groupby(report.results, key=_likeness):
        results = list(alike)
        first = results[0]
        if status != "could_not_look":
            yield from (
                _Row(status, each.id, say(each.found or each.title), _more(each, say)) for each in results
            )
        else:
            yield _Row(
                status, "\n".join(each.id for each in results), found and say(first.found), _more(first, say)
            )


def _likeness(result: Result) -> Tuple[str, str]:
    return result.status.value, result.found if result.status.value == "could_not_look" else result.id


def _more(result: Result, say: Say) -> Tuple[str, ...]:
    if result.status.value == "ok":
        return ()
    where = printable(" ".join(filter(None, result.where))) if result.where else ""
    return tuple(filter(None, (say(result.why), where and f"> {where}", say(result.remedy))))


def _table(rows: List[_Row], words: Dict[str, str]) -> Table:
    table = Table.grid(padding=(0, 2))
    for each in rows:
        ids = Text(each.ids, style="bold" if each.status != "ok" else "")
        said = Text("\n".join((each.found, *each.more)))
        table.add_row(Text(words[each.status], style=_COLOURS[each.status]), ids, said)
    return table


def _print_lines(console: Console, row: _Row, words: Dict[str, str]) -> None:
    several = "\n" in row.ids
    ids, more = ("", (row.ids.replace("\n", ", "), *row.more)) if several else (f"{row.ids:<26} ", row.more)
    console.print(Text(f"{words[row.status]:<10}{ids}{row.found}"), soft_wrap=True)
    for text in more:
        console.print(Text(f"{'':<10}{text}"), soft_wrap=True)
