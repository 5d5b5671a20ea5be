"""Says sentences of the server (sentences.py) in the language of the page.

1. The text is translated, and so are those values that are words of ours: sentences, and names of targets and
   agents that nobody has configured (labels.py).
2. An arrow, "what is wrong -> what to do", is nothing to read aloud: a page gets sentences.
3. What others said (Meta) stands apart, in their words: two languages in one paragraph, written in opposite
   directions, nobody can read.
4. An agent reads one sentence of what Meta refused (agents_words.py); what we know beside it is apart, too.
"""

from __future__ import annotations

import re
from types import MappingProxyType
from typing import Any, Dict, List, Mapping, NamedTuple

from babel.support import NullTranslations

from handover_channel.inbox import labels
from handover_channel.inbox.agents_words import ASK_AN_ADMIN, NOT_SET_UP, for_agents, is_for_admins
from handover_channel.sentences import SAID, SAID_AND_REMEDY, Sentence, in_one_paragraph, sentence

_ARROW = re.compile(r"\s*->\s*")

#: Signs that are in names of files, settings and actions, and in no word.
_OF_NAMES = frozenset("._/")

#: Values that may be words of ours, by the name of their place.
_TRANSLATED_VALUES: Mapping[str, Mapping[str, str]] = {
    "who": labels.WHO,
    "target": {**labels.CONTROLS, **labels.TARGETS},
    "control": labels.CONTROLS,
    "field": labels.FIELD_LABELS,
}


class Translated(NamedTuple):
    """What agents read, and what it rests on."""

    sentence: str
    details: str  #: in the words of others; "" where there are none


class _Page(NamedTuple):
    """Who reads, and what is put apart."""

    texts: NullTranslations
    titles: Mapping[str, str]
    is_admin: bool
    details: List[str]


def translated(
    text: str,
    texts: NullTranslations,
    titles: Mapping[str, str] = MappingProxyType({}),
    *,
    is_admin: bool = True,
) -> Translated:
    """Return *text*, a Sentence, in the language of *texts*; any other text as it is.

    *titles*: what agents read of targets, by their names. *is_admin*: who reads it may mend what
    is wrong with the set-up.
    """
    page = _Page(texts, titles, is_admin, [])
    said = _filled(sentence(text), page)
    if page.details and not said and not is_admin:
        said = _filled(ASK_AN_ADMIN, page)
    apart = _sentences(" -> ".join(page.details))
    return Translated(_sentences(said), apart) if said else Translated(apart, "")


def _filled(text: Sentence, page: _Page) -> str:
    """Return *text* translated; what others said goes to the details."""
    texts = page.texts
    if text.msgid == SAID:
        page.details.append(str(text))
        return ""
    if not page.is_admin:
        if text.msgid == SAID_AND_REMEDY:
            page.details.append(str(text.values["said"]))
            return _filled(for_agents(text.values["remedy"]), page)
        if is_for_admins(text):
            page.details.append(str(text))
            return _filled(NOT_SET_UP, page)
    values: Dict[str, Any] = {name: _value(name, value, page) for name, value in text.values.items()}
    if text.msgid == SAID_AND_REMEDY:
        return " -> ".join(filter(None, (values["said"], values["remedy"])))
    if text.plural:
        found = texts.ngettext(text.msgid, text.plural, values["number"])
    elif text.msgid:
        found = texts.gettext(text.msgid)
    else:
        return ""
    return found % values if values else found


def _value(name: str, value: Any, page: _Page) -> Any:
    if isinstance(value, Sentence):
        return _filled(value, page)
    if name == "target" and value in page.titles:
        return page.titles[value]
    words = _TRANSLATED_VALUES.get(name, {})
    return page.texts.gettext(words[value]) if value and value in words else value


def _sentences(text: str) -> str:
    # What others said may have stood behind a colon, and stands apart now.
    parts = (part.strip().rstrip(":").rstrip() for part in _ARROW.split(text))
    return in_one_paragraph(
        _begun(part) + ("" if part.endswith((".", "?", "!", "؟", "`")) else ".") for part in parts if part
    )


def _begun(part: str) -> str:
    """Return *part* with a capital letter, unless it begins with a name such as handover.yml."""
    first = part.split(maxsplit=1)[0].rstrip(".:,;?!")
    return part if _OF_NAMES & set(first) else part[:1].upper() + part[1:]
