"""Tells Rasa in endpoints.yml where the action server is. No I/O."""

from __future__ import annotations

from dataclasses import dataclass

from handover_channel.project_setup import yaml_edits, yaml_text
from handover_channel.project_setup.edits import apply
from handover_channel.project_setup.project import ENDPOINTS, Planned
from handover_channel.project_setup.yaml_text import Document, Unreadable

KEY = "action_endpoint"
#: Where `rasa run actions` listens.
URL = "http://localhost:5055/webhook"


@dataclass(frozen=True)
class Facts:
    """What matters in endpoints.yml."""

    has_action_server: bool


def look(document: Document) -> Facts:
    """Find whether Rasa knows an action server."""
    section = document.section(KEY)
    return Facts(section is not None and not section.is_null)


def plan(document: Document, facts: Facts) -> Planned:
    """Take the comment signs from what `rasa init` has written, or add it."""
    if facts.has_action_server:
        return Planned()
    if not document.text:
        text = "".join(f"{line}\n" for line in yaml_edits.block({KEY: {"url": URL}}))
        return Planned(created={ENDPOINTS: text})
    if document.section(KEY) is not None:
        return Planned({ENDPOINTS: tuple(yaml_edits.add_entries(document, KEY, {"url": URL}))})
    edit = yaml_edits.comment_out_of(document.text, lambda line: line.startswith(f"{KEY}:"))
    if edit is not None and _helps(document, apply(document.text, [edit])[0]):
        return Planned({ENDPOINTS: (edit,)})
    return Planned({ENDPOINTS: (yaml_edits.add_keys(document, {KEY: {"url": URL}}),)})


def _helps(document: Document, text: str) -> bool:
    try:
        changed = yaml_text.read(document.name, text)
    except Unreadable:
        return False
    section = changed.section(KEY)
    return section is not None and section.get("url") is not None
