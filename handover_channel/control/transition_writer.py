"""Writes a change of control: the row, its log, its deadlines and the note to the worker, in one transaction.

If a change affects what Rasa's slots mirror (target, time limit), a note for Rasa is written here, so that no
path can forget it: for a turn on return, else for the slots alone. Used by thread_control.py alone.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Callable, Dict, Mapping, Optional, Tuple

from sqlalchemy.engine import Connection

from handover_channel import log
from handover_channel.messenger.events import MESSENGER
from handover_channel.rules import budget
from handover_channel.rules.control import (
    CHANNEL_CORRECTED,
    Change,
    Control,
    State,
    bot_may_speak,
    is_confirmed,
    state_after,
)
from handover_channel.sentences import Sentence
from handover_channel.settings.loader import Settings, Target
from handover_channel.store import Store, changes, deadlines, deliveries, findings, threads
from handover_channel.store.threads import Released, Thread

logger = log.logger(__name__)

#: Minutes after which a refused return is tried again; the last one repeats.
RETURN_AGAIN_AFTER_MINUTES = (1, 5, 15, 60)

#: A pass is settled by asking Meta if its outcome was not written down for so long, in seconds.
SETTLE_AFTER = 60.0


#: The thread is the bot's after these as well, and yet nothing has returned.
_NO_RETURN = (Change.PASS_REFUSED, Change.CHANNEL_CORRECTED)


@dataclass(frozen=True)
class Transition:
    """A change of control that is wanted; what the row allows is decided when it is written."""

    change: Change
    reason: str
    who: str
    owner: str = ""
    target: str = ""
    #: Of the event, by Meta's clock, in ms; None for what we know by our own call, or did ourselves.
    stamp: Optional[int] = None
    channel: str = ""
    #: An action of Rasa's asks for it, and sets the slots itself; on Messenger, where it may end before it
    #: does, a note does it as well.
    by_action: bool = False
    #: Between two who are not the bot: the target's own time limit counts from now, and not the first one.
    own_limit: bool = False

    # Of a return:
    answers_from: Optional[int] = None  #: the first delivery that is no backlog; None: the next one received
    tell: bool = True  #: whether Rasa is to get its turn
    signs: bool = False  #: it rests on signs alone (rules/control.py, rule 5)
    metadata: str = ""  #: what the other app said
    intent: str = ""  #: what the bot is to go on with
    note: str = ""  #: what an agent wrote
    rest: Optional[Mapping[str, Any]] = None  #: of the message that brought it back


class TransitionWriter:
    """Decides each transition from the row as it stands, and writes it over that row."""

    def __init__(self, settings: Settings, store: Store, clock: Callable[[], float]) -> None:
        self._settings = settings
        self._store = store
        self._clock = clock

    def find(self, thread: str) -> Optional[Thread]:
        """Return the row of *thread*, None where there is none."""
        with self._store.glancing() as connection:
            return threads.get(connection, thread)

    def thread(self, thread: str, *, channel: str, page: str = "") -> Thread:
        """Return the row of *thread*, making it where it is new."""
        found = self.find(thread)
        if found:
            return found
        with self._store.writing() as connection:
            return threads.get_or_add(connection, thread, channel=channel, page=page, now=self._clock())

    def change(self, thread: str, wanted: Transition) -> Thread:
        """Apply *wanted* to the row as it stands, and return the row as it is then.

        What has changed hands too often in a minute stays muted; the return is tried again.
        """
        while True:
            with self._store.writing() as connection:
                before = threads.existing(connection, thread)
                state = _state_after(before, wanted)
                if state is None:
                    return before
                if is_confirmed(before.state, state):
                    after = threads.confirm(connection, before, state)
                elif self._may_change(connection, before, now := self._clock()):
                    after = self._write(connection, before, state, wanted, now)
                else:
                    self._hold(connection, before, state, wanted.reason, now)
                    return threads.existing(connection, thread)
                if after is not None:
                    return after
            # Somebody else changed the row: decide again.

    def _write(
        self, connection: Connection, before: Thread, state: State, wanted: Transition, now: float
    ) -> Optional[Thread]:
        """Write the row and all that goes with it; None, and nothing, where the row has changed meanwhile."""
        returned = bot_may_speak(state.control) and wanted.change not in _NO_RETURN
        answers_from = wanted.answers_from
        if returned and answers_from is None:
            answers_from = deliveries.newest_id(connection) + 1
        until = self._until(before, wanted, state, now)
        left = Released(before.state.owner, before.state.target, before.until)
        after = threads.change(
            connection,
            before,
            state,
            reason=wanted.reason,
            who=wanted.who,
            now=now,
            until=until,
            answers_from=answers_from if returned else None,
            note=wanted.note,
            intent=wanted.intent,
            channel=wanted.channel,
            released_from=left if returned and wanted.signs else None,
            release_refused=wanted.change is Change.RELEASE_REFUSED,
        )
        if after is None:
            return None
        self._set_deadlines(connection, before.id, state, until, now)
        if returned:
            findings.clear(connection, findings.BUDGET_SPENT, before.id)
        self._tell_rasa(connection, before, after, wanted, returned)
        had, has = before.state.control.value, state.control.value
        logger.info("thread %s: %s -> %s (%s)", before.id, had, has, wanted.reason)
        return after

    def _tell_rasa(
        self, connection: Connection, before: Thread, after: Thread, wanted: Transition, returned: bool
    ) -> None:
        if returned and wanted.tell:
            more = {"metadata": wanted.metadata, "intent": wanted.intent, "rest": wanted.rest}
            body = {"reason": wanted.reason, **{key: value for key, value in more.items() if value}}
            self._note(connection, after, deliveries.RETURNED, body)
        elif _slots(before) != _slots(after) and (after.channel == MESSENGER or not wanted.by_action):
            self._note(connection, after, deliveries.MUTED, {})

    def extend(self, row: Thread, seconds: float, *, reason: str, who: str) -> Optional[Thread]:
        """Move the time limit of *row* and return the row; None where it has changed meanwhile."""
        now = self._clock()
        until = max(row.until or now, now) + seconds
        with self._store.writing() as connection:
            after = threads.extend(connection, row, until=until, reason=reason, who=who, now=now)
            if after is None:
                return None
            deadlines.put(connection, row.id, deadlines.TIME_LIMIT, until)
            self._note(connection, after, deliveries.MUTED, {})
            return after

    def note_returned(self, row: Thread, reason: str) -> None:
        """Have the worker tell Rasa that the thread is the bot's again."""
        with self._store.writing() as connection:
            self._note(connection, row, deliveries.RETURNED, {"reason": reason})

    def correct_channel(self, row: Thread, *, page: str) -> Thread:
        """Make *row*, whose id another channel has used, Messenger's and the bot's, and return it."""
        logger.warning(
            "thread %s is on Messenger: what %s did to it is undone -> let nobody choose a sender id "
            "there (docs/deployment.md)",
            row.id,
            row.channel,
        )
        if not bot_may_speak(row.state.control):
            self.change(
                row.id,
                Transition(Change.CHANNEL_CORRECTED, reason=CHANNEL_CORRECTED, who="meta", channel=MESSENGER),
            )
        with self._store.writing() as connection:
            before = threads.existing(connection, row.id)
            threads.correct_channel(connection, before, channel=MESSENGER, page=page)
            return threads.existing(connection, row.id)

    def settle_later(self, row: Thread) -> None:
        """Have the outcome of a pass asked for again."""
        with self._store.writing() as connection:
            deadlines.put(connection, row.id, deadlines.SETTLE, self._clock() + SETTLE_AFTER)

    def refused(self, row: Thread, *, wanted: str, refusal: str) -> int:
        """Keep that Meta refused a return, and when it is tried again: in so many minutes."""
        with self._store.writing() as connection:
            return self._try_again(connection, row, wanted=wanted, refusal=refusal)

    def _may_change(self, connection: Connection, before: Thread, now: float) -> bool:
        # A bot that is to be silent is so at once, and a pass is settled, however often there was a change.
        if before.state.control in (Control.BOT, Control.PASSING):
            return True
        return budget.may_change(changes.count_since(connection, before.id, now - budget.MINUTE))

    def _hold(self, connection: Connection, row: Thread, wanted: State, reason: str, now: float) -> None:
        """Keep *row* muted and say so; a return that was wanted is tried again."""
        said = Sentence(
            "control of thread %(thread)s changes too often (to %(control)s, %(reason)s) -> it stays with "
            "whoever has it, and is tried again in some minutes; see `handover status` for what happened",
            thread=row.id,
            control=wanted.control.value,
            reason=reason,
        )
        logger.error("%s", said)
        findings.put(connection, findings.BUDGET_SPENT, row.id, said, now=now)
        if bot_may_speak(wanted.control):
            self._try_again(connection, row, wanted=reason, refusal=said)

    def _try_again(self, connection: Connection, row: Thread, *, wanted: str, refusal: str) -> int:
        minutes = RETURN_AGAIN_AFTER_MINUTES[min(row.attempts, len(RETURN_AGAIN_AFTER_MINUTES) - 1)]
        threads.refuse(connection, row.id, wanted=wanted, refusal=refusal)
        deadlines.put(connection, row.id, deadlines.TAKE_AGAIN, self._clock() + minutes * 60)
        return minutes

    def _until(self, before: Thread, wanted: Transition, state: State, now: float) -> Optional[float]:
        if bot_may_speak(state.control):
            return None
        if wanted.change is Change.RELEASE_REFUSED and before.released_from:
            return before.released_from.until  # it never ended
        anew = wanted.own_limit or bot_may_speak(before.state.control) or state.control is Control.INBOX
        if not anew:
            return before.until  # from one app to another: the first limit stands
        limit = self._limit(state.target)
        return None if limit is None else now + limit.total_seconds()

    def _limit(self, target: str) -> Optional[timedelta]:
        known = self._target(target)
        return known.time_limit if known else self._settings.returning.time_limit

    def _target(self, name: str) -> Optional[Target]:
        return self._settings.targets.get(name)

    def _set_deadlines(
        self, connection: Connection, thread: str, state: State, until: Optional[float], now: float
    ) -> None:
        known = self._target(state.target)
        wait = known.answer_within if known and state.control is Control.INBOX else None
        due: Dict[str, Optional[float]] = {
            deadlines.TIME_LIMIT: until,
            deadlines.SETTLE: now + SETTLE_AFTER if state.control is Control.PASSING else None,
            deadlines.NO_ANSWER: now + wait.total_seconds() if wait else None,
            deadlines.TAKE_AGAIN: None,
        }
        for kind, due_at in due.items():
            deadlines.put(connection, thread, kind, due_at)

    def _note(self, connection: Connection, row: Thread, kind: str, body: Mapping[str, Any]) -> None:
        key = f"{kind}:{row.id}:{row.version}"
        deliveries.add_note(connection, row.id, kind, key=key, body=body, now=self._clock())


def _slots(row: Thread) -> Tuple[str, Optional[float]]:
    """Return what Rasa's slots mirror: the target, "" for the bot, and the time limit."""
    return row.state.target, row.until


def _state_after(before: Thread, wanted: Transition) -> Optional[State]:
    """Return the state that *wanted* leads to, None where it changes nothing."""
    owner, target = wanted.owner, wanted.target
    if wanted.change is Change.RELEASE_REFUSED and before.released_from:
        owner, target = before.released_from.owner, before.released_from.target
    at = max(before.seen, before.state.stamp) if wanted.stamp is None else wanted.stamp
    return state_after(before.state, wanted.change, stamp=at, owner=owner, target=target)
