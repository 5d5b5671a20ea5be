"""Decides who controls a thread, and which app may change that. No I/O; the clock is passed in.

 1. A thread has one owner, or none: then it is idle.
 2. Control lapses after 24 hours without activity; every change of control restarts the 24 hours; the
    owner may extend it, up to 7 days.
 3. With a default app (Conversation Routing is on), only the default app may answer an idle thread, only
    the owner an owned one.
 4. Without a default app, every app may answer an idle thread, only the owner an owned one.
 5. pass: by the owner, or by any app while idle; to a connected app, by default to the default app; the
    owner cannot pass to itself.
 6. take: only with a default app, and by an app that the page allows to take control; not by the owner.
 7. request: only without a default app, not by the owner; while idle control is granted at once, otherwise
    the owner is asked.
 8. release: by the owner. The thread is idle then; no app gets an event.
 9. thread_owner: the owner and the default app see owner and expiry, the others the expiry; for an idle
    thread nobody sees anything.
10. The Page inbox takes control whenever an agent replies there, in both modes.

The app that may send also gets `messaging` instead of `standby` (rule 12): see `speaks`.

The checks of each call are a line of `CHECKS`, its effect is a line of `EFFECTS`.
https://developers.facebook.com/documentation/business-messaging/messenger-platform/conversation-routing
https://developers.facebook.com/documentation/business-messaging/instagram-messaging/features/conversation-routing/apis
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import Any, Callable, Dict, FrozenSet, Mapping, Optional, Tuple

from handover_channel.simulator import refusals
from handover_channel.simulator.refusals import Refusal, Refused

DAY = 24 * 60 * 60  #: seconds: how long control lasts without activity
LONGEST_EXTENSION = 7 * DAY  #: seconds


class Mode(str, Enum):
    """Whether the page has a default app."""

    ROUTING = "R"  #: Conversation Routing, with a default app
    ZERO = "Z"  #: "default behavior", without one


class Action(str, Enum):
    """The changes of control that exist."""

    PASS = "pass"  # noqa: S105 - control is passed, not a password
    TAKE = "take"
    REQUEST = "request"
    RELEASE = "release"
    EXTEND = "extend"
    STEP_IN = "step_in"  #: the Page inbox, by a reply or by a move to Main


@dataclass(frozen=True)
class ThreadControl:
    """Who controls a thread, and until when (seconds since the epoch). "" for the owner: nobody."""

    owner: str = ""
    expires: float = 0.0

    def owner_at(self, now: float) -> str:
        """Return the owner's app id, "" when the thread is idle or control has lapsed (rule 2)."""
        return self.owner if now < self.expires else ""


IDLE = ThreadControl()


@dataclass(frozen=True)
class PageSettings:
    """The settings of a page that decide about control. ``default_app``: "" for none."""

    default_app: str = ""
    apps: FrozenSet[str] = frozenset()
    may_take: FrozenSet[str] = frozenset()

    @property
    def mode(self) -> Mode:
        """`Mode.ROUTING` with a default app, `Mode.ZERO` without."""
        return Mode.ROUTING if self.default_app else Mode.ZERO


@dataclass(frozen=True)
class ControlChange:
    """A change of control that an app asks for. ``target``: of pass; ``duration`` (seconds): of extend."""

    action: Action
    caller: str
    target: str = ""
    duration: float = 0.0


@dataclass(frozen=True)
class HandoverEvent:
    """A handover event: its kind, the app that gets it, and the owners it names."""

    kind: str  #: pass_thread_control, take_thread_control or request_thread_control
    to: str
    previous: str  #: "" from idle
    new: str


@dataclass(frozen=True)
class ControlOutcome:
    """Control after a change, and the handover event that follows, if any."""

    control: ThreadControl
    event: Optional[HandoverEvent] = None


def attempt(
    control: ThreadControl, change: ControlChange, settings: PageSettings, now: float
) -> ControlOutcome:
    """Return the outcome of *change*; raises `Refused` with Meta's refusal."""
    owner = control.owner_at(now)
    for check in CHECKS[change.action, settings.mode]:
        refusal = check(change, owner, settings)
        if refusal:
            raise Refused(refusal)
    return EFFECTS[change.action](change, control if owner else IDLE, settings, now)


def speaks(control: ThreadControl, app: str, settings: PageSettings, now: float) -> bool:
    """Whether *app* may answer now, and so gets events on `messaging` (rules 3, 4 and 12)."""
    owner = control.owner_at(now)
    if owner:
        return app == owner
    return settings.mode is Mode.ZERO or app == settings.default_app


def touched(control: ThreadControl, now: float) -> ThreadControl:
    """Return control after the person did something: a day more at least, never less (rule 2)."""
    owner = control.owner_at(now)
    return ThreadControl(owner, max(control.expires, now + DAY)) if owner else IDLE


def owner_seen_by(
    control: ThreadControl, app: str, settings: PageSettings, now: float
) -> Optional[Dict[str, Any]]:
    """Return what `thread_owner` shows to *app*; None where there is nothing to show (rule 9)."""
    owner = control.owner_at(now)
    if not owner:
        return None
    expiry = {"expiration": int(control.expires)}
    return {"app_id": owner, **expiry} if app in (owner, settings.default_app) else expiry


