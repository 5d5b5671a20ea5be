"""Lets the bot's own stories and rules hand over by our actions, where it has an intent of its own for it.

Rasa refuses stories that contradict a rule, and a rule has to begin a handover. So what follows such an
intent becomes our two actions; the action by which the bot handed over so far becomes them anywhere. No I/O.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Dict, List, Mapping, Set, Tuple

from handover_channel.project_setup import yaml_edits
from handover_channel.project_setup.edits import Edit
from handover_channel.project_setup.project import Choices, Planned
from handover_channel.project_setup.training_data import Situation, situation_of
from handover_channel.project_setup.yaml_text import Document, Node
from handover_channel.rules.bot_contract import HANDOVER_ACTION, HANDOVER_INTENT, HANDOVER_RESPONSE

_OUR_STEPS = (HANDOVER_RESPONSE, HANDOVER_ACTION)


@dataclass(frozen=True)
class Facts:
    """What stands in the way of an intent of the bot's own."""

    blocked: Mapping[str, Tuple[str, ...]]  #: intent -> stories that nobody but their author can change


def look(found: Mapping[str, Document], intents: Tuple[str, ...]) -> Facts:
    """Find the stories in which more than actions follows an intent."""
    blocked: Dict[str, List[str]] = {}
    for document in found.values():
        for story in stories_of(document):
            for intent in intents:
                if any(_is_blocked(run) for run in _runs(story, (intent,))) or _in_choice(story, intent):
                    blocked.setdefault(intent, []).append(
                        f"{document.name}, line {document.line(story.start)}"
                    )
    return Facts({intent: tuple(places) for intent, places in blocked.items()})


def plan(found: Mapping[str, Document], choices: Choices) -> Tuple[Planned, Set[Situation]]:
    """Return the edits, and for which situations the bot's own rules hand over then."""
    if choices.intents == (HANDOVER_INTENT,) and not choices.own_actions:
        return Planned(), set()
    edits: Dict[str, Tuple[Edit, ...]] = {}
    covered: Set[Situation] = set()
    remarks: List[str] = []
    for path, document in found.items():
        changed: List[Edit] = []
        lines: List[int] = []
        dropped: List[str] = []
        for story in stories_of(document):
            runs = [run for run in _runs(story, choices.intents) if run.actions]
            changed += [_replaced(document, story, run.actions, run.loop) for run in runs if not run.is_ours]
            done = {id(step) for run in runs for step in run.actions}
            rest = [step for step in _steps(story) if id(step) not in done]
            alone = [step for step in rest if _name(step) in choices.own_actions]
            changed += [_replaced(document, story, [step], "") for step in alone]
            replaced = [*alone, *(step for run in runs if not run.is_ours for step in run.actions)]
            lines += [document.line(story.start)] if replaced else []
            dropped += [name for name in map(_name, replaced) if name not in _OUR_STEPS]
            if runs and story.key("rule") is not None:
                covered |= set(situation_of(story))
        if changed:
            edits[path] = tuple(changed)
            remarks.append(_rewritten(path, lines, list(dict.fromkeys(dropped))))
    return Planned(edits, remarks=tuple(remarks)), covered


def _rewritten(path: str, lines: List[int], dropped: List[str]) -> str:
    """Return the sentence about the stories and rules that hand over from now on."""
    where = f"{path}, line{'s' if len(lines) > 1 else ''} {', '.join(map(str, lines))}"
    gone = f", and no longer run {', '.join(dropped)}" if dropped else ""
    return f"{where}: these stories and rules hand over{gone} -> see that this is what you want"


@dataclass(frozen=True)
class _Run:
    """What follows an intent."""

    actions: List[Node]  #: steps, up to the next that is no action, or the form that goes on
    is_followed: bool  #: by something that only makes sense behind them
    loop: str = ""  #: the form that is active, where it does not go on by itself behind them

    @property
    def is_ours(self) -> bool:
        return HANDOVER_ACTION in map(_name, self.actions)


def stories_of(document: Document) -> List[Node]:
    """Return the stories and rules of a file."""
    sections = [document.section(each) for each in ("stories", "rules")]
    return [each for section in sections if section is not None for each in section.items]


def _steps(story: Node) -> List[Node]:
    steps = story.get("steps")
    return steps.items if steps is not None else []


def _runs(story: Node, intents: Tuple[str, ...]) -> List[_Run]:
    steps, active = _steps(story), _loop_of(story)
    found = []
    for place, step in enumerate(steps):
        active = _loop(step, active)
        intent = step.get("intent")
        if intent is None or intent.value not in intents:
            continue
        end = place + 1
        while end < len(steps) and steps[end].get("action") is not None:
            end += 1
        loop = steps[end].get("active_loop") if end < len(steps) else None
        if loop is not None and end > place + 1 and loop.value == _name(steps[end - 1]):
            found.append(_Run(steps[place + 1 : end - 1], is_followed=loop.value != active))
        else:
            kinds = set(steps[end].names()) if end < len(steps) else set()
            found.append(_Run(steps[place + 1 : end], bool(kinds & {"active_loop", "slot_was_set"}), active))
    return found


def _loop_of(rule: Node) -> str:
    """Return the form in which a rule holds, "" for anywhere."""
    condition, active = rule.get("condition"), ""
    for each in condition.items if condition is not None else []:
        active = _loop(each, active)
    return active


def _loop(step: Node, active: str) -> str:
    """Return the form that is active behind a step."""
    given = step.get("active_loop")
    if given is None:
        return active
    return "" if given.is_null else given.value


def _is_blocked(run: _Run) -> bool:
    return not run.is_ours and (run.is_followed or not run.actions)


def _in_choice(story: Node, intent: str) -> bool:
    choices = [step.get("or") for step in _steps(story)]
    inner = [each for choice in choices if choice is not None for each in choice.items]
    return intent in [given.value for each in inner for given in [each.get("intent")] if given is not None]


def _name(step: Node) -> str:
    action = step.get("action")
    return action.value if action is not None else ""


def _replaced(document: Document, story: Node, steps: List[Node], loop: str) -> Edit:
    """Return the edit that writes our two actions in the place of some steps; the form *loop* goes on."""
    ours = [{"action": each} for each in _OUR_STEPS]
    ours += [{"action": loop}, {"active_loop": loop}] if loop else []
    text, start, end = document.text, steps[0].start, steps[-1].last_leaf().end
    old = text[start:end]
    everything = story.get("steps")
    assert everything is not None  # noqa: S101 - the steps are some of these
    if everything.flow:
        return Edit(start, old, ", ".join(map(yaml_edits.flow, ours)))
    dash = everything.dashes[[id(each) for each in everything.items].index(id(steps[0]))]
    lead = text[dash:start] if text[dash:start].strip() == "-" and "\n" not in text[dash:start] else "- "
    between = document.newline + " " * document.column(dash) + lead
    return Edit(start, old, between.join(line for each in ours for line in yaml_edits.block(each)))
