"""Refuses to start, in a sentence, where our channels cannot work: on Windows, or beside Rasa's for Facebook.

Without it Python says `pass_fds not supported on Windows`, and Sanic that a route exists already.
"""

from __future__ import annotations

import functools
import sys
from typing import Any

from rasa.shared.exceptions import RasaException

from handover_channel.rasa.rasa_versions import rasas_facebook
from handover_channel.settings.credentials import CHANNEL

_REFUSES_MARK = "_handover_refuses"

ON_WINDOWS = (
    "handover does not run on Windows: its processes share a socket, which Python cannot do there -> run the "
    "bot in WSL 2 or in Docker (docs/deployment.md)"
)
BESIDE_FACEBOOK = (
    f"credentials.yml has both facebook and {CHANNEL}: both serve /webhooks/facebook/webhook -> take the "
    f"block facebook out, {CHANNEL} has the same keys"
)


class CannotStart(RasaException):
    """The channels cannot work like this. Rasa prints its own exceptions without a traceback."""


def expect_startable(channel: str, platform: str = sys.platform) -> None:
    """Raise CannotStart where no channel of ours works. Beside Messenger's, Rasa's own then refuses to start.

    *channel*: the one that starts. Rasa makes all channels first, and their routes then.
    """
    if platform == "win32":
        raise CannotStart(f"{channel} cannot start: {ON_WINDOWS}")
    if channel == CHANNEL:
        _refuse_rasas_own()


def _refuse_rasas_own() -> None:
    channel_class = rasas_facebook()
    if channel_class is None or hasattr(channel_class.blueprint, _REFUSES_MARK):
        return
    serves = channel_class.blueprint

    @functools.wraps(serves)
    def blueprint(channel: Any, on_new_message: Any) -> Any:
        raise CannotStart(BESIDE_FACEBOOK)

    setattr(blueprint, _REFUSES_MARK, True)
    channel_class.blueprint = blueprint
