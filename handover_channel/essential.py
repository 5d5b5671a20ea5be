"""Runs the threads and tasks that everything depends on, so that none of them ends unnoticed.

1. `sys.exit` in somebody's code ends a thread, or an event loop, without a word: asyncio passes SystemExit
   and KeyboardInterrupt on to whoever runs the loop.
   https://docs.python.org/3/library/asyncio-exceptions.html, `asyncio.Task`
2. In Rasa's process such a thread is run again: other channels live there, and nothing of what waits in an
   event loop is lost by running it again.
3. The queue's process ends as a whole instead: Rasa's process starts another one within a second, which takes
   up everything that is not done; half of it would only seem to live.
"""

from __future__ import annotations

import asyncio
import logging
import os
import threading
import time
from typing import Any, Callable, Optional, TypeVar

from handover_channel import log

logger = logging.getLogger(__name__)

T = TypeVar("T")

#: Seconds until a thread is run again: what ends at once each time must not take the processor.
RUN_AGAIN_AFTER = 0.1


def run_again(name: str, work: Callable[[], None], is_over: Callable[[], bool]) -> threading.Thread:
    """Start *work* on a thread of its own, and again each time it ends before *is_over*."""

    def run() -> None:
        while True:
            error = _end_of(work)
            if is_over():
                return
            logger.error("%s has ended before its time, it goes on: %s", name, _trace(error))
            time.sleep(RUN_AGAIN_AFTER)

    return _started(name, run)


def or_end(name: str, work: Callable[[], None]) -> threading.Thread:
    """Start *work* on a thread of its own, which ends the process if it raises anything at all."""

    def run() -> None:
        error = _end_of(work)
        if error is not None:
            end_process(name, error)

    return _started(name, run)


def watched(name: str, task: asyncio.Task[Any], is_over: Callable[[], bool]) -> asyncio.Task[Any]:
    """Return *task*, which ends the process if it ends before *is_over*."""

    def ended(done: asyncio.Task[Any]) -> None:
        error = asyncio.CancelledError() if done.cancelled() else done.exception()
        if not is_over():
            end_process(name, error)

    task.add_done_callback(ended)
    return task


def end_process(name: str, error: Optional[BaseException]) -> None:
    """Say so on stderr and end this process at once: what it was at is taken up by another one."""
    # Past the log: in the queue's process it goes out by an event loop, which has no time left.
    said = f"{name} has ended before its time, and its process with it: {_trace(error)}"
    record = logging.LogRecord(__name__, logging.ERROR, __file__, 0, said, (), None)
    if logging.lastResort:
        logging.lastResort.handle(record)
    os._exit(1)


def as_errors(function: Callable[..., T], *given: Any) -> T:
    """Call *function*. Raises RuntimeError in place of its SystemExit or KeyboardInterrupt."""
    try:
        return function(*given)
    except (SystemExit, KeyboardInterrupt) as error:
        raise RuntimeError(f"{type(error).__name__} in a thread") from error


def _started(name: str, run: Callable[[], None]) -> threading.Thread:
    thread = threading.Thread(target=run, name=name, daemon=True)
    thread.start()
    return thread


def _end_of(work: Callable[[], None]) -> Optional[BaseException]:
    try:
        work()
    except BaseException as error:
        return error
    return None


def _trace(error: Optional[BaseException]) -> str:
    return log.trace(error) if error is not None else "without an error"
