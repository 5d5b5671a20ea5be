"""Gives threads back to the bot: one, or all that are meant, with Meta's refusals listed at the end.

With `--all` it says first how many go back from which target, and asks. Ctrl-C is heard between two threads:
what was returned until then is told, and the rest stays as it is.
"""

from __future__ import annotations

import json
import signal
import threading
import time
from collections import Counter
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Dict, Iterator, List, NoReturn, Optional, Sequence

import typer

from handover_channel.cli.status import SCHEMA, status_of
from handover_channel.errors import HandoverError, SettingsError
from handover_channel.log import printable

if TYPE_CHECKING:
    from handover_channel.control.many_returns import Result
    from handover_channel.services import Services
    from handover_channel.store.open_threads import Handover

#: Exit code of what Ctrl-C has ended, as of a shell: 128 and the number of SIGINT.
INTERRUPTED = 130


def target_names() -> List[str]:
    """Return the names of the targets, for the shell to complete; none where the settings are wrong."""
    from handover_channel.settings import loader

    try:
        return list(loader.load().targets)
    except SettingsError:
        return []


def return_(
    thread: Optional[str] = typer.Argument(None, help="The conversation id in Rasa: the person's PSID."),
    every: bool = typer.Option(False, "--all", help="All open threads, instead of one."),
    older_than: str = typer.Option("", help='With --all: who has had control for so long, "2 days".'),
    target: List[str] = typer.Option(
        [], help="With --all: from this target. Several times for several.", autocompletion=target_names
    ),
    dry_run: bool = typer.Option(
        False, "--dry-run", help="With --all: count them by target, with --json list them; change nothing."
    ),
    yes: bool = typer.Option(False, "--yes", "-y", help="With --all: do not ask first."),
    as_json: bool = typer.Option(False, "--json", help="With --all: for programs."),
) -> None:
    """Give a thread back to the bot, or all that are meant.

    Exit code: 0; 1 if Meta refused one; 2 if it cannot be begun; 130 after Ctrl-C.
    """
    from handover_channel import services

    if every == bool(thread):
        raise HandoverError("which thread? -> handover return THREAD, or handover return --all")
    if thread:
        if older_than or target or dry_run or yes or as_json:
            raise HandoverError(
                "--older-than, --target, --dry-run, --yes, --json are for many -> --all, without THREAD"
            )
        _return_one(services.from_config(), thread)
        return
    parts = services.from_config()
    chosen = _chosen(parts, older_than, target)
    _announce(chosen, as_json=as_json)
    if dry_run or not chosen:
        _end(chosen, [], as_json=as_json)
        return
    if not yes:
        typer.confirm("Give them back to the bot?", abort=True, err=True)
    _return_all(parts, chosen, as_json=as_json)


def _return_one(parts: Services, thread: str) -> None:
    from handover_channel.replies.service import COMMAND_LINE
    from handover_channel.rules.return_reasons import ReturnReason

    found = status_of(parts.thread_control, thread)
    if not parts.thread_control.return_to_bot(found.thread.id, ReturnReason.AGENT, who=COMMAND_LINE):
        refusal = status_of(parts.thread_control, thread).thread.refusal
        typer.echo(printable(f"Meta refused to give control back: {refusal}"), err=True)
        raise typer.Exit(1)
    typer.echo("The bot has control.")


def _chosen(parts: Services, older_than: str, targets: Sequence[str]) -> List[Handover]:
    from handover_channel.rules.durations import parse_duration
    from handover_channel.store import open_threads

    before = None
    if older_than:
        try:
            before = time.time() - parse_duration(older_than).total_seconds()
        except ValueError as error:
            raise HandoverError(f"--older-than: {error}") from None
    with parts.store.reading() as connection:
        found = open_threads.handovers(connection, targets=targets, before=before)
        unknown = set(targets) - {*parts.settings.targets, *(each.target for each in found)}
        if unknown:
            unknown -= {each.target for each in open_threads.handovers(connection, targets=targets)}
    if unknown:
        names = ", ".join(sorted(unknown))
        known = ", ".join(parts.settings.targets)
        raise HandoverError(
            f"--target {names}: no open thread is there, and handover.yml has {known} -> name one of them"
        )
    return found


def _announce(chosen: Sequence[Handover], *, as_json: bool) -> None:
    counts = Counter(each.target for each in chosen)
    lines = [f"{name}: {number}" for name, number in sorted(counts.items())]
    for line in lines or ["No open thread is meant."]:
        typer.echo(printable(line), err=as_json)


def _return_all(parts: Services, chosen: Sequence[Handover], *, as_json: bool) -> NoReturn:
    from handover_channel.control.many_returns import Outcome, return_all
    from handover_channel.replies.service import COMMAND_LINE

    done: List[Result] = []
    with _stopping_between_two() as stopping:
        try:
            for result in return_all(parts.thread_control, chosen, who=COMMAND_LINE, stops=stopping.is_set):
                done.append(result)
                if not as_json and result.outcome in (Outcome.REFUSED, Outcome.CHANGED):
                    typer.echo(printable(f"{result.handover.thread}: {result.why}"), err=True)
        finally:  # also where the database is gone: what was done until then is done
            _end(chosen, done, as_json=as_json)
    if stopping.is_set():
        raise typer.Exit(INTERRUPTED)
    failed = any(each.outcome in (Outcome.REFUSED, Outcome.LEFT) for each in done)
    raise typer.Exit(1 if failed else 0)


@contextmanager
def _stopping_between_two() -> Iterator[threading.Event]:
    """Give an event that Ctrl-C and SIGTERM set, while nothing else comes of them."""
    stopping = threading.Event()

    def stop(number: int, frame: Any) -> None:
        typer.echo("Stopping after this thread ...", err=True)
        stopping.set()

    before = {each: signal.signal(each, stop) for each in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield stopping
    finally:
        for each, handler in before.items():
            signal.signal(each, handler)


def _end(chosen: Sequence[Handover], done: Sequence[Result], *, as_json: bool) -> None:
    counts = Counter(each.outcome.value for each in done)
    if as_json:
        typer.echo(json.dumps({"schema": SCHEMA, **_plain(chosen, done), "counts": counts}, indent=2))
    elif done:
        words = {
            "returned": "returned",
            "refused": "refused",
            "changed": "changed meanwhile",
            "left": "not tried",
        }
        typer.echo(", ".join(f"{words[name]}: {counts[name]}" for name in words if counts[name]) + ".")
        if counts["left"]:
            typer.echo("What was not tried is as it was -> handover return --all, later", err=True)
    elif chosen:
        typer.echo("Nothing was changed.")


def _plain(chosen: Sequence[Handover], done: Sequence[Result]) -> Dict[str, Any]:
    results = [
        {**each.handover._asdict(), "outcome": each.outcome.value, "why": str(each.why)} for each in done
    ]
    by_target = Counter(each.target for each in chosen)
    return {"targets": by_target, "threads": [each._asdict() for each in chosen], "results": results}
