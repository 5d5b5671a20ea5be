"""Keeps a page on Messenger: its settings, its apps, and its threads with people. What all share is `meta`.

It decides nothing (`thread_control` and `routing` do); it carries decisions out, in this order:

1. What a person does first renews control and the window, is then written into the chat, and then sent to the
   apps.
2. A message of the page is first written into the chat, then control changes, then the echo and the handover
   event are sent (rule 11): the new owner decides how the echo is routed.
"""

from __future__ import annotations

from collections import defaultdict, deque
from typing import Any, Deque, Dict, Iterable, List, Mapping, Optional, Sequence

from handover_channel.simulator import thread_control, webhooks
from handover_channel.simulator.connected_app import PAGE_INBOX, App, on_another_page, simulated_app
from handover_channel.simulator.faults import OF_PERSON
from handover_channel.simulator.meta import Meta
from handover_channel.simulator.routing import RoutedEvent, route, route_handover
from handover_channel.simulator.switches import Switches
from handover_channel.simulator.thread import PERSON, ChatEntry, Thread, first_people, later_name
from handover_channel.simulator.thread_control import (
    IDLE,
    Action,
    ControlChange,
    ControlOutcome,
    PageSettings,
)

EVENTS_KEPT = 1000  #: per app

#: What Meta answers by itself, by what is switched on. Its AI marks what it says (reported).
_AUTOMATIC: Mapping[str, Mapping[str, Any]] = {
    "instant_reply": {"text": "Thanks for your message! We will be with you soon."},
    "meta_ai": {"text": "Can I help you?", "ai_generated": True, "metadata": '{"source": "axon"}'},
}


