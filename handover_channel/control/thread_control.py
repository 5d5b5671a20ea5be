"""Hands threads over and takes them back: the only place where control changes, by rules/control.py.

1. Handing over to another app: first the row (the bot is silent from here on), then Meta, then the row again.
   Who lacks control cannot send, so the notice to the person goes out before.
2. Returning from another app: Meta first, then the row. A refused return is kept, shown and tried again.
3. No Graph call is made while a database transaction is open.
"""

from __future__ import annotations

import time
from typing import Any, Callable, Mapping, Optional

from handover_channel import log
from handover_channel.control.announcements import Announcements
from handover_channel.control.handing_on import HandingOn
from handover_channel.control.ownership import Ownership
from handover_channel.control.reachable_targets import expect_reachable
from handover_channel.control.refused_messages import RefusedMessages
from handover_channel.control.transition_writer import Transition, TransitionWriter
from handover_channel.errors import GraphError, GraphUnavailable, HandoverRefused, NotKnown, Refused
from handover_channel.graph_api.client import GraphApi, ThreadOwner
from handover_channel.messenger.events import MESSENGER
from handover_channel.rules.control import (
    ANOTHER_APP,
    BOT,
    EXTENDED,
    HANDED_OVER,
    NOT_RELEASED,
    REQUESTED,
    STAFF_TOOK_OVER,
    TOOK_OVER,
    Change,
    Control,
    bot_may_speak,
)
from handover_channel.rules.return_reasons import ReturnReason
from handover_channel.rules.thread_ids import expect_storable
from handover_channel.settings.loader import Settings, TargetKind
from handover_channel.store import Store, threads
from handover_channel.store.findings import Findings
from handover_channel.store.thread_status import Status, status_of
from handover_channel.store.threads import Thread

logger = log.logger(__name__)

#: Seconds after such a return in which a refused message shows that it was none.
SIGNS_COUNT = 300.0


