"""Decides who has control of a thread after each change: a table of transitions. No I/O.

1. Every change of control is a line of TRANSITIONS. No other module decides a Control.
2. A change that has no line for the present control changes nothing: deliveries repeat, and come late.
3. Times of events are Meta's. Our own changes are stamped with the newest event seen in the thread, so
   that Meta's clock is never compared with ours.
4. What is older than the last change changes nothing. At the same instant Meta's word beats our call, and
   our call beats a guess (PRECEDENCE). Our own calls are made from the row as it stands: they are never old.
5. A return that no word of Meta's confirms (the owner's control lapsed or was released, or it was refused to
   take what nobody owns) rests on signs. If Meta refuses what the bot says then (RELEASE_REFUSED), the thread
   goes back to whose it was, and no message is taken for such a sign again until something new is known.
6. Where Meta says what is known already, the time of it is kept and nothing else happens: an older word to
   the contrary may still be on its way.

      BOT ──PASS_REQUESTED──▶ PASSING ──PASS_ACCEPTED──▶ APP
       │ ▲                      │  PASS_REFUSED ▶ BOT      ▲
       │ └── RETURNED, CONTROL_GAINED, CHANNEL_CORRECTED ──┤
       ├──HELD──▶ INBOX ──CONTROL_LOST, PASS_ACCEPTED──────┤   (HANDED_ON: from one inbox to another)
       │            ▲ └── TAKEN_OVER ──────────────────────┤
       ├──CONTROL_LOST, OWNER_FOUND, STANDBY_SEEN,─────────┤
       │  RELEASE_REFUSED                                  │
       └──FOREIGN_ECHO──▶ BESIDE ──CONTROL_LOST, OWNER_FOUND
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import Enum
from typing import Mapping, Optional


class Control(str, Enum):
    """Who may answer in a thread."""

    BOT = "bot"  #: Rasa answers
    PASSING = "passing"  #: we have asked Meta to pass it, and are already silent
    INBOX = "inbox"  #: the built-in inbox: Meta's control stays with us, agents answer
    APP = "app"  #: another Meta app owns the thread
    BESIDE = "beside"  #: somebody answered beside the bot; nobody is known to own the thread


class Change(str, Enum):
    """What happened to the control of a thread."""

    PASS_REQUESTED = "pass_requested"  #: we are about to call pass_thread_control
    PASS_ACCEPTED = "pass_accepted"  #: Meta passed it
    PASS_REFUSED = "pass_refused"  #: Meta refused
    HELD = "held"  #: handed over to the built-in inbox
    HANDED_ON = "handed_on"  #: from one built-in inbox to another
    TAKEN_OVER = "taken_over"  #: an agent of the built-in inbox took it from others, and Meta agreed
    RETURNED = "returned"  #: a way back was taken, and Meta (where it has a say) agreed
    CONTROL_LOST = "control_lost"  #: Meta says that another app has control
    CONTROL_GAINED = "control_gained"  #: Meta says that control was passed to us
    OWNER_FOUND = "owner_found"  #: a refused send or `thread_owner` shows another owner
    STANDBY_SEEN = "standby_seen"  #: Meta sent us the person's message on standby
    FOREIGN_ECHO = "foreign_echo"  #: somebody else wrote to the person as the page
    RELEASE_REFUSED = "release_refused"  #: a return on signs alone was none: Meta refuses what the bot says
    CHANNEL_CORRECTED = "channel_corrected"  #: what was done to it came from a channel it does not belong to


TRANSITIONS: Mapping[Control, Mapping[Change, Control]] = {
    Control.BOT: {
        Change.PASS_REQUESTED: Control.PASSING,
        Change.HELD: Control.INBOX,
        Change.CONTROL_LOST: Control.APP,
        Change.OWNER_FOUND: Control.APP,
        Change.STANDBY_SEEN: Control.APP,
        Change.FOREIGN_ECHO: Control.BESIDE,
        Change.RELEASE_REFUSED: Control.APP,
    },
    Control.PASSING: {
        Change.PASS_ACCEPTED: Control.APP,
        Change.PASS_REFUSED: Control.BOT,
        Change.CONTROL_LOST: Control.APP,
        Change.OWNER_FOUND: Control.APP,
        Change.CONTROL_GAINED: Control.BOT,  # passed back before Meta had answered our own call
        Change.CHANNEL_CORRECTED: Control.BOT,
    },
    Control.INBOX: {
        Change.HANDED_ON: Control.INBOX,
        Change.PASS_ACCEPTED: Control.APP,  # handed on, or asked for: the bot is silent already
        Change.CONTROL_LOST: Control.APP,
        Change.OWNER_FOUND: Control.APP,
        Change.RETURNED: Control.BOT,
        Change.CHANNEL_CORRECTED: Control.BOT,
    },
    Control.APP: {
        Change.TAKEN_OVER: Control.INBOX,
        Change.CONTROL_LOST: Control.APP,  # from one app to another
        Change.CONTROL_GAINED: Control.BOT,
        Change.RETURNED: Control.BOT,
        Change.CHANNEL_CORRECTED: Control.BOT,
    },
    Control.BESIDE: {
        Change.PASS_ACCEPTED: Control.APP,  # asked for by another app, as above
        Change.TAKEN_OVER: Control.INBOX,
        Change.CONTROL_LOST: Control.APP,
        Change.OWNER_FOUND: Control.APP,
        Change.CONTROL_GAINED: Control.BOT,
        Change.RETURNED: Control.BOT,
        Change.CHANNEL_CORRECTED: Control.BOT,
    },
}

_META, _OWN, _GUESS = 3, 2, 1

#: How much a change is to be believed against another one of the same instant.
PRECEDENCE: Mapping[Change, int] = {
    Change.CONTROL_LOST: _META,
    Change.CONTROL_GAINED: _META,
    Change.PASS_REQUESTED: _OWN,
    Change.PASS_ACCEPTED: _OWN,
    Change.PASS_REFUSED: _OWN,
    Change.HELD: _OWN,
    Change.HANDED_ON: _OWN,
    Change.TAKEN_OVER: _OWN,
    Change.RETURNED: _OWN,
    Change.OWNER_FOUND: _META,
    Change.STANDBY_SEEN: _GUESS,
    Change.FOREIGN_ECHO: _GUESS,
    Change.RELEASE_REFUSED: _META,
    Change.CHANNEL_CORRECTED: _OWN,
}


#: Seconds without activity, of whomever, after which ownership ends. Not the messaging window, which is as
#: long and counts from what the person does (messaging_window.py).
#: https://developers.facebook.com/documentation/business-messaging/messenger-platform/conversation-routing
LAPSES_AFTER = 24 * 3600.0


#: Reasons of a handover.
HANDED_OVER, REQUESTED, STAFF_TOOK_OVER = "handed_over", "requested", "staff_took_over"
#: An agent of the built-in inbox stepped in.
TOOK_OVER = "took_over"
#: An agent of the built-in inbox handed it on to another target.
HANDED_ON = "handed_on"
#: A return on signs alone was none: the owner had not let go.
NOT_RELEASED = "not_released"
#: What another channel had done to a thread of Messenger is undone.
CHANNEL_CORRECTED = "channel_corrected"
#: Reason of a later time limit.
EXTENDED = "extended"

#: Who asks for it where an action of Rasa's does.
BOT = "bot"
#: What stands for the target where Meta does not tell who has control.
ANOTHER_APP = "another_app"


@dataclass(frozen=True)
class State:
    """The control of one thread, as its row holds it."""

    control: Control = Control.BOT
    owner: str = ""  #: app id of the owner while another app has control; "" where Meta does not tell
    target: str = ""  #: name of the target, or the app id where no target has that app; "" for the bot
    stamp: int = 0  #: ms, Meta's clock: the newest event that the last change knew of
    precedence: int = 0


def state_after(
    state: State, change: Change, *, stamp: int, owner: str = "", target: str = ""
) -> Optional[State]:
    """Return the state once *change* has happened, or None where it changes nothing.

    *stamp* is the time of the event in ms by Meta's clock; for our own changes, of the newest event seen.
    Where Meta says again what is known already, only the stamp is another one: see `is_confirmed`.
    """
    control = TRANSITIONS[state.control].get(change)
    precedence = PRECEDENCE[change]
    if _is_old(state, stamp, precedence):
        return None
    if control is None:
        return _confirmed(state, stamp, precedence)
    if control is Control.BOT:
        owner = target = ""
    after = replace(
        state,
        control=control,
        owner=owner,
        target=target,
        stamp=max(stamp, state.stamp),
        precedence=precedence,
    )
    return _confirmed(state, stamp, precedence) if is_confirmed(state, after) else after


def is_confirmed(before: State, after: State) -> bool:
    """Tell whether control is in the same hands in both."""
    return (after.control, after.owner, after.target) == (before.control, before.owner, before.target)


def _confirmed(state: State, stamp: int, precedence: int) -> Optional[State]:
    newer = precedence == _META and (stamp, precedence) > (state.stamp, state.precedence)
    return replace(state, stamp=stamp, precedence=precedence) if newer else None


def bot_may_speak(control: Control) -> bool:
    """Tell whether Rasa may answer."""
    return control is Control.BOT


def has_owner(control: Control) -> bool:
    """Tell whether another app owns the thread, so that its ownership can lapse or be released."""
    return control is Control.APP


def has_lapsed(active_at: float, now: float) -> bool:
    """Tell whether a thread without activity since *active_at* is idle for Meta. Seconds, our clock."""
    return now - active_at >= LAPSES_AFTER


def _is_old(state: State, stamp: int, precedence: int) -> bool:
    if precedence == _OWN:
        return False
    return (stamp, precedence) < (state.stamp, state.precedence)
