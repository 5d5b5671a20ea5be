"""The built-in inbox: the block `inbox` of handover.yml.

Rule 1: every key has a default; ``false`` or ``null`` switch off what can be done without.
Rule 2: texts have placeholders in braces. One that nobody fills in is a problem: a person would read it.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Collection, Dict, Mapping, Optional

from handover_channel.block import Block, quoted

KEYS = ("sign_in_for", "joined", "ahead", "offline_after", "canned_replies", "personas")

#: The placeholders of each text.
JOINED, AHEAD, CANNED = ("agent",), ("count",), ("name", "agent")

#: Meta's limit for a message is 2,000 characters, for all that we send in one:
#: https://developers.facebook.com/docs/messenger-platform/reference/send-api
MAX_TEXT = 2000
MAX_CANNED_REPLIES = 200

DEFAULT_SIGN_IN = timedelta(hours=12)
DEFAULT_OFFLINE = timedelta(minutes=5)

_PLACEHOLDER = re.compile(r"\{([^{}]*)\}")


@dataclass(frozen=True)
class InboxSettings:
    """How the built-in inbox behaves."""

    sign_in_for: timedelta = DEFAULT_SIGN_IN  #: a sign-in that was not used for so long ends
    joined: str = ""  #: told to the person when an agent joins; "": nothing
    ahead: str = ""  #: told to the person at a handover, while others wait before them; "": nothing
    offline_after: Optional[timedelta] = DEFAULT_OFFLINE  #: after it threads of who is gone are nobody's
    canned_replies: Mapping[str, str] = field(default_factory=dict)  #: name -> text
    personas: bool = False  #: agents answer under their own name and picture


def read(block: Block) -> InboxSettings:
    """Return the inbox of *block*, whose list of problems grows by what is wrong with it."""
    block.expect_only(KEYS)
    return InboxSettings(
        sign_in_for=_sign_in_for(block),
        joined=_told(block, "joined", JOINED),
        ahead=_told(block, "ahead", AHEAD),
        offline_after=block.duration("offline_after", DEFAULT_OFFLINE),
        canned_replies=_canned_replies(block.block("canned_replies")),
        personas=block.flag("personas"),
    )


def filled(text: str, **values: object) -> str:
    """Return *text* with its placeholders filled in; what is filled in is text, whatever it holds."""
    return _PLACEHOLDER.sub(lambda found: str(values.get(found[1].strip(), found[0])), text)


def _sign_in_for(block: Block) -> timedelta:
    found = block.duration("sign_in_for", DEFAULT_SIGN_IN)
    if found is None:
        block.refuse("sign_in_for", "has to end some time: write a duration, such as 12 hours")
    return found or DEFAULT_SIGN_IN


def _told(block: Block, key: str, placeholders: Collection[str]) -> str:
    if block.values.get(key) in (None, False):
        return ""
    return _text(block, key, placeholders)


def _text(block: Block, key: str, placeholders: Collection[str]) -> str:
    text = block.text(key)
    if len(text) > MAX_TEXT:
        block.refuse(key, f"has {len(text)} characters; {MAX_TEXT} are allowed: shorten it")
    for name in dict.fromkeys(found.strip() for found in _PLACEHOLDER.findall(text)):
        if name not in placeholders:
            known = " or ".join(f"{{{each}}}" for each in placeholders)
            block.refuse(key, f"has a placeholder {quoted(f'{{{name}}}')}: only {known} is filled in")
    return text


def _canned_replies(block: Block) -> Dict[str, str]:
    replies = {}
    for key in block.values:
        name = str(key).strip() if isinstance(key, (str, int)) else ""
        count = len(block.problems)
        text = _text(block, key, CANNED)
        if not name:
            block.refuse('""', "is a reply without a name: write one before the colon")
        elif not text and len(block.problems) == count:
            block.refuse(name, "is empty: write what agents answer with it, or leave it out")
        replies[name] = text
    if len(replies) > MAX_CANNED_REPLIES:
        said = f"has {len(replies)} replies; {MAX_CANNED_REPLIES} are allowed: leave some out"
        block.problems.append(f"{block.file}: {block.path} {said}")
    return replies
