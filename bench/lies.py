"""Decides how a Graph API lies, and what its webhooks tell beside the truth. Seeded; no I/O.

It names nobody, us, others or nobody visible as owners; refuses messages, takes and passes; fails for a
moment; sends echoes late, twice, never, or under another app's name.
"""

from __future__ import annotations

import random
from typing import Any, Dict, List, Mapping, NamedTuple, Sequence, Tuple

from bench.bodies import APP_ID, OTHER_APP_ID, Item, echo, handed, message, postback

BACK = '/handover_returned{"reason": "button"}'


class Answer(NamedTuple):
    """What a call is answered."""

    status: int
    body: Mapping[str, Any]

    @property
    def is_yes(self) -> bool:
        """What was asked for has happened."""
        return self.status == 200


def _refusal(code: int, subcode: int, text: str, status: int = 400) -> Answer:
    error = {"message": text, "type": "OAuthException", "code": code, "error_subcode": subcode}
    return Answer(status, {"error": error})


def _owner(**facts: Any) -> Answer:
    return Answer(200, {"data": [{"thread_owner": facts}]})


YES = Answer(200, {"success": True})
_NOT_OWNER = _refusal(10, 2018300, "another app is controlling this thread now.")
_LATER = _refusal(2, 0, "Service temporarily unavailable", 503)
_NO_TAKING = _refusal(27, 0, "Take thread control is not supported when Conversation Routing is not enabled.")
_GONE = _refusal(551, 0, "This person isn't available right now.")

#: Kind of call -> (answer, how often in a hundred).
_ANSWERS: Mapping[str, Sequence[Tuple[Answer, int]]] = {
    "thread_owner": (
        (_owner(app_id=APP_ID), 20),
        (_owner(app_id=int(OTHER_APP_ID)), 20),
        (_owner(expiration=2_000_000_000), 15),
        (Answer(200, {"data": []}), 30),
        (Answer(200, {}), 10),
        (_LATER, 5),
    ),
    "message": ((YES, 65), (_NOT_OWNER, 25), (_GONE, 5), (_LATER, 5)),
    "take_thread_control": ((YES, 40), (_NO_TAKING, 30), (_NOT_OWNER, 25), (_LATER, 5)),
    "pass_thread_control": ((YES, 60), (_NOT_OWNER, 30), (_LATER, 10)),
}

#: What may happen to a person's thread, and how often in a hundred.
_HAPPENS = {"says": 45, "on standby": 10, "keyword": 10, "tap": 5, "page": 10, "lost": 10, "gained": 10}


class Liar:
    """One Graph API that lies."""

    def __init__(self, seed: int) -> None:
        self._chance = random.Random(seed)

    def answer(self, kind: str) -> Answer:
        """Return what a call of that kind is answered."""
        choices = _ANSWERS.get(kind)
        if choices is None:
            return YES
        return self._chance.choices([each for each, _ in choices], [often for _, often in choices])[0]

    def echoes(self) -> List[Tuple[float, str]]:
        """Return when (seconds) and under which app's id a message comes back."""
        ours = (0.0, APP_ID)
        return self._chance.choices(
            [[ours], [(3.0, APP_ID)], [ours, ours], [], [(0.2, OTHER_APP_ID)]], [70, 10, 10, 5, 5]
        )[0]

    def happens(self, person: str, text: str) -> Tuple[Item, bool]:
        """Return the next event of a thread, and whether it is on standby. *text*: what the person says."""
        what = self._chance.choices(list(_HAPPENS), list(_HAPPENS.values()))[0]
        events: Dict[str, Item] = {
            "says": message(person, text),
            "on standby": message(person, text),
            "keyword": message(person, f"{text} back to bot"),
            "tap": postback(person, BACK),
            "page": echo(person, "I am on it", app_id=OTHER_APP_ID),
            "lost": handed(person, to=OTHER_APP_ID),
            "gained": handed(person, to=APP_ID),
        }
        return events[what], what == "on standby" or (what == "keyword" and self._chance.random() < 0.5)
