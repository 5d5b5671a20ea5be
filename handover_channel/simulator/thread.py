"""Keeps one person's conversation with the page, as Messenger does.

`chat` holds the messages of both sides, taps and changes of control in order, each a plain dict that the
simulator's page gets unchanged::

    {"kind": "message", "mid", "at", "author", "message": {...}, "seen", "persona": name of one, "tag"}
    {"kind": "postback", "mid", "at", "author", "title", "payload", "seen"}
    {"kind": "control", "at", "action", "by": app id, "owner": app id or ""}

``at`` is in ms, ``author`` is "person" or an app id, ``seen`` maps app ids to the channel they got it on.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Dict, List, Optional

from handover_channel.simulator.thread_control import IDLE, ThreadControl

PERSON = "person"

#: People who are there from the start, and the names of those who come later, in turn.
FIRST_PEOPLE = {
    "3000000000000001": "Nadia Haddad",
    "3000000000000002": "Tom Fischer",
    "3000000000000003": "عمر خليل",
}
LATER_NAMES = ("Mia Novak", "Luis Romero", "Hana Sato", "ليلى منصور", "Ada Okafor", "Jonas Berg")

ChatEntry = Dict[str, Any]


@dataclass
class Thread:
    """The chat, the control and the state of one thread between a person and the page."""

    psid: str
    name: str
    control: ThreadControl = IDLE
    last_action: Optional[float] = None  #: when the person last did something (s), None: never
    typing: str = ""  #: app id that shows the typing dots
    chat: List[ChatEntry] = field(default_factory=list)
    unread: List[str] = field(default_factory=list)  #: mids of the page not yet seen by the person

    def message(self, mid: str) -> Optional[ChatEntry]:
        """Return the entry with that mid."""
        return next((entry for entry in reversed(self.chat) if entry.get("mid") == mid), None)

    def latest_with_quick_replies(self) -> Optional[ChatEntry]:
        """Return the page's newest message with quick replies."""
        return next((e for e in reversed(self.chat) if e.get("message", {}).get("quick_replies")), None)

    def profile(self) -> Dict[str, Any]:
        """Return all fields of the User Profile API for this person."""
        first, _, last = self.name.partition(" ")
        return {
            "id": self.psid,
            "name": self.name,
            "first_name": first,
            "last_name": last,
            "profile_pic": f"https://platform-lookaside.fbsbx.com/platform/profilepic/?psid={self.psid}",
            "locale": "ar_AR" if not self.name.isascii() else "en_US",
            "timezone": 1,
            "gender": "female" if first in ("Nadia", "Mia", "Hana", "ليلى", "Ada") else "male",
        }
