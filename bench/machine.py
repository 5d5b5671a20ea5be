"""Tells what the numbers were measured on: processor, memory, versions. No host name, no path."""

from __future__ import annotations

import os
import platform
import re
import sqlite3
import subprocess
import time
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Dict

from bench.processes import ROOT

PACKAGES = (
    "rasa",
    "rasa-sdk",
    "rasa-handover",
    "sanic",
    "uvloop",
    "SQLAlchemy",
    "requests",
    "urllib3",
    "fbmessenger",
    "tensorflow",
)


def describe() -> Dict[str, str]:
    """Return what is worth knowing, as it goes into the report."""
    return {
        "Processor": f"{_processor()}, {os.cpu_count()} cores",
        "Memory": f"{_memory() / 2**30:.0f} GiB",
        "System": f"{platform.system()} {platform.release().split('-')[0]}, {platform.machine()}",
        "Python": platform.python_version(),
        "SQLite": sqlite3.sqlite_version,
        "Code": _commit(),
        "Packages": ", ".join(f"{name} {_version(name)}" for name in PACKAGES if _version(name)),
    }


def idle(seconds: float = 1.0) -> float:
    """Return the share of all cores that was idle over some seconds: 1.0, nobody else is at work."""
    before = _ticks()
    time.sleep(seconds)
    after = _ticks()
    return (after[0] - before[0]) / max(1, after[1] - before[1])


def _ticks() -> tuple[int, int]:
    fields = [int(each) for each in Path("/proc/stat").read_text().splitlines()[0].split()[1:]]
    return fields[3] + fields[4], sum(fields[:8])


def _processor() -> str:
    found = re.search(r"^model name\s*:\s*(.+)$", Path("/proc/cpuinfo").read_text(), re.MULTILINE)
    return found.group(1) if found else platform.processor() or platform.machine()


def _memory() -> int:
    return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")


def _commit() -> str:
    """Return which commit the code is of, and whether it was changed since."""
    command = ["git", "describe", "--always", "--dirty= with changes", "--exclude=*"]
    try:
        done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)  # noqa: S603
    except (OSError, subprocess.CalledProcessError):
        return "not known"
    return f"commit {done.stdout.strip()}"


def _version(name: str) -> str:
    try:
        return version(name)
    except PackageNotFoundError:
        return ""
