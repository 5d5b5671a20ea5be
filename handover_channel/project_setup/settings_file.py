"""Writes handover.yml: where conversations go, and how they come back. No I/O."""

from __future__ import annotations

from dataclasses import dataclass
from typing import List, Tuple

from handover_channel.project_setup import yaml_edits
from handover_channel.project_setup.phrases import PHRASES_OF_LANGUAGE
from handover_channel.project_setup.project import SETTINGS, Choices, Planned
from handover_channel.project_setup.yaml_text import Document
from handover_channel.rules.bot_contract import HANDOVER_INTENT
from handover_channel.rules.keywords import fold

INTENTS = "handover_intents"
#: The Messenger on this machine: its bot's app, and where it is.
SIMULATED_APP_ID = "1234567890"
SIMULATOR_URL = "http://127.0.0.1:8090"
#: Where the id comes from if nobody has said it.
APP_ID_VARIABLE = "${MESSENGER_APP_ID}"


@dataclass(frozen=True)
class Facts:
    """What matters in handover.yml."""

    is_there: bool
    intents: Tuple[str, ...]  #: by which people ask for people; empty if it does not say


def look(document: Document) -> Facts:
    """Find the intents by which people ask for people."""
    section = document.section(INTENTS)
    named = section.names() if section is not None and section.kind == "sequence" else []
    if section is not None and section.kind == "scalar" and not section.is_null:
        named = [section.value]
    return Facts(bool(document.text), tuple(named))


def plan(
    document: Document, facts: Facts, choices: Choices, *, simulated: bool, on_messenger: bool
) -> Planned:
    """Write the file, or add the intents to it. *simulated*: Messenger is the one on this machine."""
    # A list in the file takes the place of the default, whose intent then has to be in it.
    there = choices.intents if not facts.intents and choices.intents == (HANDOVER_INTENT,) else facts.intents
    missing = [each for each in choices.intents if each not in there]
    if not facts.is_there:
        lines = _head(choices, simulated=simulated, on_messenger=on_messenger) + _rest(choices)
        return Planned(created={SETTINGS: "".join(f"{line}\n" for line in lines)})
    if not missing:
        return Planned()
    return Planned({SETTINGS: tuple(yaml_edits.add_items(document, INTENTS, missing))})


def _head(choices: Choices, *, simulated: bool, on_messenger: bool) -> List[str]:
    lines = [
        "# How this bot hands a conversation over, and how it comes back.",
        "# Stop and start Rasa and the action server after a change.",
        "",
    ]
    if simulated:
        lines += [
            "# Messenger on this machine (handover simulate). For the real one write the id of your Meta app",
            "# (Meta for Developers > My apps), and take the lines of graph_api out.",
            f'app_id: "{choices.app_id or SIMULATED_APP_ID}"',
            "graph_api:",
            f"  url: {SIMULATOR_URL}",
            "",
        ]
    elif on_messenger:
        app_id = f'"{choices.app_id}"' if choices.app_id else APP_ID_VARIABLE
        lines += ["# The id of this bot's Meta app: Meta for Developers > My apps.", f"app_id: {app_id}", ""]
    return lines


def _rest(choices: Choices) -> List[str]:
    spoken = [PHRASES_OF_LANGUAGE[each] for each in choices.languages]
    lines = []
    if choices.intents != (HANDOVER_INTENT,):
        lines += [
            "# The intents by which people ask for people.",
            *yaml_edits.block({INTENTS: choices.intents}),
            "",
        ]
    returning = {
        "time_limit": "12 hours",
        "button": [each.button for each in spoken],
        "keywords": list({fold(word): word for each in spoken for word in each.keywords}.values()),
    }
    return [
        *lines,
        "# Where a conversation can go: the built-in inbox; the page's (kind: page_inbox); another Meta app.",
        *yaml_edits.block({"targets": {"inbox": {"kind": "inbox"}}, "default_target": "inbox"}),
        "",
        "# How it comes back to the bot, whichever happens first.",
        *yaml_edits.block({"return": returning}),
    ]
