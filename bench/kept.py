"""Databases of a million rows, made once and used by several runs, each of which has a copy.

What makes them is in the name of their folder: they are made anew when the code has changed, and every few
hours, as the times in them are near to now.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import time
from contextlib import contextmanager
from pathlib import Path
from typing import Callable, Iterator

from bench import databases
from bench.processes import ROOT
from bench.stage import FOLDER

_FOLDER = FOLDER / "data"
_YOUNG = 3 * 3600.0  #: seconds; deadlines in them are 12 hours ahead


def sqlite(name: str, count: int, database: Path, make: Callable[[], None]) -> float:
    """Have the file *database*, as *make* makes it; returns when that was (epoch seconds)."""
    folder = _folder_of(name, count)
    if _is_young(folder):
        shutil.copy(folder / "database", database)
    else:
        with _making(name, folder):
            make()
            shutil.copy(database, folder / "database")
    os.sync()  # what is measured has the disk for itself
    return _made_at(folder)


@contextmanager
def postgresql(name: str, count: int, make: Callable[[str], None]) -> Iterator[tuple[str, float]]:
    """Run a server with the database that *make* has made by its URL; gives its URL, and when that was."""
    folder = _folder_of(name, count)
    if not _is_young(folder):
        with _making(name, folder), databases.postgresql(into=folder / "database") as server:
            make(_url(server))
    with databases.postgresql(copy=folder / "database") as server:
        os.sync()  # as above
        yield _url(server), _made_at(folder)


def _url(server: databases.Server) -> str:
    return f"postgresql://postgres@127.0.0.1:{server.port}/handover"


def _folder_of(name: str, count: int) -> Path:
    sources = sorted(path for part in ("bench", "handover_channel") for path in (ROOT / part).rglob("*.py"))
    digest = hashlib.sha256(b"".join([f"{count}".encode(), *(path.read_bytes() for path in sources)]))
    return _FOLDER / f"{name}-{digest.hexdigest()[:12]}"


def _made_at(folder: Path) -> float:
    stamp = folder / "made"
    return float(stamp.read_text()) if stamp.exists() else 0.0


def _is_young(folder: Path) -> bool:
    return time.time() - _made_at(folder) < _YOUNG


@contextmanager
def _making(name: str, folder: Path) -> Iterator[None]:
    """Stamp what is made at last: what was interrupted is made anew. Others of that name are removed."""
    for old in _FOLDER.glob(f"{name}-*"):
        shutil.rmtree(old)
    folder.mkdir(parents=True)
    begun = time.time()
    yield
    (folder / "made").write_text(f"{begun}")
