"""Decides the next action of a Rasa turn while the bot does not have control. No I/O, no Rasa.

The channel is the first lock: it lets no message of a muted thread into Rasa. This is the second
one, for every other channel (REST, Socket.IO, the shell) and for the stories of `rasa test`.

Rule 1: the store's row decides. Without one (no handover.yml, a thread the store never saw, a test
        story) the slot `handover_target` does: null means that the bot has control.
Rule 2: while muted the next action is `action_listen`, before rules, forms and stories.
Rule 3: channels without a gate of their own have their ways back here: a keyword, or the intent
        `handover_returned`, runs `action_handover_return`, once for each message.
Rule 4: the message with the keyword is no request. What gets an answer is the intent
        `handover_returned` with which the action goes on.
Rule 5: an `action_handover` that left no event behind never ran: Rasa goes on without an action server that
        is not there. The notice is out by then. If the row says that the bot still has control, the person is
        told that nobody could be reached.
Rule 6: who asks for people outside their business hours, or on a channel that they do not answer on, is not
        told "I am handing you over" first: the intent (`handover`, or what `handover_intents` names) runs
        `action_handover` at once, which says when somebody is there, or that nobody can be reached.
Rule 7: a way back and nothing else, right behind the turn of a return, was meant for that return.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Optional

from handover_channel.rules.bot_contract import (
    FAILED_RESPONSE,
    HANDOVER_ACTION,
    LISTEN_ACTION,
    RETURN_ACTION,
    RETURNED_INTENT,
)


@dataclass(frozen=True)
class Turn:
    """What the decision rests on."""

    row: Optional[bool] = None  #: the store's answer: muted or not; None without a row
    target: Optional[str] = None  #: slot `handover_target`
    intent: Optional[str] = None  #: of the latest message
    keyword: bool = False  #: the latest message holds a keyword
    gated: bool = False  #: the channel has a gate of its own
    asked: bool = False  #: the return was already run for the latest message, by rule 3
    lost: bool = False  #: the latest event is an `action_handover` without effect
    told: bool = False  #: the latest action is by rule 5 or 6, and no form goes on
    nobody_there: bool = False  #: the latest message, not answered yet, asks for people who are out of reach
    again: bool = False  #: the latest message is a way back once more, right behind the turn of a return


def is_muted(turn: Turn) -> bool:
    """Whether the bot must not act (rule 1)."""
    if turn.row is not None:
        return turn.row
    return turn.target is not None and turn.intent != RETURNED_INTENT


def next_action(turn: Turn) -> Optional[str]:
    """Return the action that must come next, or None: Rasa's other policies decide."""
    returned = turn.intent == RETURNED_INTENT
    if turn.asked and not returned:
        return LISTEN_ACTION
    if not is_muted(turn):
        return _with_the_bot(turn)
    if (turn.keyword or returned) and not turn.gated and not turn.asked:
        return RETURN_ACTION
    return LISTEN_ACTION


def _with_the_bot(turn: Turn) -> Optional[str]:
    # Without a row nothing is known: in the stories of `rasa test` no action runs at all.
    if turn.lost and (turn.row is False or turn.told):
        return FAILED_RESPONSE
    if turn.told or (turn.again and not turn.gated):
        return LISTEN_ACTION
    return HANDOVER_ACTION if turn.nobody_there else None
