"""Hands out what is kept: `handover export`, for one person, or handovers, transcripts and NLU suggestions.

1. All that is wrong with what was asked for is said at once, before anything is read or written.
2. The data alone is on standard output; what is said about it is on stderr.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Dict, List, Optional, Tuple

import typer

from handover_channel.cli import person
from handover_channel.errors import SettingsError, StoreUnavailable
from handover_channel.log import printable

if TYPE_CHECKING:
    from handover_channel.exports.tables import Format
    from handover_channel.services import Services
    from handover_channel.store.exported import Wanted

_OF_HANDOVERS, _OF_TRANSCRIPTS, _AS_NLU = "--handovers", "--transcripts", "--as-nlu"
_ROWS = (_OF_HANDOVERS, _OF_TRANSCRIPTS)

#: Option -> what it can be used with; any other use is a mistake of whoever typed it.
_GOES_WITH: Dict[str, Tuple[str, ...]] = {
    "--format": _ROWS,
    "--target": _ROWS,
    "--pseudonyms": _ROWS,
    "--excel": _ROWS,
    "--since": (*_ROWS, _AS_NLU),
    "--until": (*_ROWS, _AS_NLU),
    "--output": (*_ROWS, _AS_NLU),
    "--country": (_AS_NLU,),
}

_WHAT, _WHICH, _HOW = "What", "Which", "How"


@dataclass(frozen=True)
class _Asked:
    """What was typed."""

    what: List[str]
    options: Dict[str, Any]  #: of _GOES_WITH, those that were given
    endpoints: Path

    def problems(self) -> List[str]:
        """Return what does not go together."""
        if len(self.what) != 1:
            return [
                f"one of {', '.join(_ROWS)}, {_AS_NLU}, or the THREAD of one person -> say which: "
                "handover export --help"
            ]
        return [
            f"{option} is for {' and '.join(goes_with)} -> leave it away"
            for option, goes_with in _GOES_WITH.items()
            if option in self.options and self.what[0] not in goes_with
        ]


PERSON_ARGUMENT = typer.Argument(
    None, help="One person: all that is kept about them, as JSON. The conversation id in Rasa (PSID)."
)
HANDOVERS_OPTION = typer.Option(False, _OF_HANDOVERS, help="A row for each handover.", rich_help_panel=_WHAT)
TRANSCRIPTS_OPTION = typer.Option(
    False, _OF_TRANSCRIPTS, help="A row for each line said while the bot was silent.", rich_help_panel=_WHAT
)
AS_NLU_OPTION = typer.Option(
    False,
    _AS_NLU,
    help="Examples for the bot's NLU, in Rasa's format: what people wrote just before they asked for a "
    "human, and what the bot did not understand. Personal data is masked.",
    rich_help_panel=_WHAT,
)
SINCE_OPTION = typer.Option(
    None,
    help='From then on: 2026-11-01, "2026-11-01 14:30" (UTC), or "30 days" for so long ago.',
    rich_help_panel=_WHICH,
)
UNTIL_OPTION = typer.Option(None, help="Before then; a day is part of it.", rich_help_panel=_WHICH)
TARGET_OPTION = typer.Option(
    None, help="Only this target, by its name in handover.yml.", rich_help_panel=_WHICH
)
FORMAT_OPTION = typer.Option(
    None,
    "--format",
    help="csv or jsonl (JSON Lines). Without it: by the ending of --output, else csv.",
    rich_help_panel=_HOW,
)
OUTPUT_OPTION = typer.Option(
    None,
    readable=False,  # nobody reads it
    help="Write this file, for its owner alone, whole or not at all. Without it: standard output.",
    rich_help_panel=_HOW,
)
PSEUDONYMS_OPTION = typer.Option(
    False,
    "--pseudonyms",
    help="Other names for threads and messages: the same within one run, others in the next. Texts stay.",
    rich_help_panel=_HOW,
)
EXCEL_OPTION = typer.Option(
    False,
    "--excel",
    help="Begin a CSV file with the mark by which Excel reads it as UTF-8.",
    rich_help_panel=_HOW,
)
COUNTRY_OPTION = typer.Option(
    None,
    help="With --as-nlu: take phone numbers without a country code for those of this country (EG, DE).",
    rich_help_panel=_HOW,
)


def export(
    thread: Optional[str] = PERSON_ARGUMENT,
    handovers: bool = HANDOVERS_OPTION,
    transcripts: bool = TRANSCRIPTS_OPTION,
    as_nlu: bool = AS_NLU_OPTION,
    since: Optional[str] = SINCE_OPTION,
    until: Optional[str] = UNTIL_OPTION,
    target: Optional[str] = TARGET_OPTION,
    how: Optional[str] = FORMAT_OPTION,
    output: Optional[Path] = OUTPUT_OPTION,
    pseudonyms: bool = PSEUDONYMS_OPTION,
    excel: bool = EXCEL_OPTION,
    country: Optional[str] = COUNTRY_OPTION,
    endpoints: Path = person.ENDPOINTS_OPTION,
) -> None:
    """Write what is kept, for other programs: handovers, transcripts, one person's data, NLU suggestions."""
    kinds = {
        _OF_HANDOVERS: handovers,
        _OF_TRANSCRIPTS: transcripts,
        _AS_NLU: as_nlu,
        "THREAD": thread is not None,
    }
    given = {
        "--format": how, "--target": target, "--pseudonyms": pseudonyms, "--excel": excel,
        "--since": since, "--until": until, "--output": output, "--country": country,
    }  # fmt: skip
    asked = _Asked(
        [kind for kind, is_wanted in kinds.items() if is_wanted],
        {option: value for option, value in given.items() if value is not None and value is not False},
        endpoints,
    )
    if problems := asked.problems():
        raise SettingsError(problems)
    if thread is not None:
        person.export(thread, endpoints)
    elif as_nlu:
        _write_suggestions(asked)
    else:
        _write_rows(asked)


