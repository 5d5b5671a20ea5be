"""What every test run needs: reasons for what is skipped, quiet libraries, patience with slow machines."""

from __future__ import annotations

import os
import shutil
from importlib.util import find_spec
from typing import Callable, Dict, List, Tuple

import pytest
from hypothesis import settings

#: marker -> (whether the machine has it, what to do where it does not)
NEEDS: Dict[str, Tuple[Callable[[], bool], str]] = {
    "rasa": (lambda: find_spec("rasa") is not None, "Rasa is not installed: it stops at Python 3.10"),
    "postgres": (lambda: "HANDOVER_TEST_POSTGRES" in os.environ, "set HANDOVER_TEST_POSTGRES to its URL"),
    "redis": (lambda: "HANDOVER_TEST_REDIS" in os.environ, "set HANDOVER_TEST_REDIS to its URL"),
    "browser": (lambda: shutil.which("chromium") is not None, "install chromium"),
}

# How long an example takes says something about the machine, not about the code.
settings.register_profile("handover", deadline=None)
settings.load_profile("handover")


def pytest_configure() -> None:
    # For the processes that tests start, too.
    os.environ.setdefault("RASA_TELEMETRY_ENABLED", "false")
    os.environ.setdefault("SQLALCHEMY_SILENCE_UBER_WARNING", "1")
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")


def pytest_collection_modifyitems(items: List[pytest.Item]) -> None:
    lacking = {marker: reason for marker, (has, reason) in NEEDS.items() if not has()}
    for item in items:
        for marker, reason in lacking.items():
            if item.get_closest_marker(marker):
                item.add_marker(pytest.mark.skip(reason=reason))
