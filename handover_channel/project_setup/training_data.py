"""Writes rules and NLU examples into a file of their own in `data/`, where Rasa reads all. No I/O."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from statistics import median_low
from typing import Any, Dict, Iterable, List, Mapping, Optional, Set, Tuple

from handover_channel.project_setup import yaml_edits
from handover_channel.project_setup.phrases import PHRASES_OF_LANGUAGE
from handover_channel.project_setup.project import Choices, Planned
from handover_channel.project_setup.yaml_text import Document, Node
from handover_channel.rules.bot_contract import (
    HANDOVER_ACTION,
    HANDOVER_RESPONSE,
    RETURN_ACTION,
    RETURNED_INTENT,
    RETURNED_RESPONSE,
)

FILE = "handover.yml"

#: Where a rule holds: its form, None for anywhere; and the intent it begins with.
Situation = Tuple[Optional[str], str]

#: Fewer examples of a language recognise too few requests for people (`python -m bench.handover_examples`).
ENOUGH = 8

#: How many phrases of ours an intent has that means the same; one may be there by chance.
_TELLING = 2

_ENTITY = re.compile(r"\[([^\]]*)\](?:\([^)]*\)|\{[^}]*\})")


@dataclass(frozen=True)
class Facts:
    """What matters in the training data."""

    examples: Mapping[str, Tuple[str, ...]]  #: intent -> what people say, without the marks of entities
    marked: Mapping[str, Tuple[str, ...]]  #: the same, as it is written
    rules: Mapping[Situation, Tuple[str, ...]]  #: what the bot does
    names: Tuple[str, ...]  #: of the rules


def look(found: Mapping[str, Document]) -> Facts:
    """Find the examples of each intent, and the rules."""
    marked: Dict[str, List[str]] = {}
    rules: Dict[Situation, Tuple[str, ...]] = {}
    names: List[str] = []
    for document in found.values():
        for intent, examples in _examples(document):
            marked.setdefault(intent, []).extend(examples)
        for rule in _items(document.section("rules")):
            names += [each.value for each in [rule.get("rule")] if each is not None]
            rules.update(situation_of(rule))
    plain = {intent: tuple(_ENTITY.sub(r"\1", each) for each in said) for intent, said in marked.items()}
    return Facts(plain, {intent: tuple(said) for intent, said in marked.items()}, rules, tuple(names))


def _items(node: Optional[Node]) -> List[Node]:
    return [each for each in node.items if each.kind == "mapping"] if node is not None else []


def _examples(document: Document) -> Iterable[Tuple[str, List[str]]]:
    for entry in _items(document.section("nlu")):
        intent, given = entry.get("intent"), entry.get("examples")
        if intent is None or given is None:
            continue
        if given.kind == "scalar":
            lines = [line.strip() for line in given.value.splitlines()]
            yield intent.value, [line[1:].strip() for line in lines if line.startswith("-")]
        else:
            texts = [each.get("text") if each.kind == "mapping" else each for each in given.items]
            yield intent.value, [each.value.strip() for each in texts if each is not None]


def situation_of(rule: Node) -> Dict[Situation, Tuple[str, ...]]:
    """Return what a rule says about one intent; nothing of rules that hold for other things, too."""
    steps, condition = rule.get("steps"), rule.get("condition")
    first = steps.items[0] if steps is not None and steps.items else None
    intent = first.get("intent") if first is not None else None
    if steps is None or intent is None:
        return {}
    loop = None
    for each in condition.items if condition is not None else []:
        given = each.get("active_loop")
        if given is None or given.is_null or loop:
            return {}
        loop = given.value
    actions = [each.get("action") for each in steps.items]
    return {(loop, intent.value): tuple(each.value for each in actions if each is not None)}


def situations(intents: Iterable[str], forms: Iterable[str]) -> List[Situation]:
    """Return every situation in which a conversation is handed over or comes back."""
    return [(form, intent) for form in (None, *forms) for intent in (*intents, RETURNED_INTENT)]


def plan(
    found: Mapping[str, Document],
    folder: str,
    facts: Facts,
    choices: Choices,
    forms: Tuple[str, ...],
    covered: Set[Situation],
) -> Planned:
    """Add the rules and examples that are missing.

    *covered*: situations for which rules of the bot's own hand over once they are changed.
    """
    rules, remarks = _rules(facts, choices, forms, covered)
    nlu, collisions = _nlu(facts, choices)
    wanted = {"nlu": nlu, "rules": rules}
    if not nlu and not rules:
        return Planned()
    path = f"{folder}/{FILE}"
    said = (*remarks, *collisions)
    document = found.get(path)
    if document is None:
        return Planned(created={path: _new_file(wanted)}, remarks=said)
    edits = [edit for section, values in wanted.items() for edit in _added(document, section, values)]
    return Planned({path: tuple(edits)}, remarks=said)


def _added(document: Document, section: str, values: List[Any]) -> List[Any]:
    return yaml_edits.add_items(document, section, values)


def _new_file(wanted: Mapping[str, List[Any]]) -> str:
    lines = ["# Handing over and coming back: what people say, and what the bot does.", 'version: "3.1"']
    for section, values in wanted.items():
        if values:
            lines += ["", *yaml_edits.block({section: values})]
    return "".join(f"{line}\n" for line in lines)


def _rules(
    facts: Facts, choices: Choices, forms: Tuple[str, ...], covered: Set[Situation]
) -> Tuple[List[Any], List[str]]:
    rules: List[Any] = []
    remarks: List[str] = []
    for form, intent in situations(choices.intents, forms):
        ours = RETURN_ACTION if intent == RETURNED_INTENT else HANDOVER_ACTION
        there = facts.rules.get((form, intent))
        if (form, intent) in covered or (there is not None and ours in there):
            continue
        if there is not None:
            where = f" in {form}" if form else ""
            remarks.append(f"data: a rule for {intent}{where} is there already -> let it end with {ours}")
            continue
        rules.append(_rule(form, intent, choices, facts.names))
    return rules, remarks


def _rule(form: Optional[str], intent: str, choices: Choices, taken: Tuple[str, ...]) -> Dict[str, Any]:
    returning = intent == RETURNED_INTENT
    name = "come back" if returning else "hand over"
    if not returning and len(choices.intents) > 1:
        name += f" ({intent})"
    if form:
        name += f" to {form}" if returning else f" in the middle of {form}"
    while name in taken:
        name = f"handover: {name}"
    actions = (RETURN_ACTION, RETURNED_RESPONSE) if returning else (HANDOVER_RESPONSE, HANDOVER_ACTION)
    steps: List[Dict[str, Any]] = [{"intent": intent}, *({"action": each} for each in actions)]
    rule: Dict[str, Any] = {"rule": name}
    if form:
        rule["condition"] = [{"active_loop": form}]
        steps += [{"action": form}, {"active_loop": form}]
    return {**rule, "steps": steps}


def _nlu(facts: Facts, choices: Choices) -> Tuple[List[Any], List[str]]:
    """Return examples for an intent that has none, and what was left out of them."""
    if any(facts.examples.get(intent) for intent in choices.intents):
        return [], []
    kept, left_out = examples_beside(facts.examples, choices.languages)
    remarks = [
        f'NLU: "{example}" is left out, it is an example of the intent {intent}'
        for example, intent in left_out.items()
    ]
    return [
        {"intent": choices.intents[0], "examples": yaml_edits.Lines(f"- {each}" for each in kept)}
    ], remarks


def examples_beside(
    own: Mapping[str, Tuple[str, ...]], languages: Tuple[str, ...]
) -> Tuple[List[str], Dict[str, str]]:
    """Return the examples of a request for people, and those left out, with the intent that has them.

    *own*: intent -> its examples. As many as the median of these, `ENOUGH` of each language at least: an
    intent with many more than its neighbours takes what belongs to none.
    """
    taken = {_folded(said): intent for intent, examples in own.items() for said in examples}
    usual = median_low([len(each) for each in own.values() if each] or [0])
    count = max(ENOUGH, -(-usual // len(languages)))
    kept: List[str] = []
    left_out: Dict[str, str] = {}
    for language in languages:
        phrases = PHRASES_OF_LANGUAGE[language].examples
        free = [each for each in phrases if _folded(each) not in taken]
        kept += free[:count]
        tried = phrases[: phrases.index(kept[-1])] if free else phrases
        left_out.update({each: taken[_folded(each)] for each in tried if each not in free})
    return kept, left_out


def intents_like_ours(facts: Facts) -> Dict[str, Tuple[str, ...]]:
    """Return the intents that ask for people, as their examples tell: intent -> phrases like ours."""
    ours = {_folded(each) for phrases in PHRASES_OF_LANGUAGE.values() for each in phrases.examples}
    alike = {
        intent: tuple(dict.fromkeys(each for each in said if _folded(each) in ours))
        for intent, said in facts.examples.items()
    }
    return {intent: said for intent, said in alike.items() if len(said) >= _TELLING}


def _folded(text: str) -> str:
    """Return the text as two examples count as the same: letters and digits alone."""
    normal = unicodedata.normalize("NFKC", text).casefold()
    return " ".join("".join(each if each.isalnum() else " " for each in normal).split())
