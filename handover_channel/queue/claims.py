"""Claims a thread for a worker, takes its next delivery, finishes it, gives the thread back.

1. A claim is a row with a time at which it runs out. Who has it processes the thread alone, on whichever
   machine; what a dead worker left is free once its claims have run out.
2. A delivery that needs only the database (a message to a muted thread) is processed in the transaction that
   finds it; one that comes alone is stored as done.
3. Each step of a delivery's life is counted as delivery_life.py says.

Synchronous: on an event loop, call it in a thread. Whatever writes raises StoreUnavailable.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, Callable, Dict, List, Mapping, NamedTuple, Optional, Sequence

from sqlalchemy.engine import Connection

from handover_channel.messenger import webhook
from handover_channel.messenger.events import MESSENGER, Event, MessageReceived, PostbackReceived
from handover_channel.metrics import counters
from handover_channel.queue.delivery_life import MOVES, Stage, Step
from handover_channel.queue.handler_result import HandlerResult
from handover_channel.rules import messaging_window
from handover_channel.rules.control import bot_may_speak
from handover_channel.rules.last_words import words_of
from handover_channel.rules.turn_outcome import ANSWERED, OVER
from handover_channel.store import Store, deliveries, thread_activity, threads, transcript, worker_names
from handover_channel.store.deliveries import RETRIED, Delivery
from handover_channel.store.listener import ask, tell
from handover_channel.store.threads import Thread
from handover_channel.store.transcript import Line

#: Seconds a claim lasts without being renewed.
CLAIM_SECONDS = 15.0
#: How far ahead of our clock Meta's may be, in ms: one event from the future must not make all others old.
CLOCK_AHEAD_MS = 24 * 3600 * 1000
#: Deliveries processed in one transaction.
AT_A_TIME = 20

_NONE_KNOWN: Mapping[str, Event] = {}


@dataclass
class Job:
    """A delivery that this worker is to process, and its thread as it was before."""

    delivery: Delivery
    row: Thread
    event: Optional[Event]  #: None for a note
    result: Optional[HandlerResult] = None  #: what is left to do about it, where that is known
    stage: Stage = Stage.CLAIMED  #: or IN_TURN


class Begun(NamedTuple):
    """What a claim has led to so far: to be counted once it is committed."""

    outcomes: Sequence[str] = ()  #: of what was processed
    job: Optional[Job] = None  #: what comes next

    @property
    def is_ours(self) -> bool:
        """Tell whether there was anything to begin with, and nobody else was at it."""
        return bool(self.outcomes or self.job)


#: What is left to do about an event, None where that is not to be found out in the middle of a transaction.
AtOnce = Callable[[Event, Thread, Delivery], Optional[HandlerResult]]


def _never(event: Event, row: Thread, delivery: Delivery) -> Optional[HandlerResult]:
    return None


class Claims:
    """The queue, as one worker uses it."""

    def __init__(self, store: Store, clock: Callable[[], float], at_once: AtOnce = _never) -> None:
        self._store = store
        self._clock = clock
        self._at_once = at_once
        self.worker = worker_names.new()

    def waiting(self, limit: int) -> List[str]:
        """Claim the longest waiting threads that are nobody's: see `deliveries.claim_waiting`."""
        now = self._clock()
        with self._store.glancing() as connection:
            if limit < 1 or not deliveries.is_anything_waiting(connection, now=now):
                return []
        with self._store.writing(durable=False) as connection:
            return deliveries.claim_waiting(
                connection, worker=self.worker, now=now, until=now + CLAIM_SECONDS, limit=limit
            )

    def ask_for_work(self) -> None:
        """Ask the workers of other processes to leave some threads, where more waits than they are at."""
        if self._store.dialect != "postgresql":
            return  # nobody would hear it
        with self._store.glancing() as glance:
            if not deliveries.is_anything_behind_others(glance, worker=self.worker, now=self._clock()):
                return
        with self._store.writing(durable=False) as connection:
            ask(connection)

    def begin(self, thread: str) -> Optional[Job]:
        """Claim *thread* and take its next delivery; None where there is none, or somebody else has it.

        Those before it that need only the database are processed. For one that the bot answers, `start` is
        done already.
        """
        with self._store.writing(durable=False) as connection:
            begun = self._next(connection, thread)
        return counted(begun)

    def begin_in(
        self, connection: Connection, threads: Sequence[str], known: Mapping[str, Event] = _NONE_KNOWN
    ) -> Dict[str, Begun]:
        """`begin` in each of *threads*, as part of a transaction that has more to do, and no time.

        *known*: events that have just been read, by the body under which they are stored.
        """
        if threads:
            deliveries.hurry(connection)
        return {thread: self._next(connection, thread, known) for thread in threads}

    def finish_at_once(self, connection: Connection, new: Mapping[str, Any], event: Event) -> Optional[Begun]:
        """Store a delivery of a muted thread as done; None: nothing is stored, there is more to it.

        *new*: its row; *event*: what it brings. Nobody is at its thread here.
        """
        thread = new["thread"]
        # Elsewhere than on SQLite another process may claim the thread, or end the handover, meanwhile.
        if connection.dialect.name != "sqlite":
            return None
        row = threads.get(connection, thread)
        if row is None or bot_may_speak(row.state.control) or deliveries.is_busy(connection, thread):
            return None
        delivery = Delivery(0, thread, new["kind"], new["body"], new["received_at"], 0, 0)
        event = _of_our_time(event, delivery)
        result = self._at_once(event, row, delivery)
        if result is None or result.turn:
            return None
        if not deliveries.add_done(connection, new, outcome=result.outcome, now=self._clock()):
            return Begun()  # a repeat
        _touch(connection, delivery, event)
        if result.line is not None:
            transcript.add(connection, thread, result.line)
        return Begun([result.outcome])

    def finish(self, job: Job, outcome: str, line: Optional[Line]) -> Optional[Job]:
        """Take a delivery off the queue, with what it adds to the transcript, and `begin` the next one."""
        with self._store.writing(durable=False) as connection:
            if outcome in OVER and job.row.context:
                threads.set_context(connection, job.row.id, {})  # it went out with the message
            if outcome == ANSWERED and job.delivery.outcome == RETRIED:
                # Kept as unanswered when it was given up: now Rasa has it, with the answer.
                transcript.drop_of_person(connection, job.row.id, getattr(job.event, "mid", ""))
            self._done(connection, job, outcome, line)
            begun = self._following(connection, job.row.id)
        return counted(Begun([outcome, *begun.outcomes], begun.job))

    def again(self, job: Job) -> Optional[Job]:
        """Leave a delivery that its effect brings back in the queue, count that, and `begin` the next one."""
        with self._store.writing(durable=False) as connection:
            _take(connection, job, Step.COME_BACK)
            begun = self._next(connection, job.row.id)
        return counted(begun)

    def start(self, job: Job) -> None:
        """Count that the bot is set to work."""
        with self._store.writing(durable=False) as connection:
            _start(connection, job)

    def failed(self, job: Job) -> None:
        """Count that an attempt failed. The claim stays."""
        with self._store.writing(durable=False) as connection:
            _take(connection, job, Step.FAIL)

    def give_back(self, job: Job, step: Step, *, telling: bool = False) -> None:
        """Give up the claim on the thread of *job*, unfinished: by `Step.GIVE_BACK` or `Step.INTERRUPT`.

        *telling*: the other processes hear of it, and look for it at once.
        """
        with self._store.writing(durable=False) as connection:
            _take(connection, job, step)
            deliveries.release(connection, worker=self.worker, thread=job.row.id)
            if telling:
                tell(connection)

    def give_all_back(self) -> None:
        """Give up every claim of this worker. What was under way counts as interrupted."""
        with self._store.writing(durable=False) as connection:
            deliveries.release(connection, worker=self.worker)

    def is_muted(self, thread: str) -> bool:
        """Tell whether the bot does not have control of *thread*."""
        with self._store.glancing() as connection:
            control = threads.control_of(connection, thread)
        return control is not None and not bot_may_speak(control)

    def renew(self, threads: Sequence[str]) -> None:
        """Renew the claims that this worker has on these threads."""
        with self._store.writing(durable=False) as connection:
            deliveries.renew(connection, threads, worker=self.worker, until=self._clock() + CLAIM_SECONDS)

    def free_the_dead(self) -> None:
        """Give up at once what workers that are no more had claimed; by themselves the claims run out later.

        On SQLite alone, where every worker is on this machine: elsewhere a process id says nothing.
        """
        if self._store.dialect != "sqlite":
            return
        with self._store.writing(durable=False) as connection:
            for worker in deliveries.claiming_workers(connection):
                if worker_names.has_died(worker):
                    deliveries.release(connection, worker=worker)

    def _next(self, connection: Connection, thread: str, known: Mapping[str, Event] = _NONE_KNOWN) -> Begun:
        now = self._clock()
        # The claim comes first: what is read without it may be done by its owner before it is ours. On SQLite
        # a transaction has no others beside it, and a claim that would end with it is not written at all.
        is_written = connection.dialect.name != "sqlite"
        if is_written:
            if not self._claim(connection, thread, now):
                return Begun()
        elif found := deliveries.claimed(connection, thread):
            is_written, (worker, until) = True, found
            if worker != self.worker and until > now:
                return Begun()
        outcomes: List[str] = []
        waiting = deliveries.next_two(connection, thread)
        while waiting:
            job = self._job(connection, waiting[0], known)
            result = job.result
            if result is None or result.turn or len(outcomes) == AT_A_TIME:
                if connection.dialect.name == "sqlite":
                    self._claim(connection, thread, now)
                if result is not None and result.turn:
                    _start(connection, job)
                return Begun(outcomes, job)
            self._done(connection, job, result.outcome, result.line)
            outcomes.append(result.outcome)
            # Who adds one behind the last, from another process, says so.
            waiting = deliveries.next_two(connection, thread) if len(waiting) > 1 else []
        if is_written:
            deliveries.release(connection, worker=self.worker, thread=thread)
        return Begun(outcomes)

    def _claim(self, connection: Connection, thread: str, now: float) -> bool:
        return deliveries.claim(connection, thread, worker=self.worker, now=now, until=now + CLAIM_SECONDS)

    def _following(self, connection: Connection, thread: str) -> Begun:
        """As `_next`, in a thread that was ours: mostly nothing follows, and nothing is claimed for that."""
        deliveries.release(connection, worker=self.worker, thread=thread)
        return self._next(connection, thread) if deliveries.next_of(connection, thread) else Begun()

    def _job(self, connection: Connection, delivery: Delivery, known: Mapping[str, Event]) -> Job:
        event = _event_of(delivery, known)
        page = event.page if event else ""
        row = threads.get_or_add(
            connection, delivery.thread, channel=MESSENGER, page=page, now=delivery.received_at
        )
        if event is None:
            return Job(delivery, row, event)
        _touch(connection, delivery, event)
        # What failed or was interrupted before is looked at more closely.
        is_new = not (delivery.failures or delivery.attempts)
        return Job(delivery, row, event, self._at_once(event, row, delivery) if is_new else None)

    def _done(self, connection: Connection, job: Job, outcome: str, line: Optional[Line]) -> None:
        if line is not None:
            transcript.add(connection, job.row.id, line)
        deliveries.done(connection, job.delivery.id, outcome=outcome, now=self._clock())


