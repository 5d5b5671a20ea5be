"""Builds the source distribution and the wheel, as `make dist` does, of a tree that holds nothing else."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

from documents import ROOT

PACKAGE = ROOT / "handover_channel"
PIP = (sys.executable, "-m", "pip", "--disable-pip-version-check", "--quiet")


class Built(NamedTuple):
    """What `make dist` makes."""

    source: Path
    wheel: Path


def run(*command: str, cwd: Path) -> str:
    """Run a command, which must end well, with nothing but its own environment's packages."""
    # Whatever else is to be found in a PYTHONPATH would count as installed.
    environ = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    done = subprocess.run(command, cwd=cwd, env=environ, capture_output=True, text=True, timeout=240)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def build(tree: Path, dist: Path) -> Built:
    """Build both into *dist*, of a copy of the sources in *tree*."""
    for name in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, tree)
    shutil.copytree(PACKAGE, tree / PACKAGE.name, ignore=shutil.ignore_patterns("__pycache__"))
    (tree / "handover_channel/store/migrations/__pycache__").mkdir()
    (tree / "handover_channel/store/migrations/__pycache__/env.pyc").write_bytes(b"left over")
    backend = f"import setuptools.build_meta as backend; backend.build_sdist({str(dist)!r})"
    run(sys.executable, "-c", backend, cwd=tree)
    (source,) = dist.glob("*.tar.gz")
    run(*PIP, "wheel", "--no-deps", "--no-build-isolation", "--wheel-dir", str(dist), str(source), cwd=dist)
    (wheel,) = dist.glob("*.whl")
    return Built(source, wheel)
