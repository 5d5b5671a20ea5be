"""Reads what Meta's automatic replies do to the bot: the section `automatic_replies` of handover.yml.

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

from handover_channel.settings import keys
from handover_channel.settings.keys import one_of, setting
from handover_channel.settings.section import Section

#: Longer ones would take people for automatic replies.
LONGEST_WITHIN = timedelta(minutes=1)


class Reaction(str, Enum):
    """What an automatic reply does to the bot."""

    IGNORE = "ignore"  #: nothing: the bot answers as well
    MUTE = "mute"  #: the same as an answer of a person


def _within(section: Section, key: str, default: timedelta) -> timedelta:
    within = section.duration(key, default)
    if within is None or within > LONGEST_WITHIN:
        given = section.text(key) if section.values.get(key) else "false"
        section.refuse(key, f"is {given}: write 1 second to 1 minute; people answer after that")
        return default
    return within


@dataclass(frozen=True)
class AutomaticReplies:
    """How the bot reacts to automatic replies."""

    page_inbox: Reaction = setting(
        read=one_of(Reaction),
        default="ignore",
        meaning="What an automatic reply of the Page inbox (instant reply, away message) does to the bot: "
        "`ignore`, or `mute` as an answer of a person does. See [below](#automatic-replies).",
    )
    meta_ai: Reaction = setting(
        read=one_of(Reaction), default="ignore", meaning="The same for Meta's own AI."
    )
    #: By Meta's clock.
    within: timedelta = setting(
        read=_within,
        default="5 seconds",
        meaning="What the Page inbox says within this time of the person's message is taken for an automatic "
        "reply, up to 1 minute.",
    )


#: Reasons of a change, and authors in the transcript.
AUTOMATIC_REPLY, META_AI = "automatic_reply", "meta_ai"

#: Reason -> which switch at Meta causes it.
SWITCH_AT_META: Mapping[str, str] = {
    AUTOMATIC_REPLY: (
        "the Page inbox answers by itself, beside the bot -> switch off instant reply and away message "
        "(Meta Business Suite > Inbox > Automations), or set automatic_replies.page_inbox in handover.yml"
    ),
    META_AI: (
        "Meta's own AI answers beside the bot -> switch it off (Meta Business Suite > Inbox > Automations, "
        "or the settings of Meta AI for the page), or set automatic_replies.meta_ai in handover.yml"
    ),
}


def read(section: Section) -> AutomaticReplies:
    """Return how the bot reacts to automatic replies; the section's list of problems may grow."""
    return keys.read(AutomaticReplies, section)
