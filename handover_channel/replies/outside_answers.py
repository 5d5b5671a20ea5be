"""Notes that somebody outside the built-in inbox has answered: people in the Page inbox, or another app.

Whoever was answered waits no longer, and nobody is told any more that they do. An answer from before the
person's last words, whose echo comes late, ends nothing: they have written since.
"""

from __future__ import annotations

from handover_channel.messenger.events import MessageEchoed
from handover_channel.metrics import first_response
from handover_channel.rules.control import Control
from handover_channel.settings.loader import Settings
from handover_channel.store import Store, deadlines, threads
from handover_channel.store.threads import Thread


def note(settings: Settings, store: Store, row: Thread, answer: MessageEchoed, *, now: float) -> None:
    """Note *answer* in the thread of *row*, before it is written into the transcript. *now*: our clock."""
    first_response.note(settings, store, row, now=now)
    if row.state.control is not Control.INBOX or answer.timestamp < row.person_at:
        return
    with store.writing() as connection:
        deadlines.clear(connection, row.id, deadlines.NO_ANSWER)
        threads.answered(connection, row.id)
