"""Decides whether Meta's refusal of an agent's message is an obstacle of the thread, and what the page shows.

A refusal that is about the message alone (too long, a file that Meta cannot use) is no obstacle: it stands at
the message. An obstacle lasts until the person does something, or a message gets through.
"""

from __future__ import annotations

from enum import Enum
from typing import Mapping, Optional, Tuple, Type

from handover_channel.errors import (
    GraphError,
    HumanAgentRefused,
    OutsideWindow,
    PersonUnavailable,
    TokenRefused,
)
from handover_channel.rules.messaging_window import HUMAN_AGENT_WINDOW, STANDARD_WINDOW
from handover_channel.sentences import Sentence


class Obstacle(str, Enum):
    """What keeps agents' messages from the person. Who has control is no obstacle: it is in the row."""

    NONE = ""
    CLOSED = "closed"  #: the standard window is over: what people write still goes out, with a tag
    OVER = "over"  #: nothing goes out any more, with or without the tag
    NO_TAG = "no_tag"  #: the app may not use the tag
    PERSON = "person"
    TOKEN = "token"  # noqa: S105  (a name)
    RESTRICTED = "restricted"


_OF: Tuple[Tuple[Type[GraphError], Obstacle], ...] = (
    (OutsideWindow, Obstacle.CLOSED),
    (HumanAgentRefused, Obstacle.NO_TAG),
    (PersonUnavailable, Obstacle.PERSON),
    (TokenRefused, Obstacle.TOKEN),
)

#: Code and subcode with which Meta says that the page or the app is restricted.
_RESTRICTED_CODE = (368, 1893063)

#: How long ago the window was opened, at least, in seconds: Meta knows better than we do.
_CLOSED_SINCE: Mapping[str, float] = {Obstacle.CLOSED: STANDARD_WINDOW, Obstacle.OVER: HUMAN_AGENT_WINDOW}

#: What the page tells above the reply box.
HINTS: Mapping[str, Sentence] = {
    Obstacle.NO_TAG: Sentence(
        "The customer last wrote more than 24 hours ago, and Meta does not let this app answer then: whoever "
        "runs the bot can ask for the Human Agent feature in App Review. You can answer once the customer "
        "writes again."
    ),
    Obstacle.PERSON: Sentence(
        "Meta says that the customer cannot be reached: they blocked the page, closed the account, or accept "
        "no messages. The bot does not reach them either."
    ),
    Obstacle.TOKEN: Sentence(
        "Meta does not accept the page's access token: nothing can be sent, by you or by the bot, until "
        "whoever runs the bot has put in a new one."
    ),
    Obstacle.RESTRICTED: Sentence(
        "Meta has restricted the page or the app: nothing can be sent, by you or by the bot, until that "
        "is over."
    ),
}


def obstacle_of(error: GraphError, *, tagged: bool) -> Obstacle:
    """Return the obstacle that a refusal stands for. *tagged*: the message carried HUMAN_AGENT."""
    for kind, obstacle in _OF:
        if isinstance(error, kind):
            return Obstacle.OVER if obstacle is Obstacle.CLOSED and tagged else obstacle
    is_restricted = error.code in _RESTRICTED_CODE or error.subcode in _RESTRICTED_CODE
    return Obstacle.RESTRICTED if is_restricted else Obstacle.NONE


def silence_of(opened_at: int, obstacle: str, *, now: float) -> Optional[float]:
    """Return the seconds since the person last opened the messaging window, None where that is not known.

    *opened_at*: when they did (ms), 0 where it is not known. Where Meta has said since that the window is
    closed, it is so, whatever we know. None counts as open everywhere (messaging_window.py, rule 5).
    """
    seconds = now - opened_at / 1000 if opened_at else None
    least = _CLOSED_SINCE.get(obstacle)
    return seconds if least is None else max(seconds or 0.0, least)


def is_refuted(obstacle: str) -> bool:
    """Tell whether a message that got through shows that *obstacle* is none (any more)."""
    return obstacle not in (Obstacle.NONE, *_CLOSED_SINCE)
