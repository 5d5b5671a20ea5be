"""Returns many threads to the bot, one after the other, each as a single return (thread_control.py).

1. What Meta refuses in one thread stops nothing: the next one follows. If Meta does not answer for several
   in a row, the rest is left alone: each would cost the seconds of several attempts.
2. A thread that has changed hands since it was chosen is left alone: that handover is over.
3. Whoever stops it is heard between two threads, never in the middle of one.
"""

from __future__ import annotations

from enum import Enum
from typing import Callable, Iterator, NamedTuple, Sequence

from handover_channel.control.thread_control import ThreadControl
from handover_channel.graph_api.remedies import says_to_wait
from handover_channel.rules.control import bot_may_speak
from handover_channel.rules.return_reasons import ReturnReason
from handover_channel.sentences import Sentence, restored
from handover_channel.store.open_threads import Handover
from handover_channel.store.threads import Thread

#: After so many threads in a row for which Meta does not answer, no more are tried.
UNANSWERED_IN_A_ROW = 3

_UNSETTLED = Sentence(
    "Meta does not tell whether it was passed on -> it is asked again by itself; see `handover status`"
)
_CHANGED = Sentence("control has changed meanwhile -> look again: `handover status`")


class Outcome(str, Enum):
    """What came of one return."""

    RETURNED = "returned"
    REFUSED = "refused"  #: by Meta; it is tried again by itself
    CHANGED = "changed"  #: it has changed hands since it was chosen
    LEFT = "left"  #: not tried


class Result(NamedTuple):
    """What came of one return, and where it was refused, why and what to do."""

    handover: Handover
    outcome: Outcome
    why: Sentence = restored("")


def return_all(
    thread_control: ThreadControl,
    chosen: Sequence[Handover],
    *,
    who: str,
    stops: Callable[[], bool] = lambda: False,
) -> Iterator[Result]:
    """Return the *chosen* handovers, and yield what came of each as soon as it is known.

    *stops*: asked before each one; once it says so, the rest is LEFT. Raises StoreUnavailable.
    """
    unanswered = 0
    for each in chosen:
        if unanswered >= UNANSWERED_IN_A_ROW or stops():
            yield Result(each, Outcome.LEFT)
            continue
        result = _returned(thread_control, each, who)
        unanswered = unanswered + 1 if result.outcome is Outcome.REFUSED and says_to_wait(result.why) else 0
        yield result


def _returned(thread_control: ThreadControl, chosen: Handover, who: str) -> Result:
    row = thread_control.find(chosen.thread)
    if row is None or not _is_same(row, chosen):
        return Result(chosen, Outcome.CHANGED, _CHANGED)
    if thread_control.return_to_bot(chosen.thread, ReturnReason.AGENT, who=who):
        return Result(chosen, Outcome.RETURNED)
    after = thread_control.find(chosen.thread)
    return Result(chosen, Outcome.REFUSED, (after and after.refusal) or _UNSETTLED)


def _is_same(row: Thread, chosen: Handover) -> bool:
    return not bot_may_speak(row.state.control) and row.changed_at == chosen.changed_at
