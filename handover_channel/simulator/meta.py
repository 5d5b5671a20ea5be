"""Keeps what is one at Meta, however many pages there are: time, journal, faults, the way of webhooks, files.

1. Each page has people, threads, tokens and settings of its own; an app may be connected to several.
2. A person has another id (PSID) on each page: an id that is known on one page is nobody's on the others.
   https://developers.facebook.com/documentation/business-messaging/messenger-platform/get-started
3. An app has one webhook for all pages: the `entry` of an event says whose it is.
"""

from __future__ import annotations

import secrets
import threading
from collections import Counter
from typing import Callable, Dict, Generic, Iterator, List, Optional, Protocol, Tuple, TypeVar
from urllib.parse import quote

from handover_channel.simulator import webhooks
from handover_channel.simulator.clock import Clock
from handover_channel.simulator.connected_app import App
from handover_channel.simulator.deliveries import Deliveries, Parcel
from handover_channel.simulator.faults import Faults
from handover_channel.simulator.journal import Journal
from handover_channel.simulator.routing import RoutedEvent
from handover_channel.simulator.switches import Switches
from handover_channel.simulator.thread import FIRST_PSID, Thread, is_given, next_psid


class OnePage(Protocol):
    """A page, as it is needed here (page.py)."""

    page_id: str
    page_name: str
    apps: Dict[str, App]
    threads: Dict[str, Thread]

    def speaks(self, app_id: str, psid: str) -> bool:
        """Whether the app gets what happens in that thread now on `messaging`."""

    def keep_event(self, event: RoutedEvent) -> None:
        """Remember what an app was sent."""

    def end_lapsed(self, now: float) -> List[str]:
        """End what control has run out, and return what to call it."""

    def start_afresh(self) -> None:
        """Forget people and what was said; apps and settings stay."""


PageT = TypeVar("PageT", bound=OnePage)


