r"""Writes suggestions as a file in the format of Rasa's NLU training data.

1. The names of the groups are no bot's intents: nothing is trained under a name of the bot's by mistake.
2. Each text is one line of a literal block, where YAML has no syntax: suggestions.example has left no line
   break, no control character and no annotation in it.
3. The file is never ASCII alone. Rasa takes a backslash and "u" for a character in files that are, and does
   not load what somebody typed as "C:\users": rasa/shared/utils/io.py, `read_yaml`, in 3.6.21.

https://rasa.com/docs/rasa/training-data-format#nlu-training-data
"""

from __future__ import annotations

from typing import Iterator, Sequence

SAID_BEFORE, NOT_UNDERSTOOD = "handover_export_said_before", "handover_export_not_understood"

_HEAD = """\
# Suggestions for your bot's NLU, by `handover export --as-nlu` – no training data yet.
# Read each line. Move it to the intent that it belongs to, or delete it; this file is not to be trained.
# EMAIL, LINK, PHONE, ACCOUNT, NUMBER and NAME stand where personal data was found. A program does not find
# all of it: names of others, streets and the like are yours to take out.
version: "3.1"
nlu:"""

_QUESTIONS = {
    SAID_BEFORE: "What people wrote just before they asked for a human: what could the bot have answered?",
    NOT_UNDERSTOOD: "What the bot did not understand: which intent is it, or which one is missing?",
}


def lines(said_before: Sequence[str], not_understood: Sequence[str]) -> Iterator[str]:
    """Yield the lines of the file, each with its line break."""
    groups = {SAID_BEFORE: said_before, NOT_UNDERSTOOD: not_understood}
    yield f"{_HEAD}\n" if any(groups.values()) else f"{_HEAD} []\n"
    for intent, examples in groups.items():
        if examples:
            yield f"# {_QUESTIONS[intent]} The most frequent first.\n"
            yield f"- intent: {intent}\n  examples: |\n"
            yield from (f"    - {each}\n" for each in examples)
