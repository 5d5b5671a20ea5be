"""The built-in inbox: the block `inbox` of handover.yml.

Rule 1: every key has a default; ``false`` or ``null`` switch off what can be done without.
Rule 2: texts have placeholders in braces. One that nobody fills in is a problem: a person would read it.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Collection, Dict, Iterator, Mapping, Optional

from handover_channel.rules.continuing import Named, in_words
from handover_channel.rules.languages import LANGUAGES
from handover_channel.settings.section import Section, quoted

KEYS = ("sign_in_for", "joined", "ahead", "offline_after", "canned_replies", "personas", "continue_with")

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
    #: With what the bot may go on: intent -> language -> name. None: with what makes sense; {}: with nothing.
    continue_with: Optional[Named] = None


def read(block: Section) -> InboxSettings:
    """Return the inbox of *block*, whose list of problems grows by what is wrong with it."""
    block.expect_only(KEYS)
    return InboxSettings(
        sign_in_for=_sign_in_for(block),
        joined=_told(block, "joined", JOINED),
        ahead=_told(block, "ahead", AHEAD),
        offline_after=block.duration("offline_after", DEFAULT_OFFLINE),
        canned_replies=_canned_replies(block.block("canned_replies")),
        personas=block.flag("personas"),
        continue_with=_continue_with(block),
    )


def filled(text: str, **values: object) -> str:
    """Return *text* with its placeholders filled in; what is filled in is text, whatever it holds."""
    return _PLACEHOLDER.sub(lambda found: str(values.get(found[1].strip(), found[0])), text)


def _sign_in_for(block: Section) -> timedelta:
    found = block.duration("sign_in_for", DEFAULT_SIGN_IN)
    if found is None:
        block.refuse("sign_in_for", "has to end some time: write a duration, such as 12 hours")
    return found or DEFAULT_SIGN_IN


def _told(block: Section, key: str, placeholders: Collection[str]) -> str:
    if block.values.get(key) in (None, False):
        return ""
    return _text(block, key, placeholders)


def _text(block: Section, key: str, placeholders: Collection[str]) -> str:
    text = block.text(key)
    if len(text) > MAX_TEXT:
        block.refuse(key, f"has {len(text)} characters; {MAX_TEXT} are allowed: shorten it")
    for name in dict.fromkeys(found.strip() for found in _PLACEHOLDER.findall(text)):
        if name not in placeholders:
            known = " or ".join(f"{{{each}}}" for each in placeholders)
            block.refuse(key, f"has a placeholder {quoted(f'{{{name}}}')}: only {known} is filled in")
    return text


def _canned_replies(block: Section) -> Dict[str, str]:
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


def _continue_with(block: Section) -> Optional[Named]:
    given = block.values.get("continue_with", True)
    if given is None or given is True:
        return None
    if given is False:
        return {}
    if isinstance(given, list):
        return {intent: in_words(intent) for intent in _listed(block, "continue_with")}
    if isinstance(given, str):
        block.refuse("continue_with", f"is {quoted(given)}: write names below the intents, a list, or false")
        return None
    named = block.block("continue_with")
    return {str(intent): _names(named, intent) for intent in named.values}


def _listed(block: Section, key: str) -> Iterator[str]:
    for name, value in block.items(key):
        text = Section(block.file, {name: value}, block.problems, block.path).text(name)
        if text:
            yield text
        elif value in ("", None):
            block.refuse(name, "is empty: write the name of an intent, or leave it out")


def _names(named: Section, intent: str) -> Mapping[str, str]:
    """Return what agents read for *intent*: one name for every language, or one for each."""
    given = named.values[intent]
    if not isinstance(given, Mapping):
        name = named.text(intent)
        if not name:
            named.refuse(str(intent), "has no name: write what agents read, such as Opening hours")
        return dict.fromkeys(LANGUAGES, name)
    languages = named.block(intent)
    languages.expect_only(LANGUAGES)
    names = {language: languages.text(language) for language in LANGUAGES if languages.has(language)}
    if not names:
        named.refuse(str(intent), f"has no name: write one for {' or '.join(LANGUAGES)}")
    first = next(iter(names.values()), "")
    return {language: names.get(language, first) for language in LANGUAGES}
