"""Stores what Meta sends before it is acknowledged: all that has come meanwhile in one transaction.

1. A commit that survives a power cut costs the disk a flush. While one transaction is written, the next
   deliveries gather, and go together into the one after: the busier the page, the cheaper each of them.
2. If few come, each is begun in the transaction that stores it (`Beginner`): one that needs only the
   database, a message to a muted thread, is then processed. In a flood storing comes first. Other processes
   are told of what is not begun.
3. One thread does all this, from the socket and back to it: to wake another one costs more than the work.
"""

from __future__ import annotations

import logging
import threading
import time
from typing import Any, Callable, Dict, Iterable, List, Mapping, Optional, Protocol, Tuple

from sqlalchemy.engine import Connection

from handover_channel import essential, log
from handover_channel.errors import InvalidSignature, MalformedWebhook, StoreUnavailable
from handover_channel.log import Rarely
from handover_channel.messenger import webhook
from handover_channel.messenger.events import Event
from handover_channel.messenger.page_events import PageEvent, unread, without_thread
from handover_channel.metrics import counters
from handover_channel.queue.claims import Begun
from handover_channel.store import Store, deliveries, findings
from handover_channel.store.listener import tell

logger = logging.getLogger(__name__)

#: What Meta is to be answered: HTTP status and text.
Answer = Tuple[int, str]

#: Deliveries that gather while one transaction is written, from which on others should give way to more of
#: them, and for how many seconds.
PRESSED, PRESSED_FOR = 6, 0.1

#: Seconds within which a database that can be reached refuses: then storing without beginning may work.
REFUSED_SECONDS = 2.0


class Beginner(Protocol):
    """Begins deliveries of threads that nobody is at now (worker.py). From any thread."""

    def reserve(self, threads: Iterable[str]) -> List[str]:
        """Keep those of *threads* for the caller that nobody here is at. `go_on` takes them back."""

    def begin(
        self, connection: Connection, threads: Iterable[str], known: Mapping[str, Event]
    ) -> Dict[str, Begun]:
        """Process what needs only the database; return what is begun then. Raises StoreUnavailable.

        *known*: the events that are stored in the same transaction, by their bodies.
        """

    def finish_at_once(self, connection: Connection, new: Mapping[str, Any], event: Event) -> Optional[Begun]:
        """Store a row of a reserved thread as done; None: there is more to it, and it is not stored."""

    def go_on(self, begun: Mapping[str, Begun]) -> None:
        """Take them back, once that is committed."""

    def wake(self, threads: Iterable[str]) -> None:
        """Say that there is work in other threads."""


#: Requests by their numbers: (signature, body) of a webhook call.
Requests = List[Tuple[int, Tuple[Any, ...]]]


class Server(Protocol):
    """Where requests come from, and answers go: queue/ipc.py's BatchServer."""

    def requests(self) -> Requests:
        """Return those that have come, at least one; none once the other side has hung up."""

    def respond(self, answers: Iterable[Tuple[int, Any]]) -> None:
        """Answer requests by their numbers."""


