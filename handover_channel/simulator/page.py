"""Keeps a page on Messenger: its settings, its apps, and its threads with people.

It decides nothing (`thread_control` and `routing` do); it carries decisions out, in this order:

1. What a person does first renews control and the window, is then written into the chat, and then sent to the
   apps.
2. A message of the page is first written into the chat, then control changes, then the echo and the handover
   event are sent (rule 11): the new owner decides how the echo is routed.
"""

from __future__ import annotations

import secrets
import threading
import time
from collections import defaultdict, deque
from typing import Any, Callable, Deque, Dict, List, Mapping, Optional, Sequence, Tuple
from urllib.parse import quote

from handover_channel.simulator import thread_control, webhooks
from handover_channel.simulator.clock import Clock
from handover_channel.simulator.connected_app import PAGE_INBOX, QUIET_FIELDS, App
from handover_channel.simulator.deliveries import Deliveries, Parcel
from handover_channel.simulator.faults import OF_PERSON, Faults
from handover_channel.simulator.journal import Journal
from handover_channel.simulator.routing import RoutedEvent, route, route_handover
from handover_channel.simulator.switches import Switches
from handover_channel.simulator.thread import FIRST_PEOPLE, PERSON, ChatEntry, Thread, later_name
from handover_channel.simulator.thread_control import (
    IDLE,
    Action,
    ControlChange,
    ControlOutcome,
    PageSettings,
)

BOT = "bot"  #: name of the app under test
EVENTS_KEPT = 1000  #: per app

#: What Meta answers by itself, by what is switched on. Its AI marks what it says (reported).
_AUTOMATIC: Mapping[str, Mapping[str, Any]] = {
    "instant_reply": {"text": "Thanks for your message! We will be with you soon."},
    "meta_ai": {"text": "Can I help you?", "ai_generated": True, "metadata": '{"source": "axon"}'},
}


