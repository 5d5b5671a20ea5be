"""Names the reasons for which a thread comes back to the bot.

Every reason of a return is a member of `ReturnReason`; it reaches the bot as the entity `reason`, and it is
what the log of changes keeps.
"""

from __future__ import annotations

from enum import Enum


class ReturnReason(str, Enum):
    """Why a thread came back to the bot."""

    KEYWORD = "keyword"  #: the person wrote one of the keywords
    BUTTON = "button"  #: the person tapped "Back to Bot"
    TIME_LIMIT = "time_limit"  #: the handover's time was up
    AGENT = "agent"  #: the agent in the built-in inbox returned it
    PASSED_BACK = "passed_back"  #: the other app passed control to us
    LAPSED = "lapsed"  #: the other app was silent for Meta's 24 hours
    RELEASED = "released"  #: the other app let go before that
    NO_ANSWER = "no_answer"  #: no agent answered within `answer_within`
