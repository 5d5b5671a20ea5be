"""Names processes and their workers, as claims and words between processes carry them: `host:pid:random`."""

from __future__ import annotations

import os
import socket
import uuid


def of_process() -> str:
    """Return the name of this process. Asked each time: servers fork."""
    return f"{socket.gethostname()}:{os.getpid()}"


def new() -> str:
    """Return a name for one more worker of this process."""
    return f"{of_process()}:{uuid.uuid4().hex[:8]}"


def has_died(worker: str) -> bool:
    """Tell whether the process of *worker* was on this machine and is no more.

    For a database that only one machine uses: elsewhere a process id says nothing.
    """
    host, pid = worker.split(":")[:2]
    return host == socket.gethostname() and not _is_alive(int(pid))


def _is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
