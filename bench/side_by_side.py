"""Does the same work for several names at the same time, each in a process of its own."""

from __future__ import annotations

import multiprocessing
import signal
import sys
from collections import deque
from multiprocessing.connection import Connection, wait
from multiprocessing.context import ForkProcess
from types import FrameType
from typing import Any, Callable, Dict, Iterator, Optional, Sequence, Tuple, TypeVar

_T = TypeVar("_T")

#: Seconds in which a process that is told to end has stopped the servers that it started.
_ENDS_WITHIN = 90.0

_system = multiprocessing.get_context("fork")  # what the work needs is there already, and is not pickled


def results(work: Callable[[str], _T], names: Sequence[str], at_once: int) -> Iterator[Tuple[str, _T]]:
    """Give (name, what *work* returned) as each ends. Raises RuntimeError where one ended without a result.

    Whatever ends the iteration early ends the processes, as Ctrl-C would: they stop what they started.
    """
    waiting = deque(names)
    running: Dict[Any, Tuple[str, ForkProcess]] = {}  # by the pipe of its result
    try:
        while waiting or running:
            while waiting and len(running) < at_once:
                name = waiting.popleft()
                here, there = _system.Pipe(duplex=False)
                process = _system.Process(target=_do, args=(work, name, there))
                process.start()
                there.close()
                running[here] = (name, process)
            for ended in wait(list(running)):
                name, process = running[ended]
                result = _received(ended, name)
                process.join()
                del running[ended]
                yield name, result
    finally:
        for _, process in running.values():
            process.terminate()
        for _, process in running.values():
            process.join(_ENDS_WITHIN)


def _received(pipe: Any, name: str) -> Any:
    try:
        return pipe.recv()
    except EOFError:
        raise RuntimeError(f"{name} has ended without a result") from None


def _do(work: Callable[[str], _T], name: str, there: Connection) -> None:
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, _leave)
    there.send(work(name))


def _leave(number: int, frame: Optional[FrameType]) -> None:
    # Ctrl-C reaches every process, and the first of them to end tells the others too: once is enough.
    for each in (signal.SIGINT, signal.SIGTERM):
        signal.signal(each, signal.SIG_IGN)
    sys.exit(128 + number)
