"""Sends what the bot says to Messenger, if it may: the outbound lock. No Rasa.

1. Before every call the row of the thread is read: the bot does not speak in a thread it does not control. If
   that cannot be found out, it does not speak.
2. Meta's answer is read. If another app has control (10/2018300), that is a handover. What it says about the
   set-up (a refused token) is kept for people. The Graph client has retried transient errors already.
3. Each message that Meta accepted is noted with the id it got: a repeated turn does not say it again, and its
   echo is known as ours whatever app it names.

Synchronous: on an event loop, call it in a thread.
"""

from __future__ import annotations

import logging
from typing import Any, Callable, Mapping, Optional

from handover_channel import log
from handover_channel.control.thread_control import ThreadControl
from handover_channel.errors import GraphError, NotThreadOwner, StoreUnavailable
from handover_channel.graph_api.client import GraphApi
from handover_channel.messenger.events import OUR_METADATA
from handover_channel.metrics import counters
from handover_channel.queue.resend_guard import ResendGuard
from handover_channel.rules.turn_outcome import Spoken
from handover_channel.store import findings

logger = log.logger(__name__)


class Gate:
    """The way out for one turn. *repeats*: what had gone out before it was interrupted, None: outside a turn.

    *note* is given the tag and Meta's id of each message that it accepted.
    """

    def __init__(
        self,
        thread_control: ThreadControl,
        graph: GraphApi,
        resend_guard: Optional[ResendGuard] = None,
        note: Callable[[str, str], None] = lambda tag, mid: None,
    ) -> None:
        self._thread_control = thread_control
        self._graph = graph
        self._resend_guard = resend_guard
        self._note = note

    def send(self, thread: str, body: Mapping[str, Any]) -> Spoken:
        """Send *body*, complete as the Send API takes it, in *thread*, and return what became of it.

        Raises StoreUnavailable in a turn: it is interrupted, and taken up again.
        """
        token: Optional[str] = ""
        try:
            token = self._thread_control.token_to_speak(thread)
            if token is None:
                logger.info("thread %s: not sent, the bot does not have control", thread)
                counters.sent(body, counters.MUTED)
                return Spoken(held=1)
            tag = _tag_of(body)
            if tag and self._resend_guard and self._resend_guard.was_sent(thread, tag):
                logger.info("thread %s: %s went out before the restart", thread, tag)
                return Spoken(sent=1)
            answer = self._graph.send(token, body)
            self._sent(token, tag, body, str(answer.get("message_id") or ""))
            return Spoken(sent=1)
        except GraphError as error:
            return self._refused(thread, token or "", body, error)
        except StoreUnavailable as error:
            logger.error("thread %s: not sent, who has control is not known: %s", thread, error)
            counters.not_sent(body, error)
            if self._resend_guard:
                raise
            return Spoken(held=1)

    def _sent(self, token: str, tag: str, body: Mapping[str, Any], mid: str) -> None:
        counters.sent(body)
        if tag or mid:
            self._note(tag or mid, mid)
        if "message" not in body:
            return  # "typing" is taken from a token, too, that may not send a message
        page = self._thread_control.settings.page_of(token)
        self._thread_control.findings.works(findings.TOKEN_REFUSED, page)

    def _refused(self, thread: str, token: str, body: Mapping[str, Any], error: GraphError) -> Spoken:
        lost = isinstance(error, NotThreadOwner)
        level, why = (logging.WARNING, ", another app has control") if lost else (logging.ERROR, "")
        logger.log(level, "thread %s: not sent%s: %s", thread, why, error)
        counters.not_sent(body, error)
        if lost:
            self._thread_control.refused_to_speak(thread, str(error))
        else:
            page = self._thread_control.settings.page_of(token)
            self._thread_control.findings.refused(error, page=page, thread=thread)
        return Spoken(refused=(type(error).__name__,))


def _tag_of(body: Mapping[str, Any]) -> str:
    metadata = str((body.get("message") or {}).get("metadata") or "")
    return metadata[len(OUR_METADATA) :] if metadata.startswith(OUR_METADATA) else ""
