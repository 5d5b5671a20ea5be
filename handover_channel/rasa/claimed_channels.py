"""Refuses calls of Rasa's REST channel that claim to come from another channel of the server.

Rasa believes `input_channel` in the body of a call to `rest` or `callback`. With "facebook" in it a stranger
handed over the thread of somebody on Messenger, and had the agents' page fetch what they named: on Messenger
Meta has signed that. A name that no channel here has is taken as ever: pages of one's own may go by it.

Rasa 3.6.21: `rasa.core.channels.rest.RestInput`.
"""

from __future__ import annotations

import functools
from typing import Any, Iterable

from handover_channel.messenger.events import MESSENGER

_CLAIMED_MARK = "_handover_checks"


def keep_apart() -> None:
    """Have a call whose channel it is not count as one of the channel that was called. Harmless to repeat."""
    # Here: the rest of this module needs no Rasa.
    from rasa.core.channels.rest import RestInput

    believes = RestInput._extract_input_channel
    if hasattr(believes, _CLAIMED_MARK):
        return

    @functools.wraps(believes)
    def channel_of(called: Any, request: Any) -> str:
        others = getattr(request.app.ctx, "input_channels", None) or ()
        return own_name(believes(called, request), called.name(), (each.name() for each in others))

    setattr(channel_of, _CLAIMED_MARK, True)
    RestInput._extract_input_channel = channel_of


def own_name(claimed: Any, called: str, served: Iterable[str]) -> str:
    """Return which channel a call of *called* is of: the *claimed* one, if that is no other one served."""
    taken = {MESSENGER, *served} - {called}
    return claimed if isinstance(claimed, str) and claimed not in taken else called
