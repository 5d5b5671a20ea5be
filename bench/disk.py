"""How long the disk takes for a flush while nobody else asks for one: beside what waits for flushes."""

from __future__ import annotations

import os
import time
from pathlib import Path

from bench.samples import Load

_PAGE = b"\0" * 4096


def flushes(folder: Path, count: int) -> Load:
    """Append a page to a file in *folder* and flush it, *count* times."""
    load, file = Load(), folder / "flushes"
    with file.open("wb", buffering=0) as pages:
        for _ in range(count):
            begun = time.perf_counter()
            pages.write(_PAGE)
            os.fdatasync(pages.fileno())
            load.add(200, time.perf_counter() - begun)
    file.unlink()
    return load
