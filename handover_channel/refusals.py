"""Learns from Meta's refusal of a message that an agent, or the inbox itself, sent.

It tells who has the thread, or why nothing gets to the person. Meta is asked once for each refused message,
and nothing is tried again here.
"""

from __future__ import annotations

from typing import Callable, Optional

from handover_channel.control import Change
from handover_channel.errors import GraphError, NotThreadOwner
from handover_channel.graph_api import ThreadOwner
from handover_channel.rules import messaging_window
from handover_channel.rules.obstacle import obstacle_of, silence_with
from handover_channel.store import Store, threads
from handover_channel.store.threads import Thread


class Refusals:
    """What refused messages say about threads. *ask*: Meta, for the owner; *lose*: the switchboard's."""

    def __init__(
        self,
        app_id: str,
        store: Store,
        clock: Callable[[], float],
        ask: Callable[[Thread], Optional[ThreadOwner]],
        lose: Callable[..., Thread],
    ) -> None:
        self._app_id = app_id
        self._store = store
        self._clock = clock
        self._ask = ask
        self._lose = lose

    def learn(self, row: Thread, error: GraphError) -> None:
        """Note what the refusal of a message to the person of *row* says about the thread.

        Another app has control: Meta is asked which. Where it names us the thread has come back meanwhile;
        where it names nobody the refusal counts. Anything else is an obstacle (rules/obstacle.py).
        """
        if isinstance(error, NotThreadOwner):
            self._look_who_has(row)
            return
        silence = silence_with(row.obstacle, messaging_window.silence(row.opened_at, self._clock()))
        obstacle = obstacle_of(error, tagged=not messaging_window.is_open(silence))
        if obstacle:
            with self._store.writing() as connection:
                threads.obstructed(connection, row.id, obstacle.value)

    def _look_who_has(self, row: Thread) -> None:
        owner = self._ask(row)
        if owner is None or owner.app_id != self._app_id:
            self._lose(row, Change.OWNER_FOUND, owner=owner.app_id if owner else "")
