"""Starts Rasa's commands in half the time, and trains the example bot where `make train` has not."""

from __future__ import annotations

import fcntl
import subprocess
import sys
from pathlib import Path
from typing import List

ROOT = Path(__file__).parent.parent
MODEL = ROOT / "models" / "handover.tar.gz"  # the one that `make train` keeps

#: `python -m rasa`, after what Rasa reads its classifier with. Its import looks for each of 765 functions in
#: every module that there is: before TensorFlow's thousands that takes 1.5 of the 15 s of CPU of a start,
#: after them 9.
RASA = [
    sys.executable,
    "-c",
    "import runpy, skops.io; runpy.run_module('rasa', run_name='__main__', alter_sys=True)",
]


def trained() -> Path:
    """Return the path of the example bot's model, trained if something has changed since."""
    MODEL.parent.mkdir(exist_ok=True)
    with (MODEL.parent / ".lock").open("w") as lock:  # several processes run tests
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not MODEL.exists() or MODEL.stat().st_mtime < max(path.stat().st_mtime for path in _sources()):
            command = [*RASA, "train", "--out", str(MODEL.parent), "--fixed-model-name", "handover"]
            done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=600)
            assert done.returncode == 0, done.stdout + done.stderr
            MODEL.touch()  # Rasa leaves the file alone when it finds nothing new in the data
    return MODEL


def _sources() -> List[Path]:
    policy = ROOT / "handover_channel" / "rasa" / "policy.py"
    return [ROOT / "config.yml", ROOT / "domain.yml", policy, *(ROOT / "data").rglob("*.yml")]
