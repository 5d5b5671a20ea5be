"""An agent answers in a thread that was handed over to the built-in inbox.

1. What an agent writes is kept before it is sent: nothing typed is lost, whatever happens then.
2. In a thread one reply goes out after the other, whichever processes they come from. The next one goes when
   the one before it was sent, or has failed.
3. A reply that has failed stays until somebody retries or drops it. What of it went out stays out once.
4. What Meta's refusal says about the thread is noted: who has it, or why nothing gets to the person.
5. The first answer ends the wait for one (`answer_within`).
6. Text and file of one reply are messages of their own, the text first: Meta takes one or the other.

When a reply may go, and as what, is in sending_rules.py; what is noted once it has gone, in sent_parts.py;
how, in delivery.py.
"""

from __future__ import annotations

import time
import uuid
from typing import Any, Callable, Dict, List, Optional

from handover_channel import log
from handover_channel.control.thread_control import ThreadControl
from handover_channel.errors import GraphError, HandoverError, HandoverRefused, StoreUnavailable
from handover_channel.graph_api.client import GraphApi
from handover_channel.messenger import messages
from handover_channel.messenger.bubble import is_visible
from handover_channel.messenger.events import MESSENGER, Attachment
from handover_channel.replies import sent_parts
from handover_channel.replies.delivery import ReplyDelivery
from handover_channel.replies.sending_rules import PortOf, SendingRules, check_reply, kind_of, sending_rules
from handover_channel.replies.sent_parts import SentPart
from handover_channel.rules.control import Control
from handover_channel.settings.loader import Settings
from handover_channel.store import Store, page_updates, replies, sent_messages, threads, worker_names
from handover_channel.store.replies import PATIENCE, File, Reply
from handover_channel.store.threads import Thread
from handover_channel.store.transcript import AGENT, Line

logger = log.logger(__name__)

#: Who answers by `handover reply`.
COMMAND_LINE = "command line"

#: Seconds between two looks whether it is a reply's turn.
LOOK = 0.2

NOT_ITS_TURN = "an earlier message of this conversation is still being sent -> send it again in a moment"


