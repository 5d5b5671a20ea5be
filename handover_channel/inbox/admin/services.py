"""Holds what the routes of the pages for admins use."""

from __future__ import annotations

import time
from typing import Callable, Optional

from handover_channel.inbox.admin.agent_accounts import AgentAccounts
from handover_channel.inbox.admin.reports import Reports
from handover_channel.inbox.passwords import Passwords
from handover_channel.store import Store


class AdminServices:
    """What admins look after. Every method of its parts takes the database, so a thread."""

    def __init__(
        self, store: Store, clock: Callable[[], float] = time.time, made: Optional[Passwords] = None
    ) -> None:
        self.agents = AgentAccounts(store, clock, made)
        self.reports = Reports(store, clock)
