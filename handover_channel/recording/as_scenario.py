"""Turns a recording into scenarios: a bug report becomes a test.

It is played at a simulator while a recorder looks on. So a scenario says what the simulator makes of it:
`comparison` tells where that is not what Meta did.
"""

from __future__ import annotations

import contextlib
from pathlib import Path
from typing import Callable, List

from handover_channel.recording.comparison import Replay
from handover_channel.recording.recording_file import Recording
from handover_channel.recording.scenario_recorder import ScenarioRecorder
from handover_channel.simulator.simulator import Simulator


def write(recording: Recording, file: Path, *, default_app: bool = True, over: bool = False) -> List[str]:
    """Write the scenarios of *recording* into *file*; return the differences from what Meta did.

    Raises HandoverError where the file exists, unless *over*, or cannot be written.
    """
    with contextlib.ExitStack() as stack:

        def watched(page: Simulator) -> Callable[[], None]:
            recorder = stack.enter_context(contextlib.closing(ScenarioRecorder(page, file, over=over)))
            return recorder.flush

        return list(Replay(recording, default_app=default_app, watched=watched).differences())
