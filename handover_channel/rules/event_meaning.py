"""Decides what one webhook event means for a thread in its present state. No I/O.

1. The bot answers what comes in `messaging[]` while it has control, and nothing else.
2. While it does not, the person's words go to the transcript, unless they are a way back.
3. What others say and do (control events, echoes, standby) shows who has control.
4. A message in `messaging[]` while another app should have control is a sign that the app has let go, which
   Meta does not announce: only the owner, the default app, or without one everybody gets it there. Alone it
   is no proof: control.py, rule 5.
5. A tap on a button says nothing about control: Meta sends it to the app that sent the button, whoever owns
   the thread. https://developers.facebook.com/documentation/business-messaging/messenger-platform/webhooks/webhook-events/standby
6. Ways back are what the person types, and the payload of our own button. The title of another button or of
   a quick reply, whoever sent it, is not typed.
7. What is a way back and nothing else, and comes within `JUST_RETURNED` seconds of the return with nothing
   said in between, was meant for that return: a second tap, a keyword sent twice.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from enum import Enum, auto
from typing import Callable, Mapping, Optional, Type, Union

from handover_channel.messenger.events import (
    META_INBOXES,
    OUR_METADATA,
    ControlPassed,
    ControlRequested,
    ControlTaken,
    Event,
    MessageEchoed,
    MessageReceived,
    Noted,
    OptedIn,
    PostbackReceived,
    Referred,
)
from handover_channel.messenger.return_button import is_button
from handover_channel.rules.control import Control, State, bot_may_speak, has_lapsed, has_owner
from handover_channel.rules.keywords import Keywords

#: Seconds after a return in which another way back is not answered.
JUST_RETURNED = 5.0

#: Meta's keys of the events that tell how far messages have got, and of those about messages said before.
DELIVERED, READ = "delivery", "read"
EDIT, REACTION = "message_edit", "reaction"


class Meaning(Enum):
    """What is to be done about an event."""

    TURN = auto()  #: Rasa answers it
    KEEP = auto()  #: it goes to the transcript, nothing else
    STALE = auto()  #: it comes too late to be answered: kept, and shown
    BUTTON = auto()  #: a way back: the "Back to Bot" button
    KEYWORD = auto()  #: a way back: a keyword
    AGAIN = auto()  #: a way back once more, right behind the return: kept, and answered by nothing
    LAPSED = auto()  #: a new request: the owner's control has lapsed
    PERHAPS_RELEASED = auto()  #: a new request, if Meta says that the owner let go
    ON_STANDBY = auto()  #: another app has control, unless Meta says that we do
    PERHAPS_LOST = auto()  #: kept; another app may have taken over from the built-in inbox
    ECHO_OF_OTHERS = auto()  #: somebody else answered
    AUTOMATIC_REPLY = auto()  #: the Page inbox answered by itself, unless Meta says that it has control
    META_AI = auto()  #: Meta's own AI answered
    OUR_ECHO = auto()  #: Meta tells that it has sent a message of the bot
    LOST = auto()  #: Meta says that another app has control
    GAINED = auto()  #: Meta says that we have it
    REQUESTED = auto()  #: another app asks for it
    REACHED = auto()  #: the person has got, or read, what the page wrote
    CONTEXT = auto()  #: kept for the metadata of the next message
    EDITED = auto()  #: other words for a message: shown, and nothing else
    SHOWN = auto()  #: for agents to see, nothing else
    NOTHING = auto()


@dataclass(frozen=True)
class Situation:
    """What the meaning of an event depends on."""

    state: State
    app_id: str  #: ours
    keywords: Keywords
    stay_muted: bool  #: of the target that has the thread
    release_refused: bool  #: a sign of a release was none, and nothing new is known since
    is_backlog: bool  #: received before the thread came back
    is_stale: bool  #: too old to be answered as if it were new
    active_at: float  #: of the thread, before this event
    received_at: float
    person_at: int = 0  #: when the person last wrote, in ms by Meta's clock
    automatic_within: int = 0  #: ms after it in which the Page inbox answers by itself
    returned_at: Optional[float] = None  #: when it came back to the bot; None: that is not the last change


def meaning_of(event: Event, situation: Situation) -> Meaning:
    """Return what is to be done about *event*."""
    for kind, decide in _BY_KIND.items():
        if isinstance(event, kind):
            return decide(event, situation)
    return Meaning.NOTHING


def _said(event: Union[MessageReceived, PostbackReceived], now: Situation) -> Meaning:
    is_message = isinstance(event, MessageReceived)
    if bot_may_speak(now.state.control):
        if _is_right_behind_the_return(event, now) and _is_only_a_way_back(event, now):
            return Meaning.AGAIN
        if event.standby:
            return Meaning.ON_STANDBY if is_message else Meaning.KEEP
        if now.is_stale:
            return Meaning.STALE
        return Meaning.KEEP if now.is_backlog or not _has_content(event) else Meaning.TURN
    if is_button(event.payload):
        return Meaning.BUTTON
    if now.keywords.match(typed(event)):
        return Meaning.KEYWORD
    if is_sign_of_release(event) and has_owner(now.state.control) and not now.stay_muted:
        if has_lapsed(now.active_at, now.received_at):
            return Meaning.LAPSED
        return Meaning.KEEP if now.release_refused else Meaning.PERHAPS_RELEASED
    if event.standby and is_message and event.payload is None and now.state.control is Control.INBOX:
        return Meaning.PERHAPS_LOST
    return Meaning.KEEP


def is_sign_of_release(event: Union[MessageReceived, PostbackReceived]) -> bool:
    """Tell whether *event*, which came while another app should have control, is a sign that it let go.

    A message is; a tap, on whatever button or quick reply, is none.
    """
    return isinstance(event, MessageReceived) and event.payload is None and not event.standby


def _echoed(event: MessageEchoed, now: Situation) -> Meaning:
    tagged = event.metadata.startswith(OUR_METADATA)
    # The other bot on the page may use this package too: metadata counts only where there is no app id.
    if event.app_id == now.app_id or (tagged and not event.app_id):
        return Meaning.OUR_ECHO if tagged else Meaning.NOTHING
    if _is_of_meta_ai(event):
        return Meaning.META_AI
    waited = event.timestamp - now.person_at
    if event.app_id in META_INBOXES and 0 <= waited <= now.automatic_within and not _is_staffed(now.state):
        return Meaning.AUTOMATIC_REPLY
    # An echo without an app id is not known to be ours, and talking over a person is the worse mistake.
    return Meaning.ECHO_OF_OTHERS


def _is_of_meta_ai(event: MessageEchoed) -> bool:
    if event.ai_generated:
        return True
    if event.app_id and event.app_id not in META_INBOXES:
        return False  # another app may write into its metadata what it likes
    try:
        found = json.loads(event.metadata)
    except (ValueError, RecursionError):
        return False
    return isinstance(found, dict) and found.get("source") == "axon"


def _is_staffed(state: State) -> bool:
    """Whether people in the Page inbox may have the thread: then what comes fast may be theirs."""
    return state.control is Control.BESIDE or state.owner in META_INBOXES


def _moved(event: Union[ControlPassed, ControlTaken], now: Situation) -> Meaning:
    # By the ids, not by the name of the event: a pass that names another app means that we lost control.
    # Without an id: Meta sends "pass" to the new owner and "take" to the previous one.
    if event.new_owner:
        return Meaning.GAINED if event.new_owner == now.app_id else Meaning.LOST
    return Meaning.GAINED if isinstance(event, ControlPassed) else Meaning.LOST


def typed(event: Union[MessageReceived, PostbackReceived]) -> str:
    """Return what the person typed; "" for a tap, whatever its title says."""
    return event.text if isinstance(event, MessageReceived) and event.payload is None else ""


def _is_right_behind_the_return(event: Union[MessageReceived, PostbackReceived], now: Situation) -> bool:
    if now.returned_at is None or now.received_at - now.returned_at > JUST_RETURNED:
        return False
    # Of a delivery that is begun once more the thread has seen the event already.
    return now.person_at <= now.state.stamp or now.person_at == event.timestamp


def _is_only_a_way_back(event: Union[MessageReceived, PostbackReceived], now: Situation) -> bool:
    return is_button(event.payload) or now.keywords.is_all_of(typed(event))


def _has_content(event: Union[MessageReceived, PostbackReceived]) -> bool:
    if isinstance(event, PostbackReceived):
        return event.payload is not None
    return bool(event.text.strip() or event.payload or event.attachments)


#: What an event that says nothing new means, by Meta's key. An edit is never a turn, nor a way back: it
#: changes what has been said, and was answered, before. A keyword edited into a message of last week is no
#: wish of now, and a bot that is given a corrected question would answer it twice.
_NOTED: Mapping[str, Meaning] = {
    DELIVERED: Meaning.REACHED,
    READ: Meaning.REACHED,
    EDIT: Meaning.EDITED,
    REACTION: Meaning.SHOWN,
    "account_linking": Meaning.SHOWN,
    "response_feedback": Meaning.SHOWN,
}

_BY_KIND: Mapping[Type[Event], Callable[..., Meaning]] = {
    MessageReceived: _said,
    PostbackReceived: _said,
    MessageEchoed: _echoed,
    ControlPassed: _moved,
    ControlTaken: _moved,
    ControlRequested: lambda event, now: Meaning.REQUESTED,
    Referred: lambda event, now: Meaning.CONTEXT,
    OptedIn: lambda event, now: Meaning.CONTEXT,
    Noted: lambda event, now: _NOTED.get(event.kind, Meaning.NOTHING),
}