def _write_rows(asked: _Asked) -> None:
    from handover_channel.exports import output_file, tables
    from handover_channel.store import exported

    wanted, problems = _wanted(asked)
    how, problem = _format(asked)
    problems += [problem, _problem_of_output(asked), _problem_of_excel(asked, how)]
    parts = _services(problems, wanted.target)
    name = tables.Pseudonyms() if "--pseudonyms" in asked.options else tables.as_it_is
    with parts.store.snapshot() as connection:
        rows: Any
        if _OF_HANDOVERS in asked.what:
            rows = (tables.handover_row(each, name) for each in exported.handovers(connection, wanted))
            columns: Tuple[str, ...] = tables.HANDOVER_COLUMNS
        else:
            rows = (tables.line_row(each, name) for each in exported.lines(connection, wanted))
            columns = tables.LINE_COLUMNS
        with output_file.opened(asked.options.get("--output")) as stream:
            count = tables.write(stream, how, columns, rows, excel="--excel" in asked.options)
    _say_written(asked, count, "rows")


def _write_suggestions(asked: _Asked) -> None:
    from handover_channel.exports import masking, nlu_file, output_file

    wanted, problems = _wanted(asked)
    country = str(asked.options.get("--country", "")).upper()
    parts = _services([*problems, masking.problem(country), _problem_of_output(asked)])
    found = _suggestions(parts, masking.Masker(country), wanted, asked.endpoints)
    before, unknown = found.said_before(), found.not_understood()
    with output_file.opened(asked.options.get("--output")) as stream:
        stream.writelines(nlu_file.lines(before, unknown))
    if found.left_out:
        typer.echo(f"Left out, as there are too many: {found.left_out} -> a shorter time: --since", err=True)
    _say_written(asked, len(before) + len(unknown), "examples")


def _suggestions(parts: Services, masker: Any, wanted: Wanted, endpoints: Path) -> Any:
    from handover_channel.exports.suggestions import Suggestions
    from handover_channel.rasa import trackers
    from handover_channel.store import exported

    found = Suggestions(masker, parts.settings.handover_intents, wanted)
    with trackers.reader(endpoints) as events:
        for thread, name in exported.people_by_thread(parts.store, wanted.since):
            found.read(events(thread), name)
    return found


def _wanted(asked: _Asked) -> Tuple[Wanted, List[str]]:
    """Return which rows, and what is wrong with that."""
    from handover_channel.rules.points_in_time import point_in_time
    from handover_channel.store.exported import Wanted

    problems, times, now = [], {}, time.time()
    for option in ("--since", "--until"):
        if option in asked.options:
            text = asked.options[option]
            try:
                times[option] = point_in_time(text, now=now, is_end=option == "--until")
            except ValueError as error:
                problems.append(f"{option}: {text!r} is no point in time -> {error}")
    since, until = times.get("--since"), times.get("--until")
    if since is not None and until is not None and until <= since:
        problems.append("--until is before --since -> nothing can lie between them")
    return Wanted(since, until, asked.options.get("--target", "")), problems


def _format(asked: _Asked) -> Tuple[Format, str]:
    """Return how to write, and what is wrong with that."""
    from handover_channel.exports.tables import Format

    output: Optional[Path] = asked.options.get("--output")
    default = Format.JSONL if output and output.suffix.lower() in (".jsonl", ".ndjson") else Format.CSV
    given = asked.options.get("--format", default.value)
    try:
        return Format(given), ""
    except ValueError:
        return default, f"--format: {given!r} is none -> {' or '.join(each.value for each in Format)}"


def _problem_of_excel(asked: _Asked, how: Format) -> str:
    from handover_channel.exports.tables import Format

    is_wrong = "--excel" in asked.options and how is not Format.CSV
    return "--excel is for CSV -> leave it away, or write --format csv" if is_wrong else ""


def _problem_of_output(asked: _Asked) -> str:
    from handover_channel.exports import output_file

    output: Optional[Path] = asked.options.get("--output")
    return output_file.problem(output) if output else ""


def _services(problems: List[str], target: str = "") -> Services:
    """Return the settings and the database. Raises SettingsError with these problems and its own."""
    from handover_channel import services
    from handover_channel.store import private_file

    try:
        parts = services.from_config()
    except SettingsError as error:
        raise SettingsError([*filter(None, problems), *error.problems]) from None
    path = private_file.path_of(parts.store.url) if parts.store.dialect == "sqlite" else None
    if path and not path.exists():  # SQLite would make an empty one
        more = f"there is no database {path} -> look at `database` in handover.yml: has the bot run here?"
    else:
        more = _problem_of_target(parts, target)
    if found := [each for each in (*problems, more) if each]:
        raise SettingsError(found)
    return parts


def _problem_of_target(parts: Services, target: str) -> str:
    """Return what is wrong with a target that is none, and never was one."""
    from handover_channel.store import exported

    known = parts.settings.targets
    try:
        with parts.store.reading() as connection:
            if not target or target in known or exported.is_known_target(connection, target):
                return ""
    except StoreUnavailable as error:
        return str(error)
    return (
        f"--target: {target!r} is no target, and nothing was ever handed over to it "
        f"-> one of {', '.join(known)}"
    )


def _say_written(asked: _Asked, count: int, what: str) -> None:
    if output := asked.options.get("--output"):
        typer.echo(printable(f"{output}: {count} {what}"), err=True)
