"""Holds the files of a bot's project, and what `handover init` decides about them. No I/O."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass, field
from typing import Dict, Iterable, List, Mapping, Optional, Tuple

from handover_channel.errors import HandoverError
from handover_channel.project_setup import yaml_text
from handover_channel.project_setup.edits import Edit
from handover_channel.project_setup.yaml_text import Document, Unreadable
from handover_channel.rules.bot_contract import HANDOVER_INTENT

CONFIG = "config.yml"
CREDENTIALS = "credentials.yml"
ENDPOINTS = "endpoints.yml"
SETTINGS = "handover.yml"
GIT_IGNORE = ".gitignore"
STORY_TEST = "tests/test_handover.yml"


class NoProject(HandoverError):
    """There is nothing here that handover could be put into; the sentence says what to do."""


@dataclass(frozen=True)
class Project:
    """The texts of a bot, by their paths below its folder, with / on every system."""

    yaml: Mapping[str, str]  #: config.yml, credentials.yml, endpoints.yml, handover.yml: those that are there
    domain: Mapping[str, str]  #: one file, or those of a folder
    domain_folder: str  #: "" for one file
    data: Mapping[str, str]
    data_folder: str
    tests: Mapping[str, str]  #: stories that `rasa test` runs
    python: Mapping[str, str]  #: actions.py, or the modules of actions/
    git: Mapping[str, str] = field(default_factory=dict)  #: .gitignore, where it is there
    commits_database: bool = False  #: whether git would take the database into a commit

    def document(self, name: str) -> Document:
        """Return config.yml or one of its like; without the file, an empty document."""
        return yaml_text.read(name, self.yaml.get(name, ""))


@dataclass(frozen=True)
class Choices:
    """What the developer was asked, or said on the command line."""

    languages: Tuple[str, ...] = ("en",)  #: of the NLU examples; the texts of the bot are in the first
    intents: Tuple[str, ...] = (HANDOVER_INTENT,)  #: that ask for people
    own_actions: Tuple[str, ...] = ()  #: of the bot, which handed over so far
    messenger: bool = True
    app_id: str = ""


@dataclass(frozen=True)
class Planned:
    """What a kind of file needs."""

    edits: Mapping[str, Tuple[Edit, ...]] = field(default_factory=dict)
    created: Mapping[str, str] = field(default_factory=dict)
    remarks: Tuple[str, ...] = ()

    @property
    def is_empty(self) -> bool:
        """Whether there is nothing to do."""
        return not self.created and not any(self.edits.values())


def together(parts: Iterable[Planned]) -> Planned:
    """Return the plan of all parts. Of edits in one place those of the earlier part come first."""
    edits: Dict[str, Tuple[Edit, ...]] = {}
    created: Dict[str, str] = {}
    remarks: List[str] = []
    for part in parts:
        for path, each in part.edits.items():
            if each:
                edits[path] = (*edits.get(path, ()), *each)
        created.update(part.created)
        remarks += part.remarks
    return Planned(edits, created, tuple(dict.fromkeys(remarks)))


def documents(texts: Mapping[str, str]) -> Dict[str, Document]:
    """Return the documents of YAML texts. Raises Unreadable for the first that is none."""
    return {path: yaml_text.read(path, text) for path, text in texts.items()}


def readable_documents(texts: Mapping[str, str]) -> Dict[str, Document]:
    """Return the documents of those YAML texts that are any."""
    found = {}
    for path, text in texts.items():
        with suppress(Unreadable):
            found[path] = yaml_text.read(path, text)
    return found


def first_with(found: Mapping[str, Document], section: str) -> Optional[str]:
    """Return the path of the first file that has a section."""
    return next((path for path, each in found.items() if each.section(section) is not None), None)
