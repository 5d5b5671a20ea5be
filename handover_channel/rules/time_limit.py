"""Decides whether the time of a handover is up. No I/O and no clock.

A worker ends a handover whose time is up (control/deadlines.py). Where no worker runs, because neither the
Messenger channel nor the inbox is in credentials.yml, whoever looks at the thread ends it.

Times are in seconds since the epoch, by our own clock.
"""

from __future__ import annotations

from typing import Optional

#: Seconds after which a time limit that is up has no worker that looks after it.
WORKER_IS_LATE = 10.0


def is_up(until: Optional[float], now: float) -> bool:
    """Tell whether a handover with time limit *until* (None: without one) is over."""
    return until is not None and until <= now


def is_unattended(until: Optional[float], now: float) -> bool:
    """Tell whether the time has been up for so long that no worker looks after it."""
    return is_up(until, now - WORKER_IS_LATE)
