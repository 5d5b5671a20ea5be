"""Changes a thread for an agent: claims, takes over, returns, hands on, extends, notes, tags.

Replies are in replies/. Synchronous; on an event loop, call it in a thread. Every change is announced to the
other open pages. Who may do what in a colleague's conversation is decided in rules/rights.py, and asked by
permissions.py.
"""

from __future__ import annotations

import time
from typing import Callable, Optional

from sqlalchemy.engine import Connection

from handover_channel import log
from handover_channel.control.thread_control import ThreadControl
from handover_channel.errors import NO_SUCH_CONVERSATION, NOT_HERE_NOW, NotKnown, NotUsable, Refused, TooLarge
from handover_channel.inbox import permissions
from handover_channel.messenger.events import MESSENGER
from handover_channel.replies.sending_rules import PortOf
from handover_channel.rules.control import Control
from handover_channel.rules.durations import parse_duration
from handover_channel.rules.return_reasons import ReturnReason
from handover_channel.rules.rights import Act
from handover_channel.sentences import Sentence, counted
from handover_channel.settings.loader import Settings
from handover_channel.store import (
    Store,
    acts,
    agents,
    conversation_lists,
    page_updates,
    presence,
    private_notes,
    replies,
    tags,
    threads,
)
from handover_channel.store.agents import YOU
from handover_channel.store.threads import Thread

logger = log.logger(__name__)

LONGEST_NOTE = 10_000

#: Seconds between two looks for agents who have gone, and until what pages have heard of is forgotten.
TIDY_PRESENCE_EVERY, FORGET_UPDATES_AFTER = 30.0, 600.0
#: Seconds for which it is known, at least, when an agent was last here.
PRESENCE_KEPT_SECONDS = 7 * 86400.0


