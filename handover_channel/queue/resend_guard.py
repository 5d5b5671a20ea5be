"""Tells whether a message of an interrupted turn has already gone out, so that it is not sent again.

1. What Meta accepted is noted, and known to the process that sent it even while nothing can be written. What
   Meta accepted just before a process died is known by its echo, which carries our `metadata`. Echoes had
   their time to come before (`BotPort.let_echoes_come`).
2. What neither shows is sent again, and the log says that it may be there twice.

Synchronous: on an event loop, call it in a thread.
"""

from __future__ import annotations

from typing import Iterable

from handover_channel import log
from handover_channel.metrics import counters
from handover_channel.store import Store, sent_messages

logger = log.logger(__name__)


class ResendGuard:
    """Knows what was sent for one delivery. *again*: it was begun before, and interrupted."""

    def __init__(
        self,
        store: Store,
        delivery: str,
        *,
        again: bool,
        recent: Iterable[str] = (),
    ) -> None:
        self._store = store
        self._delivery = delivery
        self._again = again
        self._recent = recent

    def was_sent(self, thread: str, tag: str) -> bool:
        """Tell whether the message with *tag* is known to have gone out. Raises StoreUnavailable."""
        if not self._again:
            return False
        if self._is_known(thread, tag):
            return True
        logger.warning("thread %s: a message of delivery %s may be there twice", thread, self._delivery)
        counters.turn_repeated()
        self._again = False  # the turn was interrupted here: what follows never went out
        return False

    def _is_known(self, thread: str, tag: str) -> bool:
        if tag in tuple(self._recent):
            return True
        with self._store.reading() as connection:
            return sent_messages.find(connection, tag) or sent_messages.find_echo(connection, thread, tag)
