"""Defines the `handover` command and its first commands; the others are in their own modules.

An error of ours is plain text on stderr and exit code 2, never a traceback. Imports stand inside the
commands: `handover --help` answers at once, and packages that a command does not need (the simulator's web
server, the database) need not be installed.
"""

from __future__ import annotations

import sys
import time
from typing import Optional

import typer
from rich.console import Console

from handover_channel.cli import agents, apps, person, queue
from handover_channel.cli.audit import audit
from handover_channel.cli.doctor import doctor
from handover_channel.cli.export import export
from handover_channel.cli.init import init
from handover_channel.cli.report import report
from handover_channel.cli.returns import return_
from handover_channel.cli.simulate import simulate
from handover_channel.cli.status import status
from handover_channel.cli.test import play_scenarios
from handover_channel.errors import HandoverError
from handover_channel.log import printable_lines

app = typer.Typer(
    help="Hand Messenger conversations over from a Rasa bot, and get them back.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,  # its tracebacks show local variables: tokens, what people wrote
)

app.add_typer(queue.app, name="queue")
app.add_typer(agents.app, name="agents")
app.add_typer(apps.app, name="apps")
app.command()(init)
app.command()(doctor)
app.command()(simulate)
app.command()(status)
app.command()(audit)
app.command()(report)
app.command("return")(return_)
app.command("test")(play_scenarios)
app.command()(person.forget)
app.command()(export)

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
    port_base: Optional[int] = typer.Option(
        None,
        "--port-base",
        min=1024,
        max=65533,
        help="Three ports from here on, in place of 8090, 5055 and 5005 (or the next that are free).",
    ),
) -> None:
    """Start the bot of this folder with a Messenger to talk to it."""
    from handover_channel.cli import demo as the_demo

    raise typer.Exit(the_demo.start(Console(), check=check, port_base=port_base))


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


@app.command()
def tidy(
    older_than: str = typer.Option(..., help='How old: "30 days". At least 2 days: so long Meta may repeat.'),
    transcript: bool = typer.Option(
        False,
        "--transcript",
        help="Delete what was said while the bot was silent, notes and names, too.",
    ),
    changes: bool = typer.Option(
        False,
        "--changes",
        help="Delete the log of changes of control and of what agents did, and handovers from reports, too.",
    ),
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
