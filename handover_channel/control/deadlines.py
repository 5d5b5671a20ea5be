"""Acts on a deadline of a thread that is due: a time limit, nobody has answered, a return to try again."""

from __future__ import annotations

from handover_channel.control.thread_control import ThreadControl
from handover_channel.rules.control import Control, bot_may_speak
from handover_channel.rules.return_reasons import ReturnReason
from handover_channel.rules.time_limit import is_up
from handover_channel.store import deadlines
from handover_channel.store.deadlines import Deadline


def act_on(thread_control: ThreadControl, deadline: Deadline) -> None:
    """Do what is due: return the thread, or settle its pass. Nothing where it has moved on meanwhile."""
    if (row := thread_control.find(deadline.thread)) is None:
        return
    if deadline.kind == deadlines.SETTLE:
        if row.state.control is Control.PASSING:
            after = thread_control.settle(row)
            if bot_may_speak(after.state.control):
                # The person was told that somebody is coming. Nobody is.
                thread_control.note_returned(after, ReturnReason.NO_ANSWER)
        return
    reason = row.wanted if deadline.kind == deadlines.TAKE_AGAIN else deadline.kind
    # Claimed for one handover, and meanwhile another one has begun.
    is_old = deadline.kind == deadlines.TIME_LIMIT and not is_up(row.until, thread_control.clock())
    if reason and not bot_may_speak(row.state.control) and not is_old:
        thread_control.return_to_bot(row.id, ReturnReason(reason), who="clock")
