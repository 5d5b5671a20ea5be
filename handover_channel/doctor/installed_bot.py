"""Decides what is wrong with how handover was put into a bot: a table, a row a check.

Half of it works without an error, and the person reads "I am handing you over" while the bot goes on. What is
known of the bot comes from Rasa's process when it starts (rasa/running_bot.py), or from its files
(bot_files.py): both are judged by these rows. No I/O, no Rasa.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Callable, FrozenSet, Iterator, List, NamedTuple, Optional, Tuple

from handover_channel.doctor.check import Found, fail, warn
from handover_channel.doctor.report import Where
from handover_channel.rules.bot_contract import (
    FAILED_RESPONSE,
    HANDOVER_ACTION,
    HANDOVER_INTENT,
    HANDOVER_RESPONSE,
    RETURN_ACTION,
    RETURNED_FLOW,
    RETURNED_INTENT,
    TARGET_SLOT,
    UNTIL_SLOT,
)
from handover_channel.sentences import Sentence
from handover_channel.settings.credentials import CHANNEL, INBOX_CHANNEL

POLICY = "handover_channel.HandoverPolicy"

_NEEDED_ACTIONS = (HANDOVER_ACTION, RETURN_ACTION, HANDOVER_RESPONSE, FAILED_RESPONSE)
_NEEDED_SLOTS = (TARGET_SLOT, UNTIL_SLOT)


@dataclass(frozen=True)
class InstalledBot:
    """What is known of a bot."""

    is_served: bool = True  #: people reach it by channels, not by `rasa shell` alone
    has_messenger: bool = False  #: our channel
    has_inbox: bool = False
    has_rasas_facebook: bool = False
    #: Socket.IO puts nobody into the room of a session: this version's `enter_room` has to be awaited.
    loses_socketio_rooms: bool = False
    has_policy: bool = False
    intents: FrozenSet[str] = frozenset()
    slots: FrozenSet[str] = frozenset()
    actions: FrozenSet[str] = frozenset()  #: with the responses
    has_action_endpoint: bool = False
    #: Actions that rules lead to; None where other policies may lead to more.
    actions_of_rules: Optional[FrozenSet[str]] = None
    requests: FrozenSet[str] = frozenset({HANDOVER_INTENT})  #: intents by which people ask for people
    #: Intents that the model's NLU tells apart; None where that is not known.
    known_intents: Optional[FrozenSet[str]] = None
    #: Flows of a CALM bot, which people ask for people by; None for a bot of rules and stories.
    flows: Optional[FrozenSet[str]] = None

    @property
    def has_channel(self) -> bool:
        """Whether a channel of ours enforces time limits."""
        return self.has_messenger or self.has_inbox


class Row(NamedTuple):
    """One thing to look at."""

    id: str
    title: Sentence
    look: Callable[[InstalledBot], Iterator[Found]]


def _rasas_channel(bot: InstalledBot) -> Iterator[Found]:
    if bot.has_rasas_facebook and not bot.has_messenger:
        yield fail(
            Sentence("credentials.yml has Rasa's own channel facebook"),
            Sentence(
                "what people write there goes past handover, and the bot speaks while somebody else has "
                "control"
            ),
            Sentence("rename the block facebook to %(channel)s (its keys are the same)", channel=CHANNEL),
            Where("credentials.yml: facebook"),
        )


def _channels(bot: InstalledBot) -> Iterator[Found]:
    if bot.is_served and not bot.has_channel and not bot.has_rasas_facebook:
        yield warn(
            Sentence(
                "credentials.yml has neither %(channel)s nor %(inbox)s",
                channel=CHANNEL,
                inbox=INBOX_CHANNEL,
            ),
            Sentence("no time limit ends a handover here, and nobody sees one"),
            Sentence(
                "run `handover init`, or add %(inbox)s: to credentials.yml, unless another server of this "
                "bot has it",
                inbox=INBOX_CHANNEL,
            ),
            Where("credentials.yml"),
        )


def _policy(bot: InstalledBot) -> Iterator[Found]:
    if bot.has_channel and not bot.has_policy and bot.flows is None:
        yield fail(
            Sentence("the model has no %(policy)s", policy=POLICY),
            Sentence("the bot answers during a handover on other channels and in forms"),
            Sentence("add it to `policies` in config.yml, and train"),
            Where("config.yml: policies"),
        )


def _missing(bot: InstalledBot) -> str:
    is_asked_for = bool(bot.requests & bot.intents) or HANDOVER_ACTION in (bot.actions_of_rules or ())
    by_intents = bot.flows is None
    wanted = {
        "intent": (tuple(sorted(bot.requests)) if by_intents and not is_asked_for else (), bot.intents),
        "intent ": ((RETURNED_INTENT,) if by_intents else (), bot.intents),
        "flow": (() if by_intents else (RETURNED_FLOW,), bot.flows or ()),
        "slot": (_NEEDED_SLOTS, bot.slots),
        "action": (_NEEDED_ACTIONS[:2], bot.actions),
        "response": (_NEEDED_ACTIONS[2:], bot.actions),
    }
    return ", ".join(
        f"{kind.strip()} {name}"
        for kind, (names, there) in wanted.items()
        for name in names
        if name not in there
    )


def _domain(bot: InstalledBot) -> Iterator[Found]:
    missing = _missing(bot)
    if missing:
        yield fail(
            Sentence("the domain lacks what a handover needs: %(missing)s", missing=missing),
            Sentence("without it nobody is handed over, or nobody is told"),
            Sentence("add it, and train (`handover init` does both)"),
            Where("domain.yml"),
        )


def _examples(bot: InstalledBot) -> Iterator[Found]:
    asked_by = bot.requests & bot.intents
    if bot.known_intents is None or not asked_by or asked_by & bot.known_intents:
        return
    yield fail(
        Sentence(
            "the model was trained without an example of the intent %(intents)s",
            intents=", ".join(sorted(asked_by)),
        ),
        Sentence("no message is taken for a request for people"),
        Sentence("add examples to `data/`, and train (`handover init` does both)"),
        Where("data/nlu.yml"),
    )


def _rules(bot: InstalledBot) -> Iterator[Found]:
    known = bot.actions_of_rules
    lost = [each for each in _NEEDED_ACTIONS[:2] if each in bot.actions and each not in (known or ())]
    if known is not None and lost:
        yield fail(
            Sentence(
                "no rule leads to %(actions)s, and no other policy of the model could",
                actions=", ".join(lost),
            ),
            Sentence("who asks for people, or comes back, gets no answer to it"),
            Sentence("add rules for the intents, and train"),
            Where("data/rules.yml"),
        )


def _action_endpoint(bot: InstalledBot) -> Iterator[Found]:
    if not bot.has_action_endpoint and HANDOVER_ACTION in bot.actions:
        yield fail(
            Sentence("endpoints.yml has no action_endpoint"),
            Sentence("Rasa cannot run %(action)s", action=HANDOVER_ACTION),
            Sentence(
                'add `action_endpoint: {url: "http://localhost:5055/webhook"}`, and start '
                "`rasa run actions`, whose actions import `handover_channel.actions`"
            ),
            Where("endpoints.yml: action_endpoint"),
        )


def _socketio(bot: InstalledBot) -> Iterator[Found]:
    if bot.loses_socketio_rooms:
        yield fail(
            Sentence("credentials.yml: socketio.session_persistence is true"),
            Sentence(
                "with the python-socketio that is installed Rasa sends nothing to people on that channel"
            ),
            Sentence("leave it out, or `pip install 'python-socketio<5.10'`"),
            Where("credentials.yml: socketio"),
        )


#: What stays wrong until somebody mends it. In the order in which it is said.
ROWS: Tuple[Row, ...] = (
    Row(
        "channels.facebook", Sentence("Messenger, if the bot is there, comes by our channel"), _rasas_channel
    ),
    Row("channels.there", Sentence("A channel of ours is there"), _channels),
    Row("model.policy", Sentence("The model has our policy"), _policy),
    Row("model.intents", Sentence("The domain has what a handover needs"), _domain),
    Row("model.rules", Sentence("Rules lead to our actions"), _rules),
    Row("action_server.endpoint", Sentence("Rasa knows the action server"), _action_endpoint),
    Row("channels.socketio", Sentence("Socket.IO, if there is one, reaches people"), _socketio),
)

#: What a running bot alone knows of itself: a model's file does not tell it for every classifier.
ONLY_AT_START: Tuple[Row, ...] = (
    Row("model.examples", Sentence("The model has examples of a request for people"), _examples),
)


def problems(bot: InstalledBot) -> List[str]:
    """Return all that is wrong, a line each with what to do about it."""
    return [found.line for row in (*ROWS, *ONLY_AT_START) for found in row.look(bot)]
