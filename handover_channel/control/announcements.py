"""Tells the person around a handover to the built-in inbox how many wait before them, and who has joined.

1. It is said as the page, while the bot is silent already; the agents see it in the transcript.
2. It is a courtesy: each notice is tried once, and what Meta refuses is logged. What a refusal says about
   the thread (another app has it, the person cannot be reached) is noted as for an agent's message.
3. Nothing here is written by a person, so it goes out within the standard window only
   (rules/messaging_window.py), and never with the tag HUMAN_AGENT.
4. On other channels the caller says it: only Rasa's outputs get there.

Used by thread_control.py alone.
"""

from __future__ import annotations

from contextlib import suppress
from typing import Any, Callable, Dict, List

from handover_channel import log
from handover_channel.errors import GraphError, StoreUnavailable
from handover_channel.graph_api.client import GraphApi
from handover_channel.graph_api.remedies import Caller, meant_for
from handover_channel.messenger import messages
from handover_channel.messenger.events import MESSENGER, OUR_METADATA
from handover_channel.metrics import counters
from handover_channel.rules import messaging_window
from handover_channel.rules.control import Control
from handover_channel.settings.inbox import filled
from handover_channel.settings.loader import Settings
from handover_channel.store import Store, page_updates, sent_messages, threads, transcript
from handover_channel.store.threads import Thread
from handover_channel.store.transcript import BOT, Line

logger = log.logger(__name__)


class Announcements:
    """An announcement is what we say to the person by ourselves.

    *token*: returns that of the page of a row; raises GraphError. *refused*: is told of refusals.
    """

    def __init__(
        self,
        settings: Settings,
        store: Store,
        graph: GraphApi,
        token: Callable[[Thread], str],
        clock: Callable[[], float],
        refused: Callable[[Thread, GraphError], None] = lambda row, error: None,
    ) -> None:
        self._settings = settings.inbox
        self._store = store
        self._graph = graph
        self._token = token
        self._clock = clock
        self._refused = refused

    def ahead(self, row: Thread) -> str:
        """Return what to say about those who wait before the person; "" for nothing."""
        if not self._settings.ahead or row.state.control is not Control.INBOX:
            return ""
        try:
            with self._store.reading() as connection:
                count = threads.waiting_before(connection, row)
        except StoreUnavailable as error:
            logger.warning("thread %s: who waits before is not known: %s", row.id, error)
            return ""
        return filled(self._settings.ahead, count=count) if count else ""

    def tell_ahead(self, row: Thread) -> None:
        """Tell the person on Messenger who wait before them."""
        text = self.ahead(row)
        if text:
            self._say(row, text, "ahead")

    def tell_joined(self, row: Thread, name: str) -> str:
        """Tell the person that the agent *name* has joined; return what is left for the caller to say."""
        if not self._settings.joined or row.state.control is not Control.INBOX:
            return ""
        text = filled(self._settings.joined, agent=name)
        try:
            with self._store.writing() as connection:
                first = sent_messages.add(connection, _tag(row, "joined"), now=self._clock())
            if first and row.channel == MESSENGER:
                self._say(row, text, "joined")
            elif first:
                self._keep(row, text)
                return text
        except StoreUnavailable as error:
            logger.warning("thread %s: the person was not told (joined): %s", row.id, error)
        return ""

    def _say(self, row: Thread, text: str, what: str) -> None:
        try:
            for number, message in enumerate(self._due(row, text), start=1):
                tag = f"{OUR_METADATA}{_tag(row, what)}.{number}"
                body = messages.send_body(row.id, {**message, "metadata": tag})
                with meant_for(Caller.NOTICE):
                    answer = self._graph.send(self._token(row), body)
                counters.sent(body)
                self._keep(row, message["text"], str(answer.get("message_id", "")))
        except (GraphError, StoreUnavailable) as error:
            logger.warning("thread %s: the person was not told (%s): %s", row.id, what, error)
            if isinstance(error, GraphError):
                with suppress(StoreUnavailable):
                    self._refused(row, error)

    def _keep(self, row: Thread, text: str, mid: str = "") -> None:
        line = Line(BOT, text, int(self._clock() * 1000), mid=mid)
        with self._store.writing() as connection:
            transcript.add(connection, row.id, line)
            page_updates.add(connection, row.id, now=self._clock())

    def _due(self, row: Thread, text: str) -> List[Dict[str, Any]]:
        is_open = messaging_window.is_open(row.silence(self._clock()))
        return messages.text_messages(text) if is_open else []


def _tag(row: Thread, what: str) -> str:
    # One for each handover: the row's last change is what it is about.
    return f"{what}.{row.id}.{row.changed_at:.6f}"
