"""Runs the doctor when Rasa starts, beside its work, and logs what is wrong, a line each.

1. Once for all the processes of a server: Sanic's workers are forked from the one that imports this module.
2. In a thread that ends with the process: Meta, or a database, that does not answer delays nothing.
3. Only what fails is said. What could not be looked at is no news: `handover doctor` says it.
"""

from __future__ import annotations

import multiprocessing
import threading
from typing import Any, Callable, Optional, Sequence

from handover_channel import log
from handover_channel.doctor.check import Check
from handover_channel.doctor.facts import Facts
from handover_channel.doctor.report import Status
from handover_channel.doctor.run import AT_START, examine

logger = log.logger(__name__)


def _shared_by_workers() -> Optional[Any]:
    try:
        return multiprocessing.Lock()
    except (ImportError, OSError):  # a system without semaphores: each worker says it
        return None


_first = _shared_by_workers()


def look_beside(
    facts: Callable[[], Facts] = Facts, checks: Sequence[Check] = AT_START
) -> Optional[threading.Thread]:
    """Begin to look, unless a process of this server has; return the thread that does. Returns at once."""
    if _first is not None and not _first.acquire(block=False):
        return None
    looking = threading.Thread(
        target=lambda: say_what_is_wrong(facts(), checks), name="handover-doctor", daemon=True
    )
    looking.start()
    return looking


def say_what_is_wrong(facts: Facts, checks: Sequence[Check] = AT_START) -> None:
    """Look, and log what fails."""
    for each in examine(facts, checks=checks).with_status(Status.FAIL):
        logger.warning("handover doctor: %s: %s", each.id, each.line)
