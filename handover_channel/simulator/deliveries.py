"""Brings events to apps: in order, with the faults that were ordered, and again where a webhook is down.

1. The events of an app arrive in the order in which they happened, unless a fault says otherwise.
2. What a fault holds back is let go by the next event of its app, or by Meta's clock: nothing is lost.
3. A webhook that fails is alerted about after 15 minutes, and disabled after an hour without a success; then
   what waits for it is dropped, which its lines in the journal say. Of the fault `webhook_down` both are
   meant; what really fails is disabled only with the switch `disable_webhooks`.
4. Meta tries at once "a few more times" and does not say when: `RETRY_PAUSES` are ours.

Every event is a line of the journal, whose status says what became of it. Used under the simulator's lock.
https://developers.facebook.com/documentation/business-messaging/messenger-platform/webhooks
"""

from __future__ import annotations

from collections import defaultdict, deque
from dataclasses import dataclass, field, replace
from typing import Any, Callable, Deque, Dict, List, Mapping, Optional

from handover_channel.simulator import webhooks
from handover_channel.simulator.clock import Clock, Timer
from handover_channel.simulator.connected_app import STANDBY, App
from handover_channel.simulator.faults import OF_WEBHOOK, Fault, Faults
from handover_channel.simulator.journal import Journal, JournalEntry
from handover_channel.simulator.routing import MESSAGING, RoutedEvent

ALERTED_AFTER = 15 * 60.0  #: seconds of failures
DISABLED_AFTER = 60 * 60.0  #: seconds of failures

#: Seconds until an attempt is repeated; the last one again and again.
RETRY_PAUSES = (1.0, 5.0, 30.0, 60.0, 300.0)

_Json = Dict[str, Any]


@dataclass
class Parcel:
    """The content of one body to an app: an event, or several (the fault `batch`), also of several pages."""

    app: App
    psid: str
    events: List[RoutedEvent]
    bodies: List[_Json]
    entries: List[JournalEntry]
    forged: bool = False
    attempts: int = 0

    @property
    def body(self) -> _Json:
        """The body, as it is signed and sent."""
        return self.bodies[0] if len(self.bodies) == 1 else webhooks.batched(self.bodies)


@dataclass
class Callback:
    """What Meta knows of an app's webhook."""

    failing_since: Optional[float] = None
    disabled: bool = False
    timers: List[Timer] = field(default_factory=list)
    waiting: Deque[Parcel] = field(default_factory=deque)  #: for the next attempt, while it is down
    retry: Optional[Timer] = None
    held: List[Parcel] = field(default_factory=list)  #: behind the next event (reorder)
    batched: List[Parcel] = field(default_factory=list)  #: with the next event (batch)

    def every_timer(self) -> List[Timer]:
        """Return all that it waits for."""
        return [*self.timers, *([self.retry] if self.retry else [])]


