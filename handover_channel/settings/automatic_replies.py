"""Automatic replies of Meta's beside the bot: the block `automatic_replies` of handover.yml.

Rule 1: the Page inbox's instant reply and away message come as echoes of the Page inbox within seconds of the
        person's message, while nobody there has the thread. A person there who answers takes control,
        which Meta is asked about.
Rule 2: Meta's own AI marks its echoes `ai_generated`, or with the metadata ``{"source": "axon"}``.
Rule 3: neither is a person, so by default neither mutes the bot. Where Meta gives the thread to its AI, it
        refuses what the bot sends, and that mutes it.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from enum import Enum
from typing import Mapping

from handover_channel.settings.section import Section

KEYS = ("page_inbox", "meta_ai", "within")

#: By Meta's clock, from the person's message to the reply.
DEFAULT_WITHIN = timedelta(seconds=5)
#: Longer ones would take people for automatic replies.
LONGEST_WITHIN = timedelta(minutes=1)


class Reaction(str, Enum):
    """What an automatic reply does to the bot."""

    IGNORE = "ignore"  #: nothing: the bot answers as well
    MUTE = "mute"  #: the same as an answer of a person


@dataclass(frozen=True)
class AutomaticReplies:
    """What is done about those who answer beside the bot and are no people."""

    page_inbox: Reaction = Reaction.IGNORE
    meta_ai: Reaction = Reaction.IGNORE
    within: timedelta = DEFAULT_WITHIN  #: an answer of the Page inbox that comes so soon is automatic


#: Reasons of a change, and authors in the transcript.
AUTOMATIC_REPLY, META_AI = "automatic_reply", "meta_ai"

#: Reason -> which switch at Meta causes it.
REMEDIES: Mapping[str, str] = {
    AUTOMATIC_REPLY: (
        "the Page inbox answers by itself, beside the bot -> switch off instant reply and away message "
        "(Meta Business Suite > Inbox > Automations), or set automatic_replies.page_inbox in handover.yml"
    ),
    META_AI: (
        "Meta's own AI answers beside the bot -> switch it off (Meta Business Suite > Inbox > Automations, "
        "or the settings of Meta AI for the page), or set automatic_replies.meta_ai in handover.yml"
    ),
}


def read(block: Section) -> AutomaticReplies:
    """Return what is done about automatic replies; the block's list of problems may grow."""
    block.expect_only(KEYS)
    reactions = [each.value for each in Reaction]
    return AutomaticReplies(
        page_inbox=Reaction(block.one_of("page_inbox", reactions)),
        meta_ai=Reaction(block.one_of("meta_ai", reactions)),
        within=_within(block),
    )


def _within(block: Section) -> timedelta:
    within = block.duration("within", DEFAULT_WITHIN)
    if within is None or within > LONGEST_WITHIN:
        given = block.text("within") if block.values.get("within") else "false"
        block.refuse("within", f"is {given}: write 1 second to 1 minute; people answer after that")
        return DEFAULT_WITHIN
    return within