class AgentReplies:
    """People who answer for the page. Synchronous, and for any number of threads (of the process) at once."""

    def __init__(
        self,
        settings: Settings,
        store: Store,
        graph: GraphApi,
        clock: Callable[[], float] = time.time,
        *,
        port_of: PortOf = lambda channel: None,
        sleep: Callable[[float], None] = time.sleep,
        thread_control: Optional[ThreadControl] = None,
    ) -> None:
        self._settings = settings
        self._store = store
        self._clock = clock
        self._port_of = port_of
        self._post = ReplyDelivery(settings, store, graph, clock, port_of)
        self._sleep = sleep
        self._refusals = (thread_control or ThreadControl(settings, store, graph, clock)).refusals

    def sending_rules(self, row: Thread) -> SendingRules:
        """Tell in advance whether an agent may answer in the thread of *row*."""
        return sending_rules(row, self._clock(), self._port_of)

    def reply(
        self, thread: str, text: str, *, agent: str = COMMAND_LINE, key: str = "", file: Optional[File] = None
    ) -> Reply:
        """Keep what *agent* writes, send it to the person of *thread*, and return what became of it.

        Returns when it was sent or has failed (`state`, `error`: in words, with the remedy). *key* is the
        page's own for this message; the same once more returns the same reply, and sends nothing. Raises
        HandoverRefused for what is not kept: neither text nor file, more than can be sent, a file that cannot
        be, a thread that was never seen.
        """
        row = self._row(thread)
        check_reply(text, file, row.channel)
        text = text if is_visible(text) else ""
        key = key or uuid.uuid4().hex
        with self._store.writing() as connection:
            now = self._clock()
            new = replies.add(connection, thread, key=key, agent=agent, text=text, file=file, now=now)
            if new:
                page_updates.add(connection, thread, now=now)
        return self._delivered(new) if new else self._same(thread, agent, key)

    def retry(self, reply: int, *, thread: Optional[str] = None) -> Reply:
        """Send a reply that has failed once more, and return what became of it.

        Where it has not failed (or somebody else retries it) nothing is sent. Raises HandoverRefused for one
        that is not there, or not in *thread*.
        """
        found = self._find(reply, thread)
        with self._store.writing() as connection:
            again = replies.retry(connection, found, now=self._clock())
        return self._delivered(self._find(reply, thread)) if again else self._find(reply, thread)

    def drop(self, reply: int, *, thread: Optional[str] = None) -> bool:
        """Forget a reply that has failed. False: it has not. Raises as `retry`."""
        found = self._find(reply, thread)
        with self._store.writing() as connection:
            page_updates.add(connection, found.thread, now=self._clock())
            return replies.drop(connection, found)

    def _same(self, thread: str, agent: str, key: str) -> Reply:
        with self._store.reading() as connection:
            found = replies.with_key(connection, key, now=self._clock())
        if found is None or (found.thread, found.agent) != (thread, agent):
            raise HandoverRefused("this key belongs to another reply -> load the page anew")
        return found

    def _find(self, reply: int, thread: Optional[str]) -> Reply:
        with self._store.reading() as connection:
            found = replies.get(connection, reply, now=self._clock())
        if found is None or thread not in (None, found.thread):
            raise HandoverRefused("there is no such reply in this conversation -> load the page anew")
        return found

    def _row(self, thread: str) -> Thread:
        with self._store.reading() as connection:
            row = threads.get(connection, thread)
        if row is None:
            raise HandoverRefused(f"thread {thread} was never seen -> is it the person's PSID on this page?")
        return row

    # --- sending ----------------------------------------------------------------------------------

    def _delivered(self, reply: Reply) -> Reply:
        worker = worker_names.new()
        try:
            self._await_turn(reply, worker)
            try:
                self._send(reply, worker)
            finally:
                with self._store.writing() as connection:
                    replies.release(connection, reply, worker=worker)
        except StoreUnavailable:
            raise  # nothing can be noted: it is shown as interrupted, or its echo says that it was sent
        except HandoverError as error:
            logger.warning("thread %s: reply %d was not sent: %s", reply.thread, reply.id, error)
            with self._store.writing() as connection:
                replies.failed(connection, reply.id, str(error))
                page_updates.add(connection, reply.thread, now=self._clock())
            self._learn(reply.thread, error)
        return self._find(reply.id, None)

    def _learn(self, thread: str, error: HandoverError) -> None:
        """Note what Meta's refusal says about the thread: from then on the page tells it."""
        if not isinstance(error, GraphError):
            return
        try:
            row = self._row(thread)
            if row.state.control is Control.INBOX:
                self._refusals.learn(row, error)
        except Exception as problem:  # that the reply has failed is noted, and is what counts
            logger.error("thread %s: nothing was learnt of the refusal: %s", thread, log.trace(problem))
        with self._store.writing() as connection:
            page_updates.add(connection, thread, now=self._clock())

    def _await_turn(self, reply: Reply, worker: str) -> None:
        waited = 0.0
        while not self._begins(reply, worker):
            if waited >= PATIENCE:
                raise HandoverRefused(NOT_ITS_TURN)
            self._sleep(LOOK)
            waited += LOOK

    def _begins(self, reply: Reply, worker: str) -> bool:
        with self._store.reading() as connection:
            if not replies.is_next(connection, reply, now=self._clock()):
                return False
        with self._store.writing() as connection:
            return replies.begin(connection, reply, worker=worker, now=self._clock())

    def _send(self, reply: Reply, worker: str) -> None:
        row = self._row_in_inbox(reply.thread)
        with self._store.reading() as connection:
            file = replies.file_of(connection, reply)
        parts = _messages_of(reply)
        for number, message in enumerate(parts, start=1):
            part = SentPart(reply.id, number, len(parts))
            with self._store.writing() as connection:
                mine = replies.renew(connection, reply, worker=worker, now=self._clock())
            if not mine:
                return  # it took so long that somebody else has begun; it has noted what is known of us
            if not self._went_out(row, part):
                self._send_part(row, reply.agent, part, message, file if "attachment" in message else None)

    def _went_out(self, row: Thread, part: SentPart) -> bool:
        with self._store.reading() as connection:
            return sent_messages.find(connection, part.tag) or sent_messages.find_echo(
                connection, row.id, part.tag
            )

    def _send_part(
        self, row: Thread, agent: str, part: SentPart, message: Dict[str, Any], file: Optional[File]
    ) -> None:
        began = self._clock()  # not later: Meta says up to when all was delivered, by when it took a message
        mid = self._post.send(row, agent, part, message, file)
        line = Line(
            author=AGENT,
            text=message.get("text", ""),
            timestamp=int(began * 1000),
            mid=mid,
            app_id=self._settings.app_id if row.channel == MESSENGER else "",
            attachments=[Attachment(message["attachment"]["type"])] if "attachment" in message else (),
        )
        sent_parts.note_sent(self._settings, self._store, row, part, line, now=self._clock())
        if row.channel == MESSENGER:
            self._refusals.refute(row)

    def _row_in_inbox(self, thread: str) -> Thread:
        row = self._row(thread)
        if row.state.control is not Control.INBOX:
            who = row.state.target or row.state.control.value
            raise HandoverRefused(
                f"thread {thread} is with {who!r}, not in the built-in inbox -> "
                "take it over there, then send this again"
            )
        return row


def _messages_of(reply: Reply) -> List[Dict[str, Any]]:
    files = [{"attachment": {"type": kind_of(reply.file_type), "payload": {}}}] if reply.file_type else []
    return [*messages.text_messages(reply.text), *files]