class Deliveries:
    """The way of the events of all pages. *arrives* takes what an app gets; *disables*: the switch.

    *speaks*: whether an app gets what happens in a thread (PSID) of its page on `messaging` now.
    *unsubscribes*: takes an app (id) off every page.
    """

    def __init__(
        self,
        clock: Clock,
        journal: Journal,
        faults: Faults,
        *,
        arrives: Callable[[Parcel], None],
        locked: Callable[[Callable[[], object]], Callable[[], object]],
        disables: Callable[[], bool],
        speaks: Callable[[App, str], bool],
        unsubscribes: Callable[[str], None],
    ) -> None:
        self._clock, self._journal, self._faults = clock, journal, faults
        self._arrives, self._locked, self._disables, self._speaks = arrives, locked, disables, speaks
        self._unsubscribes = unsubscribes
        self.callbacks: Dict[str, Callback] = defaultdict(Callback)
        self._holds: List[Timer] = []

    def start_afresh(self) -> None:
        """Forget what waits, what failed, and which webhooks are disabled."""
        for timer in (timer for each in self.callbacks.values() for timer in each.every_timer()):
            timer.cancel()
        for timer in self._holds:
            timer.cancel()
        self._holds.clear()
        self.callbacks.clear()

    # --- on the way -------------------------------------------------------------------------------

    def send(self, event: RoutedEvent, psid: str) -> None:
        """Bring an event to its app, now or later."""
        parcel = self._parcel(event, psid)
        if not self._faults:
            self._bring([parcel])
            return
        happening = list(self._faults.take(OF_WEBHOOK, event.kind, psid, event.app.id, event.app.page_id))
        names = [fault.name for fault in happening]
        if names:
            self._journal.amend(parcel.entries[0], faults=names)
        if "drop_webhook" in names:
            self._amend(parcel, status="dropped")
            return
        if "no_mids" in names:
            self._without_mids(parcel)
        if "unknown_event" in names:
            self._put(self._parcel(_of_unknown_kind(event), psid, faults=["unknown_event"]))
        parcel.forged = "bad_signature" in names
        again = [self._again(parcel) for name in names if name == "duplicate"]
        holding = next((fault for fault in happening if fault.name in _HOLDING), None)
        if holding is not None:
            self._hold([parcel, *again], holding)
        else:
            self._bring([parcel, *again])

    def _again(self, parcel: Parcel) -> Parcel:
        event = parcel.events[0]
        copy = self._parcel(event, parcel.psid, body=parcel.body, faults=["duplicate"])
        copy.forged = parcel.forged
        return copy

    def _parcel(
        self, event: RoutedEvent, psid: str, body: Optional[_Json] = None, faults: Optional[List[str]] = None
    ) -> Parcel:
        app = event.app
        body = body or webhooks.delivery(
            app.page_id, event.channel, event.item, int(self._clock.now() * 1000)
        )
        facts = {"app": app.id, "page": app.page_id, "psid": psid, "channel": event.channel}
        facts["event"] = event.kind
        more = {"faults": faults} if faults else {}
        entry = self._journal.add("webhook", **facts, body=body, status=None, attempts=0, error="", **more)
        return Parcel(app, psid, [event], [body], [entry])

    def _without_mids(self, parcel: Parcel) -> None:
        event = parcel.events[0]
        receipt = {key: value for key, value in event.item["delivery"].items() if key != "mids"}
        changed = RoutedEvent(event.app, event.channel, event.kind, {**event.item, "delivery": receipt})
        parcel.events[0] = changed
        parcel.bodies[0] = {
            **parcel.body,
            "entry": [{**parcel.body["entry"][0], event.channel: [changed.item]}],
        }
        self._journal.amend(parcel.entries[0], body=parcel.body)

    # --- held back --------------------------------------------------------------------------------

    def _hold(self, parcels: List[Parcel], fault: Fault) -> None:
        callback = self.callbacks[parcels[0].app.id]
        for parcel in parcels:
            self._amend(parcel, status="held")
            if fault.name == "reorder":
                callback.held.append(parcel)
            elif fault.name == "batch":
                callback.batched.append(parcel)
        what = f"{fault.name}: what was held for {parcels[0].app.name or parcels[0].app.id} arrives"
        then, let_go = (
            self._clock.now() + fault.seconds,
            self._locked(lambda: self._let_go(callback, parcels)),
        )
        self._holds.append(self._clock.at(then, let_go, what))

    def _let_go(self, callback: Callback, parcels: List[Parcel]) -> None:
        """Deliver what has been held long enough, unless the next event took it along."""
        for parcel in parcels:
            if all(entry["status"] == "held" for entry in parcel.entries):
                for place in (callback.held, callback.batched):
                    if parcel in place:
                        place.remove(parcel)
                self._put_held(parcel)

    def _bring(self, parcels: List[Parcel]) -> None:
        """Deliver now, with what waited to come along, and then what waited to come after it."""
        callback = self.callbacks.get(parcels[0].app.id)
        if callback is None or not (callback.held or callback.batched):
            for parcel in parcels:
                self._put(parcel)
            return
        along, after = callback.batched, callback.held
        callback.batched, callback.held = [], []
        self._put(_joined([*along, parcels[0]]))
        for parcel in parcels[1:]:
            self._put(parcel)
        for parcel in after:
            self._put_held(parcel)

    def _put_held(self, parcel: Parcel) -> None:
        """Deliver what was held; an echo comes on the channel of now, or not at all (rule 15)."""
        for place, event in enumerate(parcel.events):
            channel = MESSAGING if self._speaks(event.app, parcel.psid) else STANDBY
            if event.kind != "echo" or channel == event.channel:
                continue
            if channel == STANDBY and not event.app.listens_to(STANDBY):
                self._amend(parcel, status="dropped", error="the app has lost the thread, and has no standby")
                return
            parcel.events[place] = replace(event, channel=channel)
            entry = {
                key: value for key, value in parcel.bodies[place]["entry"][0].items() if key != event.channel
            }
            parcel.bodies[place] = {**parcel.bodies[place], "entry": [{**entry, channel: [event.item]}]}
            self._journal.amend(parcel.entries[place], channel=channel, body=parcel.bodies[place])
        self._put(parcel)

    # --- attempts ---------------------------------------------------------------------------------

    def _put(self, parcel: Parcel) -> None:
        callback = self.callbacks.get(parcel.app.id)
        if callback is not None and callback.waiting:
            self._amend(parcel, status=None)
            callback.waiting.append(parcel)  # rule 1
        elif not self._faults or not self._is_down(parcel):
            self._arrives(parcel)
        else:
            self.callbacks[parcel.app.id].waiting.append(parcel)
            self._failed_once(parcel)

    def _is_down(self, parcel: Parcel) -> bool:
        kind, app = parcel.events[0].kind, parcel.app
        return bool(self._faults.first(OF_WEBHOOK, kind, parcel.psid, app.id, app.page_id, "webhook_down"))

    def _failed_once(self, parcel: Parcel) -> None:
        parcel.attempts += 1
        self._amend(parcel, status=None, attempts=parcel.attempts, error="the webhook is down (fault)")
        callback = self.callbacks[parcel.app.id]
        self.failed(parcel.app, meant=True)
        pause = RETRY_PAUSES[min(parcel.attempts, len(RETRY_PAUSES)) - 1]
        name = parcel.app.name or parcel.app.id
        callback.retry = self._clock.at(
            self._clock.now() + pause,
            self._locked(lambda: self._try_again(callback)),
            f"{name} is tried again",
        )

    def _try_again(self, callback: Callback) -> None:
        while callback.waiting:
            parcel = callback.waiting[0]
            if self._is_down(parcel):
                self._failed_once(parcel)
                return
            callback.waiting.popleft()
            self._arrives(parcel)
            self.succeeded(parcel.app)

    # --- the state of a webhook -------------------------------------------------------------------

    def failed(self, app: App, *, meant: bool = False) -> None:
        """Note that an attempt has failed. *meant*: by a fault, so that the webhook may be disabled."""
        callback = self.callbacks[app.id]
        if callback.failing_since is not None or self.is_disabled(app):
            return
        now, name = self._clock.now(), app.name or app.id
        callback.failing_since = now
        callback.timers = [
            self._clock.at(
                now + ALERTED_AFTER,
                self._locked(lambda: self._note(app, "alert", "its webhook has failed for 15 minutes")),
                f"alert: the webhook of {name} has failed for 15 minutes",
            ),
            self._clock.at(
                now + DISABLED_AFTER,
                self._locked(lambda: self._an_hour_later(app, meant)),
                f"an hour of failures of the webhook of {name}",
            ),
        ]

    def succeeded(self, app: App) -> None:
        """Note that the webhook has answered 200."""
        callback = self.callbacks.get(app.id)
        if callback is not None and callback.failing_since is not None:
            callback.failing_since = None
            for timer in callback.timers:
                timer.cancel()

    def is_disabled(self, app: App) -> bool:
        """Whether Meta has disabled the webhook of that app, which has not subscribed again since."""
        callback = self.callbacks.get(app.id)
        return callback is not None and callback.disabled and not app.page_fields

    def _an_hour_later(self, app: App, meant: bool) -> None:
        callback = self.callbacks[app.id]
        callback.failing_since = None
        if not (meant or self._disables()):
            self._note(app, "alert", "Meta would disable its webhook now; the switch disable_webhooks is off")
            return
        callback.disabled = True
        self._unsubscribes(app.id)
        if callback.retry is not None:
            callback.retry.cancel()
        while callback.waiting:
            parcel = callback.waiting.popleft()
            self._amend(parcel, status="dropped", error="the webhook was disabled")
        self._note(
            app,
            "disabled",
            "an hour of failures: its webhook is disabled and the app unsubscribed from the page",
        )

    def _note(self, app: App, act: str, text: str) -> None:
        self._journal.add("meta", app=app.id, page="", psid="", act=act, text=text)

    def _amend(self, parcel: Parcel, **facts: Any) -> None:
        for entry in parcel.entries:
            self._journal.amend(entry, **facts)


_HOLDING = frozenset({"reorder", "batch", "late_echo"})


def _joined(parcels: List[Parcel]) -> Parcel:
    """Return one parcel of all; forged if the last one is, which the others come with."""
    last = parcels[-1]
    return Parcel(
        last.app,
        last.psid,
        [event for parcel in parcels for event in parcel.events],
        [body for parcel in parcels for body in parcel.bodies],
        [entry for parcel in parcels for entry in parcel.entries],
        forged=any(parcel.forged for parcel in parcels),
    )


def _of_unknown_kind(event: RoutedEvent) -> RoutedEvent:
    common: Mapping[str, Any] = {
        key: event.item[key] for key in ("sender", "recipient", "timestamp") if key in event.item
    }
    item = {**common, "unannounced_event": {"version": 1}}
    return RoutedEvent(event.app, event.channel, "unknown", item)