class SimulatedPage:
    """A Messenger page. May be used from several threads.

    *apps*: those that are connected to it, the bot and the Page inbox among them. *default_app* is an app id
    or name, None for a page without one; another name raises KeyError.
    """

    def __init__(
        self,
        meta: Meta[SimulatedPage],
        page_id: str,
        page_name: str,
        apps: Iterable[App],
        default_app: Optional[str],
    ) -> None:
        self.page_id, self.page_name, self.meta = page_id, page_name, meta
        self.clock, self.journal, self.faults = meta.clock, meta.journal, meta.faults
        self.deliveries, self.lock = meta.deliveries, meta.lock
        self.now, self.new_id, self.stamp = meta.clock.now, meta.new_id, meta.stamp
        self.apps: Dict[str, App] = {}
        for app in apps:
            self.connect(app)
        self.bot = self.apps[meta.bot]
        self.default_app = self.app_called(default_app).id if default_app else ""
        #: What Meta has done to the page, and what its owner has switched on there (`page_settings`).
        self.published, self.restricted, self.automatic_reply = True, False, ""
        self._number = len(meta.pages)
        meta.pages[page_id] = self
        self.start_afresh()

    def start_afresh(self) -> None:
        """Forget people and what was said; apps and settings stay."""
        self.threads: Dict[str, Thread] = first_people(self._number)
        self.events: Dict[str, Deque[Dict[str, Any]]] = defaultdict(lambda: deque(maxlen=EVENTS_KEPT))
        self.personas: Dict[str, Dict[str, Any]] = {}
        self.profile: Dict[str, Any] = {}  #: the Messenger profile: get_started, persistent_menu ...
        self.user_settings: Dict[str, Any] = {}  #: psid -> persistent menu
        self.attachments: Dict[str, str] = {}  #: attachment id -> URL

    @property
    def switches(self) -> Switches:
        """The switches for what Meta's pages leave open, for all pages."""
        return self.meta.switches

    @switches.setter
    def switches(self, switches: Switches) -> None:
        self.meta.switches = switches

    # --- apps and people -----------------------------------------------------------------------------

    def connect(self, app: App) -> App:
        """Connect an app to the page. What it says of the app itself counts for every page from now on."""
        app.page_id = self.page_id
        self.apps[app.id] = app
        for each in self.meta.apps_called(app.id):
            each.registered = app.registered
        return app

    def admit(self, app_id: str) -> App:
        """Return the app of that id, connecting it if the page does not know it."""
        known = self.apps.get(app_id)
        if known is not None:
            return known
        elsewhere = next(iter(self.meta.apps_called(app_id)), None)
        if elsewhere is not None:
            return self.connect(on_another_page(elsewhere, f"token-{app_id}-{self.page_id}"))
        return self.connect(simulated_app(app_id, f"app {app_id}"))

    def app_called(self, name: str) -> App:
        """Return the app of that id or name; raises KeyError, which names the known ones."""
        for app in self.apps.values():
            if name in (app.id, app.name):
                return app
        known = ", ".join(f"{app.id} ({app.name})" for app in self.apps.values())
        raise KeyError(f"no app {name!r} on this page (known: {known})")

    def thread(self, psid: str) -> Thread:
        """Return a person's thread, a new one if they have none.

        Raises KeyError for a person of another page, who has another id here.
        """
        with self.lock:
            if psid not in self.threads:
                self._expect_nobodys(psid)
                self.threads[psid] = Thread(psid, later_name(len(self.threads)))
                self.journal.changed()
            return self.threads[psid]

    def thread_of_same(self, thread: Thread, psid: str = "") -> Thread:
        """Return the thread here of the person of *thread*, who has come to another page.

        *psid*: their id here if they are new, else a free one. Raises KeyError where somebody else has it.
        """
        with self.lock:
            for page, each in self.meta.threads_of_same(thread):
                if page is self:
                    return each
            found = self.thread(psid or self.meta.new_psid())
            if found.chat:
                raise KeyError(f"{psid} is somebody else on the page {self.page_name} -> take another id")
            found.name, found.person = thread.name, thread.person
            return found

    def _expect_nobodys(self, psid: str) -> None:
        other = self.meta.page_of(psid)
        if other is not None:
            raise KeyError(
                f"{psid} is a person of the page {other.page_name}, and has another id on any other "
                f"-> name that page, or take another id on {self.page_name}"
            )

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

    def keep_event(self, event: RoutedEvent) -> None:
        """Remember what an app was sent."""
        sent = {"channel": event.channel, "kind": event.kind, "item": event.item}
        self.events[event.app.id].append(sent)

    # --- faults and time --------------------------------------------------------------------------

    def _taken_unseen(self, thread: Thread) -> None:
        """Have another app take the thread and nobody be told, where that fault is due."""
        fault = self.faults.first(OF_PERSON, "", thread.psid, self.bot.id, self.page_id)
        if fault is not None and self.owner(thread.psid) != fault.by:
            taken = ControlChange(Action.STEP_IN, fault.by)
            self.apply_outcome(thread, taken, self.outcome_of(thread, taken))
            about = {"app": fault.by, "page": self.page_id, "psid": thread.psid}
            self.journal.add("fault", **about, act="happens", fault=fault.shown())

    def end_lapsed(self, now: float) -> List[str]:
        """Write into the chats whose control has run out, and return what to call it (rule 2)."""
        noted = []
        for thread in self.threads.values():
            if thread.control.owner and not thread.control.owner_at(now):
                lapsed, thread.control = thread.control, IDLE
                self._write(thread, kind="control", action="lapse", by=lapsed.owner, owner="")
                about = {"app": lapsed.owner, "page": self.page_id, "psid": thread.psid}
                self.journal.add("meta", **about, act="lapse", text="")
                noted.append(f"control of {thread.psid} has lapsed")
        return noted

    # --- state ------------------------------------------------------------------------------------

    def events_of(self, name: str, psid: str = "") -> List[Dict[str, Any]]:
        """Return what an app was sent (in that thread), oldest first: ``{"channel", "kind", "item"}``."""
        with self.lock:
            sent = list(self.events[self.app_called(name).id])
        about = [(event["item"]["sender"]["id"], event["item"]["recipient"]["id"]) for event in sent]
        return [event for event, ids in zip(sent, about) if not psid or psid in ids]
