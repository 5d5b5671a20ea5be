"""Keeps who answers in the inbox, for admins. Takes the database, so a thread."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Callable, List

from handover_channel.store import Store, agents
from handover_channel.store.agents import Agent


@dataclass(frozen=True)
class AccountView:
    """An agent, as admins see them. Times in seconds since the epoch."""

    name: str  #: what they sign in with
    shown_name: str
    role: str
    created_at: float


class AgentAccounts:
    """Reads and changes the agents of the inbox."""

    def __init__(self, store: Store, clock: Callable[[], float] = time.time) -> None:
        self._store = store
        self._clock = clock

    def every(self) -> List[AccountView]:
        """Return all agents, by name."""
        with self._store.reading() as connection:
            return [_view(each) for each in agents.every(connection)]


def _view(agent: Agent) -> AccountView:
    return AccountView(agent.name, agent.shown_name, agent.role, agent.created_at)
