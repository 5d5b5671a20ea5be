"""PostgreSQL and Redis for one figure: made in a temporary folder, started on ports of their own, stopped
by pid.

Both are taken as the machine has them; where one is missing, `missing` says so.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from contextlib import contextmanager
from pathlib import Path
from typing import Iterator, List, NamedTuple, Optional

from bench.processes import free_port, until


class Server(NamedTuple):
    """A server that runs."""

    port: int
    pid: int


def missing() -> str:
    """Return what keeps the figure from being measured, "" for nothing."""
    absent = [
        name
        for name, found in (("postgres", _postgres()), ("redis-server", shutil.which("redis-server")))
        if not found
    ]
    return f"no {' and no '.join(absent)} on this machine" if absent else ""


@contextmanager
def postgresql(*, copy: Optional[Path] = None, into: Optional[Path] = None) -> Iterator[Server]:
    """Run a PostgreSQL server with two empty databases, `rasa` and `handover`.

    The user is `postgres` and needs no password. *copy*: with what an earlier one has left *into* there.
    """
    binaries = _postgres()
    if binaries is None:
        raise RuntimeError("there is no PostgreSQL on this machine")
    folder = Path(tempfile.mkdtemp(prefix="handover-bench-"))
    port = free_port()
    settings = f"-p {port} -k {folder} -c listen_addresses=127.0.0.1 -c max_connections=300"
    try:
        _own(folder)
        if copy is None:
            _run(binaries / "initdb", "-D", folder / "data", "-A", "trust", "-U", "postgres")
        else:
            _copy(copy, folder / "data")
        _run(binaries / "pg_ctl", "-w", "-D", folder / "data", "-l", folder / "log", "-o", settings, "start")
        for name in ("rasa", "handover") if copy is None else ():
            _run(binaries / "createdb", "-h", "127.0.0.1", "-p", str(port), "-U", "postgres", name)
        yield Server(port, int((folder / "data" / "postmaster.pid").read_text().split("\n", 1)[0]))
        if into is not None:
            _run(binaries / "pg_ctl", "-w", "-D", folder / "data", "-m", "fast", "stop")
            _copy(folder / "data", into)
    finally:
        if (folder / "data" / "postmaster.pid").exists():
            _run(binaries / "pg_ctl", "-w", "-D", folder / "data", "-m", "immediate", "stop", check=False)
        shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def redis() -> Iterator[Server]:
    """Run a Redis server that keeps nothing on disk."""
    port = free_port()
    command = ["redis-server", "--port", str(port), "--bind", "127.0.0.1", "--save", "", "--appendonly", "no"]
    running = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        ping = ["redis-cli", "-p", str(port), "ping"]
        until(lambda: subprocess.run(ping, capture_output=True).stdout == b"PONG\n", "redis answers", 10)
        yield Server(port, running.pid)
    finally:
        running.terminate()
        running.wait(10)


def _postgres() -> Optional[Path]:
    """Return the folder of PostgreSQL's commands. Debian keeps them out of the PATH."""
    found = shutil.which("initdb")
    folders = [Path(found).resolve().parent] if found else []
    folders += sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True)
    return next((each for each in folders if (each / "initdb").exists() and (each / "pg_ctl").exists()), None)


def _own(folder: Path) -> None:
    # PostgreSQL refuses to run as root: the user that Debian's package makes takes its place.
    if os.geteuid() == 0:
        shutil.chown(folder, "postgres")


def _copy(data: Path, to: Path) -> None:
    subprocess.run(["cp", "-a", data, to], check=True)  # noqa: S607  (with its owner)


def _run(*command: str | Path, check: bool = True) -> None:
    as_user: List[str] = ["runuser", "-u", "postgres", "--"] if os.geteuid() == 0 else []
    # To a file, not a pipe: the server would keep the pipe open, and `run` wait for its end.
    subprocess.run([*as_user, *map(str, command)], check=check, stdout=subprocess.DEVNULL, cwd="/")
