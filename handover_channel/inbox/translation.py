"""Says sentences of the server (sentences.py) in the language of the page.

1. The text is translated, and so are those values that are words of ours: sentences, and names of targets and
   agents that nobody has configured (labels.py).
2. An arrow, "what is wrong -> what to do", is nothing to read aloud: a page gets sentences.
3. What others said (Meta) stands apart, in their words: two languages in one paragraph, written in opposite
   directions, nobody can read.
"""

from __future__ import annotations

import re
from types import MappingProxyType
from typing import Any, Dict, List, Mapping, NamedTuple

from babel.support import NullTranslations

from handover_channel.inbox import labels
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


def translated(
    text: str, texts: NullTranslations, titles: Mapping[str, str] = MappingProxyType({})
) -> Translated:
    """Return *text*, a Sentence, in the language of *texts*; any other text as it is.

    *titles*: what agents read of targets, by their names.
    """
    details: List[str] = []
    said = _filled(sentence(text), texts, titles, details)
    if not said:
        return Translated(_sentences(" -> ".join(details)), "")
    return Translated(_sentences(said), _sentences(" -> ".join(details)))


def _filled(text: Sentence, texts: NullTranslations, titles: Mapping[str, str], details: List[str]) -> str:
    """Return *text* translated; what others said goes to *details*."""
    if text.msgid == SAID:
        details.append(str(text))
        return ""
    values: Dict[str, Any] = {
        name: _value(name, value, texts, titles, details) for name, value in text.values.items()
    }
    if text.msgid == SAID_AND_REMEDY:
        return " -> ".join(filter(None, (values["said"], values["remedy"])))
    if text.plural:
        found = texts.ngettext(text.msgid, text.plural, values["number"])
    elif text.msgid:
        found = texts.gettext(text.msgid)
    else:
        return ""
    return found % values if values else found


def _value(
    name: str, value: Any, texts: NullTranslations, titles: Mapping[str, str], details: List[str]
) -> Any:
    if isinstance(value, Sentence):
        return _filled(value, texts, titles, details)
    if name == "target" and value in titles:
        return titles[value]
    words = _TRANSLATED_VALUES.get(name, {})
    return texts.gettext(words[value]) if value and value in words else value


def _sentences(text: str) -> str:
    # What others said may have stood behind a colon, and stands apart now.
    parts = [part.strip().rstrip(":").rstrip() for part in _ARROW.split(text) if part.strip(" :")]
    return in_one_paragraph(
        _begun(part) + ("" if part.endswith((".", "?", "!", "؟", "`")) else ".") for part in parts
    )


def _begun(part: str) -> str:
    """Return *part* with a capital letter, unless it begins with a name such as handover.yml."""
    first = part.split(maxsplit=1)[0].rstrip(".:,;?!")
    return part if _OF_NAMES & set(first) else part[:1].upper() + part[1:]
