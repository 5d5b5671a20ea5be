"""Hands a thread on whose bot is silent already: from the built-in inbox to another target.

1. To an app: Meta first, then the row. What Meta refuses leaves the thread where it is. The bot is silent
   before, in between and after.
2. To another inbox: the row alone. It waits there for the agents of that one, and is nobody's.
3. The time limit is the new target's own, and counts from then on: it was an agent's decision.

Used by thread_control.py, and through it by the inbox.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Callable

from handover_channel import log
from handover_channel.control.announcements import Announcements
from handover_channel.control.ownership import Ownership
from handover_channel.control.reachable_targets import expect_reachable
from handover_channel.control.transition_writer import Transition, TransitionWriter
from handover_channel.errors import NO_SUCH_CONVERSATION, NOT_HERE_NOW, GraphUnavailable, NotKnown, Refused
from handover_channel.graph_api.client import GraphApi
from handover_channel.messenger.events import MESSENGER
from handover_channel.rules.control import HANDED_ON, Change, Control
from handover_channel.settings.loader import Settings, Target, TargetKind
from handover_channel.store.threads import Thread

logger = log.logger(__name__)


class HandingOn:
    """Passes threads on that the bot does not have. Synchronous, as `ThreadControl`."""

    def __init__(
        self,
        settings: Settings,
        graph: GraphApi,
        clock: Callable[[], float],
        ownership: Ownership,
        transitions: TransitionWriter,
        announcements: Announcements,
    ) -> None:
        self._settings = settings
        self._graph = graph
        self._clock = clock
        self._ownership = ownership
        self._transitions = transitions
        self._announcements = announcements

    def to(self, thread: str, target: str, *, who: str, note: str = "") -> Thread:
        """Hand *thread* on to the target of that name for the agent *who*, and return its row.

        Raises NotKnown for a thread that was never seen; Refused where it is not in the inbox, is with that
        target already, or has changed hands meanwhile; HandoverRefused for a target that is unknown, not
        reachable, or closed; or what Meta refuses (GraphError). It stays in the inbox then.
        """
        row, to = self._transitions.find(thread), self._settings.target(target)
        if row is None:
            raise NotKnown(NO_SUCH_CONVERSATION)
        expect_reachable(row, to, channel=row.channel)
        if row.state.control is not Control.INBOX:
            raise Refused(NOT_HERE_NOW)
        if row.state.target == to.name:
            raise Refused("this conversation is with %(target)s already -> choose another", target=to.name)
        to.expect_open(self._clock())
        after = self._to_inbox(row, to, who, note) if to.kind is TargetKind.INBOX else None
        after = after or self.pass_on(
            row,
            to.app_id,
            Transition(Change.PASS_ACCEPTED, HANDED_ON, who, target=to.name, note=note, own_limit=True),
            metadata=to.metadata,
        )
        if after.state.target != to.name:
            raise Refused(
                "thread %(thread)s has changed hands meanwhile -> reload to see who has it", thread=thread
            )
        return after

    def pass_on(self, row: Thread, app_id: str, wanted: Transition, *, metadata: str = "") -> Thread:
        """Pass the thread of *row* to that app, write *wanted* down, and return the row.

        Raises what Meta refuses (GraphError). Where its answer is lost, it is asked who has the thread.
        """
        try:
            self._graph.pass_thread_control(self._ownership.token(row), row.id, app_id, metadata)
        except GraphUnavailable as error:
            if not getattr(error, "sent", True):
                raise
            owner = self._ownership.ask(row)
            if owner is None or not self._ownership.is_other(owner):
                raise
        return self._transitions.change(row.id, replace(wanted, owner=app_id))

    def _to_inbox(self, row: Thread, to: Target, who: str, note: str) -> Thread:
        after = self._transitions.change(
            row.id, Transition(Change.HANDED_ON, HANDED_ON, who, target=to.name, note=note)
        )
        if after.channel == MESSENGER and after.state.target == to.name:
            self._announcements.tell_ahead(after)
        return after
