"""Answers people for the page: as one of its apps, or as the agents in the Page inbox.

An app has only the Graph API, as in reality, and is refused there what it may not do. The Page inbox is
Meta's own: it makes no calls, and (rule 10) a reply or a move to Main takes control. It ignores requests
for control.
"""

from __future__ import annotations

from typing import Any, Dict, Mapping

from handover_channel.simulator import graph
from handover_channel.simulator.connected_app import PAGE_INBOX, App
from handover_channel.simulator.page import SimulatedPage
from handover_channel.simulator.request import Request, Response
from handover_channel.simulator.thread import ChatEntry
from handover_channel.simulator.thread_control import Action, ControlChange, Mode


class AppClient:
    """Acts as one app: every method makes one Graph API call and returns the response, also of a refusal."""

    def __init__(self, page: SimulatedPage, app: App) -> None:
        self._page = page
        self.id = app.id
        self._token = app.token

    def sends(self, psid: str, message: Mapping[str, Any], **more: Any) -> Response:
        """Send a message object; *more* goes beside it (tag, thread_control ...)."""
        return self.calls("messages", psid, {"messaging_type": "RESPONSE", "message": message, **more})

    def says(self, psid: str, text: str) -> Response:
        """Send a text."""
        return self.sends(psid, {"text": text})

    def passes(self, psid: str, to: str = "", metadata: str = "") -> Response:
        """Pass control to an app, by id or name; "" for the default app. Raises KeyError for another name."""
        target = {"target_app_id": self._page.app_called(to).id} if to else {}
        return self.calls("pass_thread_control", psid, {**target, "metadata": metadata})

    def takes(self, psid: str, metadata: str = "") -> Response:
        """Take control."""
        return self.calls("take_thread_control", psid, {"metadata": metadata})

    def requests(self, psid: str, metadata: str = "") -> Response:
        """Ask for control."""
        return self.calls("request_thread_control", psid, {"metadata": metadata})

    def releases(self, psid: str) -> Response:
        """Release control."""
        return self.calls("release_thread_control", psid, {})

    def extends(self, psid: str, seconds: int) -> Response:
        """Extend control to that many seconds from now."""
        return self.calls("extend_thread_control", psid, {"duration": seconds})

    def asks_owner(self, psid: str) -> Response:
        """Ask who has the thread."""
        query = {"recipient": psid, "access_token": self._token}
        return graph.answer(self._page, Request("GET", "/me/thread_owner", query))

    def calls(self, edge: str, psid: str, body: Mapping[str, Any]) -> Response:
        """POST to ``/me/<edge>`` for one person."""
        given: Dict[str, Any] = {"recipient": {"id": psid}, **body, "access_token": self._token}
        return graph.answer(self._page, Request("POST", f"/me/{edge}", {}, given))


class PageInbox:
    """Acts as the agents in the Page inbox."""

    def __init__(self, page: SimulatedPage) -> None:
        self._page = page

    def replies(self, psid: str, text: str) -> ChatEntry:
        """Send a text: takes control first (but see `_takes_by_itself`), and every app gets the echo."""
        with self._page.lock:
            self._steps_in(psid)
            thread = self._page.thread(psid)
            self._note(psid, "reply")
            written = self._page.write_as_page(thread, self._page.apps[PAGE_INBOX], {"text": text})
            self._page.echo(thread, written)
            return written

    def moves_to_main(self, psid: str) -> None:
        """Move the thread to the Main folder, which takes control; with roles it asks the primary for it."""
        with self._page.lock:
            self._note(psid, "main")
            if self._page.settings.mode is Mode.ROLES and self._page.owner(psid) != PAGE_INBOX:
                self._page.change_control(psid, ControlChange(Action.REQUEST, PAGE_INBOX))
            else:
                self._steps_in(psid)

    def done(self, psid: str) -> None:
        """Click Done: `Switches.done` says what it does. Does nothing unless the inbox has control."""
        with self._page.lock:
            self._note(psid, "done")
            does = self._page.switches.done
            if does == "nothing" or self._page.owner(psid) != PAGE_INBOX:
                return
            back = does == "pass" and self._page.default_app not in ("", PAGE_INBOX)
            self._page.change_control(
                psid, ControlChange(Action.PASS if back else Action.RELEASE, PAGE_INBOX)
            )

    def _note(self, psid: str, act: str) -> None:
        self._page.journal.add("inbox", page=self._page.page_id, psid=psid, act=act)

    def _steps_in(self, psid: str) -> None:
        if self._page.owner(psid) != PAGE_INBOX and self._takes_by_itself(psid):
            self._page.change_control(psid, ControlChange(Action.STEP_IN, PAGE_INBOX))

    def _takes_by_itself(self, psid: str) -> bool:
        """Whether the inbox takes control by what it does; never with roles."""
        mode, switches = self._page.settings.mode, self._page.switches
        if mode is Mode.ZERO and not self._page.owner(psid):
            return switches.inbox_takes_idle
        return mode is not Mode.ROLES
