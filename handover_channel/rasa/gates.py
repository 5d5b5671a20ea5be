"""Closes all the gates between people and Rasa's bot, in this process, on every channel of its server.

Asked for by our channels when the server starts, and by the policy when a model is loaded: a bot may have
either alone.
"""

from __future__ import annotations

from handover_channel.rasa.added_messages import hold_added_messages
from handover_channel.rasa.door import close_the_door
from handover_channel.rasa.way_out import close_the_way_out


def close_the_gates() -> None:
    """Have every agent of this process ask who has control. Harmless to repeat."""
    close_the_door()
    hold_added_messages()
    close_the_way_out()
