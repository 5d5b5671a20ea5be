"""Reads what agents are shown for something: one title for every language of the page, or one for each."""

from __future__ import annotations

from typing import Mapping

from handover_channel.rules.languages import LANGUAGES
from handover_channel.settings.keys import Reader
from handover_channel.settings.section import Section


def title(example: str) -> Reader[Mapping[str, str]]:
    """Return the reader of a title, such as *example*, by language: {} where there is none."""

    def read_title(section: Section, key: str, default: Mapping[str, str]) -> Mapping[str, str]:
        return read(section, key, example) if section.has(key) else {}

    return read_title


def read(section: Section, key: str, example: str) -> Mapping[str, str]:
    """Return what agents read for *key*, by language; what is missing in one is as in the first."""
    given = section.values[key]
    if not isinstance(given, Mapping):
        name = section.text(key)
        if not name:
            section.refuse(str(key), f"has no name: write what agents read, such as {example}")
        return dict.fromkeys(LANGUAGES, name)
    languages = section.section(key)
    languages.expect_only(LANGUAGES)
    names = {language: languages.text(language) for language in LANGUAGES if languages.has(language)}
    if not names:
        section.refuse(str(key), f"has no name: write one for {' or '.join(LANGUAGES)}")
    first = next(iter(names.values()), "")
    return {language: names.get(language, first) for language in LANGUAGES}
