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

The retired handover protocol (switch `handover_protocol`) differs. With roles (v1) a thread is the primary
receiver's, here the default app's, until it is passed, and does not come back by itself; either app may send;
the primary takes, the others request; there is no release. With idle threads (v2) any app takes an idle one.

The app that may send also gets `messaging` instead of `standby` (rule 12): see `speaks`.

The checks of each call are a line of `CHECKS`, its effect is a line of `EFFECTS`.
https://developers.facebook.com/documentation/business-messaging/messenger-platform/conversation-routing
https://developers.facebook.com/documentation/business-messaging/instagram-messaging/features/conversation-routing/apis
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import Enum
from typing import Any, Callable, Dict, FrozenSet, Mapping, Optional, Tuple

from handover_channel.simulator import refusals
from handover_channel.simulator.refusals import Refusal, Refused
from handover_channel.simulator.switches import Switches

DAY = 24 * 60 * 60  #: seconds: how long control lasts without activity
LONGEST_EXTENSION = 7 * DAY  #: seconds
_YEARS = 3650 * DAY  #: seconds: longer than any test, where control does not end by itself


class Mode(str, Enum):
    """Whether the page has a default app."""

    ROUTING = "R"  #: Conversation Routing, with a default app
    ZERO = "Z"  #: "default behavior", without one
    ROLES = "L1"  #: the handover protocol until 2020: a primary receiver, and secondary ones
    IDLE_THREADS = "L2"  #: the handover protocol until 2025


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
    left_open: Switches = Switches()  #: what Meta's pages leave open

    @property
    def mode(self) -> Mode:
        """`Mode.ROUTING` with a default app, `Mode.ZERO` without, or one of the retired protocol."""
        if self.left_open.handover_protocol == "v2":
            return Mode.IDLE_THREADS
        if self.left_open.handover_protocol == "v1" and self.default_app:
            return Mode.ROLES
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
    control, mode = _current(control, settings, now), settings.mode
    for check in CHECKS[change.action, mode]:
        refusal = check(change, control.owner, settings)
        if refusal:
            known = settings.left_open.tells_not_owner or refusal.subcode != refusals.NOT_OWNER
            raise Refused(refusal if known else replace(refusal, subcode=0))
    effect = EFFECTS_OF_ROLES.get(change.action) if mode is Mode.ROLES else None
    return (effect or EFFECTS[change.action])(change, control, settings, now)


def _current(control: ThreadControl, settings: PageSettings, now: float) -> ThreadControl:
    """Return control as it is now; with roles a thread that nobody was given is the primary's."""
    if control.owner_at(now):
        return control
    return ThreadControl(settings.default_app, now + _YEARS) if settings.mode is Mode.ROLES else IDLE


def speaks(control: ThreadControl, app: str, settings: PageSettings, now: float) -> bool:
    """Whether *app* gets events on `messaging`, as whoever may answer (rules 3, 4 and 12)."""
    owner = _current(control, settings, now).owner
    if owner:
        return app == owner
    return settings.mode is not Mode.ROUTING or app == settings.default_app


def may_send(control: ThreadControl, app: str, settings: PageSettings, now: float) -> bool:
    """Whether *app* may answer now (rules 3 and 4); with roles either app might, whoever had control."""
    return settings.mode is Mode.ROLES or speaks(control, app, settings, now)


def touched(control: ThreadControl, now: float) -> ThreadControl:
    """Return control after the person did something: a day more at least, never less (rule 2)."""
    owner = control.owner_at(now)
    return ThreadControl(owner, max(control.expires, now + DAY)) if owner else IDLE


def owner_seen_by(
    control: ThreadControl, app: str, settings: PageSettings, now: float
) -> Optional[Dict[str, Any]]:
    """Return what `thread_owner` shows to *app*; None where there is nothing to show (rule 9).

    Raises `Refused` with roles, to a secondary receiver where another one has the thread.
    """
    owner = _current(control, settings, now).owner
    if not owner:
        return None
    if settings.mode is Mode.ROLES:
        if app not in (owner, settings.default_app) and owner != settings.default_app:
            raise Refused(refusals.OWNER_HIDDEN)
        return {"app_id": owner}
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


