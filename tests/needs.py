"""Knows what tests may need that a machine can lack, and what to do where it does."""

from __future__ import annotations

import shutil
from importlib import metadata
from importlib.util import find_spec
from typing import Callable, Dict, Tuple

from browsers import has_chromium
from databases import has_postgresql, has_redis
from rasa_commands import ROOT


def _is_installed(distribution: str) -> bool:
    try:
        metadata.version(distribution)
    except metadata.PackageNotFoundError:
        return False
    return True


#: marker -> (whether the machine has it, what to do where it does not)
NEEDS: Dict[str, Tuple[Callable[[], bool], str]] = {
    "pro": (lambda: _is_installed("rasa-pro"), "Rasa Pro is not installed: make test-pro has it"),
    "rasa": (lambda: find_spec("rasa") is not None, "Rasa is not installed: it stops at Python 3.10"),
    "postgres": (has_postgresql, "PostgreSQL is not installed: apt-get install postgresql"),
    "redis": (has_redis, "Redis is not installed: apt-get install redis-server"),
    "nginx": (
        lambda: shutil.which("nginx") is not None,
        "nginx is not installed: apt-get install nginx-light",
    ),
    "node": (
        lambda: bool(shutil.which("node") and shutil.which("npm")),
        "Node.js or npm is not installed: apt-get install nodejs npm",
    ),
    "corpus": (
        (ROOT.parent / "shared" / "corpus").is_dir,
        "the corpus, ../shared/corpus, is no part of this repository",
    ),
    "browser": (has_chromium, "there is no Chromium, or no Playwright to drive it: apt-get install chromium"),
}