# --- checks ---------------------------------------------------------------------------------------

#: (what is tried, the owner now, the page's settings) -> Meta's refusal, or None
Check = Callable[[ControlChange, str, PageSettings], Optional[Refusal]]


def _only_the_owner(refusal: Refusal) -> Check:
    return lambda change, owner, settings: None if owner and owner == change.caller else refusal


def _always(refusal: Refusal) -> Check:
    return lambda change, owner, settings: refusal


def _owner_or_idle(change: ControlChange, owner: str, settings: PageSettings) -> Optional[Refusal]:
    return refusals.PASS_NOT_OWNER if owner and owner != change.caller else None


def _to_a_connected_app(change: ControlChange, owner: str, settings: PageSettings) -> Optional[Refusal]:
    target = change.target or settings.default_app
    if not target:
        return refusals.PASS_TO_NOBODY
    return None if target in settings.apps else refusals.PASS_TO_UNKNOWN


def _owner_not_to_itself(change: ControlChange, owner: str, settings: PageSettings) -> Optional[Refusal]:
    return refusals.PASS_TO_ITSELF if owner and (change.target or settings.default_app) == owner else None


def _not_owner_already(change: ControlChange, owner: str, settings: PageSettings) -> Optional[Refusal]:
    return refusals.ALREADY_OWNER if owner == change.caller else None


def _allowed_to_take(change: ControlChange, owner: str, settings: PageSettings) -> Optional[Refusal]:
    return None if change.caller in settings.may_take else refusals.TAKE_WITHOUT_PERMISSION


def _duration_in_range(change: ControlChange, owner: str, settings: PageSettings) -> Optional[Refusal]:
    return None if 0 < change.duration <= LONGEST_EXTENSION else refusals.BAD_DURATION


_PASS_CHECKS = (_owner_or_idle, _to_a_connected_app, _owner_not_to_itself)
_RELEASE_CHECKS = (_only_the_owner(refusals.RELEASE_NOT_OWNER),)
_EXTEND = (_only_the_owner(refusals.EXTEND_NOT_OWNER), _duration_in_range)

CHECKS: Mapping[Tuple[Action, Mode], Tuple[Check, ...]] = {
    (Action.PASS, Mode.ROUTING): _PASS_CHECKS,
    (Action.PASS, Mode.ZERO): _PASS_CHECKS,
    (Action.TAKE, Mode.ROUTING): (_allowed_to_take, _not_owner_already),
    (Action.TAKE, Mode.ZERO): (_always(refusals.TAKE_WITHOUT_ROUTING),),
    (Action.REQUEST, Mode.ROUTING): (_always(refusals.REQUEST_WITH_ROUTING),),
    (Action.REQUEST, Mode.ZERO): (_not_owner_already,),
    (Action.RELEASE, Mode.ROUTING): _RELEASE_CHECKS,
    (Action.RELEASE, Mode.ZERO): _RELEASE_CHECKS,
    (Action.EXTEND, Mode.ROUTING): _EXTEND,
    (Action.EXTEND, Mode.ZERO): _EXTEND,
    (Action.STEP_IN, Mode.ROUTING): (_not_owner_already,),
    (Action.STEP_IN, Mode.ZERO): (_not_owner_already,),
}


# --- effects --------------------------------------------------------------------------------------

Effect = Callable[[ControlChange, ThreadControl, PageSettings, float], ControlOutcome]


def _passed(
    change: ControlChange, control: ThreadControl, settings: PageSettings, now: float
) -> ControlOutcome:
    target = change.target or settings.default_app
    event = HandoverEvent("pass_thread_control", to=target, previous=control.owner, new=target)
    return ControlOutcome(ThreadControl(target, now + DAY), event)


def _taken(
    change: ControlChange, control: ThreadControl, settings: PageSettings, now: float
) -> ControlOutcome:
    # From idle Meta's pages contradict each other: `to` is then empty, and a switch decides.
    event = HandoverEvent("take_thread_control", to=control.owner, previous=control.owner, new=change.caller)
    return ControlOutcome(ThreadControl(change.caller, now + DAY), event)


def _requested(
    change: ControlChange, control: ThreadControl, settings: PageSettings, now: float
) -> ControlOutcome:
    if not control.owner:
        granted = HandoverEvent("pass_thread_control", to=change.caller, previous="", new=change.caller)
        return ControlOutcome(ThreadControl(change.caller, now + DAY), granted)
    asked = HandoverEvent(
        "request_thread_control", to=control.owner, previous=control.owner, new=change.caller
    )
    return ControlOutcome(control, asked)


def _released(
    change: ControlChange, control: ThreadControl, settings: PageSettings, now: float
) -> ControlOutcome:
    return ControlOutcome(IDLE)


def _extended(
    change: ControlChange, control: ThreadControl, settings: PageSettings, now: float
) -> ControlOutcome:
    return ControlOutcome(ThreadControl(control.owner, now + change.duration))


EFFECTS: Mapping[Action, Effect] = {
    Action.PASS: _passed,
    Action.TAKE: _taken,
    Action.REQUEST: _requested,
    Action.RELEASE: _released,
    Action.EXTEND: _extended,
    Action.STEP_IN: _taken,
}
