"""Puts intents, entities, slots, actions and responses into the domain. No I/O.

One file gets them in its own sections; a folder gets a file of its own, since Rasa joins those. Slots that
take what the person writes are told not to take a request for people, nor the turn of a return.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Dict, Iterable, List, Mapping, Optional, Tuple

from handover_channel.project_setup import yaml_edits, yaml_text
from handover_channel.project_setup.edits import Edit
from handover_channel.project_setup.phrases import Phrases
from handover_channel.project_setup.project import Choices, Planned, first_with
from handover_channel.project_setup.yaml_text import Document, Node
from handover_channel.rules.bot_contract import (
    CLOSED_RESPONSE,
    FAILED_RESPONSE,
    HANDOVER_ACTION,
    HANDOVER_RESPONSE,
    REASON_ENTITY,
    RETURN_ACTION,
    RETURNED_INTENT,
    RETURNED_RESPONSE,
    SESSION_START_ACTION,
    SUMMARY_SLOT,
    TARGET_ENTITY,
    TARGET_SLOT,
    UNTIL_SLOT,
    returned_payload,
)
from handover_channel.rules.return_reasons import ReturnReason

#: Our file in a domain folder.
FILE = "handover.yml"

_UNSEEN = {"influence_conversation": False, "mappings": [{"type": "custom"}]}
SLOTS: Dict[str, Any] = {
    TARGET_SLOT: {"type": "text", **_UNSEEN},
    UNTIL_SLOT: {"type": "any", **_UNSEEN},
    SUMMARY_SLOT: {"type": "text", **_UNSEEN},
}

#: Sections in the order in which they stand in most domains.
SECTIONS = ("intents", "entities", "slots", "actions", "responses")


@dataclass(frozen=True)
class Facts:
    """What matters in the domain."""

    version: str
    names: Mapping[str, Tuple[str, ...]]  #: section -> the names in it
    forms: Tuple[str, ...]
    carries_slots: bool  #: into a new session
    without_mappings: Tuple[str, ...]  #: slots as Rasa 2 had them


def look(found: Mapping[str, Document]) -> Facts:
    """Find the names of all sections."""
    names = {each: tuple(_names(found.values(), each)) for each in SECTIONS}
    versions = [_text(document.section("version")) for document in found.values()]
    carried = [_carried(document) for document in found.values()]
    return Facts(
        version=next((each for each in versions if each), ""),
        names=names,
        forms=tuple(_names(found.values(), "forms")),
        carries_slots=False not in carried,
        without_mappings=tuple(_without_mappings(found.values())),
    )


def _names(found: Iterable[Document], section: str) -> List[str]:
    return [name for document in found for name in document.names(section)]


def _text(node: Optional[Node]) -> str:
    return node.value if node is not None and node.kind == "scalar" else ""


def _carried(document: Document) -> bool:
    config = document.section("session_config")
    given = config.get("carry_over_slots_to_new_session") if config is not None else None
    return _text(given).lower() != "false"


def _without_mappings(found: Iterable[Document]) -> List[str]:
    named = [pair for document in found for pair in _pairs(document.section("slots"))]
    return [key.value for key, slot in named if slot.kind == "mapping" and slot.get("mappings") is None]


def _pairs(node: Optional[Node]) -> List[Tuple[Node, Node]]:
    return node.pairs if node is not None else []


def needed_actions(facts: Facts, own: Iterable[str]) -> Tuple[str, ...]:
    """Return the actions that the bot needs of ours. *own*: names of ours that its code has already.

    Rasa's own session start carries the slots over by itself, unless the domain says that it must not.
    """
    theirs = SESSION_START_ACTION in own or SESSION_START_ACTION in facts.names["actions"]
    starts = () if facts.carries_slots or theirs else (SESSION_START_ACTION,)
    return (HANDOVER_ACTION, RETURN_ACTION, *starts)


def plan(
    found: Mapping[str, Document],
    folder: str,
    facts: Facts,
    choices: Choices,
    actions: Tuple[str, ...],
    phrases: Phrases,
    mapping: str = "custom",
) -> Planned:
    """Add what is missing. *folder*: "" for a domain of one file; *actions*: those that are needed.

    *mapping*: the kind of mapping of a slot that actions alone set; Rasa Pro calls it "controlled".
    """
    wanted = _wanted(facts, choices, actions, phrases)
    wanted["slots"] = {
        name: {**slot, "mappings": [{"type": mapping}]} for name, slot in wanted["slots"].items()
    }
    edits = {path: tuple(_shielded(document, choices.intents)) for path, document in found.items()}
    edits = {path: each for path, each in edits.items() if each}
    if not any(wanted.values()):
        return Planned(edits)
    remarks = tuple(_remarks(facts))
    path = f"{folder}/{FILE}"
    if folder and path not in found:
        return Planned(edits, {path: _new_file(facts, wanted)}, remarks)
    if not folder:
        path = first_with(found, "intents") or next(iter(found))
    edits[path] = (*edits.get(path, ()), *_added(found[path], wanted))
    return Planned(edits, remarks=remarks)


def _wanted(facts: Facts, choices: Choices, actions: Tuple[str, ...], phrases: Phrases) -> Dict[str, Any]:
    """Return what each section lacks."""
    button = {"title": phrases.button, "payload": _escaped(returned_payload(ReturnReason.BUTTON.value))}
    contract: Dict[str, Any] = {
        "intents": [*choices.intents, RETURNED_INTENT],
        "entities": [TARGET_ENTITY, REASON_ENTITY],
        "slots": SLOTS,
        "actions": list(actions),
        "responses": {
            HANDOVER_RESPONSE: [{"text": phrases.handing_over, "buttons": [button]}],
            FAILED_RESPONSE: [{"text": phrases.failed}],
            CLOSED_RESPONSE: [{"text": phrases.closed}],
            RETURNED_RESPONSE: [{"text": phrases.returned}],
        },
    }
    return {section: _lacking(values, facts.names[section]) for section, values in contract.items()}


def _lacking(values: Any, there: Tuple[str, ...]) -> Any:
    if isinstance(values, dict):
        return {name: each for name, each in values.items() if name not in there}
    return [name for name in values if name not in there]


def _escaped(payload: str) -> str:
    """Return the payload with double braces: Rasa takes single ones for the name of a slot."""
    return payload.replace("{", "{{").replace("}", "}}")


def _remarks(facts: Facts) -> List[str]:
    there = [
        f"{section[:-1] if section != 'entities' else 'entity'} {name}"
        for section, names in (("slots", SLOTS), ("entities", (REASON_ENTITY, TARGET_ENTITY)))
        for name in names
        if name in facts.names[section]
    ]
    return [
        f"domain: {each} is there already, and stays as it is -> see that it means the same" for each in there
    ]


def _new_file(facts: Facts, wanted: Dict[str, Any]) -> str:
    lines = ["# Handing over and coming back.", f'version: "{facts.version or "3.1"}"']
    for section, values in wanted.items():
        if values:
            lines += ["", *yaml_edits.block({section: values})]
    return "".join(f"{line}\n" for line in lines)


def _added(document: Document, wanted: Dict[str, Any]) -> List[Edit]:
    """Return the edits of sections that are there, then those of new ones at the end of the file."""
    edits: List[Edit] = []
    for is_there in (True, False):
        for section, values in wanted.items():
            if (document.section(section) is not None) is is_there:
                add = yaml_edits.add_entries if isinstance(values, dict) else yaml_edits.add_items
                edits += add(document, section, values)
    return edits


def _shielded(document: Document, intents: Tuple[str, ...]) -> List[Edit]:
    """Return the edits that keep requests for people out of slots that any message fills."""
    edits = []
    for _, slot in _pairs(document.section("slots")):
        mappings = slot.get("mappings") if slot.kind == "mapping" else None
        for mapping in mappings.items if mappings is not None else []:
            edits += _without(document, mapping, (*intents, RETURNED_INTENT))
    return edits


def _without(document: Document, mapping: Node, intents: Tuple[str, ...]) -> List[Edit]:
    kind = _text(mapping.get("type")) if mapping.kind == "mapping" else ""
    if kind == "from_entity" and _text(mapping.get("entity")) == REASON_ENTITY:
        intents = (RETURNED_INTENT,)  # its turn has an entity of this name
    elif kind not in ("from_text", "from_intent"):
        return []
    wanted = mapping.get("intent")
    if wanted is not None and not wanted.is_null:
        return []  # it takes the messages of certain intents only
    given = mapping.get("not_intent")
    if given is None:
        return [yaml_edits.into(document, mapping, {"not_intent": list(intents)})]
    there = given.names() if given.kind == "sequence" else [given.value]
    missing = [each for each in intents if each not in there]
    if not missing:
        return []
    if given.kind == "sequence":
        return [yaml_edits.into(document, given, missing)]
    if given.kind == "alias":
        line = document.line(given.start)
        raise yaml_text.Unreadable(
            f"{document.name}, line {line}: not_intent is an alias (*): write it out, to be added to"
        )
    old = document.text[given.start : given.end]
    names = ([] if given.is_null else [given.value]) + missing
    space = "" if old else " "
    return [Edit(given.start, old, space + yaml_edits.flow(names))]
