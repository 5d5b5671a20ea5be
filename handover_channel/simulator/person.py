"""Acts as a person with Messenger on their phone: writes, sends pictures, taps buttons and quick replies."""

from __future__ import annotations

from typing import Any, Dict, List, Mapping, Optional

from handover_channel.simulator.message_checks import buttons_of
from handover_channel.simulator.page import SimulatedPage
from handover_channel.simulator.thread import ChatEntry


class NothingToTap(LookupError):
    """The message has no such button or quick reply."""


class Person:
    """Acts as one person. All but `reads` return their entry in the chat (``mid``, ``at`` ...)."""

    def __init__(self, page: SimulatedPage, psid: str) -> None:
        self._page = page
        self.psid = psid

    def on(self, page: str, psid: str = "") -> Person:
        """Return the same person on another page (id or name), where they have another id.

        *psid*: that id, if they have not been there; else the simulator gives one. Raises KeyError for a page
        that is not there.
        """
        there = self._page.meta.page_called(page)
        return Person(there, there.thread_of_same(self._page.thread(self.psid), psid).psid)

    def says(self, text: str) -> ChatEntry:
        """Write a text."""
        return self._sends({"text": text})

    def sends(self, kind: str, url: str = "", payload: Optional[Mapping[str, Any]] = None) -> ChatEntry:
        """Send an attachment: *kind* as Meta names it (image, audio, video, file, location ...)."""
        attachment = {"type": kind, "payload": dict(payload) if payload else {"url": url}}
        return self._sends({"attachments": [attachment]})

    def taps(
        self, mid: str = "", index: int = 0, payload: Optional[str] = None, title: Optional[str] = None
    ) -> ChatEntry:
        """Tap a postback button, by its place, payload or title, of *mid* or of the latest buttons.

        Raises `NothingToTap` if there is no such button.
        """
        with self._page.lock:
            entry = self._message(mid) if mid else self._latest_with_buttons()
            buttons = [button for button in buttons_of(entry["message"]) if button.get("type") == "postback"]
            button = _chosen(buttons, index, payload, title)
            return self._taps_button(button["payload"], button["title"], entry["author"])

    def taps_menu(self, payload: str, title: str = "", *, app_id: str = "") -> ChatEntry:
        """Tap an item of the menu, or Get Started: a button that *app_id* (default: the bot) set.

        Its payload is that app's, or the owner's: the switch `menu_tap`.
        """
        set_by = app_id or self._page.bot.id
        owner = self._page.owner(self.psid) if self._page.switches.menu_tap == "owner" else ""
        return self._taps_button(payload, title or "Get Started", owner or set_by)

    def _taps_button(self, payload: str, title: str, origin: str) -> ChatEntry:
        with self._page.lock:
            thread = self._page.person_acts(self.psid)
            entry = self._page.write(
                thread, kind="postback", mid=self._page.new_id(), title=title, payload=payload
            )
            postback = {"mid": entry["mid"], "title": title, "payload": payload}
            self._page.publish(
                "postback",
                thread,
                {"postback": postback},
                shown=entry,
                origin=origin,
            )
            return entry

    def chooses(
        self, index: int = 0, payload: Optional[str] = None, mid: str = "", title: Optional[str] = None
    ) -> ChatEntry:
        """Tap a quick reply of the message *mid*, or of the latest that has some.

        Raises `NothingToTap` if there is no such quick reply.
        """
        with self._page.lock:
            thread = self._page.thread(self.psid)
            entry = self._message(mid) if mid else thread.latest_with_quick_replies()
            chosen = _chosen(
                (entry or {}).get("message", {}).get("quick_replies") or [], index, payload, title
            )
            tapped = {"text": chosen["title"], "quick_reply": {"payload": chosen["payload"]}}
            return self._sends(tapped, origin=(entry or {}).get("author", ""))

    def reacts(self, mid: str, reaction: str = "love", emoji: str = "\u2764") -> ChatEntry:
        """React to a message; raises `NothingToTap` if there is none of that *mid* in the thread."""
        self._message(mid)
        part = {"reaction": reaction, "emoji": emoji, "action": "react", "mid": mid}
        return self._does("reaction", {"reaction": part})

    def comes_by(self, ref: str, source: str = "SHORTLINK") -> ChatEntry:
        """Come back by an m.me link or an ad."""
        return self._does("referral", {"referral": {"ref": ref, "source": source, "type": "OPEN_THREAD"}})

    def opts_in(self, payload: str, kind: str = "notification_messages") -> ChatEntry:
        """Opt in to messages."""
        token = {"notification_messages_token": f"token-{self.psid}"}
        return self._does("optin", {"optin": {"type": kind, "payload": payload, **token}})

    def reads(self) -> None:
        """Open the chat, which sends a read receipt for what is new."""
        with self._page.lock:
            self._page.person_reads(self._page.thread(self.psid))

    def _sends(self, message: Mapping[str, Any], origin: str = "") -> ChatEntry:
        with self._page.lock:
            thread = self._page.person_acts(self.psid)
            entry = self._page.write(thread, kind="message", mid=self._page.new_id(), message=dict(message))
            part = {"message": {"mid": entry["mid"], **message}}
            self._page.publish("message", thread, part, shown=entry, origin=origin)
            self._page.answer_by_itself(thread)
            return entry

    def _does(self, kind: str, part: Mapping[str, Any]) -> ChatEntry:
        with self._page.lock:
            thread = self._page.person_acts(self.psid)
            entry = self._page.write(thread, kind=kind, **part)
            self._page.publish(kind, thread, part, shown=entry)
            return entry

    def _message(self, mid: str) -> ChatEntry:
        entry = self._page.thread(self.psid).message(mid)
        if entry is None or "message" not in entry:
            raise NothingToTap(f"no message {mid!r} in the thread {self.psid!r}")
        return entry

    def _latest_with_buttons(self) -> ChatEntry:
        for entry in reversed(self._page.thread(self.psid).chat):
            if buttons_of(entry.get("message", {})):
                return entry
        raise NothingToTap(f"no buttons in the thread {self.psid!r}")


def _chosen(
    offered: List[Dict[str, Any]], index: int, payload: Optional[str], title: Optional[str]
) -> Dict[str, Any]:
    found = offered
    for key, wanted in (("payload", payload), ("title", title)):
        if wanted is not None:
            found, index = [one for one in found if one.get(key) == wanted], 0
    if not 0 <= index < len(found):
        known = ", ".join(repr(one.get("title")) for one in offered) or "none"
        raise NothingToTap(f"the message offers no such button or quick reply (there: {known})")
    return found[index]
