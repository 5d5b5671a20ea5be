"""Holds what the routes of the pages for admins use."""

from __future__ import annotations

import time
from typing import Callable, Mapping, Optional

from handover_channel.control.person_data import Conversations, PersonData
from handover_channel.inbox.admin.agent_accounts import AgentAccounts
from handover_channel.inbox.admin.canned_replies import CannedReplies
from handover_channel.inbox.admin.reports import Reports
from handover_channel.inbox.admin.tags import Tags
from handover_channel.inbox.passwords import Passwords
from handover_channel.store import Store, profiles


class AdminServices:
    """What admins look after. Every method of its parts takes the database, so a thread.

    *fixed*: the canned replies of handover.yml; *conversations*: those of Rasa.
    """

    def __init__(
        self,
        store: Store,
        conversations: Conversations,
        fixed: Mapping[str, str],
        clock: Callable[[], float] = time.time,
        made: Optional[Passwords] = None,
    ) -> None:
        self._store = store
        self.agents = AgentAccounts(store, clock, made)
        self.reports = Reports(store, clock)
        self.canned = CannedReplies(fixed, store, clock)
        self.tags = Tags(store, clock)
        self.person_data = PersonData(store, conversations, clock)

    def name_of(self, thread: str) -> str:
        """Return the name of a person, "" where it is not known."""
        with self._store.reading() as connection:
            found = profiles.get(connection, thread)
        return found.name if found else ""
