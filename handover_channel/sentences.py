"""Sentences for people: English text with the values that stand in it, so that a page can word it otherwise.

1. A `Sentence` is the English text, filled in: logs, the command line and whoever compares see a plain str.
   Beside it, it keeps what gettext needs: the text with its places, "%(name)s", and the values.
2. A value may be a sentence of its own: a remedy, a reason, the name of a state.
3. What others said (Meta) is a value, never the text: nobody translates it, and no "%" in it counts.
4. In the database a sentence without values is its text; one with values is JSON (`kept`, `restored`).
"""

from __future__ import annotations

import json
from typing import Any, Dict, Iterable, Mapping, Optional

#: The text of a sentence that others worded, and of one that ends in what can be done about it.
SAID, SAID_AND_REMEDY = "%(said)s", "%(said)s -> %(remedy)s"

_BEGINS = '{"msgid": '


class Sentence(str):
    """An English sentence that can be translated: *msgid*, with a value for each of its places.

    `Sentence("the tag has %(length)s letters", length=50)`. For several of something, see `counted`.
    """

    msgid: str
    values: Mapping[str, Any]  #: str (or Sentence), int and float
    plural: str = ""  #: the text for more than one of `values["number"]`

    def __new__(cls, msgid: str, /, **values: Any) -> Sentence:
        """Fill *msgid* in; without values, a "%" in it is itself."""
        made = super().__new__(cls, msgid % values if values else msgid)
        made.msgid, made.values = msgid, values
        return made

    def with_values(self, **values: Any) -> Sentence:
        """Return the same sentence with other values in these places."""
        return _made({"msgid": self.msgid, "plural": self.plural, "values": {**self.values, **values}})

    def __reduce__(self) -> Any:
        """Return how pickle makes it."""
        return _made, (_plain(self),)


def counted(singular: str, plural: str, number: int, /, **values: Any) -> Sentence:
    """Return the sentence about so many of something: "%(number)s" in both texts."""
    made = Sentence(singular if number == 1 else plural, number=number, **values)
    made.msgid, made.plural = singular, plural
    return made


def sentence(text: str, /, **values: Any) -> Sentence:
    """Return *text* as a sentence; one that is a sentence already, as it is."""
    return text if isinstance(text, Sentence) else Sentence(text, **values)


def of_others(text: str) -> Sentence:
    """Return what others said; a sentence of ours as it is."""
    return text if isinstance(text, Sentence) else Sentence(SAID, said=text)


def in_one_paragraph(sentences: Iterable[str]) -> str:
    """Return *sentences* as one text: where one ends with a command, a stop tells it from the next."""
    *before, last = list(sentences) or [""]
    return " ".join([*(f"{each}." if each.endswith("`") else each for each in before), last])


def with_remedy(said: Sentence, remedy: str) -> Sentence:
    """Return *said* and what can be done about it, where that is known."""
    return Sentence(SAID_AND_REMEDY, said=said, remedy=sentence(remedy)) if remedy else said


def kept(text: str) -> str:
    """Return *text* for the database: see rule 4."""
    if not isinstance(text, Sentence) or not text.values:
        return str(text)
    return json.dumps(_plain(text), ensure_ascii=False)


def restored(text: str) -> Sentence:
    """Return what `kept` made *text* of. A text of an earlier version is a sentence without values."""
    found: Optional[Dict[str, Any]] = None
    if text.startswith(_BEGINS):
        try:
            found = json.loads(text)
        except ValueError:
            found = None
    return Sentence(text) if found is None else _made(found)


def _plain(text: Sentence) -> Dict[str, Any]:
    values = {
        name: _plain(value) if isinstance(value, Sentence) else value for name, value in text.values.items()
    }
    # First the msgid: `restored` knows it by that.
    return {"msgid": text.msgid, "plural": text.plural, "values": values}


def _made(found: Mapping[str, Any]) -> Sentence:
    values: Dict[str, Any] = {
        name: _made(value) if isinstance(value, dict) else value for name, value in found["values"].items()
    }
    msgid, plural = found["msgid"], found["plural"]
    return counted(msgid, plural, values.pop("number"), **values) if plural else Sentence(msgid, **values)
