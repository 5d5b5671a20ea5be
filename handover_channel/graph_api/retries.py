"""Which Graph API calls are made again, when, and how often.

1. Only what is transient (`GraphUnavailable`) is tried again: a few times, with growing pauses and jitter.
2. Where Meta says how long to wait, that long; where that is longer than `Retries.longest_wait`, not at all:
   the caller has better things to do than to sleep.
3. A call that got no answer may have worked. It is tried again all the same, because a lost message is worse
   than a repeated one, with a WARNING that says so and names the thread.
4. If control is then gone already, a pass or a release had worked: that is success, not a refusal.
"""

from __future__ import annotations

import json
import logging
import time
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from typing import Any, Callable, Dict, Iterator, Mapping, Tuple, cast

from tenacity import (
    RetryCallState,
    Retrying,
    retry_if_exception_type,
    stop_after_attempt,
    wait_exponential,
    wait_random,
)

from handover_channel import log
from handover_channel.errors import GraphUnavailable, NotThreadOwner
from handover_channel.graph_api.errors import error_of
from handover_channel.graph_api.transport import Answer, Call, Unanswered
from handover_channel.metrics import counters

logger = log.logger(__name__)

#: After these the caller no longer has control, so a second one is refused.
_GIVES_UP_CONTROL = ("/me/pass_thread_control", "/me/release_thread_control")


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
    """Make calls by *exchange*, with patience."""

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
        """Return Meta's answer to *call*, or raise the GraphError it stands for."""
        try:
            return self._attempt(call)
        except _TryAgain as again:  # seldom: only now it is worth a plan
            return self._make_again(call, again)

    def _make_again(self, call: Call, first: _TryAgain) -> Dict[str, Any]:
        unsure, failed = False, [first]

        def attempt() -> Dict[str, Any]:
            nonlocal unsure
            try:
                if failed:
                    raise failed.pop()
                return self._attempt(call)
            except _TryAgain as again:
                unsure = unsure or again.unsure
                raise
            except NotThreadOwner:
                if not (unsure and call.path in _GIVES_UP_CONTROL):
                    raise
                logger.warning(
                    "graph api: %s had worked without an answer: thread %s", call.path, call.thread
                )
                return {"success": True}

        try:
            return self._retrying(call)(attempt)
        except _TryAgain as again:
            raise self._given_up(again) from None

    def _retrying(self, call: Call) -> Retrying:
        retries = self._retries
        backoff = wait_exponential(retries.first_wait, retries.longest_wait) + wait_random(0, retries.jitter)
        most = stop_after_attempt(retries.attempts if call.worth_repeating else 1)
        return Retrying(
            sleep=self._sleep,
            retry=retry_if_exception_type(_TryAgain),
            stop=lambda state: most(state) or _failed(state).wait > retries.longest_wait,
            wait=lambda state: max(_failed(state).wait, backoff(state)),
            before_sleep=lambda state: _log(call, state),
            reraise=True,
        )

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
            again.error.remedy = f"Meta asks to wait {again.wait:.0f} seconds; {again.error.remedy}"
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


def _failed(state: RetryCallState) -> _TryAgain:
    error = state.outcome.exception() if state.outcome else None
    return cast(_TryAgain, error)  # `retry` lets nothing else through


def _log(call: Call, state: RetryCallState) -> None:
    again, pause = _failed(state), state.next_action.sleep if state.next_action else 0.0
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
