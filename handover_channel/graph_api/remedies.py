"""Words the remedy for a refusal of Meta's, by who made the call and with what tag. No I/O.

1. graph_api/errors.py knows refusals by code, and words them for whoever writes the bot's responses. For
   every other caller each of those remedies that would send somebody to the wrong place is replaced here.
2. An agent reads what an agent can do; what only those who run the bot can mend is said to be theirs.
3. A call with the tag HUMAN_AGENT that is refused for a permission, or for a parameter that nobody can name,
   lacks the feature of that name.
   https://developers.facebook.com/documentation/business-messaging/messenger-platform/send-messages
"""

from __future__ import annotations

from contextlib import contextmanager
from enum import Enum
from typing import Dict, Iterator, Mapping, NamedTuple, Optional, Tuple, Type

from handover_channel.errors import GraphError, HumanAgentRefused
from handover_channel.graph_api import errors as known
from handover_channel.graph_api.transport import UNREACHABLE
from handover_channel.rules.messaging_window import HUMAN_AGENT
from handover_channel.sentences import Sentence, sentence


class Caller(str, Enum):
    """Who, or what for, the Graph API was called."""

    BOT = "bot"  #: a response of Rasa's
    AGENT = "agent"  #: a reply that a person wrote
    NOTICE = "notice"  #: what the page says by itself around a handover
    CONTROL = "control"  #: who has control, and moving it
    PROFILE = "profile"  #: a person's name and picture
    PERSONA = "persona"  #: the name under which an agent answers
    PAGE = "page"  #: the page's name


class _Row(NamedTuple):
    remedy: Sentence
    kind: Optional[Type[GraphError]] = None  #: what it is, where the caller tells more than the code


#: What Meta refuses without saying what to mend: what was asked for is wrong in itself.
_THE_MESSAGE = (known.MESSAGE_REMEDY, known.FORM_REMEDY, known.UNKNOWN_REMEDY)

_FEATURE = _Row(
    Sentence(
        "this app may not answer after 24 hours yet: whoever runs the bot asks for the Human Agent feature "
        "in App Review (developers.facebook.com > your app > App Review > Permissions and features); until "
        "then wait until the customer writes again"
    ),
    HumanAgentRefused,
)
_REWORD = _Row(
    Sentence(
        "Meta does not take this message as it is: word it differently, or shorten it; if it takes none, "
        "ask an admin"
    )
)
_TOO_LATE = _Row(Sentence("wait until the customer writes again, or use another way to reach them"))
_LEFT_OUT = _Row(Sentence("the notice is left out; agents can answer all the same"))
_NOTICE_TEXT = _Row(Sentence("correct the text of inbox.joined or inbox.ahead in handover.yml"))
_NO_PERSONA = _Row(
    Sentence(
        "answers go out as the page: check the agent's shown name (50 characters at most) and picture (an "
        "https address of at most 8 MB), or leave out inbox.personas in handover.yml"
    )
)
_NO_PAGE = _Row(
    Sentence("check that `pages` in credentials.yml has the id of the page that the token is for")
)

_OF_AGENTS: Dict[str, _Row] = {
    **{
        remedy: _Row(
            Sentence("nothing gets out until whoever runs the bot has mended this: %(remedy)s", remedy=remedy)
        )
        for remedy in (
            known.ANOTHER_REMEDY,
            known.PERMISSION_REMEDY,
            known.NOT_LIVE_REMEDY,
            known.WRONG_PROOF_REMEDY,
            known.WRONG_PERSON_REMEDY,
            known.PAGE_RESTRICTED_REMEDY,
            known.NO_GRAPH_REMEDY,
        )
    },
    known.OWNER_REMEDY: _Row(
        Sentence("another app or the Page inbox has this conversation: take it over, then send this again")
    ),
    known.WINDOW_REMEDY: _Row(
        Sentence(
            "the customer last wrote more than 24 hours ago, says Meta: send it again, and it goes out as "
            "the answer of a person, which Meta delivers for 7 days"
        )
    ),
    known.RATE_REMEDY: _Row(Sentence("Meta limits the rate of messages: send it again in a few minutes")),
    known.LATER_REMEDY: _Row(
        Sentence("a fault on Meta's side: send it again in a few minutes; if it lasts, see metastatus.com")
    ),
    UNREACHABLE: _Row(
        Sentence(
            "send it again in a minute; if it lasts, whoever runs the bot looks at the network and at "
            "graph_api.url in handover.yml"
        )
    ),
    known.MEDIA_UNUSABLE_REMEDY: _Row(
        Sentence("Meta could not use the file: send it in another format, with at most 25 MB")
    ),
    known.TAG_REFUSED_REMEDY: _FEATURE,
    **dict.fromkeys((*_THE_MESSAGE, known.PHONE_REMEDY, known.APP_REMEDY, known.PROFILE_REMEDY), _REWORD),
    **dict.fromkeys((known.ROLES_REMEDY, known.LINKING_REMEDY), _REWORD),
}

