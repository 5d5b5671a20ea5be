"""Limits how often a password may be wrong.

1. Counted over all workers, in the database, in windows of 15 minutes; a right password clears its own count.
2. A browser in which this agent has been before counts by itself: 5. No stranger can lock it out, from the
   same address (an office, a proxy) or from a thousand others.
3. Any other browser: 5 for a name from an address, 20 for an address, and 100 for a name in all. The per-name
   limit stops distributed guessing; it never locks out a browser that has signed in before.
4. An attempt counts from its beginning: many at the same moment are not more than one after the other.
   One that is held back does not count: the wait does not grow by asking.

https://owasp.org/www-community/Slow_Down_Online_Guessing_Attacks_with_Device_Cookies
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from typing import List, Tuple

from sqlalchemy.engine import Connection

from handover_channel.errors import TooManyAttempts
from handover_channel.inbox.local_access import network
from handover_channel.sentences import counted
from handover_channel.store import failed_sign_ins, sign_ins

#: Seconds.
SIGN_IN_WINDOW = 15 * 60

OF_BOTH, OF_ADDRESS, OF_NAME = 5, 20, 100


@dataclass(frozen=True)
class Attempt:
    """One attempt to sign in, and the keys it is counted by."""

    name: str = field(repr=False)  #: hash of the name: there may be no such agent
    address: str  #: the visitor's network, or the browser where it is known
    of_known_browser: bool


def begin(connection: Connection, *, name: str, address: str, browser: str, now: float) -> Attempt:
    """Count an attempt to sign in as *name*. *browser*: hash of the cookie it has kept.

    Raises TooManyAttempts.
    """
    failed_sign_ins.in_turn(connection)
    failed_sign_ins.tidy(connection, before=now - SIGN_IN_WINDOW)
    known = sign_ins.is_known(connection, browser, name)
    where = f"browser {browser}" if known else network(address)
    attempt = Attempt(hashlib.sha256(name.encode("utf-8", "surrogatepass")).hexdigest(), where, known)
    wait = max(_until(connection, attempt, now) - now, 0.0)
    if wait:
        said = counted(
            "too many wrong passwords -> try again in %(number)s minute",
            "too many wrong passwords -> try again in %(number)s minutes",
            max(round(wait / 60), 1),
        )
        raise TooManyAttempts(said, wait=wait)
    failed_sign_ins.add(connection, name=attempt.name, address=attempt.address, at=now)
    return attempt


def forgive(connection: Connection, attempt: Attempt) -> None:
    """Take back an attempt with the right password, and the wrong ones before it."""
    failed_sign_ins.forgive(connection, name=attempt.name, address=attempt.address)


def _until(connection: Connection, attempt: Attempt, now: float) -> float:
    """Return when the next attempt may be made."""
    limits: List[Tuple[int, dict[str, str]]] = [(OF_BOTH, {"name": attempt.name, "address": attempt.address})]
    if not attempt.of_known_browser:
        limits += [(OF_ADDRESS, {"address": attempt.address}), (OF_NAME, {"name": attempt.name})]
    since = now - SIGN_IN_WINDOW
    found = [failed_sign_ins.nth_newest(connection, nth, since=since, **of) for nth, of in limits]
    return max((at + SIGN_IN_WINDOW for at in found if at is not None), default=0.0)
