"""The places a thread can be handed over to: the block `targets` of handover.yml.

Rule 1: a target is known by its name. Its kind says how it gets control: `inbox` by our keeping Meta's
        control while the bot is mute, `page_inbox` and `app` by pass_thread_control to an app id.
Rule 2: the Page inbox has fixed app ids, and nobody has to type them
        (https://developers.facebook.com/documentation/business-messaging/messenger-platform/conversation-routing).
Rule 3: business hours name their time zone, and each weekday at most once; a day without times is closed.
Rule 4: a key without meaning for the target's kind is a problem, as a key nobody knows.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from enum import Enum
from typing import Any, Dict, Mapping, Optional, Tuple
from zoneinfo import ZoneInfo, available_timezones

from handover_channel.errors import OutsideHours
from handover_channel.messenger.events import INSTAGRAM_INBOX_APP_ID, META_INBOXES, PAGE_INBOX_APP_ID
from handover_channel.rules.business_hours import Hours, Span, parse_days, parse_spans
from handover_channel.settings.section import Section, nearest, quoted

#: Meta gives a limit for the metadata of messages only ("less than 1000"); we keep to it for handovers.
#: https://developers.facebook.com/docs/messenger-platform/reference/send-api
MAX_METADATA = 1000


class TargetKind(str, Enum):
    """How a target gets control."""

    INBOX = "inbox"  #: our own inbox: agents answer through our page token
    PAGE_INBOX = "page_inbox"  #: the inbox of the Facebook page
    APP = "app"  #: another Meta app: a bot, a social-media tool


#: The keys a target may have, by its kind.
KEYS: Mapping[TargetKind, Tuple[str, ...]] = {
    TargetKind.INBOX: ("kind", "time_limit", "answer_within", "hours"),
    TargetKind.PAGE_INBOX: ("kind", "app_id", "metadata", "time_limit", "stay_muted"),
    TargetKind.APP: ("kind", "app_id", "metadata", "time_limit", "stay_muted"),
}
#: In `hours` every other key is a day, or two with a dash between.
TIMEZONE = "timezone"
_ALL_KEYS = tuple(dict.fromkeys(key for keys in KEYS.values() for key in keys))


@dataclass(frozen=True)
class Target:
    """A named place a thread can be handed over to."""

    name: str
    kind: TargetKind
    app_id: str = ""  #: who gets control; "" for the built-in inbox
    metadata: str = ""  #: goes along with pass_thread_control, for the other app
    time_limit: Optional[timedelta] = None  #: its own, or that of `return`; None: no limit
    stay_muted: bool = False  #: stay mute until the time limit, though Meta's control lapsed or was released
    answer_within: Optional[timedelta] = None  #: inbox: return when no agent has answered by then
    hours: Optional[Hours] = None  #: inbox: when somebody is there; None: always

    def expect_open(self, now: float) -> None:
        """Raise OutsideHours unless somebody is there at *now*, in seconds since the epoch."""
        if self.hours is None or self.hours.is_open(now):
            return
        opens_at = self.hours.opens_at(now)
        opens = "" if opens_at is None else self.hours.text(opens_at, now)
        said = f"nobody is there at target {self.name!r} before {opens}"
        raise OutsideHours(said, opens_at=opens_at, opens=opens)


#: Without `targets` in handover.yml.
INBOX_ALONE = {"inbox": {"kind": "inbox"}}


def read(block: Section, *, app_id: str, time_limit: Optional[timedelta]) -> Dict[str, Target]:
    """Return the targets of *block* by name; *time_limit* is for those without one of their own.

    The block's list of problems grows by what is wrong with them. *app_id* is that of this bot.
    """
    targets: Dict[str, Target] = {}
    for key, value in block.values.items():
        name = str(key).strip() if isinstance(key, (str, int)) else ""
        if not name:
            block.refuse('""', "is a target without a name: write one before the colon")
            continue
        inner = block.within(name, value)
        target = None if value and not inner.values else _target(name, inner, app_id, time_limit)
        if target:
            _refuse_twin(inner, target, targets)
            targets[name] = target
    return targets


def _refuse_twin(block: Section, target: Target, earlier: Mapping[str, Target]) -> None:
    """Refuse a second target for one app: whose it is when that app acts could not be told."""
    twin = next((each.name for each in earlier.values() if same_id(each.app_id, target.app_id)), None)
    if twin is None:
        return
    if block.has("app_id"):
        block.refuse("app_id", f"is {quoted(target.app_id)}, as that of {twin}: keep one of the two targets")
    else:
        block.refuse("kind", f"is {target.kind.value}, as that of {twin}: keep one of the two targets")


def _target(name: str, block: Section, app_id: str, time_limit: Optional[timedelta]) -> Optional[Target]:
    kind = _kind(block)
    if kind is None:
        return None
    _expect_keys_of(kind, block)
    return Target(
        name=name,
        kind=kind,
        app_id=_APP_ID[kind](block, app_id),
        metadata=_metadata(block),
        time_limit=block.duration("time_limit", time_limit),
        stay_muted=block.flag("stay_muted"),
        answer_within=block.duration("answer_within", None),
        hours=_hours(block),
    )


def _kind(block: Section) -> Optional[TargetKind]:
    kinds = [kind.value for kind in TargetKind]
    text = block.required("kind", f"write one of {', '.join(kinds)}")
    if text in kinds:
        return TargetKind(text)
    if text:
        block.refuse("kind", f"is {quoted(text)}: {nearest(text, kinds)}")
    block.expect_only(_ALL_KEYS)
    return None


def _expect_keys_of(kind: TargetKind, block: Section) -> None:
    for key in block.values:
        if key in _ALL_KEYS and key not in KEYS[kind]:
            block.refuse(key, f"means nothing for kind {kind.value}: leave it out")
    block.expect_only(_ALL_KEYS)


def _no_app_id(block: Section, own: str) -> str:
    return ""


def _inbox_app_id(block: Section, own: str) -> str:
    app_id = block.text("app_id", PAGE_INBOX_APP_ID)
    if app_id not in META_INBOXES:
        block.refuse(
            "app_id", f"is {quoted(app_id)}: leave it out, the Page inbox has the same one everywhere"
        )
    return app_id


def _other_app_id(block: Section, own: str) -> str:
    app_id = block.required("app_id", "write the id of the Meta app that gets control")
    if app_id and not is_app_id(app_id):
        block.refuse("app_id", f"is {quoted(app_id)}: Meta's app ids are digits only")
    elif same_id(app_id, own):
        block.refuse(
            "app_id", f"is {quoted(app_id)}, this bot's own: write the id of the app that gets control"
        )
    elif same_id(app_id, PAGE_INBOX_APP_ID):
        block.refuse(
            "app_id", f"is {quoted(app_id)}, the Page inbox: leave it out and write kind: page_inbox"
        )
    elif same_id(app_id, INSTAGRAM_INBOX_APP_ID):
        block.refuse("app_id", f"is {quoted(app_id)}, the inbox of Instagram: write kind: page_inbox with it")
    return app_id


#: How each kind of target comes to the app id that gets control.
_APP_ID = {
    TargetKind.INBOX: _no_app_id,
    TargetKind.PAGE_INBOX: _inbox_app_id,
    TargetKind.APP: _other_app_id,
}


def _hours(block: Section) -> Optional[Hours]:
    if block.values.get("hours") in (None, False):
        return None
    inner, count = block.block("hours"), len(block.problems)
    zone = _zone(inner)
    week: Dict[int, Tuple[Span, ...]] = {}
    for key in inner.values:
        if key != TIMEZONE:
            _add_days(inner, str(key), week)
    if len(block.problems) == count and not week:
        block.refuse("hours", 'has no day: write one, as in sunday-thursday: "9:00-17:00", or leave it out')
    return Hours(zone, week) if zone and week else None


def _zone(block: Section) -> Optional[ZoneInfo]:
    name = block.required(TIMEZONE, "write one such as Asia/Riyadh or Europe/Berlin")
    try:
        return ZoneInfo(name) if name else None
    except (KeyError, ValueError, OSError):  # not known, no name of a zone at all, or a folder of them
        known = available_timezones()
    remedy = nearest(name, known) if known else "this machine knows none, pip install tzdata"
    if len(remedy) > 100:
        remedy = "write one such as Asia/Riyadh or Europe/Berlin"
    block.refuse(TIMEZONE, f"is {quoted(name)}: {remedy}")
    return None


def _add_days(block: Section, key: str, week: Dict[int, Tuple[Span, ...]]) -> None:
    try:
        days = parse_days(key)
    except ValueError as error:
        block.refuse(key, f"is no day: {error}")
        return
    text = block.required(key, 'write times as in "9:00-17:00", or leave the day out')
    try:
        spans = parse_spans(text) if text else ()
    except ValueError as error:
        block.refuse(key, f"is {quoted(text)}: {error}")
        return
    if any(day in week for day in days):
        block.refuse(key, "has a day that another line has too: keep one of them")
    week.update(dict.fromkeys(days, spans))


def same_id(one: str, other: str) -> bool:
    """Whether two ids are the same number; "" is no id."""
    return bool(one) and one.lstrip("0") == other.lstrip("0")


def is_app_id(text: str) -> bool:
    """Whether *text* can be the id of a Meta app."""
    return text.isascii() and text.isdigit()


def _metadata(block: Section) -> str:
    value: Any = block.values.get("metadata")
    if isinstance(value, (dict, list)):
        block.refuse("metadata", "must be text, as Meta takes no other: write it in quotes, JSON too")
        return ""
    text = block.text("metadata")
    if len(text) > MAX_METADATA:
        block.refuse("metadata", f"has {len(text)} characters; {MAX_METADATA} are allowed: shorten it")
    return text
