"""Words times for people: a moment (UTC), how long ago it was, and how long it is still to come. No I/O.

The largest unit alone is told, in whole ones: minutes below an hour, hours below two days, then days.
"""

from __future__ import annotations

from datetime import datetime, timezone
from typing import Tuple

from handover_channel.sentences import Sentence, counted

_MINUTE, _HOUR, _DAY = 60, 3600, 86400
#: The last second that has a year of four digits; what Meta sends may be any number.
_LAST_SECOND = 253_402_300_799


def moment(at: float) -> str:
    """Return a time, in seconds since the epoch, as "2026-11-29 12:00 UTC"."""
    shown = datetime.fromtimestamp(min(max(at, 0.0), _LAST_SECOND), timezone.utc)
    return shown.strftime("%Y-%m-%d %H:%M UTC")


def when(at: float, now: float) -> Sentence:
    """Return when it will be; "now" where it is up."""
    return coming(at - now) if at > now else Sentence("now")


def _units(seconds: float) -> Tuple[int, int]:
    """Return which unit the time is told in, and how many: whole ones, none for less than a minute."""
    if seconds < _HOUR:
        return _MINUTE, int(max(seconds, 0.0) // _MINUTE)
    return (_HOUR, int(seconds // _HOUR)) if seconds < 2 * _DAY else (_DAY, int(seconds // _DAY))


def ago(seconds: float) -> Sentence:
    """Return how long ago it was."""
    unit, number = _units(seconds)
    if not number:
        return Sentence("less than a minute ago")
    if unit == _MINUTE:
        return counted("%(number)s minute ago", "%(number)s minutes ago", number)
    if unit == _HOUR:
        return counted("%(number)s hour ago", "%(number)s hours ago", number)
    return counted("%(number)s day ago", "%(number)s days ago", number)


def coming(seconds: float) -> Sentence:
    """Return how long it is until then."""
    unit, number = _units(seconds)
    if not number:
        return Sentence("in less than a minute")
    if unit == _MINUTE:
        return counted("in %(number)s minute", "in %(number)s minutes", number)
    if unit == _HOUR:
        return counted("in %(number)s hour", "in %(number)s hours", number)
    return counted("in %(number)s day", "in %(number)s days", number)


def lasting(seconds: float) -> Sentence:
    """Return for how long it has been so."""
    unit, number = _units(seconds)
    if not number:
        return Sentence("for less than a minute")
    if unit == _MINUTE:
        return counted("for %(number)s minute", "for %(number)s minutes", number)
    if unit == _HOUR:
        return counted("for %(number)s hour", "for %(number)s hours", number)
    return counted("for %(number)s day", "for %(number)s days", number)
