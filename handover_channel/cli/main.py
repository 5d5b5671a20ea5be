"""Defines the `handover` command and its first commands; the others are in their own modules.

An error of ours is plain text on stderr and exit code 2, never a traceback. Imports stand inside the
commands: `handover --help` answers at once, and packages that a command does not need (the simulator's web
server, the database) need not be installed.
"""

from __future__ import annotations

import sys
import time
from datetime import datetime, timezone
from typing import TYPE_CHECKING, Optional

import typer
from rich.console import Console
from rich.table import Table

from handover_channel.cli import agents, person, queue
from handover_channel.cli.doctor import doctor
from handover_channel.cli.init import init
from handover_channel.cli.simulate import simulate
from handover_channel.errors import HandoverError, NotKnown
from handover_channel.log import printable, printable_lines
from handover_channel.messenger.bubble import words

if TYPE_CHECKING:
    from handover_channel.control.thread_control import ThreadControl
    from handover_channel.store.thread_status import Status

app = typer.Typer(
    help="Hand Messenger conversations over from a Rasa bot, and get them back.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,  # its tracebacks show local variables: tokens, what people wrote
)

app.add_typer(queue.app, name="queue")
app.add_typer(agents.app, name="agents")
app.command()(init)
app.command()(doctor)
app.command()(simulate)
app.command()(person.forget)
app.command()(person.export)

#: Seconds. Meta repeats what it could not deliver for 36 hours at most:
#: https://developers.facebook.com/docs/graph-api/webhooks/getting-started
SHORTEST_MEMORY = 2 * 86400

THREAD = typer.Argument(help="The conversation id in Rasa: the person's PSID.")


def main() -> None:
    """Run the command line and exit."""
    try:
        app()
    except HandoverError as error:
        typer.echo(printable_lines(str(error)), err=True)
        sys.exit(2)


@app.command()
def demo(
    check: bool = typer.Option(False, "--check", help="Stop again as soon as everything answers."),
) -> None:
    """Start the bot of this folder with a Messenger to talk to it."""
    from handover_channel.cli import demo as the_demo

    raise typer.Exit(the_demo.start(Console(), check=check))


@app.command()
def status(thread: str = THREAD) -> None:
    """Show who has control of a thread, until when, and how it came to that."""
    from handover_channel import services

    _print_status(Console(), _status_of(services.from_config().thread_control, thread))


@app.command()
def reply(thread: str = THREAD, text: str = typer.Argument(help="What to say.")) -> None:
    """Answer as an agent in a thread that is in the built-in inbox."""
    from handover_channel import services
    from handover_channel.replies.sending_rules import outside_rasa
    from handover_channel.replies.service import AgentReplies

    parts = services.from_config()
    agent = AgentReplies(parts.settings, parts.store, parts.graph, parts.thread_control, port_of=outside_rasa)
    kept = agent.reply(thread, text)
    if kept.error:
        raise HandoverError(kept.error)
    typer.echo("Sent.")


@app.command("return")
def return_(thread: str = THREAD) -> None:
    """Give a thread back to the bot."""
    from handover_channel import services
    from handover_channel.rules.return_reasons import ReturnReason

    thread_control = services.from_config().thread_control
    found = _status_of(thread_control, thread)
    if not thread_control.return_to_bot(found.thread.id, ReturnReason.AGENT, who="command line"):
        refusal = _status_of(thread_control, thread).thread.refusal
        typer.echo(f"Meta refused to give control back: {refusal}", err=True)
        raise typer.Exit(1)
    typer.echo("The bot has control.")


@app.command()
def tidy(
    older_than: str = typer.Option(..., help='How old: "30 days". At least 2 days: so long Meta may repeat.'),
    transcript: bool = typer.Option(
        False,
        "--transcript",
        help="Delete what was said while the bot was silent, notes and names, too.",
    ),
    changes: bool = typer.Option(False, "--changes", help="Delete the log of changes of control, too."),
    given_up: bool = typer.Option(
        False, "--given-up", help="Delete what was given up, and replies that could not be sent, too."
    ),
    threads: bool = typer.Option(
        False,
        "--threads",
        help="Delete threads of which nothing else is left, with tags and read marks, too.",
    ),
) -> None:
    """Delete what was done long ago, in small portions. What was given up stays unless you say so."""
    from handover_channel import services
    from handover_channel.store import retention

    before = time.time() - _age_to_delete(older_than)
    store = services.from_config().store
    typer.echo(f"Deliveries deleted: {retention.delete_deliveries(store, before=before)}")
    if transcript:
        typer.echo(f"Lines of transcripts deleted: {retention.delete_transcript(store, before=before)}")
    if changes:
        typer.echo(f"Changes of control deleted: {retention.delete_changes(store, before=before)}")
    if given_up:
        typer.echo(f"Given up, and deleted: {retention.delete_given_up(store, before=before)}")
    if threads:
        typer.echo(f"Threads deleted: {retention.delete_threads(store, before=before)}")


def _age_to_delete(text: str) -> float:
    from handover_channel.rules.durations import parse_duration

    try:
        seconds = parse_duration(text).total_seconds()
    except ValueError as error:
        raise HandoverError(f"--older-than: {error}") from None
    if seconds < SHORTEST_MEMORY:
        raise HandoverError(
            "--older-than: at least 2 days -> a repeat of Meta's is known by the delivery it repeats"
        )
    return seconds


def _status_of(thread_control: ThreadControl, thread: str) -> Status:
    found = thread_control.status(thread)
    if found is None:
        raise NotKnown(
            "thread %(thread)s was never seen -> is it the person's PSID on this page?", thread=thread
        )
    return found


def _print_status(console: Console, found: Status) -> None:
    thread, state = found.thread, found.thread.state
    facts = {
        "Thread": thread.id,
        "Channel": thread.channel,
        "Control": f"{state.control.value} {state.target}".strip(),
        "Owner": state.owner and f"app {state.owner}",
        "Since": f"{_time(thread.changed_at)} ({thread.reason})" if thread.reason else "",
        "Until": _time(thread.until),
        "Refused": thread.refusal and f"{thread.refusal} (tried {thread.attempts} times)",
    }
    for name, fact in facts.items():
        if fact:
            console.print(f"{name + ':':<10}{printable(fact)}", markup=False, highlight=False, soft_wrap=True)
    for finding in found.findings:
        console.print(
            f"{'Wrong:':<10}{printable(finding.text)}", markup=False, highlight=False, soft_wrap=True
        )
    changes = Table("when", "from", "to", "reason", "who", title="Changes of control", title_justify="left")
    for change in found.log:
        to = f"{change.control} {change.target}".strip()
        changes.add_row(
            _time(change.at), *map(printable, (change.control_before, to, change.reason, change.who))
        )
    lines = Table("when", "who", "text", title="Said while the bot was silent", title_justify="left")
    for line in found.transcript:
        files = ", ".join(f"[{attachment.type or 'unknown'}]" for attachment in line.attachments)
        said = words(line.text) or files or "[nothing]"
        lines.add_row(
            _time(line.timestamp / 1000), *map(printable, (f"{line.author} {line.app_id}".strip(), said))
        )
    for table in (changes, lines):
        if table.row_count:
            console.print()
            console.print(table, markup=False)


def _time(seconds: Optional[float]) -> str:
    if not seconds:
        return ""
    return datetime.fromtimestamp(seconds, timezone.utc).strftime("%Y-%m-%d %H:%M:%S UTC")
