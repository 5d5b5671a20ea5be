"""Puts the policies into config.yml. Without any, Rasa's own defaults are written out first. No I/O."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Dict, List, Tuple

from handover_channel.project_setup import yaml_edits
from handover_channel.project_setup.edits import Edit
from handover_channel.project_setup.project import CONFIG, NoProject, Planned
from handover_channel.project_setup.yaml_text import Document

POLICY = "handover_channel.HandoverPolicy"
RULE_POLICY = "RulePolicy"
FLOW_POLICY = "FlowPolicy"

#: What `rasa train` of 3.6 uses without `policies`: rasa/engine/recipes/config_files/default_config.yml.
DEFAULTS: Tuple[Dict[str, Any], ...] = (
    {"name": "MemoizationPolicy"},
    {"name": RULE_POLICY},
    {"name": "UnexpecTEDIntentPolicy", "max_history": 5, "epochs": 100},
    {"name": "TEDPolicy", "max_history": 5, "epochs": 100, "constrain_similarities": True},
)

#: Policies that Rasa 3 does not have any more.
OF_RASA_2 = frozenset(
    {
        *("FormPolicy", "MappingPolicy", "FallbackPolicy", "TwoStageFallbackPolicy", "KerasPolicy"),
        *("EmbeddingPolicy", "SklearnPolicy"),
    }
)

#: How the comment begins that `rasa train` leaves where no policies are.
AUTOMATIC = "# # No configuration for policies was provided."


@dataclass(frozen=True)
class Facts:
    """What matters in config.yml."""

    language: str
    policies: Tuple[str, ...]  #: in order; a class of the bot's own by its full path

    @property
    def is_calm(self) -> bool:
        """Whether the bot is one of flows (Rasa Pro), which needs no policy of rules."""
        return any(each.rpartition(".")[2] == FLOW_POLICY for each in self.policies)


def look(document: Document) -> Facts:
    """Find the language and the policies. Raises NoProject for a recipe that lists no policies."""
    recipe = document.section("recipe")
    if recipe is not None and recipe.value.startswith("graph"):
        raise NoProject(
            f"{CONFIG}: recipe {recipe.value} is a graph of your own -> add a node {POLICY} to it by hand, "
            "beside that of RulePolicy"
        )
    section, language = document.section("policies"), document.section("language")
    given = section.items if section is not None else []
    names = [each.get("name") if each.kind == "mapping" else each for each in given]
    return Facts(
        language.value if language is not None and not language.is_null else "en",
        tuple(each.value for each in names if each is not None),
    )


def plan(document: Document, facts: Facts) -> Planned:
    """Add what is missing behind the last policy: HandoverPolicy wins by its priority, wherever it stands."""
    if POLICY in facts.policies:
        return Planned()
    wanted: List[Dict[str, Any]] = []
    if not facts.policies:
        wanted += DEFAULTS
    elif not facts.is_calm and not any(each.rpartition(".")[2] == RULE_POLICY for each in facts.policies):
        wanted.append({"name": RULE_POLICY})
    edits = yaml_edits.add_items(document, "policies", [*wanted, {"name": POLICY}])
    stale = _stale_comment(document) if not facts.policies else ""
    if stale and len(edits) == 1 and document.text.startswith(stale, edits[0].at):
        edits = [Edit(edits[0].at, stale, edits[0].inserted)]
    return Planned({CONFIG: tuple(edits)}, remarks=_remarks(facts))


def _stale_comment(document: Document) -> str:
    """Return what `rasa train` has written about missing policies."""
    key = document.root.key("policies") if document.root is not None else None
    if key is None or document.root is None or document.root.flow:
        return ""
    start = yaml_edits.line_end(document.text, key.end)
    if not document.text.startswith(AUTOMATIC, start):
        return ""
    end = start
    for line in document.text[start:].splitlines(keepends=True):
        if not line.startswith("#"):
            break
        end += len(line)
    return document.text[start:end]


def _remarks(facts: Facts) -> Tuple[str, ...]:
    names = {each.rpartition(".")[2] for each in facts.policies}
    if "MemoizationPolicy" in names and "TEDPolicy" not in names:
        return (
            f"{CONFIG}: MemoizationPolicy without TEDPolicy finds no story after a handover, whose turns are "
            "part of the conversation -> name AugmentedMemoizationPolicy instead",
        )
    return ()
