"""Reads in the bot's own database who had control when, and what agents did in the inbox.

Meta knows nothing of the built-in inbox: the thread is the bot's there. So a recording at Meta's side alone
cannot tell an agent's click from the bot's own doing, and the log of changes can.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Dict, List, Protocol

import sqlalchemy as sa

from handover_channel.rules.control import TOOK_OVER, Control
from handover_channel.rules.return_reasons import ReturnReason
from handover_channel.store import Store
from handover_channel.store.schema import changes


@dataclass(frozen=True)
class Changed:
    """A change of control. *name*: who has it from then on, as scenarios name them; "" while it passes."""

    number: int
    at: float  #: seconds since the epoch, the bot's clock
    name: str
    by_agent: str = ""  #: "takes_over", "done", "" for a change that no agent made


class ControlLog(Protocol):
    """Tells the changes of control of a thread."""

    def after(self, thread: str, number: int) -> List[Changed]:
        """Return the changes after that number, oldest first."""


class StoreLog:
    """The log of changes in the bot's database."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def after(self, thread: str, number: int) -> List[Changed]:
        """See `ControlLog`."""
        query = sa.select(changes).where(changes.c.thread == thread, changes.c.id > number)
        with self._store.reading() as connection:
            return [_changed(row) for row in connection.execute(query.order_by(changes.c.id)).mappings()]


_ACTS_OF_AGENTS: Dict[str, str] = {TOOK_OVER: "takes_over", ReturnReason.AGENT.value: "done"}


def _changed(row: sa.engine.RowMapping) -> Changed:
    names = {Control.BOT.value: "bot", Control.PASSING.value: "", Control.BESIDE.value: "beside"}
    name = names.get(row["control"])
    by_agent = _ACTS_OF_AGENTS.get(row["reason"], "") if row["who"] else ""
    return Changed(row["id"], row["at"], (row["target"] or "page_inbox") if name is None else name, by_agent)