class ThreadControl:
    """The control of threads: who may answer in each. Synchronous: on an event loop, call it in a thread."""

    def __init__(
        self, settings: Settings, store: Store, graph: GraphApi, clock: Callable[[], float] = time.time
    ) -> None:
        self.settings = settings
        self.store = store
        self._graph = graph
        self.clock = clock
        self._transitions = TransitionWriter(settings, store, clock)
        self._ownership = Ownership(settings, graph, clock)
        self.findings = Findings(store, clock)
        self.refusals = RefusedMessages(
            settings, store, clock, self.findings, ask=self.ask_owner, lose=self.lose
        )
        self._announcements = Announcements(
            settings, store, graph, self._ownership.token, clock, self.refusals.learn
        )
        self.handing_on = HandingOn(
            settings, graph, clock, self._ownership, self._transitions, self._announcements
        )

    def token_to_speak(self, thread: str) -> Optional[str]:
        """Return the page token to send with, None while the bot does not have control.

        Raises StoreUnavailable: then nothing may be sent; and TokenRefused as `Settings.token_for`.
        """
        with self.store.glancing() as connection:
            found = threads.control_and_page_of(connection, thread)
        control, page = found or (Control.BOT, "")
        return self.settings.token_for(page) if bot_may_speak(control) else None

    def refused_to_speak(self, thread: str, refusal: str = "") -> None:
        """Note that Meta refused a message of the bot because another app has control (10/2018300).

        Returned on signs alone, it goes back to whose it was, and what was wanted waits with *refusal*. Else
        Meta is asked who has it; where it names us, contrary to that, nobody is named.
        """
        if (row := self._transitions.find(thread)) is None or not bot_may_speak(row.state.control):
            return
        if row.released_from and self.clock() - row.changed_at < SIGNS_COUNT:
            after = self._transitions.change(
                row.id, Transition(Change.RELEASE_REFUSED, reason=NOT_RELEASED, who="meta")
            )
            if row.reason not in (ReturnReason.LAPSED.value, ReturnReason.RELEASED.value):  # wanted
                self._transitions.refused(after, wanted=row.reason, refusal=refusal)
            return
        owner = self.ask_owner(row)
        known = owner is not None and self._ownership.is_other(owner)
        self.lose(row, Change.OWNER_FOUND, owner=owner.app_id if owner and known else "")

    def find(self, thread: str) -> Optional[Thread]:
        """Return the row of *thread*, None where there is none: the bot has control then."""
        return self._transitions.find(thread)

    def status(self, thread: str) -> Optional[Status]:
        """Return what `handover status` shows, None for a thread that was never seen."""
        return status_of(self.store, thread, now=self.clock())

    def hand_over(
        self, thread: str, target: Optional[str] = None, *, channel: str = MESSENGER, who: str = BOT
    ) -> Thread:
        """Hand *thread* over to the named target (None: the default one) and return its row.

        Raises HandoverRefused (unknown target, not reachable, nobody there, somebody else has control) or
        what Meta said (GraphError): the bot keeps control then.
        """
        expect_storable(thread)
        to = self.settings.target(target)
        row = self._transitions.thread(thread, channel=channel)
        expect_reachable(row, to, channel=channel)
        if not bot_may_speak(row.state.control):
            if row.state.target == to.name:
                return row
            raise HandoverRefused(
                "thread %(thread)s is already with %(target)r", thread=thread, target=row.state.target
            )
        to.expect_open(self.clock())
        if to.kind is TargetKind.INBOX:
            held = self._transitions.change(
                thread,
                Transition(Change.HELD, target=to.name, reason=HANDED_OVER, who=who, by_action=who == BOT),
            )
            if held.channel == MESSENGER:
                self._announcements.tell_ahead(held)
            return held
        return self._pass(row, to.app_id, to.name, metadata=to.metadata, reason=HANDED_OVER, who=who)

    def take_over(self, thread: str, agent: str, target: Optional[str] = None) -> Thread:
        """Take *thread* into the built-in inbox for *agent*, and return its row. It is not assigned yet.

        From the bot, or from another app, which Meta has to allow. *target*: of kind inbox; None: the default
        one if it is that, else the first. A thread that is in the inbox already stays as it is.

        Raises NotKnown for a thread that was never seen, HandoverRefused where *target* is no inbox, Refused
        where it is not known who has the thread, or what Meta refuses (GraphError). Control stays then.
        """
        to = self.settings.inbox_target(target)
        row = self._known(thread)
        if row.state.control is Control.PASSING:
            row = self.settle(row)
        if row.state.control is Control.BESIDE:
            row = self.reconcile(row)
        if row.state.control is Control.PASSING:
            raise Refused(
                "Meta does not tell whether thread %(thread)s was passed on -> try again in a minute",
                thread=thread,
            )
        if row.state.control is Control.INBOX:
            return row
        if row.state.control is Control.APP:
            self._ownership.take(row)
        change = Change.HELD if bot_may_speak(row.state.control) else Change.TAKEN_OVER
        after = self._transitions.change(
            thread, Transition(change, target=to.name, reason=TOOK_OVER, who=agent)
        )
        if after.state.control is not Control.INBOX:
            raise Refused(
                "thread %(thread)s has changed hands meanwhile -> reload to see who has it", thread=thread
            )
        return after

    def ahead(self, row: Thread) -> str:
        """Return what the person of *row* is told about those who wait before them; "" for nothing.

        On Messenger it is told with the handover.
        """
        return self._announcements.ahead(row)

    def tell_joined(self, thread: str, name: str) -> str:
        """Tell the person that the agent shown as *name* has joined: once for each handover.

        Returns what the caller has to say, as on other channels than Messenger only Rasa gets there; else "".
        """
        row = self._transitions.find(thread)
        return self._announcements.tell_joined(row, name) if row else ""

    def extend(self, thread: str, seconds: float, who: str) -> Thread:
        """Move the time limit of *thread*, which is in the built-in inbox, and return its row.

        It counts from the old limit. Raises Refused where there is none, NotKnown for an unknown thread.
        """
        while True:
            row = self._known(thread)
            if row.state.control is not Control.INBOX or row.until is None:
                raise Refused(
                    "thread %(thread)s has no time limit in the built-in inbox to extend", thread=thread
                )
            after = self._transitions.extend(row, seconds, reason=EXTENDED, who=who)
            if after is not None:
                return after

    def grant(self, row: Thread, app_id: str) -> None:
        """Pass the thread to an app that asked for it. What Meta refuses is logged."""
        target = self.target_of(app_id)
        try:
            # The bot is silent already in these, and stays so.
            if row.state.control in (Control.INBOX, Control.BESIDE):
                accepted = Transition(Change.PASS_ACCEPTED, REQUESTED, app_id, target=target)
                self.handing_on.pass_on(row, app_id, accepted)
            elif bot_may_speak(row.state.control):
                self._pass(row, app_id, target, reason=REQUESTED, who=app_id)
        except GraphError as error:
            logger.error("thread %s: the request of app %s was not granted: %s", row.id, app_id, error)

    def lose(
        self,
        row: Thread,
        change: Change,
        *,
        stamp: Optional[int] = None,
        owner: str = "",
        reason: str = STAFF_TOOK_OVER,
    ) -> Thread:
        """Note that somebody else has control or has answered, and return the row. Mutes the bot."""
        target = self.target_of(owner)
        return self._transitions.change(
            row.id,
            Transition(change, owner=owner, target=target, stamp=stamp, reason=reason, who=owner or "meta"),
        )

    def gain(self, row: Thread, *, stamp: int, answers_from: int, who: str, metadata: str) -> None:
        """Note that Meta gave control to us (`passed_back`)."""
        self._transitions.change(
            row.id,
            Transition(
                Change.CONTROL_GAINED,
                stamp=stamp,
                reason=ReturnReason.PASSED_BACK.value,
                who=who or "meta",
                answers_from=answers_from,
                metadata=metadata,
            ),
        )

    def return_to_bot(
        self,
        thread: str,
        reason: ReturnReason,
        *,
        who: str,
        answers_from: Optional[int] = None,
        tell: bool = True,
        signs: bool = False,
        channel: str = "",
        note: str = "",
        intent: str = "",
        rest: Optional[Mapping[str, Any]] = None,
    ) -> bool:
        """Give *thread* back to the bot. False: Meta refused, which is kept, shown and tried again.

        *signs*: a message of the person reached us as if nobody had the thread. *channel*: on which one it is
        asked for; another one than the thread's may not. *answers_from*: id of the first delivery that is not
        backlog; None: all received so far are.
        *tell*: whether Rasa is to get its turn; not where this is called in a turn of its own.
        *note*: what an agent wrote about it; *intent*: what the bot is to go on with after that turn; *rest*:
        the rest of the message that brought it back, as `BotPort.returned` takes it.
        """
        row = self._transitions.find(thread)
        if row is None:
            return True
        if row.state.control is Control.PASSING:
            row = self.settle(row)
        if row.state.control is Control.BESIDE:
            row = self.reconcile(row)
        if bot_may_speak(row.state.control):
            return True
        if channel and channel != row.channel:
            logger.warning("thread %s belongs to %s: not returned by %s", thread, row.channel, channel)
            return False
        granted = True
        if row.state.control is Control.APP:
            try:
                granted = self._ownership.take(row, signs=signs)
            except GraphError as error:
                minutes = self._transitions.refused(row, wanted=reason.value, refusal=error.text)
                said = "thread %s: Meta did not give control back (%s); tried again in %s min: %s"
                logger.error(said, row.id, reason.value, minutes, error)
                return False
        after = self._transitions.change(
            thread,
            Transition(
                Change.RETURNED,
                reason=reason.value,
                who=who,
                answers_from=answers_from,
                tell=tell,
                by_action=not tell,
                signs=not granted,
                note=note,
                intent=intent,
                rest=rest,
            ),
        )
        return bot_may_speak(after.state.control)

    def lapse(self, row: Thread, reason: ReturnReason, *, answers_from: int) -> bool:
        """Give the thread back without a call, on signs alone: its owner is gone (`lapsed`, `released`)."""
        after = self._transitions.change(
            row.id,
            Transition(
                Change.RETURNED, reason=reason.value, who="meta", answers_from=answers_from, signs=True
            ),
        )
        return bot_may_speak(after.state.control)

    def correct_channel(self, row: Thread, *, page: str) -> Thread:
        """Make *row*, whose id another channel has used, Messenger's and the bot's, and return it."""
        return self._transitions.correct_channel(row, page=page)

    def settle(self, row: Thread) -> Thread:
        """Find out what became of a pass whose outcome is not known, and return the row.

        As long as Meta cannot be asked the bot stays silent, and it is tried again.
        """
        owner, to = self.ask_owner(row), row.state
        if owner is None:
            self._transitions.settle_later(row)
            return row
        change = Change.PASS_ACCEPTED if self._ownership.is_other(owner) else Change.PASS_REFUSED
        return self._transitions.change(
            row.id, Transition(change, owner=to.owner, target=to.target, reason="settled", who="meta")
        )

    def reconcile(self, row: Thread) -> Thread:
        """Ask Meta for the owner; note another app where it names or hides one. Never unmutes."""
        owner = self.ask_owner(row)
        if owner is None or not self._ownership.is_other(owner):
            return row
        return self.lose(row, Change.OWNER_FOUND, owner=owner.app_id or row.state.owner)

    def is_gone(self, row: Thread) -> bool:
        """Tell whether Meta says that no other app owns the thread. False where it cannot be asked."""
        return (owner := self.ask_owner(row)) is not None and not self._ownership.is_other(owner)

    def note_returned(self, row: Thread, reason: ReturnReason) -> None:
        """Have Rasa told that the thread is the bot's again."""
        self._transitions.note_returned(row, reason.value)

    def ask_owner(self, row: Thread) -> Optional[ThreadOwner]:
        """Return Meta's answer to `thread_owner`, None where there is none."""
        return self._ownership.ask(row)

    def target_of(self, app_id: str) -> str:
        """Return the name of the target with that app; else the app id; else `another_app`."""
        target = self.settings.target_of_app(app_id) if app_id else None
        return target.name if target else app_id or ANOTHER_APP

    def _pass(
        self, row: Thread, app_id: str, target: str, *, metadata: str = "", reason: str, who: str
    ) -> Thread:
        token = self._ownership.token(row)
        asked = self._transitions.change(
            row.id,
            Transition(
                Change.PASS_REQUESTED,
                owner=app_id,
                target=target,
                reason=reason,
                who=who,
                by_action=who == BOT,
            ),
        )
        try:
            self._graph.pass_thread_control(token, row.id, app_id, metadata)
        except GraphUnavailable as error:
            # It may have passed all the same: ask, before the bot speaks again.
            settled = self.settle(asked) if getattr(error, "sent", True) else self._not_passed(row)
            if bot_may_speak(settled.state.control):
                raise
            return settled
        except GraphError:
            self._not_passed(row)
            raise
        return self._transitions.change(
            row.id, Transition(Change.PASS_ACCEPTED, owner=app_id, target=target, reason=reason, who=who)
        )

    def _not_passed(self, row: Thread) -> Thread:
        return self._transitions.change(
            row.id, Transition(Change.PASS_REFUSED, reason="pass_refused", who="meta")
        )

    def _known(self, thread: str) -> Thread:
        if (row := self._transitions.find(thread)) is None:
            raise NotKnown(
                "thread %(thread)s was never seen -> is it the customer's PSID on this page?", thread=thread
            )
        return row