#: (who called, with what tag) -> the remedy by code -> the remedy for this call.
REMEDIES: Mapping[Tuple[Caller, str], Mapping[str, _Row]] = {
    (Caller.AGENT, ""): _OF_AGENTS,
    (Caller.AGENT, HUMAN_AGENT): {
        **_OF_AGENTS,
        known.WINDOW_REMEDY: _TOO_LATE,
        known.PERMISSION_REMEDY: _FEATURE,
        known.MESSAGE_REMEDY: _FEATURE,
    },
    (Caller.NOTICE, ""): {
        known.OWNER_REMEDY: _LEFT_OUT,
        known.WINDOW_REMEDY: _LEFT_OUT,
        known.RATE_REMEDY: _LEFT_OUT,
        known.LATER_REMEDY: _LEFT_OUT,
        **dict.fromkeys(_THE_MESSAGE, _NOTICE_TEXT),
    },
    (Caller.CONTROL, ""): dict.fromkeys((known.MESSAGE_REMEDY, known.FORM_REMEDY), _Row(known.APP_REMEDY)),
    (Caller.PROFILE, ""): dict.fromkeys(
        (*_THE_MESSAGE, known.PERMISSION_REMEDY, known.WRONG_PERSON_REMEDY), _Row(known.PROFILE_REMEDY)
    ),
    (Caller.PERSONA, ""): dict.fromkeys((*_THE_MESSAGE, known.MEDIA_UNUSABLE_REMEDY), _NO_PERSONA),
    (Caller.PAGE, ""): dict.fromkeys((*_THE_MESSAGE, known.WRONG_PERSON_REMEDY), _NO_PAGE),
}


#: What is mended by nothing but time: Meta is out of reach, or asks for a pause.
_WAIT = frozenset({UNREACHABLE, known.LATER_REMEDY, known.RATE_REMEDY})


def says_to_wait(refusal: Sentence) -> bool:
    """Tell whether the refusal is none of Meta's to this call: no call would get another answer now."""
    return refusal in _WAIT or any(
        says_to_wait(value) for value in refusal.values.values() if isinstance(value, Sentence)
    )


@contextmanager
def meant_for(caller: Caller, tag: str = "") -> Iterator[None]:
    """Have a GraphError of the calls made in here say what *caller* can do about it."""
    try:
        yield
    except GraphError as error:
        told = reworded(error, caller, tag)
        if told is error:
            raise
        raise told from error


def reworded(error: GraphError, caller: Caller, tag: str = "") -> GraphError:
    """Return *error* with the remedy for *caller*: the same one, or one of the kind that it is then."""
    rows = REMEDIES.get((caller, tag)) or REMEDIES.get((caller, ""), {})
    remedy, row = _replaced(sentence(error.remedy), rows)
    if row is None:
        return error
    if row.kind is None:
        error.remedy = remedy
        return error
    facts = {"status": error.status, "code": error.code, "subcode": error.subcode}
    return row.kind(error.said, remedy=remedy, **facts)


def _replaced(remedy: Sentence, rows: Mapping[str, _Row]) -> Tuple[Sentence, Optional[_Row]]:
    """Return *remedy*, or the part of it that is in *rows*, replaced; and the row. Whole ones first."""
    if remedy in rows:
        return rows[remedy].remedy, rows[remedy]
    for name, value in remedy.values.items():
        part, row = _replaced(value, rows) if isinstance(value, Sentence) else (None, None)
        if row is not None:
            return remedy.with_values(**{name: part}), row
    return remedy, None
