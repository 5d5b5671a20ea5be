"""Reads a mapping of a settings file key by key: the value, or a problem that says what to do.

Rule 1: a problem names file, key, value and remedy, and is one line. Reading goes on after a problem,
        with the default, so that every problem is found at once.
Rule 2: a value that may be a secret is never quoted; neither is what an environment variable holds.
Rule 3: a key that nobody knows is a problem, with the nearest known name: typos are never silent.
"""

from __future__ import annotations

import difflib
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, Collection, Iterator, List, Mapping, Optional, Sequence, Tuple

from handover_channel.rules.durations import parse_duration
from handover_channel.settings.yaml_file import Unset

_LONGEST_QUOTE = 60


def quoted(value: Any) -> str:
    """Return *value* as a problem shows it: in double quotes, on one line, not too long."""
    shown = " ".join(str(value).split())
    return f'"{shown[:_LONGEST_QUOTE]}…"' if len(shown) > _LONGEST_QUOTE else f'"{shown}"'


def nearest(name: str, known: Collection[str]) -> str:
    """Return what to say about *name*, which is not one of *known*: the one that is meant, or all."""
    close = difflib.get_close_matches(name, list(known), n=1)
    return f"did you mean {close[0]}?" if close else f"write one of {', '.join(known)}"


@dataclass(frozen=True)
class Section:
    """The mapping at *path* of the settings file *file*, and the list its problems go to."""

    file: str
    values: Mapping[Any, Any] = field(repr=False)
    problems: List[str] = field(repr=False)
    path: str = ""

    def name(self, key: str) -> str:
        """Return the full name of *key*: "return.button"."""
        return f"{self.path}.{key}" if self.path else key

    def refuse(self, key: str, said: str) -> None:
        """Note what is wrong with *key*, and what to do."""
        self.problems.append(f"{self.file}: {self.name(key)} {said}")

    def has(self, key: str) -> bool:
        """Whether the file gives *key* a value."""
        value = self.values.get(key)
        return value is not None and str(value).strip() != ""

    def expect_only(self, known: Collection[str]) -> None:
        """Refuse every key that is not *known*."""
        for key in self.values:
            if key not in known:
                self.refuse(str(key), f"is not a setting: {nearest(str(key), known)}")

    def expect_none(self, remedy: str) -> None:
        """Refuse every key."""
        for key in self.values:
            self.refuse(str(key), f"is not a setting: {remedy}")

    def text(self, key: str, default: str = "", *, secret: bool = False) -> str:
        """Return the text of *key* without the space around it; *default* where it is absent or refused."""
        value = self.values.get(key)
        if value is None:
            return default
        if isinstance(value, Unset):
            self._refuse_unset(key, value)
        elif isinstance(value, str):
            return value.strip()
        elif isinstance(value, int) and not isinstance(value, bool):
            return str(value)  # an unquoted id, as Rasa reads credentials.yml
        elif secret or isinstance(value, (dict, list)):
            self.refuse(key, "must be text: write it in quotes")
        else:
            self.refuse(key, f"is {str(value).lower()}, which is no text: write it in quotes")
        return default

    def required(self, key: str, remedy: str, *, secret: bool = False) -> str:
        """Return the text of *key*; where there is none, refuse with *remedy*."""
        count = len(self.problems)
        text = self.text(key, secret=secret)
        if not text and len(self.problems) == count:
            self.refuse(key, f"is missing: {remedy}")
        return text

    def flag(self, key: str, default: bool = False) -> bool:
        """Return true or false, *default* where *key* is absent; false where it is refused."""
        given = self.values.get(key)
        text = str((default if given is None else given) or False).lower()
        if isinstance(self.values.get(key), Unset):
            self.text(key)
        elif text not in ("true", "false"):
            self.refuse(key, f"is {quoted(text)}: write true or false")
        return text == "true"

    def one_of(self, key: str, known: Sequence[str]) -> str:
        """Return the text of *key*, one of *known*; the first of them where it is absent or refused."""
        text = self.text(key, known[0])
        if text in known:
            return text
        self.refuse(key, f"is {quoted(text)}: {nearest(text, known)}")
        return known[0]

    def duration(self, key: str, default: Optional[timedelta]) -> Optional[timedelta]:
        """Return the duration of *key*, None for ``false`` or ``null``, *default* where it is absent."""
        if key not in self.values:
            return default
        if self.values[key] in (None, False):
            return None
        text = self.text(key)
        try:
            return parse_duration(text) if text or isinstance(self.values[key], str) else default
        except ValueError as error:
            self.refuse(key, f"is {quoted(text)}: {error}")
            return default

    def count(self, key: str, default: int, *, least: int = 1) -> Optional[int]:
        """Return the whole number of *key*, None for ``false`` or ``null``, *default* where it is absent."""
        if key not in self.values:
            return default
        if self.values[key] is None or self.values[key] is False:
            return None
        text = self.text(key)
        if text.isdecimal() and int(text) >= least:
            return int(text)
        if text:
            self.refuse(key, f"is {quoted(text)}: write a whole number from {least} on, or false")
        return default

    def section(self, key: str) -> Section:
        """Return the mapping below *key*, empty where it is absent."""
        return self.within(key, self.values.get(key))

    def within(self, key: str, value: Any) -> Section:
        """Return *value* as a section called *key*, empty (and refused) where it is no mapping."""
        if value is not None and not isinstance(value, Mapping):
            self.refuse(key, "must hold keys and values: write them one a line, further to the right")
            value = None
        return Section(self.file, value or {}, self.problems, self.name(key))

    def items(self, key: str) -> Iterator[Tuple[str, Any]]:
        """Yield the items of the list *key*, each with its name: ("keywords[2]", "menu")."""
        values = self.values.get(key)
        if values is None or values is False:
            return
        if not isinstance(values, list):
            self.refuse(key, "must be a list: write each item on a line of its own, after a dash")
            return
        for number, value in enumerate(values, start=1):
            yield f"{key}[{number}]", value

    def _refuse_unset(self, key: str, value: Unset) -> None:
        names = " and ".join(value.names)
        these = f"variables {names}, which are" if len(value.names) > 1 else f"variable {names}, which is"
        self.refuse(key, f"needs the environment {these} not set: set it, or write the value here")
