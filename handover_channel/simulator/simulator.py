"""Simulates Messenger, with one page or several, to act on as people, as apps and as the Page inbox.

It needs no server: tests call its methods, and read what each app was sent. `server.py` serves it over HTTP.
"""

from __future__ import annotations

import secrets
import time
from dataclasses import dataclass
from typing import Any, Callable, Dict, List, Mapping, Optional, Sequence, Tuple

from handover_channel.simulator import graph, state
from handover_channel.simulator.apps import AppClient, PageInbox
from handover_channel.simulator.connected_app import PAGE_INBOX, App, on_another_page, simulated_app
from handover_channel.simulator.faults import EVERY_APP, Fault
from handover_channel.simulator.meta import Meta
from handover_channel.simulator.page import SimulatedPage
from handover_channel.simulator.person import Person
from handover_channel.simulator.switches import Switches
from handover_channel.simulator.webhooks import WebhookDelivery

BOT = "bot"  #: name of the app under test

FIRST_PAGE = "1000000000000001"  #: its id, where none is given; the next ones count on

#: Names of the pages, where none is given.
PAGE_NAMES = ("Lamp & Leaf", "Garden Shop", "Second Hand")


@dataclass(frozen=True)
class PageFacts:
    """A further page. What is "" the simulator makes up. *token*: of the bot on this page."""

    page_id: str = ""
    name: str = ""
    token: str = ""


class Page(SimulatedPage):
    """A page to act on."""

    def person(self, psid: str) -> Person:
        """Return a person, to act as them. What they do raises KeyError for one of another page."""
        return Person(self, psid)

    def app(self, name: str) -> AppClient:
        """Return an app by id or name, to act as it; raises KeyError where the page has no such app."""
        return AppClient(self, self.app_called(name))

    @property
    def inbox(self) -> PageInbox:
        """The agents in the Page inbox, to act as them."""
        return PageInbox(self)