class Meta(Generic[PageT]):
    """Meta, for all pages of one simulator. May be used from several threads.

    *bot*: app id of the bot. *now* gives seconds since the epoch: a function, or a `Clock`.
    """

    def __init__(
        self,
        bot: str,
        *,
        now: Callable[[], float],
        new_id: Callable[[], str],
        switches: Optional[Switches] = None,
    ) -> None:
        self.bot = bot
        self.clock = now if isinstance(now, Clock) else Clock(now)
        self.new_id = new_id
        self.switches = switches or Switches()
        self.lock = threading.RLock()
        self.pages: Dict[str, PageT] = {}  #: by their ids, in the order in which they were opened
        self.journal = Journal(self._milliseconds)
        self.faults = Faults(bot)
        self.deliveries = Deliveries(
            self.clock,
            self.journal,
            self.faults,
            arrives=self._arrives,
            locked=self._locked,
            disables=lambda: self.switches.disable_webhooks,
            speaks=lambda app, psid: self.pages[app.page_id].speaks(app.id, psid),
            unsubscribes=self._unsubscribe,
        )
        #: Takes webhooks for real callbacks; None without a server.
        self.send_webhook: Optional[Callable[[webhooks.WebhookDelivery], None]] = None
        self.base_url = ""  #: where this simulator is served, "" without a server
        self.files: Dict[str, Tuple[str, bytes]] = {}  #: id -> content type and bytes of uploads
        self._numbers: Counter[str] = Counter()
        self._last_stamp = 0
        self.clock.on_moved(self.note_lapses, next_stop=self._next_lapse)
        self.clock.on_move(self.journal.note_move)

    # --- pages and people ---------------------------------------------------------------------------

    def page_called(self, name: str) -> PageT:
        """Return the page of that id or name; raises KeyError, which names the known ones."""
        for page in self.pages.values():
            if name in (page.page_id, page.page_name):
                return page
        known = ", ".join(f"{page.page_id} ({page.page_name})" for page in self.pages.values())
        raise KeyError(f"no page {name!r} in this simulator (known: {known})")

    def page_of(self, psid: str) -> Optional[PageT]:
        """Return the page that knows a person by that id; None for nobody's id (rule 2)."""
        return next((page for page in self.pages.values() if psid in page.threads), None)

    def threads_of_same(self, thread: Thread) -> Iterator[Tuple[PageT, Thread]]:
        """Yield the pages that the person of *thread* has come to, and their thread there."""
        for page in self.pages.values():
            for each in page.threads.values():
                if each.person == thread.person:
                    yield page, each

    def new_psid(self) -> str:
        """Return an id by which no page knows anybody."""
        return next_psid(psid for page in self.pages.values() for psid in page.threads)

    def give_new_ids(self, newest: str) -> None:
        """Have those who have not written have ids that come after *newest*, and after all who have."""
        with self.lock:
            threads = [thread for page in self.pages.values() for thread in page.threads.values()]
            further = int(next_psid([newest, *(each.psid for each in threads if each.chat)])) - FIRST_PSID
            silent = [each.psid for each in threads if is_given(each.psid) and not each.chat]
            new = {psid: str(int(psid) + further) for psid in silent}
            for each in threads:
                each.psid, each.person = new.get(each.psid, each.psid), new.get(each.person, each.person)
            for page in self.pages.values():
                page.threads = {thread.psid: thread for thread in page.threads.values()}
            self.journal.changed()

    def next_number(self, what: str) -> int:
        """Return a number that was not given for such a thing yet, on whichever page: 0, 1 ..."""
        self._numbers[what] += 1
        return self._numbers[what] - 1

    def apps_called(self, app_id: str) -> List[App]:
        """Return an app as each page has it that it is connected to."""
        return [page.apps[app_id] for page in self.pages.values() if app_id in page.apps]

    # --- webhooks -----------------------------------------------------------------------------------

    def _arrives(self, parcel: Parcel) -> None:
        """Hand to an app what has come to it: to its callback, or to nobody, which is kept."""
        for event in parcel.events:
            self.pages[event.app.page_id].keep_event(event)
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

    def _unsubscribe(self, app_id: str) -> None:
        for app in self.apps_called(app_id):
            app.page_fields = set()

    def _locked(self, happening: Callable[[], object]) -> Callable[[], object]:
        def with_lock() -> object:
            with self.lock:
                return happening()

        return with_lock

    # --- time ---------------------------------------------------------------------------------------

    def note_lapses(self) -> List[str]:
        """Write into the chats whose control has run out meanwhile; Meta sends no event of it.

        Returns what to call it, one for each.
        """
        with self.lock:
            now = self.clock.now()
            return [said for page in self.pages.values() for said in page.end_lapsed(now)]

    def _next_lapse(self) -> Optional[float]:
        with self.lock:
            threads = (thread for page in self.pages.values() for thread in page.threads.values())
            return min((each.control.expires for each in threads if each.control.owner), default=None)

    def stamp(self) -> int:
        """Return the time in ms, always later than the last stamp: the bot orders events by it."""
        self._last_stamp = max(self._last_stamp + 1, self._milliseconds())
        return self._last_stamp

    def _milliseconds(self) -> int:
        return int(self.clock.now() * 1000)

    # --- files, and all anew ------------------------------------------------------------------------

    def keep_file(self, content_type: str, content: bytes, name: str = "") -> str:
        """Store an upload in memory, and return its URL, which ends with its name."""
        number = f"{len(self.files) + 1}-{secrets.token_hex(8)}"
        self.files[number] = (content_type, content)
        path = f"{number}/{quote(name, safe='')}" if name else number
        return f"{self.base_url}/simulator/files/{path}"

    def start_afresh(self) -> None:
        """Forget people, threads, files, faults and log of every page; apps, settings and time stay."""
        with self.lock:
            self.faults.clear()
            for page in self.pages.values():
                for app in page.apps.values():
                    if self.deliveries.is_disabled(app):
                        app.page_fields = set(app.fields)
                page.start_afresh()
            self.deliveries.start_afresh()
            self.files.clear()
            self._numbers.clear()
            self.journal.clear()
