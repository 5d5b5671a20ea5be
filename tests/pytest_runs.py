"""Runs pytest as a bot's developer does: in a folder of theirs, with the fixtures of the package."""

from __future__ import annotations

import os
import subprocess
import sys
from importlib.metadata import entry_points
from pathlib import Path

from rasa_commands import ROOT

PLUGIN = "handover_channel.testing.plugin"


def run(folder: Path, *more: str) -> subprocess.CompletedProcess[str]:
    """Run the tests in *folder*, or those that *more* names."""
    plugin = [] if _is_installed() else ["-p", PLUGIN]
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "PYTEST_ADDOPTS": ""}
    environment.pop("HANDOVER_CONFIG", None)
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", *plugin, *more]
    return subprocess.run(
        command, cwd=folder, env=environment, capture_output=True, text=True, timeout=280, check=False
    )


def _is_installed() -> bool:
    """Whether pytest finds the plugin by itself: not where the package was installed before it had one."""
    found = entry_points()
    ours = found.select(group="pytest11") if hasattr(found, "select") else found.get("pytest11", ())
    return any(each.value == PLUGIN for each in ours)
