"""Carries out what an event means for control and transcript, and decides whether the bot answers it.

What it means is decided in rules/event_meaning.py.
"""

from __future__ import annotations

import time
from dataclasses import replace
from datetime import timedelta
from functools import partial
from typing import Any, Callable, Mapping, Optional, Set, Tuple, Union

from handover_channel import log
from handover_channel.control.thread_control import ThreadControl
from handover_channel.messenger.bubble import whole_number, words
from handover_channel.messenger.events import (
    INSTAGRAM_INBOX_APP_ID,
    MESSENGER,
    OUR_METADATA,
    PAGE_INBOX_APP_ID,
    ControlPassed,
    ControlRequested,
    ControlTaken,
    Event,
    MessageEchoed,
    MessageReceived,
    Noted,
    OptedIn,
    PostbackReceived,
    Referred,
)
from handover_channel.queue.handler_result import HandlerResult
from handover_channel.queue.transcript_lines import line_of
from handover_channel.replies import outside_answers, sent_parts
from handover_channel.rules import budget
from handover_channel.rules.control import Change, Control, bot_may_speak
from handover_channel.rules.event_meaning import (
    READ,
    Meaning,
    Situation,
    is_sign_of_release,
    meaning_of,
    typed,
)
from handover_channel.rules.return_reasons import ReturnReason
from handover_channel.rules.turn_outcome import ANSWERED, KEPT
from handover_channel.settings.automatic_replies import AUTOMATIC_REPLY, META_AI, SWITCH_AT_META, Reaction
from handover_channel.settings.loader import Grants, Settings
from handover_channel.settings.return_options import keywords_of
from handover_channel.store import (
    Store,
    edits,
    findings,
    sent_messages,
    thread_activity,
    thread_events,
    threads,
)
from handover_channel.store.deliveries import RETRIED, Delivery
from handover_channel.store.edits import Edit
from handover_channel.store.thread_events import ThreadEvent
from handover_channel.store.threads import Thread
from handover_channel.store.transcript import AGENT, APP, PERSON

logger = log.logger(__name__)

#: Seconds in which a message that our own clock saw on standby was under way while we took control.
UNDER_WAY = 5.0

#: Seconds until Meta's answer to a send of ours is written down; its echo may be faster.
ANSWER_WRITTEN = 1.0

#: Seconds for which Meta repeats what was not answered with 200, at most.
#: https://developers.facebook.com/docs/graph-api/webhooks/getting-started
LONGEST_REPEAT = 36 * 3600.0

#: What these are has no effect beyond its own row and the transcript.
_AT_ONCE = frozenset({Meaning.TURN, Meaning.KEEP, Meaning.NOTHING})

#: Reasons for which a thread came back to the bot.
_RETURNED = frozenset(each.value for each in ReturnReason)

#: The person's own words and taps.
Said = Union[MessageReceived, PostbackReceived]


