"""Simulates a page on Messenger, on which one can act as people, as apps and as the Page inbox.

It needs no server: tests call its methods, and read what each app was sent. `server.py` serves it over HTTP.
"""

from __future__ import annotations

from typing import Any, Dict

from handover_channel.simulator import state
from handover_channel.simulator.apps import AppClient, PageInbox
from handover_channel.simulator.faults import EVERY_APP, Fault
from handover_channel.simulator.page import SimulatedPage
from handover_channel.simulator.person import Person


class Simulator(SimulatedPage):
    """A page to act on; `SimulatedPage` says what it is built from."""

    def person(self, psid: str) -> Person:
        """Return a person, to act as them."""
        return Person(self, psid)

    def app(self, name: str) -> AppClient:
        """Return an app by id or name, to act as it; raises KeyError where the page has no such app."""
        return AppClient(self, self.app_called(name))

    def fault(self, name: str, *, app: str = "", by: str = "", **options: Any) -> Fault:
        """Order a fault (`faults.KINDS`); *options* as `Fault` has them, count=None: until it is removed.

        *app* and *by* are ids or names. Raises ValueError for what no fault knows, KeyError for an app that
        the page does not have.
        """
        with self.lock:
            named = {"app": app if app == EVERY_APP else app and self.app_called(app).id}
            named["by"] = by and self.app_called(by).id
            given = {**options, **{key: value for key, value in named.items() if value}}
            fault = self.faults.add(name, served=bool(self.base_url), **given)
            self.journal.add("fault", app=fault.app, psid=fault.thread, act="ordered", fault=fault.shown())
            return fault

    def remove_fault(self, number: int) -> None:
        """Take a fault away; raises KeyError where there is none of that number."""
        with self.lock:
            fault = self.faults.remove(number)
            self.journal.add("fault", app=fault.app, psid=fault.thread, act="removed", fault=fault.shown())

    @property
    def inbox(self) -> PageInbox:
        """The agents in the Page inbox, to act as them."""
        return PageInbox(self)

    def state(self, psid: str = "") -> Dict[str, Any]:
        """Return everything the web page shows; only one thread and its events where *psid* is given."""
        return state.state(self, psid)
