"""Reads the environment of the process: the only module that does. Everybody else is handed it."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Mapping, Optional

#: The process's own, as it is when it is looked at.
ENVIRON: Mapping[str, str] = os.environ


def settings_path(path: Optional[str] = None, environ: Mapping[str, str] = ENVIRON) -> Path:
    """Return where the settings are: *path*, else what HANDOVER_CONFIG names, else ./handover.yml."""
    return Path(path or environ.get("HANDOVER_CONFIG") or "handover.yml").absolute()