class EventHandlers:
    """Gives events their effect. Synchronous: on an event loop, call it in a thread."""

    def __init__(
        self,
        settings: Settings,
        store: Store,
        thread_control: ThreadControl,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._settings = settings
        self._sleep = sleep
        self._store = store
        self._clock = thread_control.clock
        self._thread_control = thread_control
        self._keywords = keywords_of(settings.returning)
        self._warned: Set[Tuple[str, str]] = set()  # (page, reason): once for each process
        self._actions: Mapping[Meaning, Callable[[Any, Thread, Delivery], HandlerResult]] = {
            Meaning.TURN: self._turn,
            Meaning.KEEP: self._keep,
            Meaning.STALE: self._stale,
            Meaning.BUTTON: partial(self._way_back, reason=ReturnReason.BUTTON),
            Meaning.KEYWORD: partial(self._way_back, reason=ReturnReason.KEYWORD),
            Meaning.AGAIN: self._again,
            Meaning.LAPSED: self._lapsed,
            Meaning.PERHAPS_RELEASED: self._perhaps_released,
            Meaning.ON_STANDBY: self._on_standby,
            Meaning.PERHAPS_LOST: self._perhaps_lost,
            Meaning.ECHO_OF_OTHERS: self._echo_of_others,
            Meaning.AUTOMATIC_REPLY: self._automatic_reply,
            Meaning.META_AI: self._meta_ai,
            Meaning.LOST: self._lost,
            Meaning.GAINED: self._gained,
            Meaning.REQUESTED: self._requested,
            Meaning.REACHED: self._reached,
            Meaning.CONTEXT: self._context,
            Meaning.EDITED: self._edited,
            Meaning.SHOWN: self._shown,
            Meaning.OUR_ECHO: self._our_echo,
            Meaning.NOTHING: lambda event, row, delivery: HandlerResult("nothing"),
        }

    def at_once(self, event: Event, row: Thread, delivery: Delivery) -> Optional[HandlerResult]:
        """Return the result where *row* says all there is to know, None where more has to be done.

        Called in the middle of a transaction: nothing here may ask Meta or the store.
        """
        if row.channel != MESSENGER:
            return None
        try:
            meaning = self._meaning(event, row, delivery)
        except Exception:
            return None  # `handle` will fail as well, and that is counted
        return self._actions[meaning](event, row, delivery) if meaning in _AT_ONCE else None

    def handle(self, event: Event, row: Thread, delivery: Delivery) -> HandlerResult:
        """Give *event* its effect. *row* is the thread as it was before the event."""
        if row.channel != MESSENGER:  # somebody has used the person's id on another channel
            row = self._thread_control.correct_channel(row, page=event.page)
        return self._actions[self._meaning(event, row, delivery)](event, row, delivery)

    def _meaning(self, event: Event, row: Thread, delivery: Delivery) -> Meaning:
        target = self._settings.targets.get(row.state.target)
        situation = Situation(
            state=row.state,
            app_id=self._settings.app_id,
            keywords=self._keywords,
            stay_muted=bool(target and target.stay_muted),
            release_refused=bool(row.release_refused),
            is_backlog=self._is_backlog(row, delivery),
            is_stale=self._is_stale(event, delivery),
            active_at=row.active_at,
            received_at=delivery.received_at,
            person_at=row.person_at,
            automatic_within=int(self._settings.automatic_replies.within.total_seconds() * 1000),
            returned_at=row.changed_at if row.reason in _RETURNED and delivery.outcome != RETRIED else None,
        )
        return meaning_of(event, situation)

    @staticmethod
    def _is_backlog(row: Thread, delivery: Delivery) -> bool:
        return delivery.id < row.answers_from and delivery.outcome != RETRIED

    def _turn(self, event: Said, row: Thread, delivery: Delivery) -> HandlerResult:
        return HandlerResult(ANSWERED, turn=True, context=row.context)

    def _keep(self, event: Said, row: Thread, delivery: Delivery) -> HandlerResult:
        return HandlerResult(KEPT, line=line_of(event))

    def _stale(self, event: Said, row: Thread, delivery: Delivery) -> HandlerResult:
        logger.warning("thread %s: delivery %s is too old to be answered", row.id, delivery.id)
        return replace(self._keep(event, row, delivery), outcome="stale")

    def _is_stale(self, event: Event, delivery: Delivery) -> bool:
        limit: Optional[timedelta] = self._settings.stale_after
        if limit is None or delivery.outcome == RETRIED:
            return False
        now = self._clock()
        sent_at = event.timestamp / 1000
        # What is older than Meta's repeats go back was sent with a wrong clock: then our own time counts.
        since = sent_at if 0 < now - sent_at < LONGEST_REPEAT else delivery.received_at
        return now - min(since, delivery.received_at) > limit.total_seconds()

    def _way_back(self, event: Said, row: Thread, delivery: Delivery, reason: ReturnReason) -> HandlerResult:
        kept = self._keep(event, row, delivery)
        # What the person wrote after it is for the bot again.
        returned = self._thread_control.return_to_bot(
            row.id,
            reason,
            who="person",
            answers_from=delivery.id + 1,
            signs=is_sign_of_release(event),
            rest=self._rest(event),
        )
        return replace(kept, outcome="returned" if returned else "return refused")

    def _again(self, event: Said, row: Thread, delivery: Delivery) -> HandlerResult:
        # The return was meant by this one, too: nothing has been said since.
        with self._store.writing(durable=False) as connection:
            threads.returned_by(connection, row.id, stamp=event.timestamp)
        return self._keep(event, row, delivery)

    def _rest(self, event: Said) -> Optional[Mapping[str, Any]]:
        """Return what the note of the return says of the rest of the message, None where there is none."""
        when, text = self._settings.returning.rest, self._keywords.rest(typed(event))
        if not text or when == "never":
            return None
        facts = {"mid": event.mid, "timestamp": event.timestamp, "page": event.page}
        return {"text": text, "always": when == "always", **facts}

    def _lapsed(self, event: Said, row: Thread, delivery: Delivery) -> HandlerResult:
        return self._on_signs(event, row, delivery, ReturnReason.LAPSED)

    def _perhaps_released(self, event: Said, row: Thread, delivery: Delivery) -> HandlerResult:
        if not self._thread_control.is_gone(row):
            return self._keep(event, row, delivery)
        return self._on_signs(event, row, delivery, ReturnReason.RELEASED)

    def _on_signs(self, event: Said, row: Thread, delivery: Delivery, reason: ReturnReason) -> HandlerResult:
        """Return the thread and have the delivery processed again: it is a new request to the bot."""
        if delivery.rounds >= budget.ROUNDS:
            logger.error("thread %s: delivery %s went in circles, it is kept", row.id, delivery.id)
            return self._keep(event, row, delivery)
        returned = self._thread_control.lapse(row, reason, answers_from=delivery.id)
        return HandlerResult("") if returned else self._keep(event, row, delivery)

    def _on_standby(self, event: Said, row: Thread, delivery: Delivery) -> HandlerResult:
        owner = self._thread_control.ask_owner(row)
        if owner is None or owner.app_id != self._settings.app_id:
            other = owner.app_id if owner else ""
            self._thread_control.lose(row, Change.STANDBY_SEEN, stamp=event.timestamp, owner=other)
        elif 0 < row.answers_from <= delivery.id and delivery.received_at <= row.changed_at + UNDER_WAY:
            # Written behind a way back, while we took control: Meta sent it the old way, and nobody else will
            # answer it.
            return self._turn(event, row, delivery)
        return self._keep(event, row, delivery)

    def _perhaps_lost(self, event: Said, row: Thread, delivery: Delivery) -> HandlerResult:
        self._thread_control.reconcile(row)  # taking a thread that nobody owns is not announced
        return self._keep(event, row, delivery)

    def _echo_of_others(self, event: MessageEchoed, row: Thread, delivery: Delivery) -> HandlerResult:
        if self._is_of_ours(event, row):
            ours, theirs = self._settings.app_id, event.app_id
            if theirs:
                said = (
                    f"app_id in handover.yml is {ours}, and echoes of our own messages say {theirs} -> "
                    f'write app_id: "{theirs}" there, if that is this bot\'s app (App settings > Basic)'
                )
                self._thread_control.findings.found(findings.APP_ID_DIFFERS, theirs, said)
            return self._our_echo(event, row, delivery)
        if bot_may_speak(row.state.control):
            # Silent at once, then ask who it is.
            muted = self._thread_control.lose(
                row, Change.FOREIGN_ECHO, stamp=event.timestamp, owner=event.app_id
            )
            if not bot_may_speak(muted.state.control):
                self._thread_control.reconcile(muted)
        else:
            outside_answers.note(self._settings, self._store, row, event, now=delivery.received_at)
            if row.state.control is Control.INBOX:
                self._thread_control.reconcile(row)
        return HandlerResult(KEPT, line=line_of(event, APP))

    def _automatic_reply(self, event: MessageEchoed, row: Thread, delivery: Delivery) -> HandlerResult:
        # People there who answer take control, however fast they are; an automatic reply does not.
        if bot_may_speak(row.state.control) and not self._thread_control.is_gone(row):
            return self._echo_of_others(event, row, delivery)
        return self._beside(event, row, AUTOMATIC_REPLY, self._settings.automatic_replies.page_inbox)

    def _meta_ai(self, event: MessageEchoed, row: Thread, delivery: Delivery) -> HandlerResult:
        return self._beside(event, row, META_AI, self._settings.automatic_replies.meta_ai)

    def _beside(self, event: MessageEchoed, row: Thread, reason: str, reaction: Reaction) -> HandlerResult:
        """Keep what was answered by itself. It is nobody's first answer, and says nothing about the owner."""
        if (row.page, reason) not in self._warned:
            self._warned.add((row.page, reason))
            logger.warning("page %s: %s (said once)", row.page, SWITCH_AT_META[reason])
        if reaction is Reaction.MUTE and bot_may_speak(row.state.control):
            change = Change.FOREIGN_ECHO
            self._thread_control.lose(row, change, stamp=event.timestamp, owner=event.app_id, reason=reason)
        return HandlerResult(KEPT, line=line_of(event, reason))

    def _is_of_ours(self, event: MessageEchoed, row: Thread) -> bool:
        """Tell by its id whether it echoes a message of ours, whatever app it names."""
        tagged = event.metadata.startswith(OUR_METADATA)
        tag, waited = event.metadata[len(OUR_METADATA) :], 0.0
        while event.mid:
            with self._store.glancing() as connection:
                if sent_messages.is_ours(connection, row.id, event.mid):
                    return True
                if (
                    not tagged
                    or waited >= ANSWER_WRITTEN
                    or not sent_messages.may_be_ours(connection, row.id, tag)
                ):
                    return False
            self._sleep(0.1)
            waited += 0.1
        return False

    def _our_echo(self, event: MessageEchoed, row: Thread, delivery: Delivery) -> HandlerResult:
        if event.app_id == self._settings.app_id:
            self._thread_control.findings.works(findings.APP_ID_DIFFERS, event.app_id)
        if not event.metadata.startswith(OUR_METADATA):
            return HandlerResult("our echo")
        tag = event.metadata[len(OUR_METADATA) :]
        part = sent_parts.part_of(tag)
        if part:
            line = line_of(event, AGENT)
            sent_parts.note_sent(self._settings, self._store, row, part, line, now=self._clock())
            return HandlerResult("our echo")
        with self._store.glancing() as connection:
            known = sent_messages.find(connection, tag)
        if not known:  # what Meta accepted just before the process ended
            with self._store.writing() as connection:
                sent_messages.add(connection, tag, now=self._clock(), mid=event.mid)
        return HandlerResult("our echo")

    def _lost(
        self, event: Union[ControlPassed, ControlTaken], row: Thread, delivery: Delivery
    ) -> HandlerResult:
        self._thread_control.lose(row, Change.CONTROL_LOST, stamp=event.timestamp, owner=event.new_owner)
        return HandlerResult("control lost")

    def _gained(
        self, event: Union[ControlPassed, ControlTaken], row: Thread, delivery: Delivery
    ) -> HandlerResult:
        self._thread_control.gain(
            row,
            stamp=event.timestamp,
            answers_from=delivery.id,
            who=event.previous_owner,
            metadata=event.metadata,
        )
        return HandlerResult("control gained")

    def _requested(self, event: ControlRequested, row: Thread, delivery: Delivery) -> HandlerResult:
        if not self._is_granted(event.requested_by):
            logger.warning("thread %s: a request for control was not granted", row.id)
            return HandlerResult("request not granted")
        self._thread_control.grant(row, event.requested_by)
        return HandlerResult("request granted")

    def _context(self, event: Union[Referred, OptedIn], row: Thread, delivery: Delivery) -> HandlerResult:
        key, detail = ("referral", event.referral) if isinstance(event, Referred) else ("optin", event.optin)
        seen = ThreadEvent(delivery.id, event.timestamp, PERSON, key, detail)
        with self._store.writing() as connection:
            threads.set_context(connection, row.id, {**row.context, key: dict(detail)})
            thread_events.add(connection, row.id, seen)
        return HandlerResult("kept")

    def _edited(self, event: Noted, row: Thread, delivery: Delivery) -> HandlerResult:
        if not event.about:
            return HandlerResult("nothing")
        text, number = words(event.detail.get("text")), whole_number(event.detail.get("num_edit"))
        with self._store.writing() as connection:
            edits.add(connection, row.id, Edit(event.about, text, number, event.timestamp))
        return HandlerResult("edited")

    def _shown(self, event: Noted, row: Thread, delivery: Delivery) -> HandlerResult:
        author = APP if event.by_page else PERSON
        seen = ThreadEvent(delivery.id, event.timestamp, author, event.kind, event.detail, event.about)
        with self._store.writing() as connection:
            thread_events.add(connection, row.id, seen)
        return HandlerResult("kept")

    def _reached(self, event: Noted, row: Thread, delivery: Delivery) -> HandlerResult:
        """Note how far the person has got: everything up to the watermark.

        https://developers.facebook.com/docs/messenger-platform/reference/webhook-events/message-reads
        """
        watermark = event.detail.get("watermark")
        if not isinstance(watermark, int) or isinstance(watermark, bool) or watermark <= 0:
            return HandlerResult("nothing")
        # Nobody has read what is yet to be written.
        up_to = min(watermark, event.timestamp or int(delivery.received_at * 1000))
        reached = {"read_to" if event.kind == READ else "delivered_to": up_to}
        if up_to <= (row.read_to if event.kind == READ else row.delivered_to):
            return HandlerResult(event.kind)
        with self._store.writing(durable=False) as connection:
            thread_activity.reached(connection, row.id, **reached)
        return HandlerResult(event.kind)

    def _is_granted(self, app_id: str) -> bool:
        grants = self._settings.grant_requests
        if not app_id or app_id == self._settings.app_id or grants is Grants.NONE:
            return False
        if grants is Grants.ALL or app_id in (PAGE_INBOX_APP_ID, INSTAGRAM_INBOX_APP_ID):
            return True
        return self._settings.target_of_app(app_id) is not None