class Simulator(Page):
    """Messenger, and the first of its pages: who has only one need not name it. The others are `pages`.

    *apps* maps the ids of further apps to their names; the bot (*app_id*) and the Page inbox are always
    there, and each page has all of them. *page_id*, *page_name* and *token* (the bot's) are the first page's.
    *default_app* is an app id or name, None for pages without one; another name raises KeyError. *now* gives
    seconds since the epoch: a function, or a `Clock`. Apps other than the bot have the token
    ``token-<app id>``, on further pages ``token-<app id>-<page id>``.
    """

    def __init__(
        self,
        *,
        app_id: str = "1234567890",
        token: str = "demo-page-token",  # noqa: S107 - of the simulator itself, opens nothing
        secret: str = "demo-app-secret",  # noqa: S107 - as above
        callback: str = "",
        verify_token: str = "handover-demo",  # noqa: S107 - as above
        page_id: str = FIRST_PAGE,
        page_name: str = PAGE_NAMES[0],
        more_pages: Sequence[PageFacts] = (),
        apps: Optional[Mapping[str, str]] = None,
        default_app: Optional[str] = BOT,
        switches: Optional[Switches] = None,
        now: Callable[[], float] = time.time,
        new_id: Callable[[], str] = lambda: "m_" + secrets.token_urlsafe(24),
    ) -> None:
        meta: Meta[SimulatedPage] = Meta(app_id, now=now, new_id=new_id, switches=switches)
        bot = App(app_id, BOT, token, secret, verify_token, callback)
        known = {PAGE_INBOX: "Page inbox", **(apps or {})}
        others = [simulated_app(number, name) for number, name in known.items() if number != app_id]
        super().__init__(meta, page_id, page_name, [bot, *others], default_app)
        self.pages: List[Page] = [self]
        for facts in more_pages:
            self.add_page(facts)

    # --- pages ------------------------------------------------------------------------------------

    def add_page(self, facts: PageFacts = PageFacts()) -> Page:
        """Open a further page, with all apps and the default app of the first.

        Raises ValueError where a page has that id or name already.
        """
        with self.lock:
            page_id, name = self._free(facts)
            tokens = {app.id: f"{app.token}-{page_id}" for app in self.apps.values()}
            tokens[self.bot.id] = facts.token or tokens[self.bot.id]
            apps = [on_another_page(app, tokens[app.id]) for app in self.apps.values()]
            page = Page(self.meta, page_id, name, apps, self.default_app or None)
            self.pages.append(page)
            self.journal.changed()
            return page

    def _free(self, facts: PageFacts) -> Tuple[str, str]:
        """Return id and name of a new page. Raises ValueError where they are taken."""
        taken = {given for page in self.pages for given in (page.page_id, page.page_name)}
        for given in (facts.page_id, facts.name):
            if given in taken:
                raise ValueError(
                    f"there is a page {given!r} already: each page has an id and a name of its own"
                )
        numbers = (str(int(FIRST_PAGE) + number) for number in range(len(taken) + 1))
        names = (*PAGE_NAMES, *(f"Page {number + 1}" for number in range(len(taken) + 1)))
        page_id = facts.page_id or next(number for number in numbers if number not in taken)
        return page_id, facts.name or next(name for name in names if name not in taken)

    def page(self, name: str) -> Page:
        """Return a page by id or name; raises KeyError, which names the known ones."""
        wanted = self.meta.page_called(name).page_id
        return next(page for page in self.pages if page.page_id == wanted)

    def page_for(self, psid: str, page: str = "") -> Page:
        """Return the page called *page*; without one the page that knows the person, or else the first."""
        if page:
            return self.page(page)
        return next((each for each in self.pages if psid in each.threads), self)

    def person(self, psid: str) -> Person:
        """Return a person of any page, to act as them; one whom nobody knows comes to the first page."""
        return Person(self.page_for(psid), psid)

    # --- faults -----------------------------------------------------------------------------------

    def fault(self, name: str, *, app: str = "", by: str = "", page: str = "", **options: Any) -> Fault:
        """Order a fault (`faults.KINDS`); *options* as `Fault` has them, count=None: until it is removed.

        *app*, *by* and *page* are ids or names; without *page* it may happen on each. Raises ValueError for
        what no fault knows, KeyError for an app or a page that is not there.
        """
        with self.lock:
            named = {"app": app if app == EVERY_APP else app and self.app_called(app).id}
            named["by"] = by and self.app_called(by).id
            named["page"] = page and self.page(page).page_id
            given = {**options, **{key: value for key, value in named.items() if value}}
            _check_call(options.get("call"))
            fault = self.faults.add(name, served=bool(self.base_url), **given)
            self._note_fault(fault, "ordered")
            return fault

    def remove_fault(self, number: int) -> None:
        """Take a fault away; raises KeyError where there is none of that number."""
        with self.lock:
            self._note_fault(self.faults.remove(number), "removed")

    def _note_fault(self, fault: Fault, act: str) -> None:
        about = {"app": fault.app, "page": fault.page, "psid": fault.thread}
        self.journal.add("fault", **about, act=act, fault=fault.shown())

    # --- all of it --------------------------------------------------------------------------------

    @property
    def send_webhook(self) -> Optional[Callable[[WebhookDelivery], None]]:
        """Takes webhooks for real callbacks; None without a server."""
        return self.meta.send_webhook

    @send_webhook.setter
    def send_webhook(self, send: Optional[Callable[[WebhookDelivery], None]]) -> None:
        self.meta.send_webhook = send

    @property
    def base_url(self) -> str:
        """Where this simulator is served, "" without a server."""
        return self.meta.base_url

    @base_url.setter
    def base_url(self, url: str) -> None:
        self.meta.base_url = url

    @property
    def files(self) -> Dict[str, Tuple[str, bytes]]:
        """Uploads: id -> content type and bytes."""
        return self.meta.files

    def keep_file(self, content_type: str, content: bytes, name: str = "") -> str:
        """Store an upload in memory, and return its URL, which ends with its name."""
        return self.meta.keep_file(content_type, content, name)

    def note_lapses(self) -> List[str]:
        """Write into the chats whose control has run out meanwhile; returns what to call it, one for each."""
        return self.meta.note_lapses()

    def reset(self) -> None:
        """Forget people, threads, files, faults and log; pages, apps, settings, switches and time stay."""
        self.meta.start_afresh()

    def state(self, psid: str = "", page: str = "") -> Dict[str, Any]:
        """Return everything the web page shows; only one thread, or one page, and its events where given.

        *page* is an id or a name; raises KeyError for another one.
        """
        return state.state(self.page(page) if page else self, psid, alone=bool(page))


def _check_call(name: Optional[str]) -> None:
    """Raise ValueError for a call that nobody makes: its fault would wait for ever. An id is a call, too."""
    if name and name not in graph.NAMED_CALLS and not name.isdecimal():
        known = ", ".join(sorted(graph.NAMED_CALLS))
        raise ValueError(f"'call' is {name!r}, which is no call of the Graph API (known: {known})")
