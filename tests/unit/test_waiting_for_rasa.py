"""The action server keeps a connection while Rasa stands still between opening it and writing."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest


@pytest.mark.parametrize(("said", "kept"), [(None, 120), ("5", 5), ("30", 30)])
def test_the_action_server_waits_for_a_rasa_that_stands_still(tmp_path, said, kept):
    """A process of its own, as `rasa run actions` is one: Sanic allows one app of a name."""
    (tmp_path / "handover.yml").write_text('app_id: "1"\npage_access_token: a\ndatabase: sqlite:///a.db\n')
    script = (
        "from rasa_sdk.endpoint import create_app\n"
        "print(create_app('handover_channel.actions').config.KEEP_ALIVE_TIMEOUT)"
    )
    environment = {key: value for key, value in os.environ.items() if not key.startswith("SANIC_")}
    if said:
        environment["SANIC_KEEP_ALIVE_TIMEOUT"] = said
    environment.update(HANDOVER_CONFIG=str(tmp_path / "handover.yml"))

    done = subprocess.run(
        [sys.executable, "-c", script], env=environment, capture_output=True, text=True, timeout=60
    )

    assert done.stdout.split()[-1:] == [str(kept)], done.stderr