class SimulatedPage:
    """A Messenger page. May be used from several threads.

    *apps* maps the ids of further apps to their names; the bot (*app_id*) and the Page inbox are always
    there. *default_app* is an app id or name, None for a page without one; another name raises KeyError.
    *now* gives seconds since the epoch: a function, or a `Clock`. Apps other than the bot have the token
    ``token-<app id>``.
    """

    def __init__(
        self,
        *,
        app_id: str = "1234567890",
        token: str = "demo-page-token",  # noqa: S107 - of the simulator itself, opens nothing
        secret: str = "demo-app-secret",  # noqa: S107 - as above
        callback: str = "",
        verify_token: str = "handover-demo",  # noqa: S107 - as above
        page_id: str = "1000000000000001",
        page_name: str = "Lamp & Leaf",
        apps: Optional[Mapping[str, str]] = None,
        default_app: Optional[str] = BOT,
        switches: Optional[Switches] = None,
        now: Callable[[], float] = time.time,
        new_id: Callable[[], str] = lambda: "m_" + secrets.token_urlsafe(24),
    ) -> None:
        self.page_id, self.page_name = page_id, page_name
        self.clock = now if isinstance(now, Clock) else Clock(now)
        self.now, self.new_id = self.clock.now, new_id
        self.switches = switches or Switches()
        self.lock = threading.RLock()
        self._last_stamp = 0
        self.apps: Dict[str, App] = {}
        self.connect(App(app_id, BOT, token, secret, verify_token, callback))
        self.connect(simulated_app(PAGE_INBOX, "Page inbox"))
        for other, name in (apps or {}).items():
            if other not in self.apps:
                self.connect(simulated_app(other, name))
        self.bot = self.apps[app_id]
        self.default_app = self.app_called(default_app).id if default_app else ""
        self.journal = Journal(self._milliseconds)
        self.faults = Faults(app_id)
        self.deliveries = Deliveries(
            page_id,
            self.clock,
            self.journal,
            self.faults,
            arrives=self._arrives,
            locked=self._locked,
            disables=lambda: self.switches.disable_webhooks,
            speaks=self.speaks,
        )
        #: Takes webhooks for real callbacks; None without a server.
        self.send_webhook: Optional[Callable[[webhooks.WebhookDelivery], None]] = None
        #: What Meta has done to the page, and what its owner has switched on there (`page_settings`).
        self.published, self.restricted, self.automatic_reply = True, False, ""
        self.base_url = ""  #: where this simulator is served, "" without a server
        self._start_afresh()
        self.clock.on_moved(self.note_lapses, next_stop=self._next_lapse)
        self.clock.on_move(self.journal.note_move)

    def _start_afresh(self) -> None:
        self.threads: Dict[str, Thread] = {psid: Thread(psid, name) for psid, name in FIRST_PEOPLE.items()}
        self.events: Dict[str, Deque[Dict[str, Any]]] = defaultdict(lambda: deque(maxlen=EVENTS_KEPT))
        self.personas: Dict[str, Dict[str, Any]] = {}
        self.profile: Dict[str, Any] = {}  #: the Messenger profile: get_started, persistent_menu ...
        self.user_settings: Dict[str, Any] = {}  #: psid -> persistent menu
        self.files: Dict[str, Tuple[str, bytes]] = {}  #: id -> content type and bytes of uploads
        self.attachments: Dict[str, str] = {}  #: attachment id -> URL

    # --- apps and people -----------------------------------------------------------------------------

    def connect(self, app: App) -> App:
        """Connect an app to the page."""
        self.apps[app.id] = app
        return app

    def admit(self, app_id: str) -> App:
        """Return the app of that id, connecting it if the page does not know it."""
        return self.apps.get(app_id) or self.connect(simulated_app(app_id, f"app {app_id}"))

    def app_called(self, name: str) -> App:
        """Return the app of that id or name; raises KeyError, which names the known ones."""
        for app in self.apps.values():
            if name in (app.id, app.name):
                return app
        known = ", ".join(f"{app.id} ({app.name})" for app in self.apps.values())
        raise KeyError(f"no app {name!r} on this page (known: {known})")

    def thread(self, psid: str) -> Thread:
        """Return a person's thread, a new one if they have none."""
        with self.lock:
            if psid not in self.threads:
                self.threads[psid] = Thread(psid, later_name(len(self.threads)))
                self.journal.changed()
            return self.threads[psid]

    # --- control ----------------------------------------------------------------------------------

    @property
    def settings(self) -> PageSettings:
        """The settings that decide about control."""
        connected = [app for app in self.apps.values() if app.connected]
        may_take = frozenset(app.id for app in connected if app.may_take)
        return PageSettings(self.default_app, frozenset(app.id for app in connected), may_take, self.switches)

    def set_default_app(self, name: Optional[str]) -> None:
        """Set the page's default app by id or name; None turns Conversation Routing off.

        Raises KeyError for an app that the page does not have.
        """
        with self.lock:
            self.default_app = self.app_called(name).id if name else ""
            self.journal.changed()

    def owner(self, psid: str) -> str:
        """Return the app id of the thread's owner, "" when it is idle."""
        return self.thread(psid).control.owner_at(self.now())

    def speaks(self, app_id: str, psid: str) -> bool:
        """Whether the app gets what happens in that thread now on `messaging`."""
        return thread_control.speaks(self.thread(psid).control, app_id, self.settings, self.now())

    def may_send(self, app_id: str, psid: str) -> bool:
        """Whether the app may answer in that thread now."""
        return thread_control.may_send(self.thread(psid).control, app_id, self.settings, self.now())

    def outcome_of(self, thread: Thread, change: ControlChange) -> ControlOutcome:
        """Return the outcome that *change* would have, without changing anything; raises `Refused`."""
        return thread_control.attempt(thread.control, change, self.settings, self.now())

    def apply_outcome(self, thread: Thread, change: ControlChange, outcome: ControlOutcome) -> None:
        """Change control to that of *outcome*, and write the change into the chat."""
        before = thread.control.owner_at(self.now())
        thread.control = outcome.control
        if outcome.control.owner != before:
            self._write(
                thread,
                kind="control",
                action=change.action.value,
                by=change.caller,
                owner=thread.control.owner,
            )
        self.journal.changed()

    def send_handover_event(self, thread: Thread, outcome: ControlOutcome, metadata: str = "") -> None:
        """Send the handover event of *outcome*, if there is one (rule 16)."""
        event = outcome.event
        if event is None or not (event.to or self.switches.take_event_from_idle):
            return
        every = event.kind == "take_thread_control" and self.switches.take_told_to == "all"
        to = {event.to} if event.to and not every else set(self.apps) - {event.new}
        item = webhooks.handover_item(event, metadata, self.switches.ids)
        body = self._item(thread, {event.kind: item})
        self._deliver(route_handover(event.kind, body, self.apps.values(), to), thread)

    def change_control(self, psid: str, change: ControlChange, metadata: str = "") -> None:
        """Carry out *change* and send its handover event; raises `Refused`."""
        with self.lock:
            thread = self.thread(psid)
            outcome = self.outcome_of(thread, change)
            self.apply_outcome(thread, change, outcome)
            self.send_handover_event(thread, outcome, metadata)

    # --- messages ---------------------------------------------------------------------------------

    def write_as_page(self, thread: Thread, app: App, message: Mapping[str, Any], **extra: Any) -> ChatEntry:
        """Write a message of the page into the chat; `echo` sends it to the apps."""
        thread.typing = ""
        return self._write(
            thread, kind="message", mid=self.new_id(), author=app.id, message=dict(message), **extra
        )

    def echo(self, thread: Thread, written: ChatEntry) -> None:
        """Send the echo of a page's message (rule 15), then its delivery receipt."""
        message = webhooks.echoed(written)
        self.publish("echo", thread, {"message": message}, shown=written, from_page=True)
        thread.unread.append(written["mid"])
        if self.switches.receipts:
            receipt = {"mids": [written["mid"]], "watermark": written["at"]}
            self.publish("delivery", thread, {"delivery": receipt})

    def answer_by_itself(self, thread: Thread) -> None:
        """Have Meta answer the person, if the page's owner has switched that on; it takes no control."""
        message = _AUTOMATIC.get(self.automatic_reply)
        if message is not None:
            self.echo(thread, self.write_as_page(thread, self.apps[PAGE_INBOX], message))

    def person_acts(self, psid: str) -> Thread:
        """Renew control and window because the person does something, having read everything before."""
        self.clock.tick()
        thread = self.thread(psid)
        if self.faults:
            self._taken_unseen(thread)
        thread.control = thread_control.touched(thread.control, self.now())
        self.person_reads(thread)
        thread.last_action = self.now()
        return thread

    def person_reads(self, thread: Thread) -> None:
        """Send the read receipt for what the person has not seen yet."""
        unread, thread.unread = thread.unread, []
        if unread and self.switches.receipts:
            self.publish("read", thread, {"read": {"watermark": self.stamp()}})

    def publish(
        self,
        kind: str,
        thread: Thread,
        part: Mapping[str, Any],
        *,
        shown: Optional[ChatEntry] = None,
        origin: str = "",
        from_page: bool = False,
    ) -> None:
        """Send an event to every app that should get it; *shown* is its entry in the chat."""
        item = self._item(thread, part, shown, from_page=from_page)
        settings, now = self.settings, self.now()
        routed = route(
            kind,
            item,
            self.apps.values(),
            speaks=lambda app_id: thread_control.speaks(thread.control, app_id, settings, now),
            origin=origin,
            left_open=self.switches,
        )
        if shown is not None:
            shown["seen"] = {event.app.id: event.channel for event in routed}
        self._deliver(routed, thread)

    def write(self, thread: Thread, **facts: Any) -> ChatEntry:
        """Write what the person did into the chat."""
        return self._write(thread, author=PERSON, **facts)

    def _write(self, thread: Thread, **facts: Any) -> ChatEntry:
        entry = {"at": self.stamp(), **facts}
        thread.chat.append(entry)
        return entry

    def _item(
        self,
        thread: Thread,
        part: Mapping[str, Any],
        shown: Optional[ChatEntry] = None,
        *,
        from_page: bool = False,
    ) -> Dict[str, Any]:
        ends = [thread.psid, self.page_id]
        sender, recipient = reversed(ends) if from_page else ends
        return {
            "sender": {"id": sender},
            "recipient": {"id": recipient},
            "timestamp": shown["at"] if shown else self.stamp(),
            **part,
        }

    def _deliver(self, routed: Sequence[RoutedEvent], thread: Thread) -> None:
        for event in routed:
            self.deliveries.send(event, thread.psid)

    def _arrives(self, parcel: Parcel) -> None:
        """Hand to an app what has come to it: to its callback, or to nobody, which is kept."""
        sent = self.events[parcel.app.id]
        for event in parcel.events:
            sent.append({"channel": event.channel, "kind": event.kind, "item": event.item})
        if parcel.app.callback and self.send_webhook:
            body = webhooks.meta_json(parcel.body, punctuation=self.switches.escapes_punctuation)
            self.send_webhook(
                webhooks.WebhookDelivery(
                    parcel.app, body, tuple(parcel.entries), parcel.forged, sha1=self.switches.signs_sha1
                )
            )
            return
        for entry in parcel.entries:
            self.journal.amend(entry, status="kept", error="")

    def _locked(self, happening: Callable[[], object]) -> Callable[[], object]:
        def with_lock() -> object:
            with self.lock:
                return happening()

        return with_lock

    # --- faults and time --------------------------------------------------------------------------

    def _taken_unseen(self, thread: Thread) -> None:
        """Have another app take the thread and nobody be told, where that fault is due."""
        fault = self.faults.first(OF_PERSON, "", thread.psid, self.bot.id)
        if fault is not None and self.owner(thread.psid) != fault.by:
            taken = ControlChange(Action.STEP_IN, fault.by)
            self.apply_outcome(thread, taken, self.outcome_of(thread, taken))
            self.journal.add("fault", app=fault.by, psid=thread.psid, act="happens", fault=fault.shown())

    def note_lapses(self) -> List[str]:
        """Write into the chats whose control has run out meanwhile; Meta sends no event of it (rule 2).

        Returns what to call it, one for each.
        """
        with self.lock:
            now, noted = self.now(), []
            for thread in self.threads.values():
                if thread.control.owner and not thread.control.owner_at(now):
                    lapsed, thread.control = thread.control, IDLE
                    self._write(thread, kind="control", action="lapse", by=lapsed.owner, owner="")
                    self.journal.add("meta", app=lapsed.owner, psid=thread.psid, act="lapse", text="")
                    noted.append(f"control of {thread.psid} has lapsed")
            return noted

    def _next_lapse(self) -> Optional[float]:
        with self.lock:
            return min((t.control.expires for t in self.threads.values() if t.control.owner), default=None)

    def keep_file(self, content_type: str, content: bytes, name: str = "") -> str:
        """Store an upload in memory, and return its URL, which ends with its name."""
        number = f"{len(self.files) + 1}-{secrets.token_hex(8)}"
        self.files[number] = (content_type, content)
        path = f"{number}/{quote(name, safe='')}" if name else number
        return f"{self.base_url}/simulator/files/{path}"

    # --- time and state ---------------------------------------------------------------------------

    def stamp(self) -> int:
        """Return the time in ms, always later than the last stamp: the bot orders events by it."""
        self._last_stamp = max(self._last_stamp + 1, self._milliseconds())
        return self._last_stamp

    def _milliseconds(self) -> int:
        return int(self.now() * 1000)

    def events_of(self, name: str, psid: str = "") -> List[Dict[str, Any]]:
        """Return what an app was sent (in that thread), oldest first: ``{"channel", "kind", "item"}``."""
        with self.lock:
            sent = list(self.events[self.app_called(name).id])
        about = [(event["item"]["sender"]["id"], event["item"]["recipient"]["id"]) for event in sent]
        return [event for event, ids in zip(sent, about) if not psid or psid in ids]

    def reset(self) -> None:
        """Forget people, threads, files, faults and log; apps, default app, switches and time stay."""
        with self.lock:
            self.faults.clear()
            for app in self.apps.values():
                if self.deliveries.is_disabled(app):
                    app.page_fields = set(app.fields)
            self.deliveries.start_afresh()
            self._start_afresh()
            self.journal.clear()


def simulated_app(app_id: str, name: str) -> App:
    """Return an app without a program behind it."""
    return App(app_id, name, f"token-{app_id}", fields=set(QUIET_FIELDS), page_fields=set(QUIET_FIELDS))
