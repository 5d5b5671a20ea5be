"""Adds, lists and removes the agents of the built-in inbox: `handover agents`.

Passwords are never arguments, as `ps` shows those.
"""

from __future__ import annotations

import sys
import time
from datetime import datetime, timezone
from enum import Enum
from importlib.util import find_spec
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import typer
from rich.console import Console
from rich.table import Table

from handover_channel.errors import HandoverError

if TYPE_CHECKING:
    from handover_channel.inbox.passwords import Passwords
    from handover_channel.store import Store

app = typer.Typer(help="Say who answers in the built-in inbox.", no_args_is_help=True)

AGENT_NAME = typer.Argument(help="What the agent signs in with; capital letters or small ones are the same.")
PASSWORD_STDIN = typer.Option(
    False, "--password-stdin", help="Read the password from standard input instead of asking for it."
)

#: Who did it, in the log of what agents did.
COMMAND_LINE = "command line"


class Role(str, Enum):
    """What an agent may do."""

    AGENT = "agent"
    ADMIN = "admin"


@app.command()
def add(
    name: str = AGENT_NAME,
    shown_name: str = typer.Option("", help="What colleagues and people see; else NAME as you wrote it."),
    admin: bool = typer.Option(False, "--admin", help="With the role admin."),
    picture: str = typer.Option("", help="https:// address of a picture, shown beside the answers."),
    password_stdin: bool = PASSWORD_STDIN,
) -> None:
    """Add an agent. With the first one, everybody has to sign in."""
    from handover_channel.store import agents

    passwords, store = _passwords(), _store()
    kept = agents.new_name(name)
    shown_name, picture = agents.new_shown_name(shown_name or name), _picture(picture)
    with store.reading() as connection:
        if agents.get(connection, kept):
            raise _taken(kept)
    agent = agents.Agent(
        name=kept,
        shown_name=shown_name,
        password=passwords.hash(_new_password(kept, password_stdin)),
        role=(Role.ADMIN if admin else Role.AGENT).value,
        picture=picture,
        created_at=time.time(),
    )
    with store.writing() as connection:
        if not agents.add(connection, agent, by=COMMAND_LINE):
            raise _taken(kept)
    typer.echo(f"{kept} can sign in.")


@app.command("list")
def list_() -> None:
    """Show the agents."""
    from handover_channel.store import agents, sign_ins

    now = time.time()
    with _store().reading() as connection:
        found, signed_in = agents.every(connection), sign_ins.agents_signed_in(connection, now=now)
    if not found:
        typer.echo("There are no agents: the inbox is open to this machine only, by a link.")
        return
    table = Table("name", "shown name", "role", "signed in", "since")
    for agent in found:
        since = datetime.fromtimestamp(agent.created_at, timezone.utc).strftime("%Y-%m-%d")
        table.add_row(
            agent.name, agent.shown_name, agent.role, "yes" if agent.name in signed_in else "", since
        )
    Console().print(table, markup=False)
    for agent in found:
        if agent.password == agents.NO_PASSWORD:
            typer.echo(
                f"{agent.name} has no password yet; without the link: handover agents password {agent.name}"
            )


@app.command()
def remove(name: str = AGENT_NAME) -> None:
    """Remove an agent: signed out at once, and their threads are nobody's."""
    from handover_channel.store import agents

    kept = agents.new_name(name)
    with _store().writing() as connection:
        if not agents.remove(connection, kept, now=time.time(), by=COMMAND_LINE):
            raise _unknown(name)
        left = agents.exist(connection)
    typer.echo(f"{kept} is removed.")
    if not left:
        typer.echo("There are no agents now: the inbox is open to this machine only, by a link.")


@app.command()
def password(name: str = AGENT_NAME, password_stdin: bool = PASSWORD_STDIN) -> None:
    """Set a new password, and end the agent's sign-ins."""
    from handover_channel.store import agents

    passwords, store = _passwords(), _store()
    kept = agents.new_name(name)
    with store.reading() as connection:
        if not agents.get(connection, kept):
            raise _unknown(name)
    hashed = passwords.hash(_new_password(kept, password_stdin))
    with store.writing() as connection:
        if not agents.set_password(connection, kept, hashed, now=time.time(), by=COMMAND_LINE):
            raise _unknown(name)
    typer.echo(f"{kept} has a new password, and is signed out everywhere.")


@app.command()
def role(
    name: str = AGENT_NAME, new_role: Role = typer.Argument(metavar="agent|admin", help="The role.")
) -> None:
    """Change an agent's role, from the next click on."""
    from handover_channel.store import agents

    kept = agents.new_name(name)
    with _store().writing() as connection:
        if not agents.set_role(connection, kept, new_role.value, now=time.time(), by=COMMAND_LINE):
            raise _unknown(name)
    typer.echo(f"{kept} has the role {new_role.value}.")


@app.command()
def link(
    url: str = typer.Option(
        "http://127.0.0.1:5005/webhooks/inbox",
        help="Where a browser on the server's machine finds the inbox.",
    ),
) -> None:
    """Print a link that lets one in, once, within 15 minutes, where there are no agents."""
    _need_argon2()
    from handover_channel.inbox.auth import Auth

    typer.echo(Auth(_store()).one_time_link(url))


def _store() -> Store:
    from handover_channel import services

    return services.from_config().store


def _passwords() -> Passwords:
    _need_argon2()
    from handover_channel.inbox.passwords import Passwords

    return Passwords()


def _need_argon2() -> None:
    if find_spec("argon2") is None:
        raise HandoverError("argon2-cffi is not installed -> pip install 'rasa-handover[inbox]'")


def _new_password(name: str, from_stdin: bool) -> str:
    from handover_channel.inbox import passwords

    if from_stdin:
        given = sys.stdin.readline().rstrip("\r\n")
    else:
        given = typer.prompt("Password", hide_input=True, confirmation_prompt="The same again")
    passwords.check_new(given, name=name)
    return str(given)


def _picture(address: str) -> str:
    # Meta loads it from there: https://developers.facebook.com/docs/messenger-platform/send-messages/personas
    try:
        good = not address or (urlsplit(address).scheme == "https" and bool(urlsplit(address).hostname))
    except ValueError:
        good = False
    if not good:
        raise HandoverError("--picture is no https:// address -> Meta loads the picture from there")
    return address


def _taken(name: str) -> HandoverError:
    return HandoverError(f"there is an agent {name!r} already -> `handover agents password` or `role`")


def _unknown(name: str) -> HandoverError:
    return HandoverError(f"there is no agent {name!r} -> `handover agents list` shows who there is")
