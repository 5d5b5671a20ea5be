"""Tells where the CPU of this machine went: by process, and by core over time.

1. A process counts to the nearest of the named ones above it, itself included; what its children used that
   have ended counts too: a database answers each connection with a process of its own.
2. The cores are looked at five times a second, so that what some span had can be told afterwards.
"""

from __future__ import annotations

import os
import threading
import time
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Dict, Iterator, List, Mapping, NamedTuple

EVERY = 0.2  #: seconds between two looks at the cores


class Used(NamedTuple):
    """What a process has used."""

    parent: int  #: process id
    seconds: float  #: of CPU, with those of its children that have ended


class Core(NamedTuple):
    """What a core has done since the machine started, in ticks."""

    busy: int
    total: int


class Look(NamedTuple):
    """One look at the cores."""

    at: float  #: seconds, monotonic clock of this machine
    cores: List[Core]


@dataclass
class Watch:
    """What was seen while somebody watched."""

    used: Dict[str, float] = field(default_factory=dict)  #: name -> seconds of CPU
    looks: List[Look] = field(default_factory=list)


@contextmanager
def watched(named: Mapping[int, str]) -> Iterator[Watch]:
    """Watch the machine; the Watch is complete afterwards. *named*: process id -> name, which may recur."""
    watch, ended = Watch(), threading.Event()

    def look() -> None:
        while not ended.wait(EVERY):
            watch.looks.append(_look())

    looking = threading.Thread(target=look, daemon=True)
    before = by_name(_processes(), named)
    watch.looks.append(_look())
    looking.start()
    try:
        yield watch
    finally:
        ended.set()
        looking.join()
        watch.looks.append(_look())
        after = by_name(_processes(), named)
        watch.used = {name: after[name] - before[name] for name in after}


def by_name(processes: Mapping[int, Used], named: Mapping[int, str]) -> Dict[str, float]:
    """Return the seconds of CPU that belong to each name."""
    found = dict.fromkeys(named.values(), 0.0)
    for pid, used in processes.items():
        above: int = pid
        while above not in named and above in processes:
            above = processes[above].parent
        if above in named:
            found[named[above]] += used.seconds
    return found


def busy(looks: List[Look], begin: float, end: float) -> List[float]:
    """Return the share of each core that was busy between the looks nearest to *begin* and to *end*."""
    first, last = (min(looks, key=lambda look: abs(look.at - moment)) for moment in (begin, end))
    return [
        (after.busy - before.busy) / max(1, after.total - before.total)
        for before, after in zip(first.cores, last.cores)
    ]


def _look() -> Look:
    cores = []
    for line in Path("/proc/stat").read_text().splitlines()[1 : 1 + (os.cpu_count() or 1)]:
        ticks = [int(each) for each in line.split()[1:9]]
        cores.append(Core(sum(ticks) - ticks[3] - ticks[4], sum(ticks)))  # less idle, and waiting for a disk
    return Look(time.monotonic(), cores)


def _processes() -> Dict[int, Used]:
    found, second = {}, os.sysconf("SC_CLK_TCK")
    for stat in Path("/proc").glob("[0-9]*/stat"):
        with suppress(OSError):  # it has ended meanwhile
            fields = stat.read_text().rpartition(")")[2].split()
            found[int(stat.parent.name)] = Used(int(fields[1]), sum(map(int, fields[11:15])) / second)
    return found