def _only_the_primary(change: ControlChange, owner: str, settings: PageSettings) -> Optional[Refusal]:
    return None if change.caller == settings.default_app else refusals.NOT_THE_PRIMARY


def _only_the_primary_or_idle(change: ControlChange, owner: str, settings: PageSettings) -> Optional[Refusal]:
    return _only_the_primary(change, owner, settings) if owner else None


def _not_the_primary(change: ControlChange, owner: str, settings: PageSettings) -> Optional[Refusal]:
    return refusals.PRIMARY_REQUESTS if change.caller == settings.default_app else None


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
    (Action.PASS, Mode.ROLES): _PASS_CHECKS,
    (Action.TAKE, Mode.ROLES): (_only_the_primary, _not_owner_already),
    (Action.REQUEST, Mode.ROLES): (_not_the_primary, _not_owner_already),
    (Action.RELEASE, Mode.ROLES): (_always(refusals.NOT_WITH_ROLES),),
    (Action.EXTEND, Mode.ROLES): (_always(refusals.NOT_WITH_ROLES),),
    (Action.STEP_IN, Mode.ROLES): (_not_owner_already,),
    (Action.PASS, Mode.IDLE_THREADS): _PASS_CHECKS,
    (Action.TAKE, Mode.IDLE_THREADS): (_only_the_primary_or_idle, _not_owner_already),
    (Action.REQUEST, Mode.IDLE_THREADS): (_not_owner_already,),
    (Action.RELEASE, Mode.IDLE_THREADS): _RELEASE_CHECKS,
    (Action.EXTEND, Mode.IDLE_THREADS): _EXTEND,
    (Action.STEP_IN, Mode.IDLE_THREADS): (_not_owner_already,),
}


# --- effects --------------------------------------------------------------------------------------

Effect = Callable[[ControlChange, ThreadControl, PageSettings, float], ControlOutcome]


def _until(control: ThreadControl, settings: PageSettings, now: float) -> float:
    """Return when control ends that begins now (rule 2); with roles it does not end by itself."""
    if settings.mode is Mode.ROLES:
        return now + _YEARS
    return now + DAY if settings.left_open.action_restarts_day else max(control.expires, now + DAY)


def _passed(
    change: ControlChange, control: ThreadControl, settings: PageSettings, now: float
) -> ControlOutcome:
    target = change.target or settings.default_app
    event = HandoverEvent("pass_thread_control", to=target, previous=control.owner, new=target)
    return ControlOutcome(ThreadControl(target, _until(control, settings, now)), event)


def _taken(
    change: ControlChange, control: ThreadControl, settings: PageSettings, now: float
) -> ControlOutcome:
    # From idle Meta's pages contradict each other: `to` is then empty, and a switch decides.
    event = HandoverEvent("take_thread_control", to=control.owner, previous=control.owner, new=change.caller)
    return ControlOutcome(ThreadControl(change.caller, _until(control, settings, now)), event)


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


def _asked_of_the_primary(
    change: ControlChange, control: ThreadControl, settings: PageSettings, now: float
) -> ControlOutcome:
    primary = settings.default_app
    event = HandoverEvent("request_thread_control", to=primary, previous=control.owner, new=change.caller)
    return ControlOutcome(control, event)


def _released(
    change: ControlChange, control: ThreadControl, settings: PageSettings, now: float
) -> ControlOutcome:
    return ControlOutcome(IDLE)


def _extended(
    change: ControlChange, control: ThreadControl, settings: PageSettings, now: float
) -> ControlOutcome:
    begins = control.expires if settings.left_open.extend_from == "expiry" else now
    return ControlOutcome(ThreadControl(control.owner, begins + change.duration))


EFFECTS: Mapping[Action, Effect] = {
    Action.PASS: _passed,
    Action.TAKE: _taken,
    Action.REQUEST: _requested,
    Action.RELEASE: _released,
    Action.EXTEND: _extended,
    Action.STEP_IN: _taken,
}

#: Where the retired protocol with roles did otherwise.
EFFECTS_OF_ROLES: Mapping[Action, Effect] = {Action.REQUEST: _asked_of_the_primary}