def counted(begun: Begun) -> Optional[Job]:
    """Count what was processed, and return what comes next."""
    for outcome in begun.outcomes:
        counters.processed(outcome)
    return begun.job


def _touch(connection: Connection, delivery: Delivery, event: Event) -> None:
    opened = event.timestamp if messaging_window.opens(event) else 0
    said = isinstance(event, (MessageReceived, PostbackReceived))
    thread_activity.touch(
        connection,
        delivery.thread,
        page=event.page,
        seen=event.timestamp,
        now=delivery.received_at,
        person_at=opened if said else 0,
        window_at=0 if said else opened,
        words=words_of(event),
    )


def _start(connection: Connection, job: Job) -> None:
    deliveries.started(connection, job.delivery.id)  # for every message: a statement of its own
    job.stage = MOVES[job.stage][Step.START].to


def _take(connection: Connection, job: Job, step: Step) -> None:
    """Take a step of the delivery's life, and count what it counts."""
    move = MOVES[job.stage][step]
    deliveries.count(connection, job.delivery.id, **move.counts)
    job.stage = move.to


def _event_of(delivery: Delivery, known: Mapping[str, Event]) -> Optional[Event]:
    if delivery.kind != deliveries.EVENT:
        return None
    return _of_our_time(known.get(delivery.body) or webhook.unmarshal(delivery.body), delivery)


def _of_our_time(event: Event, delivery: Delivery) -> Event:
    newest = int(delivery.received_at * 1000) + CLOCK_AHEAD_MS
    return event if event.timestamp <= newest else replace(event, timestamp=newest)
