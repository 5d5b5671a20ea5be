"""Sends the replies of agents in threads that were handed over to the built-in inbox.

1. A reply is kept before it is sent: nothing typed is lost, whatever happens then. Usually it is kept and
   begun in one transaction, and noted in a second one; Meta is called in between, with none open.
2. Within a thread replies go out one after the other, whichever processes they come from. The next one goes
   when the one before it was sent, or has failed.
3. A reply that has failed stays until somebody retries or drops it. What of it went out stays out once.
4. What Meta's refusal says about the thread is noted: who has it, or why nothing gets to the person.
5. The first answer ends the wait for one (`answer_within`).
6. Text and file of one reply are messages of their own, the text first: Meta takes one or the other.

sending_rules.py decides when a reply may go, and as what; delivery.py sends a message of it; sent_parts.py
records that it was sent.
"""

from __future__ import annotations

import time
import uuid
from typing import Any, Callable, Dict, List, NamedTuple, Optional

from sqlalchemy.engine import Connection

from handover_channel import log
from handover_channel.control.thread_control import ThreadControl
from handover_channel.errors import GraphError, HandoverError, NotKnown, Refused, StoreUnavailable
from handover_channel.graph_api.client import GraphApi
from handover_channel.messenger import messages
from handover_channel.messenger.bubble import is_visible
from handover_channel.messenger.events import MESSENGER, Attachment
from handover_channel.replies import sent_parts
from handover_channel.replies.delivery import ReplyDelivery
from handover_channel.replies.sending_rules import PortOf, SendingRules, check_reply, kind_of, sending_rules
from handover_channel.replies.sent_parts import SentPart
from handover_channel.rules.control import Control
from handover_channel.sentences import Sentence
from handover_channel.settings.loader import Settings
from handover_channel.store import Store, page_updates, replies, sent_messages, threads, worker_names
from handover_channel.store.replies import REPLY_WAITS_SECONDS, File, Reply
from handover_channel.store.threads import Thread
from handover_channel.store.transcript import AGENT, Line

logger = log.logger(__name__)

#: Who answers by `handover reply`.
COMMAND_LINE = "command line"

#: Seconds between two looks whether it is a reply's turn.
LOOK_FOR_TURN_EVERY = 0.2

NOT_ITS_TURN = Sentence(
    "an earlier message of this conversation is still being sent -> send it again in a moment"
)


class _Begun(NamedTuple):
    """What is known of a reply in the transaction that begins with it."""

    row: Optional[Thread]  #: its thread
    is_out: bool  #: its first message has gone out already


