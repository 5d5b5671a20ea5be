"""Reads points in time that people type: a day, a time, or how long ago. No I/O; now is given.

Without a zone it is UTC. A day as the end of a period is part of it.
"""

from __future__ import annotations

import re
from datetime import datetime, timedelta, timezone

from handover_channel.rules.durations import parse_duration

_WHAT_IS_READ = (
    'write a day or a time, such as 2026-11-01 or "2026-11-01 14:30" (UTC), or "30 days" for so long ago'
)
_A_DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", re.ASCII)


def point_in_time(text: str, *, now: float, is_end: bool = False) -> float:
    """Return what *text* stands for, in seconds since the epoch.

    "2026-11-01", "2026-11-01 14:30", "2026-11-01T14:30:00+02:00", or "30 days" (ago). *is_end*: a day ends
    when it is over. Raises ValueError with a sentence saying what is accepted.
    """
    text = text.strip()
    try:
        return now - parse_duration(text).total_seconds()
    except ValueError:
        pass
    try:
        # 3.10 does not read the Z: https://docs.python.org/3/library/datetime.html#datetime.datetime.fromisoformat
        at = datetime.fromisoformat(re.sub(r"[zZ]$", "+00:00", text))
        at = at if at.tzinfo else at.replace(tzinfo=timezone.utc)
        if is_end and _A_DAY.fullmatch(text):
            at += timedelta(days=1)
        return at.timestamp()
    except (ValueError, OverflowError):
        raise ValueError(_WHAT_IS_READ) from None
