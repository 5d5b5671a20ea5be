"""Words why control of a thread changed: one sentence for each reason in the log of changes. No I/O.

Places: %(target)s is who has control, as configured; %(who)s an agent; %(name)s the person. The inbox page
and `handover status` translate them.
"""

from __future__ import annotations

from typing import Mapping


def _(text: str) -> str:
    """Mark *text* to be translated where it is read."""
    return text


#: Reason of a change of control, as in its log -> the sentence about it.
REASONS: Mapping[str, str] = {
    "handed_over": _("Handed over to %(target)s"),
    "requested": _("%(target)s asked for this conversation and was given it"),
    "staff_took_over": _("Somebody answered from outside (%(target)s): the bot fell silent"),
    "not_released": _("%(target)s had not let go: the bot fell silent again"),
    "channel_corrected": _(
        "Somebody had used this customer's id on another channel: what that did was undone"
    ),
    "automatic_reply": _("The Page inbox answered by itself: the bot fell silent"),
    "meta_ai": _("Meta's own AI answered: the bot fell silent"),
    "took_over": _("%(who)s took over"),
    "handed_on": _("%(who)s handed it on to %(target)s"),
    "extended": _("%(who)s extended the time limit"),
    "settled": _("According to Meta, %(target)s has it"),
    "pass_refused": _("Meta refused the handover: the bot goes on"),
    "keyword": _("%(name)s wrote a keyword: back to the bot"),
    "button": _("%(name)s tapped the button: back to the bot"),
    "time_limit": _("The time limit was up: back to the bot"),
    "agent": _("%(who)s returned it to the bot"),
    "passed_back": _("The other app passed it back to the bot"),
    "lapsed": _("The other app was silent for 24 hours: back to the bot"),
    "released": _("The other app let go: back to the bot"),
    "no_answer": _("Nobody answered in time: back to the bot"),
}
