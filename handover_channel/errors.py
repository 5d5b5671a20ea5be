"""Defines every error of this package, grouped by who must act.

HandoverError
├── SettingsError             the developer: handover.yml or credentials.yml
├── WebhookError              whoever called our webhook
│   ├── InvalidSignature          403: not signed with our app secret
│   └── MalformedWebhook          400: signed, but no delivery
├── Refused                   whoever asked: it cannot be, as things are
│   ├── NotKnown                  no such thread, reply, file, agent
│   ├── NotAllowed                somebody else's to do
│   ├── NotUsable                 what was given is empty, or is not what it should be
│   │   └── AgentRefused              a name or password of an agent that cannot be
│   ├── TooLarge                  more than is taken
│   ├── AskFirst                  it can be, once they say that they mean it
│   └── HandoverRefused           the bot asked for a handover that cannot be
│       ├── UnknownTarget             no such target in handover.yml
│       ├── TargetNotReachable        the target needs Messenger, the thread is elsewhere
│       └── OutsideHours              nobody is there now
├── EntranceRefused          whoever wants to come into the built-in inbox
│   ├── WrongPassword             403: or there is no agent of that name
│   ├── TooManyAttempts           429: wrong passwords, or too many sign-ins at the same moment
│   ├── CsrfRefused               403: not sent by the page
│   └── NotLetIn                  403: there are no agents, and no good link, or the wrong machine
├── InputRefused             whoever sent more than is read, or what cannot be read (400, 408, 413, 503)
├── StoreUnavailable          the database is out of reach: be silent, try again
├── NotReady                  no model is loaded: what is to be answered waits
└── GraphError                Meta refused a call or did not answer
    ├── GraphUnavailable          transient: retried, then given up for now
    ├── NotThreadOwner            another app controls the thread
    ├── TakeNotAllowed            no default app, or no permission to take control
    ├── OutsideWindow             the messaging window is closed
    ├── PersonUnavailable         the person blocked the page, or cannot be reached
    ├── TokenRefused              the page access token is invalid or may not do this
    ├── HumanAgentRefused         the app may not answer with the HUMAN_AGENT tag
    └── OverBudget                not made: one delivery, or one thread in a minute, has made too many
"""

from __future__ import annotations

from typing import Any, Mapping, Optional, Sequence

from handover_channel.sentences import Sentence, of_others, sentence, with_remedy


class HandoverError(Exception):
    """Base of everything raised by this package on purpose.

    *text* is English with places for *values* (sentences.py). `str()` fills it in; the page translates it.
    """

    def __init__(self, text: str = "", /, **values: Any) -> None:
        super().__init__(sentence(text, **values))

    @property
    def text(self) -> Sentence:
        """All that is to be read of it."""
        found: Sentence = self.args[0]
        return found


class SettingsError(HandoverError):
    """Settings that cannot work: every problem at once, one a line.

    ``problems`` holds the lines; ``str()`` joins them.
    """

    def __init__(self, problems: Sequence[str]) -> None:
        super().__init__(problems[0] if len(problems) == 1 else "\n".join(problems))
        self.problems = tuple(problems)


class WebhookError(HandoverError):
    """A call to our webhook that is not a delivery from Meta."""


class InvalidSignature(WebhookError):
    """The body was not signed with our app secret."""


class MalformedWebhook(WebhookError):
    """The body is signed, and yet no webhook delivery."""


class Refused(HandoverError):
    """Something that was asked for and cannot be, as things are."""


class NotKnown(Refused):
    """There is no such thread, reply, file or agent, or not any more."""


#: What several places refuse in the same words: NotKnown, and Refused.
NO_SUCH_CONVERSATION = Sentence("this conversation does not exist, or not any more -> choose one of the list")
NOT_HERE_NOW = Sentence(
    "this conversation is not in the inbox any more -> look again: it may be back with the bot"
)


class NotAllowed(Refused):
    """It is for somebody else to do."""


class NotUsable(Refused):
    """What was given is empty, or is not what it should be."""


class AgentRefused(NotUsable):
    """An agent cannot be added or changed like this."""


class TooLarge(Refused):
    """What was given is more than is taken."""


