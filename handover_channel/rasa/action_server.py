"""Asks the action server, a while after Rasa has started, whether it runs our actions, and says so where not.

Both servers usually start at the same time, so it is asked late, and a few times. Only the log says it: the
action server may come at any time, and nothing would take a finding back.
"""

from __future__ import annotations

import asyncio
from typing import List

from handover_channel import log
from handover_channel.doctor.action_server import problems_of

logger = log.logger(__name__)

#: Seconds between the start and the first question, and between questions; how many there are.
ASK_ACTION_SERVER_EVERY, ASK_ACTION_SERVER_TIMES = 30.0, 3


def ask_later(url: str, loop: asyncio.AbstractEventLoop, times: int = ASK_ACTION_SERVER_TIMES) -> None:
    """Ask the action server at *url* (that of its webhook), and warn if it still lacks something at last."""

    def ask() -> None:
        asked = loop.run_in_executor(None, lambda: list(problems_of(url)))
        asked.add_done_callback(heard)

    def heard(asked: asyncio.Future[List[str]]) -> None:
        problems = [] if asked.cancelled() else asked.result()
        if problems and times > 1:
            ask_later(url, loop, times - 1)
            return
        for each in problems:
            logger.warning("half installed: %s", each)

    loop.call_later(ASK_ACTION_SERVER_EVERY, ask)
