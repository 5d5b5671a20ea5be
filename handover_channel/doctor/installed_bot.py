"""Decides what is wrong with how handover was put into a bot, once Rasa runs it: a table, a row a check.

Half of it works without an error, and the person reads "I am handing you over" while the bot goes on. So all
that one process of Rasa can know is said at once when it starts. No I/O, no Rasa.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Callable, FrozenSet, List, NamedTuple, Optional, Tuple

from handover_channel.rules.bot_contract import (
    FAILED_RESPONSE,
    HANDOVER_ACTION,
    HANDOVER_INTENT,
    HANDOVER_RESPONSE,
    RETURN_ACTION,
    RETURNED_INTENT,
    TARGET_SLOT,
    UNTIL_SLOT,
)
from handover_channel.settings.credentials import CHANNEL, INBOX_CHANNEL

POLICY = "handover_channel.HandoverPolicy"

_NEEDED_ACTIONS = (HANDOVER_ACTION, RETURN_ACTION, HANDOVER_RESPONSE, FAILED_RESPONSE)
_NEEDED_SLOTS = (TARGET_SLOT, UNTIL_SLOT)


@dataclass(frozen=True)
class RunningBot:
    """What one process of Rasa knows of its bot."""

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
    settings_problem: str = ""  #: why handover.yml cannot be used

    @property
    def has_channel(self) -> bool:
        """Whether a channel of ours enforces time limits."""
        return self.has_messenger or self.has_inbox


class Check(NamedTuple):
    """One thing to look at: *found* tells what is wrong, "" for nothing; *said* has a place for it."""

    found: Callable[[RunningBot], str]
    said: str


def _missing(bot: RunningBot) -> str:
    is_asked_for = bool(bot.requests & bot.intents) or HANDOVER_ACTION in (bot.actions_of_rules or ())
    wanted = {
        "intent": (() if is_asked_for else tuple(sorted(bot.requests)), bot.intents),
        "intent ": ((RETURNED_INTENT,), bot.intents),
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


def _leads_nowhere(bot: RunningBot) -> str:
    known = bot.actions_of_rules
    if known is None:
        return ""
    return " and ".join(each for each in _NEEDED_ACTIONS[:2] if each in bot.actions and each not in known)


#: What stays wrong until somebody mends it. In the order in which it is said.
START_CHECKS: Tuple[Check, ...] = (
    Check(
        lambda bot: CHANNEL if bot.has_rasas_facebook and not bot.has_messenger else "",
        "credentials.yml has Rasa's own channel facebook: what people write there goes past handover, and "
        "the bot speaks while somebody else has control -> rename the block facebook to {} (its keys are the "
        "same)",
    ),
    Check(
        lambda bot: (
            INBOX_CHANNEL if bot.is_served and not bot.has_channel and not bot.has_rasas_facebook else ""
        ),
        f"config.yml has {POLICY}, and credentials.yml neither {CHANNEL} nor {INBOX_CHANNEL}: no time limit "
        "ends a handover here, and nobody sees one -> add {}: to credentials.yml, unless another server of "
        "this bot has it",
    ),
    Check(
        lambda bot: POLICY if bot.has_channel and not bot.has_policy else "",
        "the model has no {}: the bot answers during a handover on other channels and in forms -> add it to "
        "policies in config.yml, and train",
    ),
    Check(
        _missing,
        "the domain lacks what a handover needs: {} -> add it, and train (`handover init` does both)",
    ),
    Check(
        _leads_nowhere,
        "no rule leads to {}, and no other policy of the model could -> add rules for the intents, and train",
    ),
    Check(
        lambda bot: (
            "action_endpoint" if not bot.has_action_endpoint and HANDOVER_ACTION in bot.actions else ""
        ),
        f"endpoints.yml has no {{}}: Rasa cannot run {HANDOVER_ACTION} -> add action_endpoint: "
        '{{url: "http://localhost:5055/webhook"}}, and start `rasa run actions`, whose actions import '
        "handover_channel.actions",
    ),
    Check(
        lambda bot: bot.settings_problem,
        "the settings cannot be used, so nobody can be handed over: {}",
    ),
    Check(
        lambda bot: "session_persistence" if bot.loses_socketio_rooms else "",
        "credentials.yml: socketio.{} is true, and with the python-socketio that is installed Rasa sends "
        "nothing to such a session -> leave it out, or pip install 'python-socketio<5.10'",
    ),
)


def problems(bot: RunningBot) -> List[str]:
    """Return all that is wrong, a sentence each with what to do about it."""
    found = ((check, check.found(bot)) for check in START_CHECKS)
    return [check.said.format(what) for check, what in found if what]
