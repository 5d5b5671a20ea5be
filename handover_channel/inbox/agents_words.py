"""Says in one sentence what a refusal of Meta's means to an agent, and what they can do about it.

1. What only an admin can mend (tokens, permissions, settings at Meta) is said to admins; an agent reads what
   it means, and to ask one.
2. A remedy that an agent can follow stays as graph_api/remedies.py words it. Any other that is not known here
   is taken for an admin's, and so is whatever names a file of settings or a page of Meta's.
"""

from __future__ import annotations

from typing import Mapping, Optional

from handover_channel.graph_api import errors as known
from handover_channel.graph_api.remedies import REMEDIES, Caller
from handover_channel.graph_api.transport import UNREACHABLE
from handover_channel.rules.budget import LOOPS
from handover_channel.rules.messaging_window import HUMAN_AGENT
from handover_channel.sentences import Sentence

ASK_AN_ADMIN = Sentence("Meta refused this: ask an admin of this inbox what to do")
NOT_SET_UP = Sentence("this inbox is not set up for that: ask an admin to mend it")
_NO_ACCESS = Sentence("Meta does not take anything from this inbox at the moment: ask an admin to mend it")
_NOT_TAKEN = Sentence(
    "Meta does not let this inbox take the conversation: ask an admin to have that allowed, or whoever has "
    "it to pass it on"
)
_OUT_OF_REACH = Sentence("Meta cannot be reached: try it again in a minute, and ask an admin if it lasts")
_TESTERS_ONLY = Sentence("Meta lets this page write to its testers only: ask an admin to have that changed")
_RESTRICTED = Sentence("Meta has restricted what this page may send: ask an admin to look into it")
_NOT_KNOWN = Sentence("Meta does not know the customer on this page: ask an admin to look into it")
_NOT_AFTER_A_DAY = Sentence(
    "Meta does not take an answer of this page after 24 hours: wait until the customer writes again, or ask "
    "an admin for the Human Agent feature"
)
_TOO_MANY = Sentence("too much was sent in a short time: try it again in a minute")

_ON_REPLIES, _ON_LATE_REPLIES = REMEDIES[(Caller.AGENT, "")], REMEDIES[(Caller.AGENT, HUMAN_AGENT)]

#: What an admin reads -> what an agent reads instead.
_FOR_AGENTS: Mapping[str, Sentence] = {
    **dict.fromkeys((known.ANOTHER_REMEDY, known.PERMISSION_REMEDY, known.WRONG_PROOF_REMEDY), _NO_ACCESS),
    **dict.fromkeys((known.TAKE_REFUSED, known.OWNER_REMEDY), _NOT_TAKEN),
    **dict.fromkeys((UNREACHABLE, known.NO_GRAPH_REMEDY, _ON_REPLIES[UNREACHABLE].remedy), _OUT_OF_REACH),
    **dict.fromkeys(
        (known.TAG_REFUSED_REMEDY, _ON_REPLIES[known.TAG_REFUSED_REMEDY].remedy), _NOT_AFTER_A_DAY
    ),
    known.NOT_LIVE_REMEDY: _TESTERS_ONLY,
    known.PAGE_RESTRICTED_REMEDY: _RESTRICTED,
    known.WRONG_PERSON_REMEDY: _NOT_KNOWN,
    known.UNKNOWN_REMEDY: ASK_AN_ADMIN,
    LOOPS: _TOO_MANY,
}

#: What an agent can do.
_THEIRS = frozenset(
    {
        known.PERSON_REMEDY,
        known.LEAD_AD_REMEDY,
        known.RATE_REMEDY,
        known.LATER_REMEDY,
        *(
            _ON_REPLIES[remedy].remedy
            for remedy in (
                known.OWNER_REMEDY,
                known.WINDOW_REMEDY,
                known.RATE_REMEDY,
                known.LATER_REMEDY,
                known.MEDIA_UNUSABLE_REMEDY,
                known.MESSAGE_REMEDY,
            )
        ),
        _ON_LATE_REPLIES[known.WINDOW_REMEDY].remedy,
    }
)

#: Where only those look who run the bot.
_PLACES_OF_ADMINS = (".yml", "developers.facebook.com", "Page settings", "App Review")


def for_agents(remedy: Sentence) -> Sentence:
    """Return the sentence that an agent reads in place of *remedy*: the same one, if it is for them."""
    return _known(remedy) or ASK_AN_ADMIN


def is_for_admins(text: Sentence) -> bool:
    """Tell whether *text* names a place where only those look who run the bot."""
    return any(place in text.msgid for place in _PLACES_OF_ADMINS)


def _known(remedy: Sentence) -> Optional[Sentence]:
    if remedy in _THEIRS:
        return remedy
    if remedy in _FOR_AGENTS:
        return _FOR_AGENTS[remedy]
    for name, value in remedy.values.items():
        found = _known(value) if isinstance(value, Sentence) else None
        if found is not None:  # "wait 90 seconds; ..." goes with it
            return remedy.with_values(**{name: found}) if remedy.plural else found
    return None