class AgentReplies:
    """Sends the replies of agents. Synchronous, and for any number of threads of the process at once."""

    def __init__(
        self,
        settings: Settings,
        store: Store,
        graph: GraphApi,
        thread_control: ThreadControl,
        clock: Callable[[], float] = time.time,
        *,
        port_of: PortOf = lambda channel: None,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._settings = settings
        self._store = store
        self._clock = clock
        self._port_of = port_of
        self._delivery = ReplyDelivery(settings, store, graph, clock, port_of)
        self._sleep = sleep
        self._refusals = thread_control.refusals

    def sending_rules(self, row: Thread) -> SendingRules:
        """Tell in advance whether an agent may answer in the thread of *row*."""
        return sending_rules(row, self._clock(), self._port_of)

    def reply(
        self,
        thread: str,
        text: str,
        *,
        agent: str = COMMAND_LINE,
        key: str = "",
        file: Optional[File] = None,
        check: Callable[[Connection], None] = lambda connection: None,
    ) -> Reply:
        """Keep what *agent* writes, send it to the person of *thread*, and return what became of it.

        Returns when it was sent or has failed (`state`, `error`: in words, with the remedy). *key* is the
        page's own for this message; the same once more returns the same reply, and sends nothing. *check*
        raises what speaks against a new one, in the transaction that keeps it: of two agents who answer at
        the same moment, the second one's sees the first one's reply. Raises as that, as `check_reply` for
        what cannot be sent, NotKnown for a thread that was never seen, and Refused for the key of another
        reply: nothing is kept then.
        """
        worker, key = worker_names.new(), key or uuid.uuid4().hex
        with self._store.writing() as connection:
            row = threads.get(connection, thread)
            if row is None:
                raise _never_seen(thread)
            check_reply(text, file, row.channel)
            now, text = self._clock(), text if is_visible(text) else ""
            new = replies.add(connection, thread, key=key, agent=agent, text=text, file=file, now=now)
            if new is None:
                return self._same(connection, thread, agent, key)
            page_updates.add(connection, thread, now=now)
            begun = self._begin(connection, new, worker, row)  # takes a lock: from here on, others wait
            check(connection)
        return self._delivered(new, file, begun, worker)

    def retry(self, reply: int, *, thread: Optional[str] = None) -> Reply:
        """Send a reply that has failed once more, and return what became of it.

        Where it has not failed (or somebody else retries it) nothing is sent. Raises NotKnown for one
        that is not there, or not in *thread*.
        """
        with self._store.writing() as connection:
            found = self._found(connection, reply, thread)
            again = replies.retry(connection, found, now=self._clock())
            found = self._found(connection, reply, thread)
            if not again:
                return found
            file = replies.file_of(connection, found)
        return self._delivered(found, file, None, worker_names.new())

    def drop(self, reply: int, *, thread: Optional[str] = None) -> bool:
        """Forget a reply that has failed. False: it has not. Raises as `retry`."""
        with self._store.writing() as connection:
            found = self._found(connection, reply, thread)
            page_updates.add(connection, found.thread, now=self._clock())
            return replies.drop(connection, found)

    def _same(self, connection: Connection, thread: str, agent: str, key: str) -> Reply:
        found = replies.with_key(connection, key, now=self._clock())
        if found is None or (found.thread, found.agent) != (thread, agent):
            raise Refused("this message was sent already -> load the page anew")
        return found

    def _found(self, connection: Connection, reply: int, thread: Optional[str]) -> Reply:
        found = replies.get(connection, reply, now=self._clock())
        if found is None or thread not in (None, found.thread):
            raise NotKnown("there is no such reply in this conversation -> load the page anew")
        return found

    # --- sending ----------------------------------------------------------------------------------

    def _delivered(self, reply: Reply, file: Optional[File], begun: Optional[_Begun], worker: str) -> Reply:
        """Send a reply that is kept, at its turn, and return what became of it."""
        try:
            noted = self._sent(reply, file, begun or self._await_turn(reply, worker), worker)
        except StoreUnavailable:
            raise  # nothing can be noted: it is shown as interrupted, or its echo says that it was sent
        except HandoverError as error:
            logger.warning("thread %s: reply %d was not sent: %s", reply.thread, reply.id, error)
            with self._store.writing() as connection:
                replies.failed(connection, reply.id, error.text)
                page_updates.add(connection, reply.thread, now=self._clock())
            self._learn(reply.thread, error)
            noted = None
        if noted is not None:
            return noted
        with self._store.reading() as connection:
            return self._found(connection, reply.id, None)

    def _learn(self, thread: str, error: HandoverError) -> None:
        """Note what Meta's refusal says about the thread: from then on the page tells it."""
        if not isinstance(error, GraphError):
            return
        try:
            with self._store.glancing() as connection:
                row = threads.get(connection, thread)
            if row is not None and row.state.control is Control.INBOX:
                self._refusals.learn(row, error)
        except Exception as problem:  # that the reply has failed is noted, and is what counts
            logger.error("thread %s: nothing was learnt of the refusal: %s", thread, log.trace(problem))
        with self._store.writing() as connection:
            page_updates.add(connection, thread, now=self._clock())

    def _await_turn(self, reply: Reply, worker: str) -> _Begun:
        waited = 0.0
        while True:
            with self._store.reading() as connection:
                is_next = replies.is_next(connection, reply, now=self._clock())
            if is_next:
                with self._store.writing() as connection:
                    if begun := self._begin(connection, reply, worker):
                        return begun
            if waited >= REPLY_WAITS_SECONDS:
                raise Refused(NOT_ITS_TURN)
            self._sleep(LOOK_FOR_TURN_EVERY)
            waited += LOOK_FOR_TURN_EVERY

    def _begin(
        self, connection: Connection, reply: Reply, worker: str, row: Optional[Thread] = None
    ) -> Optional[_Begun]:
        """Begin with *reply* if it is its turn, and return what has to be known of it then; else None.

        *row*: its thread, where it was read in the same transaction.
        """
        if not replies.begin(connection, reply, worker=worker, now=self._clock()):
            return None
        row = row or threads.get(connection, reply.thread)
        return _Begun(row, _is_out(connection, reply.thread, _parts_of(reply)[0]))

    def _sent(self, reply: Reply, file: Optional[File], begun: _Begun, worker: str) -> Optional[Reply]:
        """Send what was begun. Returns the reply if its last message was noted, with the claim given up."""
        noted = None
        try:
            row, is_out = _in_inbox(reply.thread, begun.row), begun.is_out
            for part, message in zip(_parts_of(reply), _messages_of(reply)):
                if part.number > 1:
                    with self._store.writing() as connection:
                        if not replies.renew(connection, reply, worker=worker, now=self._clock()):
                            return None  # somebody else has begun meanwhile, and noted what is known of us
                        is_out = _is_out(connection, reply.thread, part)
                if not is_out:
                    mine = file if "attachment" in message else None
                    noted = self._send_part(row, reply.agent, part, message, mine, worker)
            return noted
        finally:
            if noted is None:
                with self._store.writing() as connection:
                    replies.release(connection, reply, worker=worker)

    def _send_part(
        self,
        row: Thread,
        agent: str,
        part: SentPart,
        message: Dict[str, Any],
        file: Optional[File],
        worker: str,
    ) -> Optional[Reply]:
        """Send one message and note it; with the last one, give up the claim and return the reply."""
        began = self._clock()  # not later: Meta says up to when all was delivered, by when it took a message
        mid = self._delivery.send(row, agent, part, message, file)
        line = Line(
            author=AGENT,
            text=message.get("text", ""),
            timestamp=int(began * 1000),
            mid=mid,
            app_id=self._settings.app_id if row.channel == MESSENGER else "",
            attachments=[Attachment(message["attachment"]["type"])] if "attachment" in message else (),
        )
        is_last = part.number == part.total
        given = (self._settings, self._store, row, part, line)
        noted = sent_parts.note_sent(*given, now=self._clock(), worker=worker if is_last else "")
        if row.channel == MESSENGER:
            self._refusals.refute(row)
        return noted if is_last else None


def _is_out(connection: Connection, thread: str, part: SentPart) -> bool:
    """Tell whether a message has gone out, as far as is noted, or as its echo in the queue says."""
    return sent_messages.find(connection, part.tag) or sent_messages.find_echo(connection, thread, part.tag)


def _in_inbox(thread: str, row: Optional[Thread]) -> Thread:
    if row is None:
        raise _never_seen(thread)
    if row.state.control is not Control.INBOX:
        raise Refused(
            "thread %(thread)s is with %(target)r, not in the built-in inbox -> take it over there, then "
            "send this again",
            thread=thread,
            target=row.state.target or row.state.control.value,
        )
    return row


def _never_seen(thread: str) -> NotKnown:
    return NotKnown(
        "thread %(thread)s was never seen -> is it the customer's PSID on this page?", thread=thread
    )


def _parts_of(reply: Reply) -> List[SentPart]:
    total = len(_messages_of(reply))
    return [SentPart(reply.id, number, total) for number in range(1, total + 1)]


def _messages_of(reply: Reply) -> List[Dict[str, Any]]:
    files = [{"attachment": {"type": kind_of(reply.file_type), "payload": {}}}] if reply.file_type else []
    return [*messages.text_messages(reply.text), *files]
