"""Decides which Graph API calls are made again, when, and how often.

1. Only what is transient (`GraphUnavailable`) is tried again: a few times, with growing pauses and jitter.
2. Where Meta says how long to wait, that long; where that is longer than `Retries.longest_wait`, not at all:
   the caller has better things to do than to sleep.
3. A call that got no answer may have worked. It is tried again all the same, because a lost message is worse
   than a repeated one, with a WARNING that says so and names the thread.
4. If control is then gone already, a pass had worked: that is success, not a refusal.
"""

from __future__ import annotations

import json
import logging
import random
import time
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from typing import Any, Callable, Dict, Iterator, Mapping, Tuple

from handover_channel import log
from handover_channel.errors import GraphUnavailable, NotThreadOwner
from handover_channel.graph_api.errors import error_of
from handover_channel.graph_api.transport import Answer, Call, Unanswered
from handover_channel.metrics import counters
from handover_channel.sentences import counted

logger = log.logger(__name__)

#: After it the caller no longer has control, so a second one is refused.
_PASS_PATH = "/me/pass_thread_control"  # noqa: S105  (a path)


@dataclass(frozen=True)
class Retries:
    """How long a call is tried. Times in seconds."""

    attempts: int = 4
    first_wait: float = 0.5  #: before the second attempt; doubled after each
    jitter: float = 0.5  #: up to this much is added by chance, so that workers do not march in step
    longest_wait: float = 30.0  #: of one pause
    connect: float = 3.0  #: until the connection stands
    read: float = 10.0  #: until Meta answers

    @property
    def timeouts(self) -> Tuple[float, float]:
        """To connect, to read."""
        return self.connect, self.read


class _TryAgain(Exception):
    """An attempt that failed and may be repeated."""

    def __init__(self, error: GraphUnavailable, *, wait: float = 0.0, unsure: bool = False) -> None:
        super().__init__(str(error))
        self.error = error
        self.wait = wait  #: seconds that Meta asks for
        self.unsure = unsure  #: Meta may have done what we asked


class Persistence:
    """Makes calls by *exchange*, and makes those again that may succeed later."""

    def __init__(
        self,
        exchange: Callable[[Call], Answer],
        retries: Retries,
        *,
        sleep: Callable[[float], None] = time.sleep,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._exchange = exchange
        self._retries = retries
        self._sleep = sleep
        self._clock = clock

    def make(self, call: Call) -> Dict[str, Any]:
        """Return Meta's answer to *call*. Raises the GraphError that it stands for."""
        most = self._retries.attempts if call.worth_repeating else 1
        attempt, unsure = 1, False
        while True:
            try:
                return self._attempt(call)
            except _TryAgain as again:
                if attempt >= most or again.wait > self._retries.longest_wait:
                    raise self._given_up(again) from None
                unsure = unsure or again.unsure
                pause = max(again.wait, self._backoff(attempt))
                _log(call, again, pause)
            except NotThreadOwner:
                if not (unsure and call.path == _PASS_PATH):
                    raise
                said = "graph api: %s had worked without an answer: thread %s"
                logger.warning(said, call.path, call.thread)
                return {"success": True}
            self._sleep(pause)
            attempt += 1

    def _backoff(self, attempt: int) -> float:
        """Return the seconds to wait after the attempt of that number, if Meta asks for nothing longer."""
        retries = self._retries
        growing = min(retries.first_wait * 2.0 ** (attempt - 1), retries.longest_wait)
        return growing + random.uniform(0.0, retries.jitter)  # noqa: S311  (no secret: workers out of step)

    def _attempt(self, call: Call) -> Dict[str, Any]:
        try:
            answer = self._exchange(call)
        except Unanswered as silence:
            raise _TryAgain(silence, unsure=silence.sent) from None
        error = error_of(answer.status, answer.body, hide=call.secrets)
        if error is None:
            return dict(answer.body)
        if not isinstance(error, GraphUnavailable):
            raise error
        # Meta said no, in its own words: then nothing was done. A gateway's page says nothing.
        unsure = not isinstance(answer.body, Mapping) and not 400 <= answer.status < 500
        raise _TryAgain(error, wait=asked_wait(answer.headers, now=self._clock()), unsure=unsure)

    def _given_up(self, again: _TryAgain) -> GraphUnavailable:
        if again.wait > self._retries.longest_wait:
            again.error.remedy = counted(
                "Meta asks to wait %(number)s second; %(remedy)s",
                "Meta asks to wait %(number)s seconds; %(remedy)s",
                round(again.wait),
                remedy=again.error.remedy,
            )
        return again.error


def asked_wait(headers: Mapping[str, str], *, now: float) -> float:
    """Return how many seconds Meta asks to wait, 0.0 where it asks for nothing.

    `Retry-After` is in seconds or a date, `estimated_time_to_regain_access` in minutes.
    https://developers.facebook.com/docs/graph-api/overview/rate-limiting/
    """
    return max([0.0, _retry_after(headers.get("Retry-After") or "", now), *_regain_access(headers)])


def _retry_after(value: str, now: float) -> float:
    text = value.strip()
    if text.isascii() and text.isdigit():
        return float(text)
    try:
        return parsedate_to_datetime(text).timestamp() - now
    except (TypeError, ValueError, IndexError, OverflowError):
        return 0.0


def _regain_access(headers: Mapping[str, str]) -> Iterator[float]:
    try:
        usage = json.loads(headers.get("X-Business-Use-Case-Usage") or "{}")
    except ValueError:
        return
    for cases in usage.values() if isinstance(usage, dict) else ():
        for case in cases if isinstance(cases, list) else ():
            minutes = case.get("estimated_time_to_regain_access") if isinstance(case, dict) else None
            if isinstance(minutes, (int, float)) and not isinstance(minutes, bool):
                yield minutes * 60.0


def _log(call: Call, again: _TryAgain, pause: float) -> None:
    unsure = again.unsure and call.method == "POST"
    counters.retried(call.path, unsure=unsure)
    level, what = (
        (logging.WARNING, "may have worked, and is repeated") if unsure else (logging.INFO, "is tried again")
    )
    facts = (
        call.path,
        what,
        pause,
        type(again.error).__name__,
        again.error.code,
        again.error.status,
        call.thread,
    )
    logger.log(level, "graph api: %s %s in %.1f s: %s, code %d, HTTP %d, thread %s", *facts)
