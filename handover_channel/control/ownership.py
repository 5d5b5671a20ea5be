"""Asks Meta who owns a thread, and takes control there.

If Meta cannot be asked, nothing is known: no answer is never taken for consent.
"""

from __future__ import annotations

from typing import Callable, Optional

from handover_channel import log
from handover_channel.errors import GraphError
from handover_channel.graph_api.client import GraphApi, ThreadOwner
from handover_channel.messenger.events import MESSENGER
from handover_channel.rules.control import has_lapsed
from handover_channel.settings.loader import Settings
from handover_channel.store.threads import Thread

logger = log.logger(__name__)


class Ownership:
    """The ownership of threads, which is Meta's side of their control. Used by thread_control.py alone."""

    def __init__(self, settings: Settings, graph: GraphApi, clock: Callable[[], float]) -> None:
        self._settings = settings
        self._graph = graph
        self._clock = clock

    def token(self, row: Thread) -> str:
        """Return the token of *row*'s page. Raises TokenRefused as `Settings.token_for`."""
        return self._settings.token_for(row.page)

    def ask(self, row: Thread) -> Optional[ThreadOwner]:
        """Return Meta's answer to `thread_owner`, None where there is none."""
        if row.channel != MESSENGER:
            return None
        try:
            return self._graph.thread_owner(self.token(row), row.id)
        except GraphError as error:
            logger.warning("thread %s: the owner could not be asked for: %s", row.id, error)
            return None

    def is_other(self, owner: ThreadOwner) -> bool:
        """Tell whether *owner* is another app, named or hidden."""
        return is_other(owner, self._settings.app_id, self._clock())

    def take(self, row: Thread, *, signs: bool = False) -> bool:
        """Take control from another app. Raises the GraphError of a refusal, unless control is nobody else's.

        Refused is also a take of what is ours already (an earlier call of ours), and, without a default app,
        of what nobody owns. False: it is taken to be nobody's, by signs alone: Meta names no owner, and a
        message of the person reached us as if we were (*signs*), or there was silence for Meta's 24 hours.
        https://developers.facebook.com/documentation/business-messaging/messenger-platform/conversation-routing
        """
        try:
            self._graph.take_thread_control(self.token(row), row.id)
        except GraphError:
            owner = self.ask(row)
            if owner is None or self.is_other(owner):
                raise
            if owner.app_id != self._settings.app_id:
                # A release that was none counts as activity: somebody had the thread then.
                since = max(row.active_at, row.changed_at if row.release_refused else 0.0)
                if not (signs or has_lapsed(since, self._clock())):
                    raise
                return False
        return True


def is_other(owner: ThreadOwner, own: str, now: float) -> bool:
    """Tell whether *owner* is another app than *own*, named or hidden. *now*: in seconds since the epoch."""
    if owner.hidden:
        return (owner.expiration or 0) > now  # what has run out is nobody's any more
    return owner.app_id not in ("", own)