class Commands:
    """Changes threads for an agent. *agent* is the name they sign in with."""

    def __init__(
        self,
        settings: Settings,
        store: Store,
        thread_control: ThreadControl,
        clock: Callable[[], float] = time.time,
        *,
        port_of: PortOf = lambda channel: None,
    ) -> None:
        self._settings = settings
        self._store = store
        self._thread_control = thread_control
        self._clock = clock
        self._port_of = port_of

    def assign(self, thread: str, *, to: str, seen: str, by: str) -> None:
        """Give *thread* to the agent *to*, "" for nobody; *seen*: who had it when *by* decided so.

        What a colleague has, only an admin gives to somebody else: NotAllowed. Raises NotKnown where there is
        no such agent, Refused where somebody else has it by now.
        """
        with self._store.writing() as connection:
            found = threads.get(connection, thread)
            if found is not None:
                permissions.expect(connection, Act.ASSIGN, found, by, assignee=seen)
            if to and not (to == by == YOU) and agents.get(connection, to) is None:
                raise NotKnown(
                    "no agent is called %(name)r -> perhaps the name has changed: reload the page", name=to
                )
            done = threads.assign(connection, thread, agent=to, seen=seen, now=self._clock(), by=by)
            row = threads.get(connection, thread)
            if done:
                acts.assigned(connection, thread, to=to, before=seen, by=by, now=self._clock())
                page_updates.add(connection, thread, now=self._clock())
        if not done:
            if row is None or row.state.control is not Control.INBOX:
                raise Refused(NOT_HERE_NOW)
            raise Refused(self._who_was_faster(row))
        if to and to == by and row is not None:  # a colleague joins when they answer
            self._tell_joined(row, to)

    def expect_right(
        self, act: Act, thread: str, by: str, *, despite: str = "", reply: Optional[int] = None
    ) -> Optional[Thread]:
        """Return the row of *thread*, None for one that was never seen.

        Raises as `permissions.expect` unless *by* may do *act* there. *reply*: the id of the reply that it is
        about.
        """
        with self._store.reading() as connection:
            row = threads.get(connection, thread)
            about = replies.get(connection, reply, now=self._clock()) if reply is not None else None
            if row is not None:
                permissions.expect(connection, act, row, by, despite=despite, reply=about)
            return row

    def expect_reply(self, row: Thread, by: str, *, despite: str, seen: str, key: str) -> None:
        """Raise AskFirst as `permissions.expect_reply`."""
        with self._store.reading() as connection:
            permissions.expect_reply(connection, row, by, despite=despite, seen=seen, key=key)

    def claim_for_answer(self, row: Thread, agent: str) -> None:
        """Give a thread that nobody has to the agent who answers in it, if it is in the inbox."""
        if row.assignee not in ("", agent):
            return
        if not row.assignee:
            with self._store.writing() as connection:
                if not threads.assign(connection, row.id, agent=agent, seen="", now=self._clock()):
                    return
                acts.assigned(connection, row.id, to=agent, before="", by=agent, now=self._clock())
                page_updates.add(connection, row.id, now=self._clock())
        self._tell_joined(row, agent)

    def take_over(self, thread: str, agent: str) -> None:
        """Take a thread from the bot, or from another app, into the inbox, for *agent*.

        Raises as `expect_right` and `ThreadControl.take_over`.
        """
        self.expect_right(Act.TAKE_OVER, thread, agent)
        row = self._thread_control.take_over(thread, agent)
        self.claim_for_answer(row, agent)

    def return_to_bot(self, thread: str, agent: str, *, note: str = "", intent: str = "") -> None:
        """Return *thread* to the bot.

        Raises NotAllowed for a colleague's, Refused where Meta does not give control back.
        """
        self.expect_right(Act.RETURN, thread, agent)
        done = self._thread_control.return_to_bot(
            thread, ReturnReason.AGENT, who=agent, note=note.strip()[:LONGEST_NOTE], intent=intent
        )
        if not done:
            row = self._row(thread)
            refusal = row.refusal if row else ""
            raise Refused("Meta did not give control back: %(refusal)s", refusal=refusal)

    def hand_on(self, thread: str, agent: str, target: str, *, note: str = "") -> None:
        """Hand *thread*, which is in the inbox, on to another target.

        Raises NotAllowed for a colleague's, and as `HandingOn.to`.
        """
        self.expect_right(Act.HAND_ON, thread, agent)
        note = note.strip()[:LONGEST_NOTE]
        row = self._thread_control.handing_on.to(thread, target, who=agent, note=note)
        if row.channel != MESSENGER:
            self._say(row, self._thread_control.ahead(row), "ahead")

    def mark_unread(self, thread: str, agent: str) -> None:
        """Have the person's last message count as new for *agent*, and for nobody else.

        Raises NotKnown for an unknown thread, Refused where the person has written nothing.
        """
        row = self._row(thread)
        if row is None:
            raise NotKnown(NO_SUCH_CONVERSATION)
        if not row.person_at:
            raise Refused("the customer has written nothing here that could be unread -> leave it as it is")
        with self._store.writing() as connection:
            conversation_lists.mark_unread(connection, thread, agent, row.person_at)

    def extend(self, thread: str, agent: str, by: str) -> None:
        """Put the time limit off by a duration as in handover.yml.

        Raises NotAllowed for a colleague's thread, NotUsable for what is no duration, Refused where there is
        no limit, and NotKnown for an unknown thread.
        """
        self.expect_right(Act.EXTEND, thread, agent)
        try:
            more = parse_duration(by)
        except ValueError as error:
            raise NotUsable("%(text)r is no duration: %(why)s", text=by, why=error.args[0]) from None
        self._thread_control.extend(thread, more.total_seconds(), who=agent)

    def tag(self, thread: str, tag: str, *, by: str, remove: bool = False) -> None:
        """Add or remove a tag. Raises as `tags.new_tag`, and NotKnown for an unknown thread."""
        wanted = " ".join(tag.split()) if remove else tags.new_tag(tag)
        with self._store.writing() as connection:
            self._expect(connection, thread)
            change = conversation_lists.remove_tag if remove else conversation_lists.add_tag
            if change(connection, thread, wanted):
                kind = acts.Done.UNTAGGED if remove else acts.Done.TAGGED
                acts.add(connection, kind, thread=thread, agent=by, detail=wanted, now=self._clock())
            page_updates.add(connection, thread, now=self._clock())

    def add_note(self, thread: str, agent: str, text: str) -> None:
        """Keep an internal note.

        Raises NotUsable for an empty one, TooLarge for a long one, NotKnown for an unknown thread.
        """
        if not text.strip():
            raise NotUsable("the note is empty -> write something, or leave it")
        if len(text) > LONGEST_NOTE:
            raise TooLarge(
                counted(
                    "the note has %(number)s character; %(most)s are allowed -> shorten it",
                    "the note has %(number)s characters; %(most)s are allowed -> shorten it",
                    len(text),
                    most=LONGEST_NOTE,
                )
            )
        with self._store.writing() as connection:
            self._expect(connection, thread)
            private_notes.add(connection, thread, agent=agent, text=text.strip(), now=self._clock())
            page_updates.add(connection, thread, now=self._clock())

    def note_typing(self, page: str, thread: str) -> None:
        """Note that somebody types."""
        with self._store.writing(durable=False) as connection:
            presence.types(connection, page, now=self._clock())
            page_updates.add(connection, thread, now=self._clock(), kind=page_updates.LOOK)

    def note_page_open(self, page: str, *, agent: str, thread: str, arrived: bool = False) -> None:
        """Note that a page of the agent's is open."""
        with self._store.writing(durable=False) as connection:
            presence.seen(connection, page, agent=agent, thread=thread, now=self._clock())
            if arrived and thread:
                page_updates.add(connection, thread, now=self._clock(), kind=page_updates.LOOK)

    def note_page_closed(self, page: str, thread: str) -> None:
        """Note that a page was closed, or shows another thread than *thread*."""
        with self._store.writing(durable=False) as connection:
            presence.gone(connection, page, thread=thread)
            if thread:
                page_updates.add(connection, thread, now=self._clock(), kind=page_updates.LOOK)

    def tidy(self) -> None:
        """Unassign whose page has been closed for too long; forget what every page has heard of."""
        now = self._clock()
        limit = self._settings.inbox.offline_after
        with self._store.writing(durable=False) as connection:
            if limit is not None:
                before = now - limit.total_seconds()
                for thread in threads.unassign_offline(connection, before=before, now=now):
                    page_updates.add(connection, thread, now=now)
            page_updates.tidy(connection, before=now - FORGET_UPDATES_AFTER)
            presence.tidy(
                connection, before=now - max(PRESENCE_KEPT_SECONDS, limit.total_seconds() if limit else 0.0)
            )

    def _row(self, thread: str) -> Optional[Thread]:
        with self._store.reading() as connection:
            return threads.get(connection, thread)

    @staticmethod
    def _expect(connection: Connection, thread: str) -> None:
        if threads.control_of(connection, thread) is None:
            raise NotKnown(NO_SUCH_CONVERSATION)

    def _who_was_faster(self, row: Thread) -> Sentence:
        with self._store.reading() as connection:
            who = permissions.shown(connection, row.assignee)
        if not who:
            return Sentence("somebody else was faster")
        return Sentence("%(who)s was faster and answers this conversation", who=who)

    def _tell_joined(self, row: Thread, agent: str) -> None:
        if agent == YOU or not self._settings.inbox.joined:
            return  # YOU is nobody that the person could be told of
        with self._store.reading() as connection:
            name = permissions.shown(connection, agent)
        self._say(row, self._thread_control.tell_joined(row.id, name), "joined")

    def _say(self, row: Thread, text: str, what: str) -> None:
        """Tell the person on another channel than Messenger; "": nothing. It is a courtesy."""
        port = self._port_of(row.channel) if text else None
        if port is not None:
            try:
                port(row.id, text)
            except Exception as error:  # of the channel's own library; it has happened all the same
                logger.warning("thread %s: the person was not told (%s): %s", row.id, what, log.trace(error))
