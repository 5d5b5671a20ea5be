"""Reads the places a thread can be handed over to: the section `targets` of handover.yml.

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
from typing import Any, Collection, Dict, Mapping, Optional, Tuple
from zoneinfo import ZoneInfo, available_timezones

from handover_channel.errors import OutsideHours
from handover_channel.messenger.events import INSTAGRAM_INBOX_APP_ID, META_INBOXES, PAGE_INBOX_APP_ID
from handover_channel.rules.business_hours import Hours, Span, parse_days, parse_spans
from handover_channel.settings import keys, titles
from handover_channel.settings.keys import Key, keys_of, names_of, setting
from handover_channel.settings.section import Section, nearest, quoted

#: Meta gives a limit for the metadata of messages only ("less than 1000"); we keep to it for handovers.
#: https://developers.facebook.com/docs/messenger-platform/reference/send-api
MAX_METADATA = 1000


class TargetKind(str, Enum):
    """How a target gets control."""

    INBOX = "inbox"  #: our own inbox: agents answer through our page token
    PAGE_INBOX = "page_inbox"  #: the inbox of the Facebook page
    APP = "app"  #: another Meta app: a bot, a social-media tool


_INBOX_KIND, _OTHERS = (TargetKind.INBOX.value,), (TargetKind.PAGE_INBOX.value, TargetKind.APP.value)

#: In `hours` every other key is a day, or two with a dash between.
TIMEZONE = "timezone"
HOURS_KEYS = (
    Key(TIMEZONE, "The time zone of the hours, such as `Asia/Riyadh`."),
    Key(
        "DAY",
        "The times of a day, or of several (`sunday-thursday`), from `0:00` to `24:00`: `9:00-17:00`, or "
        "`9:00-12:00, 13:00-17:00` with a break.",
        default_in_words="closed",
    ),
)


def _hours(section: Section, key: str, default: Optional[Hours]) -> Optional[Hours]:
    if section.values.get(key) in (None, False):
        return None
    inner, count = section.section(key), len(section.problems)
    zone = _zone(inner)
    week: Dict[int, Tuple[Span, ...]] = {}
    for name in inner.values:
        if name != TIMEZONE:
            _add_days(inner, str(name), week)
    if len(section.problems) == count and not week:
        section.refuse(key, 'has no day: write one, as in sunday-thursday: "9:00-17:00", or leave it out')
    return Hours(zone, week) if zone and week else None


def _zone(section: Section) -> Optional[ZoneInfo]:
    name = section.required(TIMEZONE, "write one such as Asia/Riyadh or Europe/Berlin")
    try:
        return ZoneInfo(name) if name else None
    except (KeyError, ValueError, OSError):  # not known, no name of a zone at all, or a folder of them
        known = available_timezones()
    remedy = nearest(name, known) if known else "this machine knows none, pip install tzdata"
    if len(remedy) > 100:
        remedy = "write one such as Asia/Riyadh or Europe/Berlin"
    section.refuse(TIMEZONE, f"is {quoted(name)}: {remedy}")
    return None


def _add_days(section: Section, key: str, week: Dict[int, Tuple[Span, ...]]) -> None:
    try:
        days = parse_days(key)
    except ValueError as error:
        section.refuse(key, f"is no day: {error}")
        return
    text = section.required(key, 'write times as in "9:00-17:00", or leave the day out')
    try:
        spans = parse_spans(text) if text else ()
    except ValueError as error:
        section.refuse(key, f"is {quoted(text)}: {error}")
        return
    if any(day in week for day in days):
        section.refuse(key, "has a day that another line has too: keep one of them")
    week.update(dict.fromkeys(days, spans))


def _metadata(section: Section, key: str, default: str) -> str:
    value: Any = section.values.get(key)
    if isinstance(value, (dict, list)):
        section.refuse(key, "must be text, as Meta takes no other: write it in quotes, JSON too")
        return ""
    text = section.text(key, default)
    if len(text) > MAX_METADATA:
        section.refuse(key, f"has {len(text)} characters; {MAX_METADATA} are allowed: shorten it")
    return text


@dataclass(frozen=True)
class Target:
    """A named place a thread can be handed over to."""

    name: str
    kind: TargetKind = setting(
        meaning="`inbox`: the built-in inbox. `page_inbox`: the inbox of the Facebook page. `app`: another "
        "Meta app, such as a bot or a social-media tool.",
    )
    #: Who gets control; "" for the built-in inbox.
    app_id: str = setting(
        absent="",
        kinds=_OTHERS,
        meaning="the id of the Meta app that gets control. The Page inbox needs none (or write "
        f"`{INSTAGRAM_INBOX_APP_ID}`, the inbox of Instagram). Each app is one target.",
    )
    #: Goes along with pass_thread_control, for the other app.
    metadata: str = setting(
        read=_metadata,
        absent="",
        kinds=_OTHERS,
        meaning=f"a text that goes along to the other app, up to {MAX_METADATA} characters.",
    )
    #: None: no limit.
    time_limit: Optional[timedelta] = setting(
        absent=None,
        default_in_words="`return.time_limit`",
        meaning="This target's own time limit; `false` for none.",
    )
    stay_muted: bool = setting(
        read=Section.flag,
        default="false",
        kinds=_OTHERS,
        meaning="`true` keeps the bot silent until the time limit, though the other app let go, or Meta "
        "ended its control after 24 hours.",
    )
    answer_within: Optional[timedelta] = setting(
        read=Section.duration,
        default="false",
        kinds=_INBOX_KIND,
        meaning="the thread returns when no agent has answered within this time.",
    )
    #: None: somebody is always there.
    hours: Optional[Hours] = setting(
        read=_hours,
        default="false",
        kinds=_INBOX_KIND,
        meaning="the business hours. Outside them nothing is handed over to this target: the bot says when "
        "somebody is there, and goes on. Agents can take conversations over at any time.",
        below=HOURS_KEYS,
    )
    #: By language; {}: none is set.
    title: Mapping[str, str] = setting(
        read=titles.title("Sales"),
        absent={},
        default_in_words="its name in words",
        meaning="What agents read in the inbox: a text, or one for each language, "
        "`{en: Sales, ar: المبيعات}`.",
    )

    def expect_open(self, now: float) -> None:
        """Raise OutsideHours unless somebody is there at *now*, in seconds since the epoch."""
        if self.hours is None or self.hours.is_open(now):
            return
        opens_at = self.hours.opens_at(now)
        opens = "" if opens_at is None else self.hours.text(opens_at, now)
        raise OutsideHours(
            "nobody is there at target %(name)r before %(opens)s -> ask again then",
            name=self.name,
            opens_at=opens_at,
            opens=opens,
        )


#: The keys a target may have, by its kind.
KEYS: Mapping[TargetKind, Tuple[str, ...]] = {
    kind: names_of(key for key in keys_of(Target) if not key.kinds or kind.value in key.kinds)
    for kind in TargetKind
}
_ALL_KEYS = tuple(dict.fromkeys(name for names in KEYS.values() for name in names))

#: Without `targets` in handover.yml.
INBOX_ALONE = {"inbox": {"kind": "inbox"}}


def read(section: Section, *, app_id: str, time_limit: Optional[timedelta]) -> Dict[str, Target]:
    """Return the targets of *section* by name; *time_limit* is for those without one of their own.

    The section's list of problems grows by what is wrong with them. *app_id* is that of this bot.
    """
    targets: Dict[str, Target] = {}
    for key, value in section.values.items():
        name = str(key).strip() if isinstance(key, (str, int)) else ""
        if not name:
            section.refuse('""', "is a target without a name: write one before the colon")
            continue
        inner = section.within(name, value)
        target = None if value and not inner.values else _target(name, inner, app_id, time_limit)
        if target:
            _refuse_twin(inner, target, targets)
            targets[name] = target
    return targets


def _refuse_twin(section: Section, target: Target, earlier: Mapping[str, Target]) -> None:
    """Refuse a second target for one app: whose it is when that app acts could not be told."""
    twin = next((each.name for each in earlier.values() if same_id(each.app_id, target.app_id)), None)
    if twin is None:
        return
    if section.has("app_id"):
        section.refuse(
            "app_id", f"is {quoted(target.app_id)}, as that of {twin}: keep one of the two targets"
        )
    else:
        section.refuse("kind", f"is {target.kind.value}, as that of {twin}: keep one of the two targets")


def _target(name: str, section: Section, app_id: str, time_limit: Optional[timedelta]) -> Optional[Target]:
    kind = _kind(section)
    if kind is None:
        return None
    _expect_keys_of(kind, section)
    given = keys.values(
        Target,
        section,
        known={"name": name, "kind": kind},
        readers={
            "app_id": lambda section, key, default: _APP_ID[kind](section, app_id),
            "time_limit": lambda section, key, default: section.duration(key, time_limit),
        },
    )
    return Target(**given)


def _kind(section: Section) -> Optional[TargetKind]:
    kinds = [kind.value for kind in TargetKind]
    text = section.required("kind", f"write one of {', '.join(kinds)}")
    if text in kinds:
        return TargetKind(text)
    if text:
        section.refuse("kind", f"is {quoted(text)}: {nearest(text, kinds)}")
    section.expect_only(_ALL_KEYS)
    return None


def _expect_keys_of(kind: TargetKind, section: Section) -> None:
    for key in section.values:
        if key in _ALL_KEYS and key not in KEYS[kind]:
            section.refuse(key, f"means nothing for kind {kind.value}: leave it out")
    section.expect_only(_ALL_KEYS)


def _no_app_id(section: Section, own: str) -> str:
    return ""


def _inbox_app_id(section: Section, own: str) -> str:
    app_id = section.text("app_id", PAGE_INBOX_APP_ID)
    if app_id not in META_INBOXES:
        section.refuse(
            "app_id", f"is {quoted(app_id)}: leave it out, the Page inbox has the same one everywhere"
        )
    return app_id


def _other_app_id(section: Section, own: str) -> str:
    app_id = section.required("app_id", "write the id of the Meta app that gets control")
    if app_id and not is_app_id(app_id):
        section.refuse("app_id", f"is {quoted(app_id)}: Meta's app ids are digits only")
    elif same_id(app_id, own):
        section.refuse(
            "app_id", f"is {quoted(app_id)}, this bot's own: write the id of the app that gets control"
        )
    elif same_id(app_id, PAGE_INBOX_APP_ID):
        section.refuse(
            "app_id", f"is {quoted(app_id)}, the Page inbox: leave it out and write kind: page_inbox"
        )
    elif same_id(app_id, INSTAGRAM_INBOX_APP_ID):
        section.refuse(
            "app_id", f"is {quoted(app_id)}, the inbox of Instagram: write kind: page_inbox with it"
        )
    return app_id


#: How each kind of target comes to the app id that gets control.
_APP_ID = {
    TargetKind.INBOX: _no_app_id,
    TargetKind.PAGE_INBOX: _inbox_app_id,
    TargetKind.APP: _other_app_id,
}


def known_name(targets: Collection[str], said: Optional[str]) -> Optional[str]:
    """Return the target that is meant by what a person *said*, None for the default one: none has that name.

    Somebody who asks for "sales" where no target is called that has asked for people all the same.
    """
    if not said or said in targets:
        return said
    wanted = said.strip().casefold()
    return next((name for name in targets if name.casefold() == wanted), None)


def same_id(one: str, other: str) -> bool:
    """Whether two ids are the same number; "" is no id."""
    return bool(one) and one.lstrip("0") == other.lstrip("0")


def is_app_id(text: str) -> bool:
    """Whether *text* can be the id of a Meta app."""
    return text.isascii() and text.isdigit()
