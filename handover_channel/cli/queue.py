"""Shows deliveries that wait or were given up, retries them and drops them: `handover queue`.

Never shows what people wrote.
"""

from __future__ import annotations

import getpass
import json
import time
from dataclasses import asdict
from typing import TYPE_CHECKING, Any, Dict

import typer
from rich.console import Console
from rich.table import Table

from handover_channel.cli.ages import age
from handover_channel.errors import HandoverError
from handover_channel.log import printable

if TYPE_CHECKING:
    from handover_channel.store import Store
    from handover_channel.store.queue_admin import Queued, QueuePage

app = typer.Typer(help="Show what waits to be worked off and what was given up; retry or drop it.")

DELIVERY = typer.Argument(help="The id in the table of `handover queue`.")


@app.callback(invoke_without_command=True)
def show(
    context: typer.Context,
    failed: bool = typer.Option(False, "--failed", help="Only what was given up."),
    limit: int = typer.Option(20, min=1, max=1000, help="So many of each, the oldest first."),
    as_json: bool = typer.Option(False, "--json", help="For programs."),
) -> None:
    """Show what waits to be worked off, and what was given up."""
    if context.invoked_subcommand:
        return
    from handover_channel.store import queue_admin

    now = time.time()
    with _store().reading() as connection:
        pages = {} if failed else {"waiting": queue_admin.waiting(connection, now=now, limit=limit)}
        pages["failed"] = queue_admin.failed(connection, now=now, limit=limit)
    if as_json:
        typer.echo(json.dumps({name: _plain(page, now) for name, page in pages.items()}, indent=2))
        return
    for name, page in pages.items():
        _print(Console(), name, page, now)


@app.command()
def retry(delivery: int = DELIVERY) -> None:
    """Put back into the queue what was given up or dropped: it is answered now, however old it is."""
    from handover_channel.store import queue_admin

    store = _store()
    found = _find(store, delivery)
    if not found.may_be_retried:
        raise HandoverError(_not_now(found, "retried", "given up or dropped"))
    with store.writing() as connection:
        changed = queue_admin.retry(connection, found)
    _say(changed, f"Delivery {delivery} of thread {found.thread} is in the queue again.")


@app.command()
def drop(delivery: int = DELIVERY) -> None:
    """Take off the queue for good what waits or was given up. It is kept, with when and by whom."""
    from handover_channel.store import queue_admin

    store = _store()
    found = _find(store, delivery)
    if not found.may_be_dropped:
        raise HandoverError(_not_now(found, "dropped", "waiting or given up"))
    with store.writing() as connection:
        changed = queue_admin.drop(connection, found, who=_who(), now=time.time())
    _say(changed, f"Delivery {delivery} of thread {found.thread} was dropped.")


def _store() -> Store:
    from handover_channel import services

    return services.from_config().store


def _who() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):  # a container whose user has no name
        return "somebody"


def _find(store: Store, delivery: int) -> Queued:
    from handover_channel.store import queue_admin

    with store.reading() as connection:
        found = queue_admin.get(connection, delivery, now=time.time())
    if found is None:
        raise HandoverError(f"there is no delivery {delivery} -> see `handover queue` for the ids")
    return found


def _not_now(found: Queued, wanted: str, which: str) -> str:
    state = "waiting" if found.done_at is None else f"done ({found.outcome})"
    return f"delivery {found.id} cannot be {wanted}: it is {state} -> only what is {which} can"


def _say(changed: bool, done: str) -> None:
    if not changed:
        raise HandoverError("the delivery was worked off in this very moment -> look again: `handover queue`")
    typer.echo(printable(done))


def _plain(page: QueuePage, now: float) -> Dict[str, Any]:
    items = [{**asdict(item), "age_seconds": round(now - item.received_at, 1)} for item in page.items]
    return {"total": page.total, "items": items}


def _print(console: Console, name: str, page: QueuePage, now: float) -> None:
    title = {"waiting": "Waiting", "failed": "Given up"}[name]
    if not page.total:
        console.print(f"{title}: nothing.")
        return
    shown = f"{len(page.items)} of {page.total}, the oldest first"
    table = Table(
        "id", "thread", "kind", "age", "why", "interrupted", "failed", "worker",
        title=f"{title}: {shown}", title_justify="left",
    )  # fmt: skip
    for item in page.items:
        why = item.outcome or "waits"
        cells = (
            item.id, item.thread, item.kind, age(now - item.received_at), why, item.attempts, item.failures,
        )  # fmt: skip
        table.add_row(*(printable(str(cell)) for cell in (*cells, item.worker)))
    console.print(table, markup=False)
