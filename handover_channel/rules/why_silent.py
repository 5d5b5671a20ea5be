"""Explains in sentences why the bot is silent in a thread, or that it is not. No I/O.

1. In this order: who has control, since when and why; what would end it, and when; what Meta says now; what
   is wrong. Each sentence has an id, which programs can rely on.
2. The row is the truth (rules/control.py). What Meta says stands beside it, never in its place: where the two
   differ, that is among what is wrong.
3. That Meta could not be asked is said, and is nothing wrong.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import Callable, Iterator, List, Mapping, NamedTuple, Optional, Tuple

from handover_channel.messenger.events import META_INBOXES
from handover_channel.rules.control import ANOTHER_APP, LAPSES_AFTER, Control, State, bot_may_speak
from handover_channel.rules.reasons_in_words import REASONS
from handover_channel.rules.time_limit import is_unattended
from handover_channel.rules.times_in_words import ago, coming, lasting, moment, when
from handover_channel.sentences import Sentence, counted, restored

#: Seconds that a message may wait before its waiting is worth a word.
WAITS_LONG = 60.0


class Whose(str, Enum):
    """Who has control at Meta."""

    NOT_ASKED = "not_asked"  #: nobody has asked, or there is nobody to ask: another channel
    NO_ANSWER = "no_answer"  #: Meta was asked in vain
    OURS = "ours"  #: this bot's app
    NOBODY = "nobody"  #: no app is named
    OTHER = "other"  #: an app that is named
    HIDDEN = "hidden"  #: an app that Meta does not name


@dataclass(frozen=True)
class MetaSays:
    """What Meta answers when it is asked who has control of the thread."""

    whose: Whose = Whose.NOT_ASKED
    app_id: str = ""  #: of the owner, where it is named
    until: Optional[float] = None  #: when its control lapses, in seconds since the epoch
    problem: Sentence = restored("")  #: why there is no answer


@dataclass(frozen=True)
class Facts:
    """What is known of a thread. Times in seconds since the epoch, by our clock."""

    thread: str
    state: State
    now: float
    reason: str = ""  #: of the last change
    who: str = ""  #: by whom
    changed_at: float = 0.0
    on_messenger: bool = True
    until: Optional[float] = None
    button: str = ""  #: "": there is none
    keywords: Tuple[str, ...] = ()
    stay_muted: bool = False  #: of the target
    active_at: float = 0.0
    assignee: str = ""
    waiting_since: Optional[float] = None
    no_answer_at: Optional[float] = None  #: when it returns, as nobody has answered
    settle_at: Optional[float] = None  #: when Meta is asked what became of a pass
    again_at: Optional[float] = None  #: when a refused return is tried again
    refusal: Sentence = restored("")  #: of a return, "" for none
    attempts: int = 0
    meta: MetaSays = MetaSays()
    owner_name: str = ""  #: name of the target whose app Meta names, "" for none
    findings: Tuple[Sentence, ...] = ()
    given_up: int = 0  #: deliveries of this thread
    waiting: int = 0  #: deliveries of this thread that are not processed yet
    oldest_at: Optional[float] = None  #: when the first of them was received


class Said(NamedTuple):
    """One sentence. *id*: "control.app", "ends.button", "meta.nobody", "wrong.refused" and the like."""

    id: str
    sentence: Sentence


def explain(facts: Facts) -> List[Said]:
    """Return the sentences about *facts*, in the order of rule 1."""
    return [*_control(facts), *_ends(facts), *_meta(facts), *_wrong(facts)]


# --- who has control ------------------------------------------------------------------------------

_CONTROL_IN_WORDS: Mapping[Control, Callable[..., Sentence]] = {
    Control.BOT: lambda **values: Sentence(
        "the bot has control of thread %(thread)s, since %(since)s (%(ago)s)", **values
    ),
    Control.PASSING: lambda **values: Sentence(
        "the bot is silent: control of thread %(thread)s was passed to %(owner)s at %(since)s (%(ago)s), and "
        "Meta has not said yet whether that worked",
        **values,
    ),
    Control.INBOX: lambda **values: Sentence(
        "the bot is silent: people in the built-in inbox (target %(owner)s) have control of thread "
        "%(thread)s, since %(since)s (%(ago)s)",
        **values,
    ),
    Control.APP: lambda **values: Sentence(
        "the bot is silent: %(owner)s has control of thread %(thread)s, since %(since)s (%(ago)s)", **values
    ),
    Control.BESIDE: lambda **values: Sentence(
        "the bot is silent: in thread %(thread)s somebody else answered beside it (%(owner)s), at %(since)s "
        "(%(ago)s)",
        **values,
    ),
}


def _control(facts: Facts) -> Iterator[Said]:
    control = facts.state.control
    if bot_may_speak(control) and not facts.reason:
        said = Sentence(
            "the bot has control of thread %(thread)s: it was never handed over", thread=facts.thread
        )
        yield Said("control.bot", said)
        return
    at = {"since": moment(facts.changed_at), "ago": ago(facts.now - facts.changed_at)}
    yield Said(
        f"control.{control.value}",
        _CONTROL_IN_WORDS[control](thread=facts.thread, owner=_named(facts.state.target), **at),
    )
    if control is not Control.PASSING:  # what was to happen has not happened yet
        yield Said("why", _reason(facts))
    if control is Control.INBOX:
        yield from _agent(facts)


def _reason(facts: Facts) -> Sentence:
    if facts.reason not in REASONS:
        return Sentence("the reason in the log is %(reason)s", reason=facts.reason)
    target, person = _named(facts.state.target), Sentence("the customer")
    return Sentence(REASONS[facts.reason], target=target, who=facts.who, name=person)


def _agent(facts: Facts) -> Iterator[Said]:
    if facts.assignee:
        yield Said("agent", Sentence("%(agent)s answers there", agent=facts.assignee))
    elif facts.waiting_since is not None:
        since = lasting(facts.now - facts.waiting_since)
        yield Said(
            "agent", Sentence("nobody has answered there yet: the customer waits %(since)s", since=since)
        )


# --- what would end it ----------------------------------------------------------------------------


def _ends(facts: Facts) -> Iterator[Said]:
    control = facts.state.control
    if control is Control.PASSING:
        if facts.settle_at is not None:
            said = Sentence("Meta is asked again %(when)s", when=when(facts.settle_at, facts.now))
            yield Said("ends.settle", said)
    elif not bot_may_speak(control):
        yield from _ends_by_clock(facts)
        yield from _ends_by_person(facts)
        yield from _ends_by_others(facts)


def _ends_by_clock(facts: Facts) -> Iterator[Said]:
    if facts.until is None:
        yield Said("ends.no_limit", Sentence("there is no time limit"))
    elif facts.until > facts.now:
        at = {"at": moment(facts.until), "when": coming(facts.until - facts.now)}
        yield Said("ends.time_limit", Sentence("the time limit ends it at %(at)s (%(when)s)", **at))
    else:
        said = Sentence("the time limit was up %(ago)s", ago=ago(facts.now - facts.until))
        yield Said("ends.time_limit", said)
    if facts.state.control is Control.INBOX and facts.no_answer_at is not None:
        said = Sentence(
            "if no agent has answered by %(at)s, it comes back to the bot", at=moment(facts.no_answer_at)
        )
        yield Said("ends.no_answer", said)
    if facts.again_at is not None and facts.refusal:
        said = Sentence("the return is tried again %(when)s", when=when(facts.again_at, facts.now))
        yield Said("ends.again", said)


def _ends_by_person(facts: Facts) -> Iterator[Said]:
    if facts.button and facts.on_messenger:
        said = Sentence('the customer can tap the button "%(button)s"', button=facts.button)
        yield Said("ends.button", said)
    if facts.keywords:
        said = counted(
            'the customer can write the keyword "%(keyword)s"',
            'the customer can write one of %(number)s keywords, such as "%(keyword)s"',
            len(facts.keywords),
            keyword=facts.keywords[0],
        )
        yield Said("ends.keyword", said)


def _ends_by_others(facts: Facts) -> Iterator[Said]:
    control, owner = facts.state.control, _named(facts.state.target)
    if control is Control.INBOX:
        said = Sentence(
            "an agent can return it in the inbox, and you by `handover return %(thread)s`",
            thread=facts.thread,
        )
        yield Said("ends.agent", said)
        return
    said = Sentence(
        "you can return it by `handover return %(thread)s`, if Meta allows it", thread=facts.thread
    )
    yield Said("ends.return", said)
    if control is Control.APP:
        yield Said("ends.passed_back", Sentence("it can be passed back by %(owner)s", owner=owner))
        yield Said("ends.lapse", _lapse(facts))


def _lapse(facts: Facts) -> Sentence:
    if facts.stay_muted:
        return Sentence("the bot stays silent when that control lapses at Meta (`stay_muted`)")
    at = facts.active_at + LAPSES_AFTER
    if at > facts.now:
        return Sentence(
            "if nothing happens in it until %(at)s, the customer's next message is the bot's", at=moment(at)
        )
    return Sentence(
        "nothing has happened in it for 24 hours: if Meta gives us the customer's next message, "
        "it is the bot's"
    )


# --- what Meta says -------------------------------------------------------------------------------


def _meta(facts: Facts) -> Iterator[Said]:
    whose, until = facts.meta.whose, facts.meta.until
    if whose is Whose.NOT_ASKED:
        return
    yield Said(f"meta.{whose.value}", _META_IN_WORDS[whose](facts))
    if until is not None and whose in (Whose.OURS, Whose.OTHER, Whose.HIDDEN):
        said = Sentence("that ends at %(at)s if nothing happens in the conversation", at=moment(until))
        yield Said("meta.until", said)


_META_IN_WORDS: Mapping[Whose, Callable[[Facts], Sentence]] = {
    Whose.NO_ANSWER: lambda facts: Sentence(
        "Meta could not be asked who has control: %(problem)s", problem=facts.meta.problem
    ),
    Whose.OURS: lambda facts: Sentence("Meta says that this bot's app has control"),
    Whose.NOBODY: lambda facts: Sentence("Meta names no app that has control"),
    Whose.OTHER: lambda facts: Sentence(
        "Meta says that %(owner)s has control", owner=facts.owner_name or _named(facts.meta.app_id)
    ),
    Whose.HIDDEN: lambda facts: Sentence("Meta says that another app has control, and not which"),
}


# --- what is wrong --------------------------------------------------------------------------------


def _wrong(facts: Facts) -> Iterator[Said]:
    if facts.refusal and not bot_may_speak(facts.state.control):
        yield Said("wrong.refused", _refused(facts))
    if not bot_may_speak(facts.state.control) and is_unattended(facts.until, facts.now):
        said = Sentence("no process has ended it: Rasa does not run, or something holds it up -> see its log")
        yield Said("wrong.overdue", said)
    said_by_meta = _differs(facts)
    if said_by_meta is not None:
        yield Said("wrong.differs", said_by_meta)
    if facts.waiting and facts.oldest_at is not None and facts.now - facts.oldest_at > WAITS_LONG:
        yield Said("wrong.waiting", _waits(facts))
    if facts.given_up:
        yield Said("wrong.given_up", _given_up(facts))
    for finding in facts.findings:
        yield Said("wrong.finding", finding)
    if bot_may_speak(facts.state.control):
        said = Sentence("if it is silent there all the same, see what `handover doctor` finds")
        yield Said("hint.elsewhere", said)


def _refused(facts: Facts) -> Sentence:
    return counted(
        "Meta has refused once to give control back: %(refusal)s",
        "Meta has refused %(number)s times to give control back: %(refusal)s",
        max(facts.attempts, 1),
        refusal=facts.refusal,
    )


def _waits(facts: Facts) -> Sentence:
    return counted(
        "one message of it waits to be processed %(since)s -> see `handover queue`",
        "%(number)s messages of it wait to be processed, the first %(since)s -> see `handover queue`",
        facts.waiting,
        since=lasting(facts.now - (facts.oldest_at or facts.now)),
    )


def _given_up(facts: Facts) -> Sentence:
    return counted(
        "one message of it was given up -> see `handover queue --failed`",
        "%(number)s messages of it were given up -> see `handover queue --failed`",
        facts.given_up,
    )


def _differs(facts: Facts) -> Optional[Sentence]:
    """Return in what Meta's answer is another one than the row, None where both can be true."""
    control, whose = facts.state.control, facts.meta.whose
    elsewhere = whose in (Whose.OTHER, Whose.HIDDEN)
    if control is Control.BOT and elsewhere:
        return Sentence(
            "so Meta refuses what the bot says, and then the bot falls silent -> have it passed back, or "
            "return it then: `handover return %(thread)s`",
            thread=facts.thread,
        )
    if control is Control.INBOX and elsewhere:
        return Sentence("so Meta refuses what agents write -> take the conversation over in the inbox")
    if control is Control.APP and whose in (Whose.OURS, Whose.NOBODY) and not facts.stay_muted:
        return Sentence(
            "so %(owner)s may have let go: the bot answers the customer's next message then -> or return it "
            "now: `handover return %(thread)s`",
            owner=_named(facts.state.target),
            thread=facts.thread,
        )
    named = facts.meta.app_id
    if control is Control.APP and whose is Whose.OTHER and facts.state.owner not in ("", named):
        return Sentence("so control has gone from one app to another, and no event of Meta's has told us")
    return None


# --- words ----------------------------------------------------------------------------------------


def _named(target: str) -> str:
    """Return a target by its name; an app that has none by its id."""
    if target in ("", ANOTHER_APP):
        return Sentence("another app")
    if target in META_INBOXES:
        return Sentence("the Page inbox")
    return Sentence("app %(app_id)s", app_id=target) if target.isdigit() else target
