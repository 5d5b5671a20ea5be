"""Reads how the built-in inbox behaves: the section `inbox` of handover.yml.

Rule 1: every key has a default; ``false`` or ``null`` switch off what can be done without.
Rule 2: texts have placeholders in braces. One that nobody fills in is a problem: a person would read it.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import timedelta
from typing import Collection, Dict, Iterator, List, Mapping, Optional

from handover_channel.rules.continuing import Named, in_words
from handover_channel.settings import keys, titles
from handover_channel.settings.keys import Key, Reader, setting
from handover_channel.settings.section import Section, quoted

#: The placeholders of each text.
JOINED_PLACEHOLDERS, AHEAD_PLACEHOLDERS, CANNED_PLACEHOLDERS = ("agent",), ("count",), ("name", "agent")

#: Meta's limit for a message is 2,000 characters, for all that we send in one:
#: https://developers.facebook.com/docs/messenger-platform/reference/send-api
MAX_TEXT = 2000
MAX_CANNED_REPLIES = 200
MAX_TITLE = 40
#: What those may be called who write to the page.
CUSTOMER_WORDS = ("customers", "guests", "patients")

_PLACEHOLDER = re.compile(r"\{([^{}]*)\}")


def _sign_in_for(section: Section, key: str, default: timedelta) -> timedelta:
    found = section.duration(key, default)
    if found is None:
        section.refuse(key, "has to end some time: write a duration, such as 12 hours")
    return found or default


def _title(section: Section, key: str, default: str) -> str:
    text = section.text(key)
    if len(text) > MAX_TITLE or not text.isprintable():
        section.refuse(key, f"is to be one line of {MAX_TITLE} characters at most: shorten it")
        return ""
    return text


def _told(placeholders: Collection[str]) -> Reader[str]:
    """Return the reader of a text that the person is told, "" for nothing."""

    def read_told(section: Section, key: str, default: str) -> str:
        if section.values.get(key) in (None, False):
            return ""
        return _text(section, key, placeholders)

    return read_told


def _text(section: Section, key: str, placeholders: Collection[str]) -> str:
    text = section.text(key)
    if len(text) > MAX_TEXT:
        section.refuse(key, f"has {len(text)} characters; {MAX_TEXT} are allowed: shorten it")
    for name in placeholders_of(text):
        if name not in placeholders:
            known = " or ".join(f"{{{each}}}" for each in placeholders)
            section.refuse(key, f"has a placeholder {quoted(f'{{{name}}}')}: only {known} is filled in")
    return text


def placeholders_of(text: str) -> List[str]:
    """Return the names in braces of a text, each once."""
    return list(dict.fromkeys(found.strip() for found in _PLACEHOLDER.findall(text)))


def _canned_replies(inbox: Section, key: str, default: Mapping[str, str]) -> Dict[str, str]:
    section = inbox.section(key)
    replies = {}
    for written in section.values:
        name = str(written).strip() if isinstance(written, (str, int)) else ""
        count = len(section.problems)
        text = _text(section, written, CANNED_PLACEHOLDERS)
        if not name:
            section.refuse('""', "is a reply without a name: write one before the colon")
        elif not text and len(section.problems) == count:
            section.refuse(name, "is empty: write what agents answer with it, or leave it out")
        replies[name] = text
    if len(replies) > MAX_CANNED_REPLIES:
        said = f"has {len(replies)} replies; {MAX_CANNED_REPLIES} are allowed: leave some out"
        section.problems.append(f"{section.file}: {section.path} {said}")
    return replies


def _titled(thing: str, example: str) -> Reader[Optional[Named]]:
    """Return the reader of names of *thing* ("intent"), with titles for agents, such as *example*.

    It returns None for all of them, which is the default, and {} for none.
    """

    def read_titled(section: Section, key: str, default: Optional[Named]) -> Optional[Named]:
        given = section.values.get(key, True)
        if given is None or given is True:
            return None
        if given is False:
            return {}
        if isinstance(given, list):
            return {name: in_words(name) for name in _listed(section, key, thing)}
        if isinstance(given, str):
            section.refuse(key, f"is {quoted(given)}: write names below the {thing}s, a list, or false")
            return None
        named = section.section(key)
        return {str(name): titles.read(named, name, example) for name in named.values}

    return read_titled


def _listed(section: Section, key: str, thing: str) -> Iterator[str]:
    for name, value in section.items(key):
        text = Section(section.file, {name: value}, section.problems, section.path).text(name)
        if text:
            yield text
        elif value in ("", None):
            article = "an" if thing[0] in "aeiou" else "a"
            section.refuse(name, f"is empty: write the name of {article} {thing}, or leave it out")


@dataclass(frozen=True)
class InboxSettings:
    """How the built-in inbox behaves."""

    sign_in_for: timedelta = setting(
        read=_sign_in_for,
        default="12 hours",
        meaning="An agent who has not used the inbox for so long signs in again.",
    )
    joined: str = setting(
        read=_told(JOINED_PLACEHOLDERS),
        default="false",
        meaning="What the person is told when an agent has joined after a handover; `{agent}` is the agent's "
        "shown name.",
    )
    ahead: str = setting(
        read=_told(AHEAD_PLACEHOLDERS),
        default="false",
        meaning="What the person is told at a handover while others wait before them; `{count}` is how many.",
    )
    offline_after: Optional[timedelta] = setting(
        read=Section.duration,
        default="5 minutes",
        meaning="The conversations of an agent who has had no page of the inbox open for so long are "
        "nobody's again; `false`: they stay assigned.",
    )
    #: Name -> text.
    canned_replies: Mapping[str, str] = setting(
        read=_canned_replies,
        default="{}",
        meaning=f"Replies that agents write with `/` and a name, {MAX_CANNED_REPLIES} at most.",
        below=(Key("NAME", "The text of the reply; `{name}` is the person's name, `{agent}` the agent's."),),
    )
    personas: bool = setting(
        read=Section.flag,
        default="false",
        meaning="`true`: on Messenger agents answer under their own name and picture, as Meta's personas.",
    )
    #: Intent -> language -> name. None: with what makes sense; {}: with nothing.
    continue_with: Optional[Named] = setting(
        read=_titled("intent", "Opening hours"),
        default="true",
        meaning="With what the bot may go on when an agent returns a conversation. `true`: with every intent "
        'of the bot but small talk, under its name in words (`ask_hours` is "Ask hours"); of a CALM bot with '
        "its flows, by their descriptions. `false`: with nothing. A list of intents or flows; or "
        "either with names for agents: `order_status: Where is my order?`, "
        "or one for each language, `{en: Opening hours, ar: أوقات العمل}`.",
    )
    #: Slot -> language -> title. None: all of them; {}: none.
    show_slots: Optional[Named] = setting(
        read=_titled("slot", "Order number"),
        default="true",
        meaning="Which of the bot's slots agents see beside the chat, if they have a value. `true`: all of "
        'the bot\'s own, under their names in words (`order_number` is "Order number"). `false`: none. A '
        "list of slots; or slots with titles, as above. Name those that agents need: the others may hold "
        "more of a person than they have to see.",
    )
    title: str = setting(
        read=_title,
        absent="",
        default_in_words="Inbox",
        meaning="What the page is called: your shop's name, say, at the sign-in, above the list and in the "
        f"browser's tab. {MAX_TITLE} characters at most.",
    )
    customers: str = setting(
        read=keys.word_of(CUSTOMER_WORDS),
        default="customers",
        meaning="What the page calls those who write to you: `customers`, `guests` or `patients`.",
    )


def read(section: Section) -> InboxSettings:
    """Return the inbox of *section*, whose list of problems grows by what is wrong with it."""
    return keys.read(InboxSettings, section)


def filled(text: str, **values: object) -> str:
    """Return *text* with its placeholders filled in; what is filled in is text, whatever it holds."""
    return _PLACEHOLDER.sub(lambda found: str(values.get(found[1].strip(), found[0])), text)
