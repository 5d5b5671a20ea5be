"""The servers of the bench start in half of Rasa's time."""

from __future__ import annotations

import subprocess
import sys

import pytest

pytest.importorskip("rasa", reason="needs Rasa")


@pytest.mark.parametrize("module", ["bench.rasa_command", "bench.stock"])
def test_skops_looks_through_all_modules_before_tensorflow_has_brought_its_own(module):
    code = f"import sys, {module}; print('skops.io' in sys.modules, 'tensorflow' in sys.modules)"

    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert done.stdout.split() == ["True", "False"]
