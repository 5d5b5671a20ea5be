"""Decides what an agent may do in a conversation that is assigned to a colleague. No I/O.

1. An unassigned conversation is open to everybody; an assigned one belongs to its agent, and to admins.
2. Only they decide about it: assign it to somebody else, return it to the bot, hand it on, take it over,
   extend its time limit, discard a reply of a colleague that could not be sent.
3. Anybody may answer in it if need be; they are asked to confirm it the first time.
4. Notes and tags are everybody's.
"""

from __future__ import annotations

from enum import Enum
from typing import Mapping


class Act(str, Enum):
    """What an agent does in a conversation."""

    REPLY = "reply"
    RETRY = "retry"
    DROP = "drop"
    ASSIGN = "assign"
    TAKE_OVER = "take over"
    RETURN = "return"
    HAND_ON = "hand on"
    EXTEND = "extend"


class Verdict(Enum):
    """Whether they may."""

    YES = "yes"
    ASK = "ask"  #: if they mean it
    NO = "no"


_OF_OTHERS: Mapping[Act, Verdict] = {
    Act.REPLY: Verdict.ASK,
    Act.RETRY: Verdict.ASK,
    Act.DROP: Verdict.NO,
    Act.ASSIGN: Verdict.NO,
    Act.TAKE_OVER: Verdict.NO,
    Act.RETURN: Verdict.NO,
    Act.HAND_ON: Verdict.NO,
    Act.EXTEND: Verdict.NO,
}


def verdict(
    act: Act, *, assignee: str, agent: str, is_admin: bool = False, is_theirs: bool = False
) -> Verdict:
    """Tell whether *agent* may do *act* in a conversation that *assignee* has ("" for nobody).

    *is_theirs*: it is about a reply that they wrote themselves. An admin decides about everything, and is
    asked as others are before they answer for a colleague.
    """
    if assignee in ("", agent):
        return Verdict.YES
    found = _OF_OTHERS[act]
    return Verdict.YES if found is Verdict.NO and (is_admin or is_theirs) else found
