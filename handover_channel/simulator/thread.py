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
from typing import Any, Dict, Iterable, List, Optional

from handover_channel.simulator.thread_control import IDLE, ThreadControl

PERSON = "person"

#: People who are there from the start.
FIRST_PEOPLE = {
    "3000000000000001": "Nadia Haddad",
    "3000000000000002": "Tom Fischer",
    "3000000000000003": "عمر خليل",
}
#: The ids that the simulator gives.
FIRST_PSID, LAST_PSID = 3_000_000_000_000_001, 3_999_999_999_999_999

#: Of those who come later: first and last names of one alphabet, as many of each.
_LATER_NAMES = (
    (
        ("Mia", "Luis", "Hana", "Ada", "Jonas", "Ines", "Marek", "Yuki", "Paul", "Zoe"),
        ("Novak", "Romero", "Sato", "Okafor", "Berg", "Costa", "Dubois", "Larsen", "Weber", "Rossi"),
    ),
    (("ليلى", "سامي", "هدى", "كريم", "سلمى"), ("منصور", "حداد", "درويش", "ناصر", "زيدان")),
)
_WOMEN = frozenset({"Nadia", "Mia", "Hana", "Ada", "Ines", "Yuki", "Zoe", "ليلى", "هدى", "سلمى"})


def is_given(psid: str) -> bool:
    """Tell whether the simulator gave that id."""
    return psid.isdecimal() and FIRST_PSID <= int(psid) <= LAST_PSID


def next_psid(known: Iterable[str]) -> str:
    """Return the id of somebody new, after all of these."""
    return str(max((int(psid) for psid in known if is_given(psid)), default=FIRST_PSID - 1) + 1)


def later_name(number: int) -> str:
    """Return the name of the person who comes as that *number*, not two the same; each fourth is Arabic."""
    is_arabic = number % 4 == 3
    place = number // 4 if is_arabic else number - number // 4
    first, last = _LATER_NAMES[is_arabic]
    around, place = divmod(place, len(first) * len(last))
    turn, place = divmod(place, len(first))
    name = f"{first[place]} {last[(place + turn) % len(last)]}"
    return f"{name} {around + 1}" if around else name


ChatEntry = Dict[str, Any]


def first_people(page: int) -> Dict[str, Thread]:
    """Return those who are there from the start on the page of that number, from 0: the same on each page.

    Their ids follow those that they have on the page before.
    """
    ids = {psid: str(int(psid) + page * len(FIRST_PEOPLE)) for psid in FIRST_PEOPLE}
    return {ids[psid]: Thread(ids[psid], name, person=psid) for psid, name in FIRST_PEOPLE.items()}


@dataclass
class Thread:
    """The chat, the control and the state of one thread between a person and the page."""

    psid: str
    name: str
    locale: str = ""  #: as the User Profile API tells it, "": by the letters of the name
    gender: str = ""  #: the same, "": by the first name
    control: ThreadControl = IDLE
    last_action: Optional[float] = None  #: when the person last did something (s), None: never
    typing: str = ""  #: app id that shows the typing dots
    chat: List[ChatEntry] = field(default_factory=list)
    unread: List[str] = field(default_factory=list)  #: mids of the page not yet seen by the person
    person: str = ""  #: who that is on whichever page: the PSID on the page they came to first

    def __post_init__(self) -> None:
        """Have it be somebody who has come to no other page."""
        self.person = self.person or self.psid

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
            "locale": self.locale or ("en_US" if self.name.isascii() else "ar_AR"),
            "timezone": 1,
            "gender": self.gender or ("female" if first in _WOMEN else "male"),
        }