class AskFirst(Refused):
    """It can be, once whoever asked says that they mean it.

    ``consent``: the fields that they send along then, to say of what they know; ``words``: what somebody else
    has said meanwhile, "" for nothing; ``may_take``: they may also take the conversation.
    """

    def __init__(
        self,
        text: str,
        *,
        consent: Mapping[str, str],
        words: str = "",
        may_take: bool = False,
        **values: Any,
    ) -> None:
        super().__init__(text, **values)
        self.consent = consent
        self.words = words
        self.may_take = may_take


class HandoverRefused(Refused):
    """A handover that cannot be: the thread stays with the bot."""


class UnknownTarget(HandoverRefused):
    """No target of that name in handover.yml."""


class TargetNotReachable(HandoverRefused):
    """The target needs Messenger, and this thread is on another channel."""


class OutsideHours(HandoverRefused):
    """It is outside the target's business hours.

    ``opens_at``: when somebody is there, in seconds since the epoch, None for never; ``opens``: the same for
    people to read, by the clock of the target's time zone.
    """

    def __init__(self, text: str, *, opens_at: Optional[float], opens: str, **values: Any) -> None:
        super().__init__(text, opens=opens, **values)
        self.opens_at = opens_at
        self.opens = opens


class EntranceRefused(HandoverError):
    """Somebody may not come into the built-in inbox, or not do this there."""


class WrongPassword(EntranceRefused):
    """The password is wrong, or there is no agent of that name: never told which."""


class TooManyAttempts(EntranceRefused):
    """Passwords were wrong too often. ``wait``: seconds until the next may be tried."""

    def __init__(self, text: str, *, wait: float) -> None:
        super().__init__(text)
        self.wait = wait


class CsrfRefused(EntranceRefused):
    """A change that the page did not send: its token or its origin is another one."""


class NotLetIn(EntranceRefused):
    """The inbox has no agents, and this visitor is not the one it is open to.

    ``reason`` is one of the words in inbox/auth.py; ``str()`` explains it.
    """

    def __init__(self, text: str, *, reason: str) -> None:
        super().__init__(text)
        self.reason = reason


class InputRefused(HandoverError):
    """Something that comes in exceeds a limit of rules/limits.py. ``status``: the HTTP status for it."""

    def __init__(self, text: str, *, status: int, **values: Any) -> None:
        super().__init__(text, **values)
        self.status = status


class StoreUnavailable(HandoverError):
    """The database is out of reach or refuses to work."""


class NotReady(HandoverError):
    """The bot cannot work now (no model is loaded): the delivery stays in the queue."""


class GraphError(HandoverError):
    """Meta refused a Graph API call.

    ``said`` is what Meta said, or what we say of a call without an answer; ``code`` and ``subcode`` are
    Meta's numbers (0 where it gave none), ``status`` the HTTP status, ``remedy`` what a person can do about
    it, "" where nothing is known. A *said* that is no `Sentence` is in Meta's words.
    """

    def __init__(
        self,
        said: str,
        *,
        status: int = 0,
        code: int = 0,
        subcode: int = 0,
        remedy: str = "",
    ) -> None:
        super().__init__(of_others(said))
        self.status = status
        self.code = code
        self.subcode = subcode
        self.remedy = remedy

    @property
    def said(self) -> Sentence:
        """What Meta said."""
        return super().text

    @property
    def text(self) -> Sentence:
        """What Meta said and what to do."""
        return with_remedy(self.said, self.remedy)

    def __str__(self) -> str:
        """Join what Meta said and what to do."""
        return str(self.text)


class GraphUnavailable(GraphError):
    """Transient: rate limit, outage, time-out. The call may be tried again."""


class NotThreadOwner(GraphError):
    """Another app controls the thread (10/2018300, 100/2534037)."""


class TakeNotAllowed(GraphError):
    """Control cannot be taken: no default app is set, or the app may not take (27)."""


class OutsideWindow(GraphError):
    """The messaging window is closed (10/2018278)."""


class PersonUnavailable(GraphError):
    """The person cannot receive messages (551, 10/2018108, 200/1545041, 100/2018001)."""


class TokenRefused(GraphError):
    """The page access token is invalid, lacks a permission (190, 10, 200, 230), or is not there."""


class HumanAgentRefused(GraphError):
    """The app lacks the Human Agent feature: no answers after 24 hours (100/1893061)."""


class OverBudget(GraphError):
    """The call was not made: a delivery, or a thread in a minute, had made too many (rules/budget.py)."""
