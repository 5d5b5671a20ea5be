"""Learns from Meta's refusal of a message that an agent, or the inbox itself, sent.

A refusal shows that another app has the thread, why nothing gets to the person, or what is wrong with the
set-up. Meta is asked once for each refused message, and nothing is sent again here.
"""

from __future__ import annotations

from contextlib import suppress
from typing import Callable, Optional

from handover_channel.errors import GraphError, NotThreadOwner, TokenRefused
from handover_channel.graph_api.client import ThreadOwner
from handover_channel.rules import messaging_window
from handover_channel.rules.control import Change
from handover_channel.rules.obstacle import Obstacle, is_refuted, obstacle_of
from handover_channel.settings.loader import Settings
from handover_channel.store import Store, findings, threads
from handover_channel.store.findings import Findings
from handover_channel.store.threads import Thread


class RefusedMessages:
    """A refused message says something about its thread.

    *ask*: asks Meta for the owner; *lose*: as `ThreadControl.lose`.
    """

    def __init__(
        self,
        settings: Settings,
        store: Store,
        clock: Callable[[], float],
        found: Findings,
        *,
        ask: Callable[[Thread], Optional[ThreadOwner]],
        lose: Callable[..., Thread],
    ) -> None:
        self._settings = settings
        self._store = store
        self._clock = clock
        self._findings = found
        self._ask = ask
        self._lose = lose

    def learn(self, row: Thread, error: GraphError) -> None:
        """Note what the refusal of a message to the person of *row* says about the thread.

        Another app has control: Meta is asked which. Where it names us the thread has come back meanwhile;
        where it names nobody the refusal counts. Anything else is an obstacle (rules/obstacle.py).
        """
        self._findings.refused(error, page=self._page_of(row), thread=row.id)
        if isinstance(error, NotThreadOwner):
            self._look_who_has(row)
            return
        tagged = not messaging_window.is_open(row.silence(self._clock()))
        obstacle = obstacle_of(error, tagged=tagged)
        if obstacle:
            with self._store.writing() as connection:
                threads.obstructed(connection, row.id, obstacle.value)

    def refute(self, row: Thread) -> None:
        """Note that a message got through: what was in its way is no longer, and the token works."""
        self._findings.works(findings.TOKEN_REFUSED, self._page_of(row))
        if is_refuted(row.obstacle):
            with self._store.writing() as connection:
                threads.obstructed(connection, row.id, Obstacle.NONE.value)

    def _page_of(self, row: Thread) -> str:
        """Return the page as the settings name it: one token may serve every page."""
        with suppress(TokenRefused):
            return self._settings.page_of(self._settings.token_for(row.page))
        return row.page

    def _look_who_has(self, row: Thread) -> None:
        owner = self._ask(row)
        if owner is None or owner.app_id != self._settings.app_id:
            self._lose(row, Change.OWNER_FOUND, owner=owner.app_id if owner else "")