class Intake:
    """Answers the requests of *server*."""

    def __init__(
        self,
        store: Store,
        secret: str,
        server: Server,
        worker: Beginner,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._clock = clock
        self._store = store
        self._secret = secret
        self._server = server
        self._worker = worker
        self._writing = threading.Lock()
        self._stopped = False
        self._pressed_until = 0.0
        self._rarely = Rarely()

    def start(self) -> None:
        """Start, in a thread that ends when the other side hangs up."""
        essential.or_end("handover-intake", self._run)

    def stop(self) -> None:
        """Store what is being stored. From here on Meta gets 503, and sends it again."""
        with self._writing:
            self._stopped = True

    def is_pressed(self) -> bool:
        """Tell whether so much comes in just now that other work had better wait."""
        return time.monotonic() < self._pressed_until

    def _run(self) -> None:
        while requests := self._server.requests():
            with self._writing:
                try:
                    self.take(requests)
                except Exception as error:  # whoever is not answered gets 503: Meta sends it again
                    logger.error("deliveries could not be taken: %s", log.trace(error))

    def take(self, requests: Requests) -> None:
        """Store what they bring, answer them, and say that there is work."""
        rows: List[Dict[str, Any]] = []
        known: Dict[str, Event] = {}
        others: List[PageEvent] = []
        answers = {
            number: self._read(signature, body, rows, known, others) for number, (signature, body) in requests
        }
        waiting = [number for number, refusal in answers.items() if refusal is None]
        if len(waiting) >= PRESSED:
            self._pressed_until = time.monotonic() + PRESSED_FOR
        threads = sorted({row["thread"] for row in rows})
        mine = self._worker.reserve(threads) if len(rows) < PRESSED else []
        begun: Dict[str, Begun] = {}
        done: Answer = (200, "success")
        try:
            begun = self._store_all(rows, mine, known) if rows else {}
            counters.stored(len(rows))
        except StoreUnavailable as error:
            logger.error("could not store %d deliveries, Meta will send them again: %s", len(waiting), error)
            threads, done = [], (503, "the database is out of reach")
        self._server.respond((number, refusal or done) for number, refusal in answers.items())
        self._worker.go_on({**dict.fromkeys(mine, Begun()), **begun})
        if waking := set(threads) - set(begun):
            self._worker.wake(waking)
        for event in others:
            self._say(event)

    def _read(
        self,
        signature: str,
        body: bytes,
        rows: List[Dict[str, Any]],
        known: Dict[str, Event],
        others: List[PageEvent],
    ) -> Optional[Answer]:
        """Add what a delivery brings: rows, events by body, events of no thread; or return why nothing."""
        try:
            if self._stopped:
                raise StoreUnavailable("the server is stopping -> wait: Meta sends it again")
            webhook.verify_signature(body, signature=signature, secret=self._secret)
            entries = webhook.entries_of(body)
            items = webhook.items_of(entries)
            rows.extend(deliveries.rows(items, self._clock()))
            known.update((each.body, each.event) for each in items)
            others.extend(without_thread((each.event, each.body) for each in items))
            others.extend(unread(webhook.unread_of(entries)))
        except StoreUnavailable as error:
            return 503, str(error)
        except InvalidSignature as error:
            self._rarely.warning(logger, "signature", "refused a webhook call: %s", error)
            return 403, "invalid signature"
        except MalformedWebhook as error:
            self._rarely.warning(logger, "malformed", "refused a webhook call: %s", error)
            return 400, str(error)
        except Exception as error:  # never end this thread
            logger.error("a webhook call could not be read: %s", log.trace(error))
            return 500, type(error).__name__
        return None

    def _say(self, event: PageEvent) -> None:
        """Log what belongs to no thread. What Meta does to a page is shown by health and command too."""
        if not event.sentence:
            said = "an event without a thread was left alone: %s of page %s"
            self._rarely.warning(logger, f"{event.kind} {event.page}", said, event.kind, event.page)
            return
        logger.log(logging.WARNING if event.is_over else logging.ERROR, "%s", event.sentence)
        try:
            with self._store.writing() as connection:
                if event.is_over:
                    findings.clear(connection, findings.POLICY_ENFORCED, event.page)
                else:
                    finding = (findings.POLICY_ENFORCED, event.page, event.sentence)
                    findings.put(connection, *finding, now=self._clock())
        except StoreUnavailable as error:
            logger.error("page %s: not noted that Meta enforces a policy: %s", event.page, error)

    def _store_all(
        self, rows: List[Dict[str, Any]], mine: List[str], known: Mapping[str, Event]
    ) -> Dict[str, Begun]:
        """Store *rows*; return what is begun in the threads that are ours. Raises StoreUnavailable."""
        began_at = time.monotonic()
        if mine:
            try:
                return self._write(rows, mine, known)
            except Exception as error:  # whatever is wrong with beginning, they have to be stored
                if isinstance(error, StoreUnavailable) and time.monotonic() - began_at > REFUSED_SECONDS:
                    raise
                logger.warning("could not begin with deliveries, storing alone: %s", log.trace(error))
        try:
            return self._write(rows, [], known)
        except StoreUnavailable:
            raise
        except Exception as error:
            raise StoreUnavailable(
                f"{type(error).__name__} in the database driver -> if it lasts, see the log of the database"
            ) from None

    def _write(
        self, rows: List[Dict[str, Any]], mine: List[str], known: Mapping[str, Event]
    ) -> Dict[str, Begun]:
        with self._store.writing() as connection:
            if mine and len(rows) == 1:
                done = self._worker.finish_at_once(connection, rows[0], known[rows[0]["body"]])
                if done is not None:
                    return {mine[0]: done}
            deliveries.add(connection, rows, telling=False)
            begun = self._worker.begin(connection, mine, known) if mine else {}
            ours = {thread for thread, each in begun.items() if each.is_ours}
            if not all(row["thread"] in ours for row in rows):
                tell(connection)
            return begun
