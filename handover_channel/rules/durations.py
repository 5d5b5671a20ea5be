"""Reads durations: a number and a unit, from one second to one year. No I/O and no clock."""

from __future__ import annotations

import re
from datetime import timedelta

from handover_channel.sentences import Sentence

#: "m" alone is left out on purpose: one reader takes it for minutes, the next for months.
_SECONDS = {
    **dict.fromkeys(("s", "sec", "secs", "second", "seconds"), 1),
    **dict.fromkeys(("min", "mins", "minute", "minutes"), 60),
    **dict.fromkeys(("h", "hr", "hrs", "hour", "hours"), 3600),
    **dict.fromkeys(("d", "day", "days"), 86400),
    **dict.fromkeys(("w", "week", "weeks"), 604800),
}
_DURATION = re.compile(r"([0-9]{1,9}(?:\.[0-9]{1,6})?)\s*([a-z]+)", re.ASCII)
_LONGEST_DURATION = timedelta(days=365)


def parse_duration(text: str) -> timedelta:
    """Return the duration *text* stands for: "45 seconds", "30 minutes", "1.5 hours", "2 days", "1 week".

    Singular, plural and s, min, h, d, w are the same. Raises ValueError with a sentence saying
    what is accepted.
    """
    found = _DURATION.fullmatch(text.strip().lower())
    if found is None or found[2] not in _SECONDS:
        raise ValueError(
            Sentence(
                'write a number and a unit, such as "30 minutes", "12 hours" or "2 days" '
                "(seconds, minutes, hours, days or weeks)"
            )
        )
    seconds = float(found[1]) * _SECONDS[found[2]]
    if seconds < 1:
        raise ValueError(Sentence("a duration is 1 second at least"))
    if seconds > _LONGEST_DURATION.total_seconds():
        raise ValueError(Sentence("a duration is %(most)s days at most", most=_LONGEST_DURATION.days))
    return timedelta(seconds=seconds)
