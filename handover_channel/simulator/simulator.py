"""Simulates a page on Messenger, on which one can act as people, as apps and as the Page inbox.

It needs no server: tests call its methods, and read what each app was sent. `server.py` serves it over HTTP.
"""

from __future__ import annotations

from typing import Any, Dict

from handover_channel.simulator import state
from handover_channel.simulator.apps import AppClient, PageInbox
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

    @property
    def inbox(self) -> PageInbox:
        """The agents in the Page inbox, to act as them."""
        return PageInbox(self)

    def state(self, psid: str = "") -> Dict[str, Any]:
        """Return everything the web page shows; only one thread and its events where *psid* is given."""
        return state.state(self, psid)
