"""The trained model of the example bot: once for all tests, and only if its data changed."""

from __future__ import annotations

import asyncio
import subprocess
import sys
import threading
from pathlib import Path
from typing import Iterator, List

import pytest

ROOT = Path(__file__).parents[2]
MODEL = ROOT / "models" / "handover.tar.gz"  # the one `make train` keeps


def _trained_from() -> List[Path]:
    return [ROOT / "config.yml", ROOT / "domain.yml", *(ROOT / "data").rglob("*.yml")]


@pytest.fixture(scope="session")
def model() -> Path:
    """The path of the example bot's model."""
    newest = max(path.stat().st_mtime for path in _trained_from())
    if not MODEL.exists() or MODEL.stat().st_mtime < newest:
        command = [
            sys.executable,
            "-m",
            "rasa",
            "train",
            "--out",
            "models",
            "--fixed-model-name",
            MODEL.stem[:-4],
        ]
        subprocess.run(command, cwd=ROOT, check=True, capture_output=True)
        # Rasa leaves the file alone when it finds nothing new in the data.
        MODEL.touch()
    return MODEL


@pytest.fixture(autouse=True, scope="session")
def untouched():
    """Let Sanic 21.12 start more than one server in a process: it rewrites its methods from their source."""
    try:
        from sanic import app, http  # noqa: F401  (they name the methods)
        from sanic.touchup import TouchUp
    except ImportError:
        return
    names = [(target, name) for target, name in getattr(TouchUp, "_registry", ())]
    own = [(target, name, getattr(target, name)) for target, name in names]
    run = TouchUp.run.__func__

    def run_afresh(cls, server):
        for target, name, method in own:
            setattr(target, name, method)
        run(cls, server)

    TouchUp.run = classmethod(run_afresh)


@pytest.fixture
def other_loop() -> Iterator[asyncio.AbstractEventLoop]:
    """An event loop that runs on a thread of its own."""
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever)
    thread.start()
    yield loop
    loop.call_soon_threadsafe(loop.stop)
    thread.join()
    loop.close()
